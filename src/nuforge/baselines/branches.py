"""Branches: the way along a cluster from end to end, and what leaves it, for many clusters at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from nuforge.baselines.clusters import Clusters, farthest, ways
from nuforge.baselines.neighbourhood import Floats, Integers

_SLACK = 1.0
"""Voxels; what is so little off the shortest way between two voxels is on the way."""


@dataclass(frozen=True)
class Branches:
    """The ends of clusters.

    Args:
        ends: Rows of the two voxels of each cluster that are farthest apart along its voxels (K, 2).
        tips: Rows of the voxels at the ends of branches (J,).
        joins: Rows of the voxels where those branches leave the rest (J,).
    """

    ends: Integers
    tips: Integers
    joins: Integers

    @classmethod
    def of(cls, graph: csr_array, clusters: Clusters, length: float, most: int) -> Branches:
        """Branches longer than a length: the farthest voxel from the way from end to end, then from all found so far.

        Args:
            graph: Neighbours, whose components are the clusters, weighted by distance.
            clusters: Clusters of voxels.
            length: What leaves the way by less is no branch, in voxels.
            most: Branches of a cluster beside the way from end to end.
        """
        n = len(clusters.size)
        if not n:
            return cls(np.zeros((0, 2), np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64))
        one = farthest(ways(graph, farthest(np.abs(clusters.along - 0.5), clusters.of))[0], clusters.of)
        from_one = ways(graph, one)[0]
        other = farthest(from_one, clusters.of)
        on_way = _between(from_one, ways(graph, other)[0], from_one[other][clusters.of])
        tips, joins = [], []
        for _ in range(most):
            away, source = ways(graph, np.flatnonzero(on_way))
            tip = farthest(away, clusters.of)
            tip = tip[away[tip] > length]
            if not len(tip):
                break
            tips.append(tip)
            joins.append(source[tip])
            whole = np.full(n, -1.0)
            whole[clusters.of[tip]] = away[tip]
            on_way |= _between(ways(graph, tip)[0], away, whole[clusters.of])
        nothing = np.zeros(0, np.int64)
        return cls(np.stack([one, other], axis=1), np.concatenate([nothing, *tips]), np.concatenate([nothing, *joins]))


def _between(here: Floats, there: Floats, whole: Floats) -> NDArray[np.bool_]:
    """Whether voxels (N,) are on the way between two of a length, from their ways to either."""
    on_way: NDArray[np.bool_] = here + there <= whole + _SLACK
    return on_way
