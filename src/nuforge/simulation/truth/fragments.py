"""Fragments: the connected pieces that the voxels of one deposit and one class fall into."""

import numpy as np
import torch

from nuforge.events import Events, Table
from nuforge.events.connected import connected
from nuforge.simulation.truth.classes import VoxelClass


def label_fragments(events: Events) -> Events:
    """These events with `voxels.fragment` and the table `fragments` (label, particle).

    A fragment is a set of voxels of one deposit and one class joined through any of 26 neighbours. Low-energy and
    unknown voxels belong to none (-1). Fragments are in the order of their first voxels.

    Args:
        events: Events with `voxels` (index, label, deposit) and `particles`.
    """
    voxels = events["voxels"]
    label, deposit, index = (voxels[name].cpu().numpy() for name in ("label", "deposit", "index"))
    rows = np.flatnonzero((label >= 0) & (label != VoxelClass.LOW_ENERGY) & (deposit >= 0))
    code = deposit[rows] * len(VoxelClass) + label[rows]
    is_used = np.zeros(int(code.max(initial=-1)) + 1, np.int64)
    is_used[code] = 1
    piece = connected(is_used.cumsum()[code] - 1, index[rows])
    backwards = np.arange(len(rows))[::-1]
    first = np.zeros(int(piece.max(initial=-1)) + 1, np.int64)
    first[piece[backwards]] = backwards
    order = first.argsort()
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))

    fragment = np.full(len(label), -1)
    fragment[rows] = rank[piece]
    voxel = torch.from_numpy(rows[first[order]]).to(events.device)
    fragments = {"label": voxels["label"][voxel], "particle": voxels["deposit"][voxel]}
    counts = torch.bincount(voxels.batch[voxel], minlength=len(events))
    named = voxels.with_columns({"fragment": torch.from_numpy(fragment).to(events.device)})
    return Events({**events.tables, "voxels": named, "fragments": Table.from_counts(fragments, counts)})
