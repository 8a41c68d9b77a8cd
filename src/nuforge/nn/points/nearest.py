"""Graphs of nearest neighbours: edges to every point from those of its event that are closest."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.spatial import cKDTree
from torch import Tensor

from nuforge.nn.points.apart import Floats, Integers, apart
from nuforge.nn.points.arguments import check_count, check_points


def nearest_graph(
    position: Float[Tensor, "n d"], batch: Int[Tensor, " n"], k: int, loop: bool = False
) -> Int[Tensor, "2 e"]:
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
    found = _nearest(position.detach().cpu().double().numpy(), batch.cpu().numpy(), k)
    if loop:
        found[:, 0] = np.arange(len(found))
    target, place = np.nonzero(found >= 0)
    return torch.from_numpy(np.stack([found[target, place], target])).to(position.device)


def _nearest(position: Floats, event: Integers, k: int) -> Integers:
    """Rows (N, 1 + k): of each point nothing (-1), then its nearest points by distance, then nothing."""
    n = len(position)
    if not n:
        return np.zeros((0, 1 + k), np.int64)
    size = float(np.linalg.norm(position.max(axis=0) - position.min(axis=0)))
    gap = 2 * size + 1  # whoever is of the same event is nearer than anyone else
    moved = apart(position, event, gap)
    asked = min(k + 1, n)
    _, found = cKDTree(moved).query(moved, asked, distance_upper_bound=gap - size / 2, workers=torch.get_num_threads())
    found = found.reshape(n, asked).astype(np.int64)
    found[found == n] = -1
    own = found == np.arange(n)[:, None]
    crowded = ~own.any(axis=1)  # more points at one place than were asked for: any of them may be left out
    own[crowded, -1] = True
    rows = np.full((n, 1 + k), -1)
    rows[:, 1:asked] = found[~own].reshape(n, asked - 1)
    return rows
