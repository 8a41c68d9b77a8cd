"""Graphs of clusters: edges between clusters of an event that come close, and where they do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor

from nuforge.errors import InputError
from nuforge.events import offsets_of
from nuforge.nn.kernels import closest as kernels
from nuforge.nn.kernels import library
from nuforge.nn.points.apart import Floats, Integers
from nuforge.nn.points.arguments import check_length, check_points
from nuforge.nn.points.members import Members

_SLACK = 1e-9  # what a search tree may round differently, relative


@dataclass(frozen=True, eq=False)
class ClosestPairs:
    """Edges between clusters, and their closest points.

    Args:
        edges: Two clusters of each edge (2, E) int64, the lower number first, sorted by it, then by the other; each
            pair of clusters once.
        points: Rows of the closest points of either (2, E) int64. Of equally close points, those of the lowest row of
            the first cluster, then of the second.
        distance: Between these points (E,) float64, in the unit of the positions.
    """

    edges: Tensor
    points: Tensor
    distance: Tensor

    def __len__(self) -> int:
        return len(self.distance)

    def nearest(self, most: int) -> ClosestPairs:
        """The edges that are among the `most` shortest of either of their clusters, of equal ones the first."""
        end = self.edges.flatten()
        order = self.distance.repeat(2).argsort(stable=True)
        order = order[end[order].argsort(stable=True)]
        begin = offsets_of(torch.bincount(end))[:-1]
        rank = torch.empty_like(end)
        rank[order] = torch.arange(len(end), device=end.device) - begin[end[order]]
        kept = (rank.view(2, -1) < most).any(0)
        return ClosestPairs(self.edges[:, kept], self.points[:, kept], self.distance[kept])


def closest_pairs(
    position: Tensor,
    clusters: Members,
    batch: Tensor,
    cut: float | Tensor,
    kind: Tensor | None = None,
) -> ClosestPairs:
    """Pairs of clusters of one event whose closest points are nearer than a cut.

    Args:
        position: (N, 3), compared in double precision.
        clusters: Of the points.
        batch: The event of each cluster (C,) int64, in any order.
        cut: Distance in the unit of the positions, one for all pairs, or for each pair of kinds (K, K), symmetric; no
            pair is joined where it is 0.
        kind: Kind of each cluster (C,) int64, 0 to K - 1, where the cut depends on it.

    Source:
        Complete graph with a cut on the length of edges: arXiv:2007.01335. The cuts used there are 500 voxels from
        showers, 100 from tracks and 25 from low-energy deposits.
    """
    _check(position, clusters, batch)
    first, second = _pairs_of_one_event(batch.cpu().numpy(), clusters.counts.cpu().numpy())
    cuts = _cuts(cut, kind, first, second, len(clusters))
    given = clusters.sorted(position.detach()).cpu().double()
    row, starts = clusters.order.cpu(), clusters.offsets.cpu()
    limit = cuts * cuts
    near = _box_gaps(given.numpy(), starts.numpy(), first, second) < limit
    first, second, limit = first[near], second[near], limit[near]
    if library.backend() == "compiled":
        pairs = (torch.from_numpy(x) for x in (first, second, limit))
        rows, square = (found.numpy() for found in kernels.closest(given, row, starts, *pairs))
    else:
        rows, square = _by_trees(given.numpy(), row.numpy(), starts.numpy(), first, second, limit)
    kept = rows[0] >= 0
    edges = np.stack([first[kept], second[kept]])
    found = (torch.from_numpy(x).to(position.device) for x in (edges, rows[:, kept], np.sqrt(square[kept])))
    return ClosestPairs(*found)


def _check(position: Tensor, clusters: Members, batch: Tensor) -> None:
    """Refuse positions and batches that are not those of the clusters."""
    check_points(position, batch.new_zeros(len(position)))
    if position.shape[1] != 3:
        raise InputError(f"positions must have three coordinates, got {position.shape[1]}; give (points, 3)")
    if batch.shape != (len(clusters),) or batch.dtype != torch.int64:
        raise InputError(
            f"batch must be int64 of shape ({len(clusters)},), got {batch.dtype} of {tuple(batch.shape)}; "
            "give the event of each cluster"
        )


def _cuts(cut: float | Tensor, kind: Tensor | None, first: Integers, second: Integers, n: int) -> Floats:
    """The cut of each pair of clusters (P,)."""
    if not isinstance(cut, Tensor):
        check_length("cut", cut)
        return np.full(len(first), float(cut))
    if cut.ndim != 2 or cut.shape[0] != cut.shape[1] or not torch.equal(cut, cut.T) or not bool((cut >= 0).all()):
        raise InputError(
            f"cut must be one length, or a symmetric matrix (kinds, kinds) of lengths, got {cut.tolist()}; "
            "give a pair of kinds the same cut in either order, 0 to join none"
        )
    if kind is None or kind.shape != (n,) or kind.dtype != torch.int64:
        got = "none" if kind is None else f"{kind.dtype} of {tuple(kind.shape)}"
        raise InputError(f"kind must be int64 of shape ({n},), got {got}; a cut by kind needs that of each cluster")
    if n and not (int(kind.min()) >= 0 and int(kind.max()) < len(cut)):
        raise InputError(
            f"kinds must be 0 to {len(cut) - 1}, got {int(kind.min())} to {int(kind.max())}; give a cut for every kind"
        )
    of_cluster = kind.cpu().numpy()
    chosen: Floats = cut.double().cpu().numpy()[of_cluster[first], of_cluster[second]]
    return chosen


def _pairs_of_one_event(event: Integers, counts: Integers) -> tuple[Integers, Integers]:
    """Clusters (P,), (P,) of all pairs inside events, the lower number first, sorted by it, then by the other.

    Args:
        event: Of each cluster (C,).
        counts: Points of each cluster (C,); empty ones have no pair.
    """
    rows = np.flatnonzero(counts)
    rows = rows[np.argsort(event[rows], kind="stable")]
    ends = np.searchsorted(event[rows], event[rows], side="right")
    partners = ends - np.arange(len(rows)) - 1  # the clusters of the event that come later
    place = np.repeat(np.arange(len(rows)), partners)
    later = place + 1 + np.arange(len(place)) - np.repeat(partners.cumsum() - partners, partners)
    first, second = rows[place], rows[later]
    if (np.diff(event) < 0).any():
        order = np.lexsort((second, first))
        first, second = first[order], second[order]
    return first, second


def _box_gaps(position: Floats, starts: Integers, first: Integers, second: Integers) -> Floats:
    """Squared distances (P,) of the boxes around pairs of clusters, none empty, of positions by cluster (N, 3)."""
    full = np.flatnonzero(np.diff(starts))
    low, high = np.zeros((2, len(starts) - 1, 3))
    if len(full):
        low[full], high[full] = (reduce.reduceat(position, starts[full]) for reduce in (np.minimum, np.maximum))
    square = np.zeros(len(first))
    for axis in range(3):
        step = np.maximum(low[second, axis] - high[first, axis], low[first, axis] - high[second, axis])
        square += np.square(np.maximum(step, 0, out=step), out=step)
    return square


def _by_trees(
    position: Floats, row: Integers, starts: Integers, first: Integers, second: Integers, limit: Floats
) -> tuple[Integers, Floats]:
    """What the compiled kernel finds, with a search tree for each cluster."""
    rows, square = np.full((2, len(first)), -1), limit.copy()
    for cluster in np.unique(second):
        mine = np.flatnonzero(second == cluster)
        points = np.concatenate([np.arange(starts[c], starts[c + 1]) for c in first[mine]])
        pair = np.repeat(np.arange(len(mine)), np.diff(starts)[first[mine]])
        inside = position[starts[cluster] : starts[cluster + 1]]
        a, b, of_pair = _closest_candidates(position[points], pair, inside, np.sqrt(limit[mine]))
        away = _squares(position[points[a]], inside[b])
        a, b = row[points[a]], row[starts[cluster] + b]
        order = np.lexsort((b, a, away, of_pair))
        order = order[np.unique(of_pair[order], return_index=True)[1]]
        order = order[away[order] < limit[mine[of_pair[order]]]]
        found = mine[of_pair[order]]
        rows[:, found], square[found] = np.stack([a[order], b[order]]), away[order]
    return rows, square


def _closest_candidates(
    points: Floats, pair: Integers, inside: Floats, limit: Floats
) -> tuple[Integers, Integers, Integers]:
    """Numbers of points, of points inside a cluster, and the pair: all that may be the closest, up to rounding."""
    tree = cKDTree(inside)
    away, _ = tree.query(points, distance_upper_bound=float(limit.max()) * (1 + _SLACK) + _SLACK)
    least = np.full(len(limit), np.inf)
    np.minimum.at(least, pair, away)
    reach = np.where(least < np.inf, least * (1 + _SLACK) + _SLACK, -1.0)
    near = np.flatnonzero(away <= reach[pair])
    found = tree.query_ball_point(points[near], reach[pair[near]])
    a = np.repeat(near, [len(partners) for partners in found])
    b = np.array([partner for partners in found for partner in partners], dtype=np.int64)
    return a, b, pair[a]


def _squares(a: Floats, b: Floats) -> Floats:
    """Squared distances (N,), summed axis by axis as the kernel does."""
    x, y, z = (a - b).T
    square: Floats = x * x + y * y + z * z
    return square
