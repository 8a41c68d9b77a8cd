"""Graphs of nearest neighbours: edges to every point from those of its event that are closest."""

from __future__ import annotations

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor

from nuforge.events import offsets_of
from nuforge.nn.kernels import library
from nuforge.nn.kernels import nearest as kernels
from nuforge.nn.points.apart import Floats, Integers, apart
from nuforge.nn.points.arguments import check_count, check_points
from nuforge.nn.points.padding import blocks

_SHORT = {"compiled": 1024, "torch": 128}
"""Points of an event up to which the distances of all pairs are faster than a search tree, by what looks at them."""
_PAIRS = 2**17
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
    found = np.full((len(batch), 1 + k), -1)
    if loop:
        found[:, 0] = np.arange(len(batch))
    if len(batch):
        found[:, 1:] = _nearest(position.detach().cpu().double().numpy(), batch.cpu().numpy(), k)
    target, place = np.nonzero(found >= 0)
    return torch.from_numpy(np.stack([found[target, place], target])).to(position.device)


def _nearest(position: Floats, event: Integers, k: int) -> Integers:
    """Rows (N, k) of the nearest points by distance, -1 where there are no more."""
    if (np.diff(event) >= 0).all():
        return _nearest_of_sorted(position, event, k)
    order = np.argsort(event, kind="stable")
    found = _nearest_of_sorted(position[order], event[order], k)
    given = np.empty_like(found)
    given[order] = np.where(found >= 0, order[found], -1)
    return given


def _nearest_of_sorted(position: Floats, event: Integers, k: int) -> Integers:
    """The same, if the rows of an event follow each other."""
    counts = np.bincount(event)
    offsets, longest = offsets_of(torch.from_numpy(counts)), _SHORT[library.backend()]
    if library.backend() == "compiled":
        found: Integers = kernels.nearest(torch.from_numpy(position), offsets, k, longest).numpy()
    else:
        found = _among_all(position, offsets, k, longest)
    rows = np.flatnonzero((counts > longest)[event])
    if len(rows):
        of_long = _by_tree(position[rows], event[rows], k)
        found[rows] = np.where(of_long >= 0, rows[of_long], -1)
    return found


def _among_all(position: Floats, offsets: Tensor, k: int, longest: int) -> Integers:
    """Rows (N, k) of the nearest points in events that are not longer, from the distances of all pairs."""
    found = np.full((len(position), k), -1)
    for block in blocks(offsets, longest, _PAIRS):
        rows = block.rows.numpy()
        square = np.zeros((*rows.shape, rows.shape[1]))
        for axis in np.moveaxis(position[rows], 2, 0):
            step = axis[:, :, None] - axis[:, None, :]
            square += np.square(step, out=step)
        own = np.arange(rows.shape[1])
        square[:, own, own] = np.inf
        if block.valid is not None:
            np.copyto(square, np.inf, where=~block.valid.numpy()[:, None, :])
        place = np.argsort(square, axis=2)[:, :, :k]  # numpy sorts rows faster than torch finds their smallest
        nearest = place + rows[:, :1, None]  # rows of an event follow each other
        nearest[np.isinf(np.take_along_axis(square, place, axis=2))] = -1
        mine = slice(None) if block.valid is None else block.valid.numpy()
        found[rows[mine], : nearest.shape[2]] = nearest[mine]
    return found


def _by_tree(position: Floats, event: Integers, k: int) -> Integers:
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
    return rows
