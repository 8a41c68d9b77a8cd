"""Members of clusters: which points each one has, and sums, means and maxima of what they carry."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn.functional import pad

from nuforge.errors import InputError
from nuforge.events.rows import rows_where, sort_codes
from nuforge.nn.points.segments import segment_max, segment_mean, segment_sum


@dataclass(frozen=True, eq=False)
class Members:
    """The points of each cluster, of all events together.

    Args:
        order: Points by cluster (M,) int64, those of one cluster in their given order. Points of no cluster are left
            out.
        offsets: Where the points of each cluster begin in `order`, and the end (C + 1,) int64. A cluster may be empty.
        n_points: Number of points N, those of no cluster counted.
    """

    order: Tensor
    offsets: Tensor
    n_points: int

    @classmethod
    def of(cls, cluster: Tensor, n: int) -> Members:
        """The clusters of points.

        Args:
            cluster: Number of each point's cluster (N,) int64, -1 for none; numbered through all events of the batch,
                as an index column is.
            n: Number of clusters C.
        """
        if cluster.ndim != 1 or cluster.dtype != torch.int64:
            raise InputError(
                f"cluster must be int64 of shape (points,), got {cluster.dtype} of {tuple(cluster.shape)}; "
                "give the cluster of each point, -1 for none"
            )
        if len(cluster) and not (int(cluster.min()) >= -1 and int(cluster.max()) < n):
            raise InputError(
                f"clusters must be -1 to {n - 1}, got {int(cluster.min())} to {int(cluster.max())}; "
                "number the clusters of the whole batch"
            )
        rows = rows_where(cluster >= 0)
        numbers, order = sort_codes(cluster.index_select(0, rows), max(n, 1))
        counts = torch.bincount(numbers, minlength=n)
        return cls(rows.index_select(0, order), pad(counts.cumsum(0), (1, 0)), len(cluster))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @cached_property
    def counts(self) -> Tensor:
        """Points of each cluster (C,) int64."""
        return self.offsets.diff()

    @cached_property
    def number(self) -> Tensor:
        """The cluster of each entry of `order` (M,) int64."""
        return torch.repeat_interleave(self.counts, output_size=len(self.order))

    def sorted(self, values: Tensor) -> Tensor:
        """What points carry (N, ...), by cluster (M, ...)."""
        if len(values) != self.n_points:
            raise InputError(f"values must have {self.n_points} rows, got {len(values)}; give one per point")
        return values.index_select(0, self.order)

    def spread(self, values: Tensor) -> Tensor:
        """What clusters carry (C, ...), for each of their points by cluster (M, ...)."""
        if len(values) != len(self):
            raise InputError(f"values must have {len(self)} rows, got {len(values)}; give one per cluster")
        return values.index_select(0, self.number)

    def sum(self, values: Tensor) -> Tensor:
        """Sums (C, ...) of what points carry (N, ...), 0 for an empty cluster."""
        return segment_sum(self.sorted(values), self.offsets)

    def mean(self, values: Tensor) -> Tensor:
        """Means (C, ...) of what points carry (N, ...), 0 for an empty cluster."""
        return segment_mean(self.sorted(values), self.offsets)

    def max(self, values: Tensor) -> Tensor:
        """Largest values (C, ...) of what points carry (N, ...), 0 for an empty cluster."""
        return segment_max(self.sorted(values), self.offsets)
