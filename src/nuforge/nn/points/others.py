"""The nearest of other points: from each point to that of another set, inside its event."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor

from nuforge.events.rows import sort_codes
from nuforge.nn.kernels import library
from nuforge.nn.kernels import others as kernels
from nuforge.nn.points.apart import Floats, Integers, apart
from nuforge.nn.points.arguments import check_length, check_points

_SLACK = 1e-12
_MOST = 2000
"""Distances for each point, in the mean, up to which all are found one by one; beyond, a search tree is faster."""


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
    row = torch.full_like(batch, -1, device="cpu")
    if len(position) and len(others):
        here, there = position.detach().cpu().double(), others.detach().cpu().double()
        of_event = _Others.of(batch.cpu(), others_batch.cpu())
        if library.backend() == "compiled" and of_event.compared <= _MOST * (len(position) + len(others)):
            row = of_event.order[kernels.nearest_other(here, there[of_event.order], of_event.begin, of_event.end)]
            row = torch.where(of_event.begin < of_event.end, row, -1)
        else:
            row = _by_tree(here.numpy(), there.numpy(), batch.cpu().numpy(), others_batch.cpu().numpy(), within)
        distance = torch.where(row >= 0, (here - there[row]).square().sum(1).sqrt(), torch.inf)
    else:
        distance = torch.full((len(position),), torch.inf, dtype=torch.float64, device="cpu")
    if within is not None:
        row, distance = (torch.where(distance <= within, x, none) for x, none in ((row, -1), (distance, torch.inf)))
    return row.to(position.device), distance.to(position.device)


@dataclass(frozen=True)
class _Others:
    """The points to choose from by event: their order (M,), and where in it those of each point's event lie (N,)."""

    order: Tensor
    begin: Tensor
    end: Tensor

    @classmethod
    def of(cls, batch: Tensor, others_batch: Tensor) -> _Others:
        """Those of points of events (N,), among others of events (M,)."""
        events, order = sort_codes(others_batch, int(others_batch.max()) + 1)
        begin, end = (torch.searchsorted(events, batch, right=right) for right in (False, True))
        return cls(order, begin, end)

    @property
    def compared(self) -> int:
        """Pairs of a point and another of its event."""
        return int((self.end - self.begin).sum())


def _by_tree(position: Floats, others: Floats, event: Integers, others_event: Integers, within: float | None) -> Tensor:
    """Rows (N,) of the nearest others of the same event, -1 where there is none, by a search tree."""
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
    return torch.from_numpy(row)


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
