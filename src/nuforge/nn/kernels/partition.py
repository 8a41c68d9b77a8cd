"""Groups of nodes by the compiled kernel."""

from __future__ import annotations

import torch
from torch import Tensor

from nuforge.nn.kernels.library import call


def partition(
    edges: Tensor, gain: Tensor, edge_starts: Tensor, tried: Tensor, tried_starts: Tensor, starts: Tensor
) -> Tensor:
    """A node (N,) int64 of each node's group, the same for all of the group.

    Args:
        edges: Nodes of the edges (2, E) int64, by component.
        gain: What it gains to have both ends in one group (E,) float64.
        edge_starts: Where the edges of each component begin, and the end (C + 1,) int64.
        tried: Nodes of the edges that may join groups (2, T) int64, by component, then in the order they are tried.
        tried_starts: Where those of each component begin, and the end (C + 1,) int64.
        starts: Where the nodes of each component begin, and the end (C + 1,) int64.
    """
    group = torch.empty(int(starts[-1]), dtype=torch.int64)
    edges, tried, gain = edges.contiguous(), tried.contiguous(), gain.contiguous()
    call("partition", *edges, gain, edge_starts, *tried, tried_starts, starts, len(starts) - 1, group)
    return group
