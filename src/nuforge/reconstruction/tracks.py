"""Tracks: everything that is known of those clusters alone that are tracks."""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from nuforge.detectors import TimeProjectionChamber
from nuforge.reconstruction.calorimetry import stopping_power_of, track_energy
from nuforge.reconstruction.clusters import Clusters
from nuforge.reconstruction.containment import wall_distance
from nuforge.reconstruction.open_end import OpenEnds, most_likely, open_ends, probabilities
from nuforge.reconstruction.paths import LENGTH_SPREAD, Paths, paths_of
from nuforge.reconstruction.profiles import Profiles, visible_profiles
from nuforge.reconstruction.range_momentum import momentum_of_range
from nuforge.reconstruction.scattering_momentum import momentum_of_scattering
from nuforge.reconstruction.showers import start_directions
from nuforge.reconstruction.stopping import stopping_chi2

REACH = 5.0
"""cm from its ends within which voxels give a track's directions."""


def profiles_of(clusters: Clusters, paths: Paths, detector: TimeProjectionChamber) -> Profiles:
    """dE/dx in steps along the paths of tracks, recombination taken out."""
    seen = visible_profiles(clusters, paths)
    return replace(seen, stopping_power=stopping_power_of(seen.visible, detector))


def track_columns(
    clusters: Clusters, start: Float[Tensor, "c 3"], detector: TimeProjectionChamber, margin: float
) -> tuple[dict[str, Tensor], OpenEnds]:
    """Columns of `reco_particles` of tracks, and what dE/dx says of their ends.

    They are NaN or of no meaning in the rows of other clusters.

    Args:
        clusters: The voxels of tracks alone (`Clusters.of`).
        start: (C, 3) cm, about where they start; NaN if unknown.
        detector: Walls, material, recombination and field.
        margin: cm from a wall within which a track has left.
    """
    n, material = len(clusters), detector.material
    paths = paths_of(clusters, start)
    stops = wall_distance(paths.end.nan_to_num(nan=torch.inf), detector) > margin
    stopped = torch.where(stops, paths.length, torch.nan)
    length_error = LENGTH_SPREAD * clusters.voxel
    momenta, errors = momentum_of_range(stopped, length_error, material)
    scattering = momentum_of_scattering(paths, material)
    profiles = profiles_of(clusters, paths, detector)
    chi2, steps = stopping_chi2(profiles, n, material)
    energy, energy_error = track_energy(profiles, n)
    ends = open_ends(profiles, paths.length, stops, material)
    is_track = paths.length.isfinite()[:, None]
    start_momentum = most_likely(ends)
    columns = {
        "start": torch.where(start.isfinite().all(dim=1, keepdim=True), start, paths.start),
        "end": paths.end,
        "start_direction": start_directions(clusters, paths.start, REACH),
        "end_direction": -start_directions(clusters, paths.end, REACH),
        "length": paths.length,
        "length_error": torch.where(paths.length.isfinite(), length_error, torch.nan),
        "stops": stops,
        "range_momentum": momenta,
        "range_momentum_error": errors,
        "scattering_momentum": scattering.value,
        "scattering_momentum_low": scattering.low,
        "scattering_momentum_high": scattering.high,
        "calorimetric_energy": energy,
        "calorimetric_energy_error": energy_error,
        "stopping_chi2": torch.where(stops[:, None], chi2, torch.nan),
        "stopping_steps": steps,
        "stop_probability": torch.where(is_track, probabilities(ends)[:, :, 0], torch.nan),
        "open_end_momentum": start_momentum.value,
        "open_end_momentum_low": start_momentum.low,
        "open_end_momentum_high": start_momentum.high,
    }
    return columns, ends
