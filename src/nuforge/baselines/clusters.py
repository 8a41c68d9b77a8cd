"""Clusters: connected voxels, their size and shape, their two ends and the way between them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from nuforge.baselines.neighbourhood import Floats, Integers, Shape, moments

FAR = 100.0  # voxels (30 cm); longer distances between clusters are of no interest


@dataclass(frozen=True)
class ClusterShapes:
    """Groups of voxels.

    Args:
        of: (N,) the cluster of each voxel, 0 to K - 1.
        size: (K,) number of voxels.
        energy: (K,) MeV.
        shape: Shape of each (K).
        length: (K,) extent along the principal axis, in voxels.
        along: (N,) place of each voxel along its cluster's axis, from 0 at one end to 1 at the other.
        across: (N,) distance from its cluster's axis, in voxels.
    """

    of: Integers
    size: Floats
    energy: Floats
    shape: Shape
    length: Floats
    along: Floats
    across: Floats

    @classmethod
    def of_voxels(cls, cluster: Integers, position: Floats, value: Floats) -> "ClusterShapes":
        """Clusters from their number for each voxel (N,), positions (N, 3) and energies (N,)."""
        n = int(cluster.max(initial=-1)) + 1
        weights = moments(position)
        sums = np.stack([_total(cluster, w, n) for w in weights.T], axis=1)
        shape = Shape.of_sums(sums)
        along, across = shape.of(cluster).along_and_across(position)
        low, high = np.full(n, np.inf), np.full(n, -np.inf)
        np.minimum.at(low, cluster, along)
        np.maximum.at(high, cluster, along)
        length = high - low
        place = (along - low[cluster]) / np.maximum(length, 1.0)[cluster]
        energy = _total(cluster, value, n)
        return cls(cluster, shape.count, energy, shape, length, place, across)


@dataclass(frozen=True)
class Paths:
    """Ways along clusters: from voxel to voxel, over neighbours.

    Args:
        near: (N,) way to the nearer of the two ends of the cluster, in voxels. The ends are the voxels farthest apart.
        far: (N,) way to the other end.
        length: (N,) way from end to end.
        near_end, far_end: (N,) row of the voxel at the nearer and the other end.
    """

    near: Floats
    far: Floats
    length: Floats
    near_end: Integers
    far_end: Integers

    @property
    def detour(self) -> Floats:
        """Twice the way (N,) that a voxel lies off the way from end to end: 0 on a track, more on its branches."""
        return self.near + self.far - self.length

    @classmethod
    def along(cls, graph: csr_array, clusters: ClusterShapes) -> "Paths":
        """Ways along the graph of neighbours, whose components are the clusters."""
        first = farthest(np.abs(clusters.along - 0.5), clusters.of)
        one_end = farthest(ways(graph, first)[0], clusters.of)
        from_one, _ = ways(graph, one_end)
        other_end = farthest(from_one, clusters.of)
        from_other, _ = ways(graph, other_end)
        nearer = from_one <= from_other
        ends = np.where(nearer, one_end[clusters.of], other_end[clusters.of])
        others = np.where(nearer, other_end[clusters.of], one_end[clusters.of])
        return cls(
            np.minimum(from_one, from_other),
            np.maximum(from_one, from_other),
            from_one[other_end][clusters.of],
            ends,
            others,
        )


def ways(graph: csr_array, sources: Integers) -> tuple[Floats, Integers]:
    """The way (N,) to the nearest of the source voxels, infinite where none can be reached, and its row or -1."""
    if not len(sources):
        return np.full(graph.shape[0], np.inf), np.full(graph.shape[0], -1)
    way, _, source = dijkstra(graph, directed=False, indices=sources, min_only=True, return_predecessors=True)
    return way, np.where(np.isfinite(way), source, -1).astype(np.int64)


def farthest(value: Floats, cluster: Integers) -> Integers:
    """The row (K,) of the largest value in each cluster."""
    order = np.lexsort((value, cluster))
    return order[np.flatnonzero(np.diff(cluster[order], append=-1))]


def distance_to(position: Floats, chosen: NDArray[np.bool_], asked: NDArray[np.bool_]) -> tuple[Floats, Integers]:
    """Distance (N,) of asked voxels to the nearest chosen, and its row; `FAR` and -1 beyond and where not asked.

    Events must lie farther apart than that.
    """
    distance, row = np.full(len(position), FAR), np.full(len(position), -1)
    rows = np.flatnonzero(chosen)
    if len(rows) and asked.any():
        found, where = cKDTree(position[rows]).query(position[asked], distance_upper_bound=FAR)
        reached = where < len(rows)
        distance[asked] = np.where(reached, found, FAR)
        row[asked] = np.where(reached, rows[np.where(reached, where, 0)], -1)
    return distance, row


def _total(cluster: Integers, value: Floats, n: int) -> Floats:
    """The sum (K,) of a value (N,) over each cluster."""
    return np.bincount(cluster, weights=value, minlength=n).astype(np.float64)
