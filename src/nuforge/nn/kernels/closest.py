"""Closest points of pairs of clusters by the compiled kernel."""

from __future__ import annotations

import torch
from torch import Tensor

from nuforge.nn.kernels.library import call


def closest(
    position: Tensor, row: Tensor, starts: Tensor, first: Tensor, second: Tensor, limit: Tensor
) -> tuple[Tensor, Tensor]:
    """Rows of the two closest points of each pair of clusters (2, P), the first cluster's first, and their square (P,).

    Rows are -1 where the square is not below the limit.

    Args:
        position: By cluster (N, 3) float64.
        row: Number of each point (N,) int64, rising inside a cluster; of equal distances the lowest counts.
        starts: Where each cluster begins, and the end (C + 1,) int64.
        first, second: Clusters (P,) int64, none of them empty.
        limit: Squared distance (P,) float64.
    """
    found, square = torch.empty(2, len(first), dtype=torch.int64), torch.empty_like(limit)
    clusters = position.contiguous(), row.contiguous(), starts.contiguous(), len(starts) - 1
    pairs = first.contiguous(), second.contiguous(), limit.contiguous(), len(first)
    call("closest", *clusters, *pairs, found, square)
    return found, square
