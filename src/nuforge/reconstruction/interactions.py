"""Interactions: particles of one group, their vertex and their sums."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Int
from torch import Tensor

from nuforge.events import Table
from nuforge.reconstruction.clusters import totals
from nuforge.reconstruction.columns import INTERACTIONS
from nuforge.reconstruction.hypotheses import Species
from nuforge.reconstruction.vertex import Primaries, vertices
from nuforge.shapes import Mask, Rows
from nuforge.simulation.truth.classes import VoxelClass


def interaction_numbers(group: Int[Tensor, " c"], clusters: Table) -> tuple[Int[Tensor, " c"], Int[Tensor, " b"]]:
    """Row of the interaction (C,) of each cluster, -1 for none, and the interactions of each event (B,).

    Args:
        group: (C,) number of the group inside its event, -1 for none; any numbers.
        clusters: Their table.
    """
    known = (group >= 0).nonzero().flatten()
    pairs = torch.stack([clusters.batch[known], group[known]], dim=1)
    groups, inverse = torch.unique(pairs, dim=0, return_inverse=True)
    number = torch.full_like(group, -1)
    number[known] = inverse
    return number, torch.bincount(groups[:, 0], minlength=clusters.n_events)


def interactions_of(columns: Mapping[str, Tensor], counts: Rows) -> Table:
    """The table `reco_interactions` from the columns of `reco_particles` and the interactions of each event (B,)."""
    n = int(counts.sum())
    mine = (columns["interaction"] >= 0).nonzero().flatten()
    interaction = columns["interaction"][mine]
    counted = is_counted_primary(columns["primary"], columns["kind"], columns["interaction"], n)
    vertex, error = vertices(_primaries(columns, counted), n)
    outside = totals((~columns["contained"][mine]).long(), interaction, n)
    found = {
        "vertex": vertex.float(),
        "vertex_error": error.float(),
        "particles": torch.bincount(interaction, minlength=n),
        "primaries": totals(counted[mine].long(), interaction, n),
        "contained": outside == 0,
        "energy": totals(columns["energy"][mine], interaction, n).float(),
        "calorimetric_energy": totals(columns["calorimetric_energy"][mine].nan_to_num(), interaction, n).float(),
    }
    return Table.from_counts(found, counts, about=INTERACTIONS)


def is_counted_primary(primary: Rows, kind: Rows, interaction: Rows, n: int) -> Mask:
    """Which particles (C,) count as primaries: those said to be, or all showers and tracks where nothing is said."""
    inside = interaction >= 0
    said = totals((inside & (primary >= 0)).long(), interaction.clamp(min=0), max(n, 1)) > 0
    showing = (kind == VoxelClass.SHOWER) | (kind == VoxelClass.TRACK)
    return inside & torch.where(said[interaction.clamp(min=0)], primary == 1, showing)


def _primaries(columns: Mapping[str, Tensor], counted: Mask) -> Primaries:
    """Primaries sorted by interaction."""
    rows = counted.nonzero().flatten()
    rows = rows[columns["interaction"][rows].argsort(stable=True)]
    return Primaries(
        interaction=columns["interaction"][rows],
        start=columns["start"][rows].double(),
        direction=columns["start_direction"][rows].double(),
        is_shower=columns["kind"][rows] != VoxelClass.TRACK,
        is_photon=columns["pid"][rows] == Species.PHOTON,
        size=columns["voxels"][rows].double(),
    )
