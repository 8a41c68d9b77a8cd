"""Groups of nodes by the compiled kernel."""

from __future__ import annotations

import torch
from torch import Tensor

from nuforge.nn.kernels.library import call


def partition(
    source: Tensor, target: Tensor, gain: Tensor, edge_starts: Tensor, tried: Tensor, starts: Tensor
) -> Tensor:
    """A node (N,) int64 of each node's group, the same for all of the group.

    Args:
        source, target: Nodes of the edges (E,) int64, by component, then in the order in which they are tried.
        gain: What it gains to have both ends in one group (E,) float64.
        edge_starts: Where the edges of each component begin, and the end (C + 1,) int64.
        tried: How many edges of each component may join groups, the first ones (C,) int64.
        starts: Where the nodes of each component begin, and the end (C + 1,) int64.
    """
    group = torch.empty(int(starts[-1]), dtype=torch.int64)
    edges = source.contiguous(), target.contiguous(), gain.contiguous(), edge_starts.contiguous(), tried.contiguous()
    call("partition", *edges, starts.contiguous(), len(tried), group)
    return group
