"""The nearest of other points: from each point to that of another set, inside its event."""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor

from nuforge.nn.points.apart import Floats, Integers, apart
from nuforge.nn.points.arguments import check_length, check_points

_SLACK = 1e-12


def nearest_other(
    position: Tensor, batch: Tensor, others: Tensor, others_batch: Tensor, within: float | None = None
) -> tuple[Tensor, Tensor]:
    """Row (N,) int64 of the nearest other point of the same event, and its distance (N,) float64.

    Where there is none, -1 and infinity. Of equally distant points, as voxels often are, it is that of the lowest row,
    so that the answer for an event does not depend on what else is in the batch.

    Args:
        position: (N, D), searched in double precision.
        batch: The event of each point (N,), in any order.
        others: (M, D) the points to choose from.
        others_batch: Their events (M,), in any order.
        within: Look no farther than this, in the unit of the positions; a point just at it is found.
    """
    check_points(position, batch)
    check_points(others, others_batch)
    if within is not None:
        check_length("within", within)
    row, distance = np.full(len(position), -1), np.full(len(position), np.inf)
    if len(position) and len(others):
        here, there = position.detach().cpu().double().numpy(), others.detach().cpu().double().numpy()
        row, distance = _nearest_other(here, there, batch.cpu().numpy(), others_batch.cpu().numpy(), within)
    return torch.from_numpy(row).to(position.device), torch.from_numpy(distance).to(position.device)


def _nearest_other(
    position: Floats, others: Floats, event: Integers, others_event: Integers, within: float | None
) -> tuple[Integers, Floats]:
    """The same for arrays that are not empty."""
    both = np.concatenate([position, others])
    size = float(np.linalg.norm(both.max(axis=0) - both.min(axis=0)))
    reach = size if within is None else min(within, size)
    moved = apart(both, np.concatenate([event, others_event]), 2 * reach + 1)
    slack = _SLACK * float(np.abs(moved).max())
    bound = reach + 0.25 + slack  # farther than what is asked, nearer than other events
    tree, asked = cKDTree(moved[len(position) :]), moved[: len(position)]
    near, rows = tree.query(asked, k=2, distance_upper_bound=bound)
    row = rows[:, 0].astype(np.int64)
    found = row < len(others)
    row[~found] = -1
    tied = np.flatnonzero(found & (near[:, 1] <= near[:, 0] + 2 * slack))
    row[tied] = _first_of_ties(tree, asked[tied], position[tied], others, near[tied, 0] + 2 * slack)
    distance = np.where(found, np.linalg.norm(position - others[row], axis=1), np.inf)
    far = distance > (math.inf if within is None else within)
    row[far], distance[far] = -1, np.inf
    return row, distance


def _first_of_ties(tree: cKDTree, asked: Floats, position: Floats, others: Floats, within: Floats) -> Integers:
    """The lowest row (T,) of the nearest of the others, of those that the tree finds within a distance (T,)."""
    if not len(asked):
        return np.zeros(0, np.int64)
    near = tree.query_ball_point(asked, within)
    counts = np.array([len(rows) for rows in near])
    rows = np.concatenate([np.asarray(rows, np.int64) for rows in near])
    of = np.repeat(np.arange(len(asked)), counts)
    square = np.square(position[of] - others[rows]).sum(axis=1)
    order = np.lexsort((rows, square, of))
    first: Integers = rows[order[np.cumsum(counts) - counts]]
    return first
