"""Connected components of a graph."""

from __future__ import annotations

import torch
from torch import Tensor

from nuforge.errors import InputError
from nuforge.events.connected import components


def connected_components(edges: Tensor, n: int) -> Tensor:
    """The component (n,) int64 of each node, numbered from 0 in the order of their first nodes.

    Args:
        edges: Two nodes of each edge, in either direction (2, E) int64. Edges inside events give components inside
            events, so graphs of a whole batch are one call.
        n: Number of nodes.
    """
    if edges.ndim != 2 or edges.shape[0] != 2 or edges.dtype != torch.int64:
        raise InputError(
            f"edges must be int64 of shape (2, edges), got {edges.dtype} of {tuple(edges.shape)}; "
            "give source and target of each"
        )
    if edges.numel() and not (int(edges.min()) >= 0 and int(edges.max()) < n):
        raise InputError(
            f"edges must join nodes 0 to {n - 1}, got {int(edges.min())} to {int(edges.max())}; "
            "number the nodes of the whole batch"
        )
    first, second = edges.cpu().numpy()
    return torch.from_numpy(components(first, second, n)).to(edges.device)
