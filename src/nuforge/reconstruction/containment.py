"""Containment: how far from the walls everything is."""

from __future__ import annotations

import torch

from nuforge.detectors import Detector
from nuforge.reconstruction.clusters import Clusters, extremes
from nuforge.shapes import Points, Scalars

MARGIN = 1.5
"""cm from a wall within which a particle may have left: five voxels, the dead edge that diffusion and the last step
leave open."""


def wall_distance(position: Points, detector: Detector) -> Scalars:
    """Distance (N,) cm of positions (N, 3) to the nearest wall of the volume they are in; negative outside of all."""
    best = position.new_full((len(position),), -torch.inf)
    for volume in detector.volumes:
        lower, upper = position.new_tensor(volume.lower), position.new_tensor(volume.upper)
        best = best.maximum(torch.minimum(position - lower, upper - position).amin(dim=1))
    return best


def least_wall_distance(clusters: Clusters, detector: Detector) -> Scalars:
    """Least distance (C,) cm of a cluster's voxels (their centres) to a wall; NaN without voxels."""
    least = extremes(wall_distance(clusters.position, detector), clusters.cluster, len(clusters), "amin")
    return torch.where(clusters.counts > 0, least, torch.nan)
