"""Fragments: the pieces that particles were put together from."""

from __future__ import annotations

import torch
from jaxtyping import Int
from torch import Tensor

from nuforge.events import Table
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
    known = (fragment >= 0).nonzero().flatten()
    pairs = torch.stack([voxels.batch[known], fragment[known]], dim=1)
    pieces, inverse = torch.unique(pairs, dim=0, return_inverse=True)
    row = torch.full_like(fragment, -1)
    row[known] = inverse
    n = len(pieces)
    particle = majority(inverse, voxels["cluster"][known], n)
    of_particle = particles["kind"][particle.clamp(min=0)] if len(particles) else torch.full_like(particle, -1)
    kind = majority(inverse, voxels["kind"][known], n) if "kind" in voxels else of_particle
    columns = {
        "kind": torch.where((particle < 0) & ("kind" not in voxels), -1, kind),
        "voxels": torch.bincount(inverse, minlength=n),
        "energy": totals(voxels["value"][known].double(), inverse, n).float(),
        "particle": particle,
    }
    return row, Table.from_counts(columns, torch.bincount(pieces[:, 0], minlength=voxels.n_events), about=FRAGMENTS)


def majority(group: Int[Tensor, " v"], value: Int[Tensor, " v"], n: int) -> Int[Tensor, " n"]:
    """The most frequent value >= 0 (n,) in each group, the least of equally frequent ones; -1 where there is none."""
    known = (value >= 0).nonzero().flatten()
    pairs, counts = torch.unique(torch.stack([group[known], value[known]], dim=1), dim=0, return_counts=True)
    order = counts.argsort(stable=True, descending=True)
    order = order[pairs[order, 0].argsort(stable=True)]
    sorted_groups = pairs[order, 0]
    first = torch.ones(len(order), dtype=torch.bool)
    first[1:] = sorted_groups[1:] != sorted_groups[:-1]
    winner = torch.full((n,), -1)
    winner[sorted_groups[first]] = pairs[order[first], 1]
    return winner
