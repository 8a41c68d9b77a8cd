"""What lies between clusters: features of the edges of a graph of clusters, as GrapPA takes them."""

from __future__ import annotations

import torch
from torch import Tensor

from nuforge.nn.points.closest import ClosestPairs

EDGE_FEATURES = 19
"""Closest points 3 + 3, unit displacement 3, length 1, its outer product 9."""


def edge_features(position: Tensor, pairs: ClosestPairs) -> Tensor:
    """Features of edges (E, 19), from the first cluster of each to the second: see `EDGE_FEATURES`.

    The displacement is the first cluster's point minus the second's, over their distance; 0 if they are at one place.

    Args:
        position: Of points (N, 3).
        pairs: Edges, with their closest points.

    Source:
        arXiv:2007.01335, section III B; the numbers are those of SPINE (package `spine` 1.4.3) on the same voxels.
    """
    first, second = (position.index_select(0, rows) for rows in pairs.points)
    step = first.double() - second.double()
    length = step.norm(dim=1, keepdim=True)
    unit = (step / torch.where(length > 0, length, 1.0)).to(position.dtype)
    outer = (unit[:, :, None] * unit[:, None]).flatten(1)
    return torch.cat([first, second, unit, length.to(position.dtype), outer], 1)


def reversed_edge_features(features: Tensor) -> Tensor:
    """Features of the same edges from the second cluster to the first (E, 19), of `edge_features` (E, 19)."""
    first, second, unit, rest = torch.split_with_sizes(features, [3, 3, 3, 10], 1)
    return torch.cat([second, first, -unit, rest], 1)
