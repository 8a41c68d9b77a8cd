"""Nearest points of short events by the compiled kernel."""

from __future__ import annotations

import torch
from torch import Tensor

from nuforge.nn.kernels.library import call


def nearest(position: Tensor, offsets: Tensor, k: int, longest: int) -> Tensor:
    """Rows (N, k) int64 of the nearest other points of the same event by distance, -1 where there are no more.

    Args:
        position: (N, D) float64.
        offsets: (B + 1,) int64.
        k: Neighbours of a point.
        longest: Points of longer events get nothing, -1.
    """
    found = torch.full((len(position), k), -1)
    call("nearest", position.contiguous(), offsets, len(offsets) - 1, position.shape[1], k, longest, found)
    return found
