"""Radius graphs: edges between all points of an event that are close."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from nuforge.nn.points.apart import pairs_within
from nuforge.nn.points.arguments import check_length, check_points


def radius_graph(position: Tensor, batch: Tensor, radius: float, loop: bool = False) -> Tensor:
    """Edges from every point to all points of its event not farther away than a radius, in both directions.

    Args:
        position: (N, D), searched in double precision.
        batch: The event of each point (N,), in any order.
        radius: In the unit of the positions; a point just at it is a neighbour.
        loop: Whether every point is its own neighbour.

    Returns:
        (2, E) int64: source and target of each edge, sorted by target, then source. So the edges of each target are
        a segment, for the sums of `nuforge.nn.points.segments`.
    """
    check_points(position, batch)
    check_length("radius", radius)
    n = len(position)
    first, second, _ = pairs_within(position.detach().cpu().double().numpy(), batch.cpu().numpy(), radius)
    own = np.arange(n if loop else 0)
    target, source = (np.concatenate(parts) for parts in ((first, second, own), (second, first, own)))
    code = np.sort(target * n + source)
    return torch.from_numpy(np.stack([code % n, code // n]) if n else np.zeros((2, 0), np.int64)).to(position.device)
