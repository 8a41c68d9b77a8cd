"""Fragments: the pieces that particles were put together from."""

from __future__ import annotations

import torch
from jaxtyping import Int
from torch import Tensor

from nuforge.events import Table
from nuforge.events.rows import distinct, rows_where
from nuforge.reconstruction.clusters import totals
from nuforge.reconstruction.columns import FRAGMENTS
from nuforge.shapes import Rows


def fragments_of(voxels: Table, particles: Table) -> tuple[Rows, Table]:
    """Row of `reco_fragments` of each voxel (V,), -1 for none, and the table.

    Args:
        voxels: With `value`, `cluster` and `reco_fragment` (numbers inside the event, -1 for none).
        particles: `reco_particles`, which `cluster` numbers.
    """
    fragment = voxels["reco_fragment"]
    known = rows_where(fragment >= 0)
    codes = int(fragment.max()) + 1 if len(known) else 1
    pieces, inverse, counts = distinct(voxels.batch[known] * codes + fragment[known], voxels.n_events * codes)
    row = torch.full_like(fragment, -1)
    row[known] = inverse
    n = len(pieces)
    particle = majority(inverse, voxels["cluster"][known], n)
    of_particle = particles["kind"][particle.clamp(min=0)] if len(particles) else torch.full_like(particle, -1)
    kind = majority(inverse, voxels["kind"][known], n) if "kind" in voxels else of_particle
    columns = {
        "kind": torch.where((particle < 0) & ("kind" not in voxels), -1, kind),
        "voxels": counts,
        "energy": totals(voxels["value"][known].double(), inverse, n).float(),
        "particle": particle,
    }
    return row, Table.from_counts(columns, torch.bincount(pieces // codes, minlength=voxels.n_events), about=FRAGMENTS)


def majority(group: Int[Tensor, " v"], value: Int[Tensor, " v"], n: int) -> Int[Tensor, " n"]:
    """The most frequent value >= 0 (n,) in each group, the least of equally frequent ones; -1 where there is none."""
    known = rows_where(value >= 0)
    codes = int(value.max()) + 1 if len(known) else 1
    cells, _, counts = distinct(group[known] * codes + value[known], n * codes)
    of, of_value = cells // codes, cells % codes
    most = counts.new_zeros(n).scatter_reduce(0, of, counts, "amax")
    best = counts == most[of]
    winner = counts.new_full((n,), codes).scatter_reduce(0, of[best], of_value[best], "amin")
    return torch.where(winner == codes, -1, winner)
