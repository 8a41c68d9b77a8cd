"""Branches: the way along a cluster from end to end, and what leaves it, for many clusters at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from nuforge.baselines.clusters import ClusterShapes, farthest, ways
from nuforge.baselines.neighbourhood import Floats, Integers

_SLACK = 1.0
"""Voxels; what is so little off the shortest way between two voxels is on the way."""

_KINK = 3.0
"""Voxels; what is so little off the straight line between the ends is no kink, but the width of a track."""


@dataclass(frozen=True)
class Branches:
    """The ends of clusters.

    Args:
        ends: Rows of the two voxels of each cluster that are farthest apart along its voxels (K, 2).
        kinks: Row of the voxel where the way between them turns (K,), -1 where it does not.
        tips: Rows of the voxels at the ends of branches (J,).
        joins: Rows of the voxels where those branches leave the rest (J,).
    """

    ends: Integers
    kinks: Integers
    tips: Integers
    joins: Integers

    @classmethod
    def of(
        cls, place: Floats, graph: csr_array, clusters: ClusterShapes, length: float, most: int, bend: float
    ) -> Branches:
        """Branches longer than a length: the farthest voxel from the way from end to end, then from all found so far.

        Args:
            place: Positions of the voxels (N, 3).
            graph: Neighbours, whose components are the clusters, weighted by distance.
            clusters: Clusters of voxels.
            length: What leaves the way by less is no branch, in voxels.
            most: Branches of a cluster beside the way from end to end.
            bend: Cosine of the angle by which a way must turn at a kink.
        """
        n = len(clusters.size)
        if not n:
            return cls(np.zeros((0, 2), np.int64), *(np.zeros(0, np.int64) for _ in range(3)))
        one = farthest(ways(graph, farthest(np.abs(clusters.along - 0.5), clusters.of))[0], clusters.of)
        from_one = ways(graph, one)[0]
        other = farthest(from_one, clusters.of)
        on_way = _between(from_one, ways(graph, other)[0], from_one[other][clusters.of])
        kinks = _kinks(place, on_way, clusters.of, one, other, bend)
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
        ends = np.stack([one, other], axis=1)
        return cls(ends, kinks, np.concatenate([nothing, *tips]), np.concatenate([nothing, *joins]))


def _between(here: Floats, there: Floats, whole: Floats) -> NDArray[np.bool_]:
    """Whether voxels (N,) are on the way between two of a length, from their ways to either."""
    on_way: NDArray[np.bool_] = here + there <= whole + _SLACK
    return on_way


def _kinks(
    place: Floats, on_way: NDArray[np.bool_], of: Integers, one: Integers, other: Integers, bend: float
) -> Integers:
    """Row of the voxel on the way that is farthest from the straight line between the ends (K,), -1 if no kink."""
    chord = place[other] - place[one]
    chord /= np.maximum(np.linalg.norm(chord, axis=1, keepdims=True), 1e-9)
    step = place - place[one][of]
    off = np.linalg.norm(step - np.einsum("ij,ij->i", step, chord[of])[:, None] * chord[of], axis=1)
    off[~on_way] = -1.0
    row = farthest(off, of)
    before, after = place[row] - place[one], place[other] - place[row]
    along = np.einsum("ij,ij->i", before, after)
    turns = along < bend * np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
    kinks: Integers = np.where(turns & (off[row] > _KINK), row, -1)
    return kinks
