"""Graphs of nearest neighbours: edges to every point from those of its event that are closest."""

from __future__ import annotations

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor

from nuforge.events import offsets_of
from nuforge.nn.points.apart import Floats, Integers, apart
from nuforge.nn.points.arguments import check_count, check_points
from nuforge.nn.points.padding import blocks

_SHORT = 128
"""Points of an event up to which the distances of all pairs are faster than a search tree: 2.5 times with 40."""
_PAIRS = 2**19
"""Pairs of points looked at together: their distances stay in the cache."""


def nearest_graph(position: Tensor, batch: Tensor, k: int, loop: bool = False) -> Tensor:
    """Edges to every point from the k nearest points of its event, or from all others if there are fewer.

    Which of equally distant points count is left to the search. It is exact to the rounding of double precision at the
    length of an event times the D-th root of the number of events.

    Args:
        position: (N, D), searched in double precision.
        batch: The event of each point (N,), in any order.
        k: Neighbours of a point, not counting itself.
        loop: Whether every point has an edge to itself, besides.

    Returns:
        (2, E) int64: source and target of each edge, sorted by target, then distance. So the edges of each target are
        a segment, for the sums of `nuforge.nn.points.segments`.
    """
    check_points(position, batch)
    check_count("k", k)
    found = torch.full((len(batch), 1 + k), -1, device=position.device)
    if loop:
        found[:, 0] = torch.arange(len(batch), device=position.device)
    if len(batch):
        found[:, 1:] = _nearest(position.detach().double(), batch, k)
    target, place = (found >= 0).nonzero(as_tuple=True)
    return torch.stack([found[target, place], target])


def _nearest(position: Tensor, batch: Tensor, k: int) -> Tensor:
    """Rows (N, k) of the nearest points by distance, -1 where there are no more."""
    order = None
    if bool((batch.diff() < 0).any()):
        batch, order = batch.sort(stable=True)
        position = position[order]
    counts = torch.bincount(batch)
    found = torch.full((len(batch), k), -1, device=position.device)
    _among_all(position, counts, k, found)
    rows = (counts > _SHORT)[batch].nonzero().flatten()
    if len(rows):
        of_long = _by_tree(position[rows].cpu().numpy(), batch[rows].cpu().numpy(), k)
        found[rows] = torch.where(of_long >= 0, rows[of_long], -1)
    if order is None:
        return found
    return torch.empty_like(found).index_copy_(0, order, torch.where(found >= 0, order[found], -1))


def _among_all(position: Tensor, counts: Tensor, k: int, found: Tensor) -> None:
    """Write rows of the nearest points in short events into `found` (N, k), from the distances of all pairs."""
    for block in blocks(offsets_of(counts), _SHORT, _PAIRS):
        points = position[block.rows]
        square = points.new_zeros(*block.rows.shape, block.rows.shape[1])
        for axis in points.unbind(2):
            step = axis[:, :, None] - axis[:, None, :]
            square.addcmul_(step, step)
        square.diagonal(dim1=1, dim2=2).fill_(torch.inf)
        if block.valid is not None:
            square.masked_fill_(~block.valid[:, None, :], torch.inf)
        away, place = square.topk(min(k, square.shape[2]), largest=False)
        rows = (place + block.rows[:, :1, None]).masked_fill_(away.isinf(), -1)  # rows of an event follow each other
        mine = slice(None) if block.valid is None else block.valid
        found[block.rows[mine], : rows.shape[2]] = rows[mine]


def _by_tree(position: Floats, event: Integers, k: int) -> Tensor:
    """Rows (N, k) of the nearest points by distance, -1 where there are no more, from a search tree."""
    n = len(position)
    size = float(np.linalg.norm(position.max(axis=0) - position.min(axis=0)))
    gap = 2 * size + 1  # whoever is of the same event is nearer than anyone else
    moved = apart(position, event, gap)
    asked = min(k + 1, n)
    _, found = cKDTree(moved).query(moved, asked, distance_upper_bound=gap - size / 2, workers=torch.get_num_threads())
    found = found.reshape(n, asked).astype(np.int64)
    found[found == n] = -1
    own = found == np.arange(n)[:, None]
    own[~own.any(axis=1), -1] = True  # more points at one place than were asked for: any of them may be left out
    rows = np.full((n, k), -1)
    rows[:, : asked - 1] = found[~own].reshape(n, asked - 1)
    return torch.from_numpy(rows)
