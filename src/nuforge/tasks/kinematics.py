"""Kinematics: how near are reconstructed energies, directions and vertices to the true ones, and do intervals hold?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from nuforge.errors import InputError
from nuforge.events import Events, Table
from nuforge.events.rows import looked_up, rows_where
from nuforge.metrics.regression import coverage, coverage_counts, half_width, residual_counts, residual_quantile
from nuforge.physics.kinematics import kinetic_of
from nuforge.physics.particles import mass_of
from nuforge.simulation.truth import identification
from nuforge.tasks.task import Measured

_ENERGY, _ANGLE, _VERTEX = 0.1, 5.0, 0.5
"""About the widths that are expected: of relative energies, of angles in degrees, of vertices in cm."""
_SHARE = 0.6827
_DISTANCES = ("median vertex distance", "68 % vertex distance")
_NAMES = ("energy bias of", "energy resolution of", "energy coverage of", "direction resolution of")


class Kinematics(Measured):
    """Energies and directions of reconstructed particles, and vertices of interactions; it has nothing to learn.

    A reconstructed particle is matched to the true one that most of its voxels belong to, if that one has most of its
    own voxels there; interactions alike. What is not reconstructed (NaN) does not count here: `assigned` says how
    often.

    Figures, for each true identity: median and 68 % half-width of (reconstructed - true) / true kinetic energy, the
    share of true energies within one standard error, the angle (degrees) within which 68 % of the directions lie; of
    vertices the median and the 68 % quantile of the distance (cm).

    Args:
        identities: Names of what particles are.
    """

    name = "kinematics"
    needs = ("voxels.deposit", "particles.momentum", "particles.interaction", "interactions.vertex")

    def __init__(self, identities: Sequence[str]) -> None:
        super().__init__()
        if not identities:
            raise InputError("kinematics needs the names of identities, got none; photon, electron, muon, pion, proton")
        self.identities = tuple(identities)
        bias, width, share, angle = ([f"{name} {identity}" for identity in self.identities] for name in _NAMES)
        self.lower_is_better = (*_DISTANCES, *width, *angle)
        self.neutral = (*bias, *share)
        self.units = {**dict.fromkeys(_DISTANCES, "cm"), **dict.fromkeys(angle, "degrees")}

    def statistics(self, events: Events, prediction: Mapping[str, Table]) -> Mapping[str, Tensor]:
        """Per event, for each identity: `energy` and `direction` (B, K, bins), `inside` and `energy_known` (B, K, 2);
        `vertex` (B, bins).

        Args:
            events: With truth.
            prediction: `voxels.reco_particle`, `reco_particles` (interaction, kinetic_energy, kinetic_energy_error,
                start_direction) and `reco_interactions` (vertex).
        """
        voxels, particles, n = events["voxels"], events["particles"], len(events)
        reco, found = prediction["reco_particles"], prediction["voxels"]["reco_particle"]
        mine, true = matched(found, voxels["deposit"])
        identity = identification(particles)[true]
        mine, true, identity = (rows[identity >= 0] for rows in (mine, true, identity))
        cell, k = reco.batch[mine] * len(self.identities) + identity, len(self.identities)
        momentum = particles["momentum"][true].double()
        energy = kinetic_of(momentum.norm(dim=1), mass_of(particles["pdg"][true]))
        guess, error = (reco[name][mine].double() for name in ("kinetic_energy", "kinetic_energy_error"))
        known = guess.isfinite() & (energy > 0)
        sure = known & error.isfinite()
        away = ((guess - energy) / energy)[known]
        angle = _angle(reco["start_direction"][mine].double(), momentum)
        seen = angle.isfinite()
        return {
            "energy": residual_counts(away, cell[known], n * k, _ENERGY).view(n, k, -1),
            "energy_known": coverage_counts(known, cell, n * k).view(n, k, 2),
            "inside": coverage_counts(((guess - energy).abs() <= error)[sure], cell[sure], n * k).view(n, k, 2),
            "direction": residual_counts(angle[seen], cell[seen], n * k, _ANGLE).view(n, k, -1),
            "vertex": self._vertices(events, prediction),
        }

    def _vertices(self, events: Events, prediction: Mapping[str, Table]) -> Tensor:
        """Distances of vertices (B, bins)."""
        voxels, interactions = events["voxels"], prediction["reco_interactions"]
        found = looked_up(prediction["reco_particles"]["interaction"], prediction["voxels"]["reco_particle"])
        mine, true = matched(found, looked_up(events["particles"]["interaction"], voxels["deposit"]))
        apart = (interactions["vertex"][mine] - events["interactions"]["vertex"][true]).double().norm(dim=1)
        seen = apart.isfinite()
        return residual_counts(apart[seen], interactions.batch[mine][seen], len(events), _VERTEX)

    def figures(self, sums: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Figures of merit (R,) from statistics summed over events."""
        distances = (residual_quantile(sums["vertex"], share, _VERTEX) for share in (0.5, _SHARE))
        figures = dict(zip(_DISTANCES, distances, strict=True))
        for i, identity in enumerate(self.identities):
            energy, angle = sums["energy"][..., i, :], sums["direction"][..., i, :]
            values = (
                residual_quantile(energy, 0.5, _ENERGY),
                half_width(energy, _ENERGY),
                coverage(sums["inside"][..., i, :]),
                residual_quantile(angle, _SHARE, _ANGLE),
            )
            figures |= {f"{name} {identity}": value for name, value in zip(_NAMES, values, strict=True)}
            figures[f"energy known of {identity}"] = coverage(sums["energy_known"][..., i, :])
        return figures


def matched(found: Tensor, true: Tensor) -> tuple[Tensor, Tensor]:
    """Pairs (M,), (M,) of a found and a true group that share more rows with each other than with any other.

    Args:
        found: Found group of each row (N,) int64, -1 for none; groups are numbered through all events.
        true: True group of each row (N,).
    """
    both = rows_where((found >= 0) & (true >= 0))
    step = int(true.max()) + 1 if len(true) else 1
    code, shared = torch.unique(found[both] * step + true[both], return_counts=True)
    ours, theirs = code // step, code % step
    return _best(ours, theirs, shared)


def _best(ours: Tensor, theirs: Tensor, shared: Tensor) -> tuple[Tensor, Tensor]:
    """The pairs in which each is the other's partner that shares most, the first of equals."""
    rank = torch.arange(len(shared), device=shared.device)
    key = shared * len(shared) + (len(shared) - 1 - rank)  # no two are equal
    kept = torch.ones_like(key, dtype=torch.bool)
    for side in (ours, theirs):
        most = key.new_zeros(int(side.max()) + 1 if len(side) else 0).scatter_reduce(0, side, key, "amax")
        kept &= key == most[side]
    return ours[kept], theirs[kept]


def _angle(one: Tensor, other: Tensor) -> Tensor:
    """Angle in degrees (N,) between vectors (N, 3), NaN if one has no direction."""
    across = torch.linalg.cross(one, other).norm(dim=1)
    angle = torch.rad2deg(torch.atan2(across, (one * other).sum(1)))
    return torch.where((one.norm(dim=1) > 0) & (other.norm(dim=1) > 0), angle, torch.nan)
