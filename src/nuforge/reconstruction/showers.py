"""Showers: direction and dE/dx at the start."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from nuforge.reconstruction.clusters import Clusters, principal_axis, unit
from nuforge.shapes import Scalars

REACH = 8.0
"""cm from the start within which voxels give a direction. On simulated showers 4 cm is better by a third if the start
is exact; 8 cm forgives a start that is off by two voxels."""
TRUNK = 3.0
"""cm from the start along which dE/dx is taken: before the first bremsstrahlung of most electrons."""
RADIUS = 1.2
"""cm from the axis within which the charge of the trunk lies, diffusion included."""


def start_directions(clusters: Clusters, start: Float[Tensor, "c 3"], reach: float = REACH) -> Float[Tensor, "c 3"]:
    """Unit vectors (C, 3) along which clusters leave their start: the axis through it about which energy spreads least.

    Args:
        clusters: Clusters.
        start: (C, 3) cm.
        reach: cm from the start within which voxels count.

    Returns:
        Away from the start; NaN without voxels beside the start, or without a start.
    """
    group, n = clusters.cluster, len(clusters)
    step = clusters.position - start[group]
    weight = torch.where(step.norm(dim=1) <= reach, clusters.value.clamp(min=0), 0.0)
    axis = principal_axis(clusters.position, weight, group, n, origin=start)
    mean = clusters.total(weight[:, None] * step)
    return unit(axis * torch.where((axis * mean).sum(1) < 0, -1.0, 1.0)[:, None])


def start_energy(clusters: Clusters, start: Float[Tensor, "c 3"], direction: Float[Tensor, "c 3"]) -> Scalars:
    """Energy per cm (C,) that voxels show in the first `TRUNK` cm, within `RADIUS` of the axis; NaN where nothing is.

    Voxels up to one voxel behind the start count, since charge diffuses there too.
    """
    group = clusters.cluster
    step = clusters.position - start[group]
    depth = (step * direction[group]).sum(1)
    across = (step - depth[:, None] * direction[group]).norm(dim=1)
    inside = (depth >= -clusters.voxel) & (depth < TRUNK) & (across < RADIUS)
    energy = clusters.total(torch.where(inside, clusters.value, 0.0))
    return torch.where(energy > 0, energy / TRUNK, torch.nan)
