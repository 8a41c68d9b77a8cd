"""Fragments: the pieces that particles were put together from."""

from __future__ import annotations

import torch

from nuforge.events import Table
from nuforge.events.rows import distinct, majority, rows_where
from nuforge.reconstruction.clusters import totals
from nuforge.reconstruction.columns import FRAGMENTS
from nuforge.shapes import Rows
from nuforge.simulation.truth import VoxelClass


def fragments_of(voxels: Table, particles: Table) -> tuple[Rows, Table]:
    """Row of `reco_fragments` of each voxel (V,), -1 for none, and the table.

    Args:
        voxels: With `value`, `cluster` and `reco_fragment` (numbers inside the event, -1 for none), and
            `starts_shower`, the same in a whole fragment, if it is known.
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
    kind = of_particle
    if "kind" in voxels:
        of_voxels = voxels["kind"][known]
        kind = majority(inverse, torch.where(of_voxels == VoxelClass.LOW_ENERGY, -1, of_voxels), n)
    starts = torch.full((n,), torch.nan, device=fragment.device)
    if "starts_shower" in voxels:
        starts[inverse] = voxels["starts_shower"][known].float()
    columns = {
        "kind": torch.where((particle < 0) & ("kind" not in voxels), -1, kind),
        "voxels": counts,
        "energy": totals(voxels["value"][known].double(), inverse, n).float(),
        "particle": particle,
        "starts_shower": starts,
    }
    return row, Table.from_counts(columns, torch.bincount(pieces // codes, minlength=voxels.n_events), about=FRAGMENTS)
