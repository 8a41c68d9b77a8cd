"""The nearest of other points by the compiled kernel."""

from __future__ import annotations

import torch
from torch import Tensor

from nuforge.nn.kernels.library import call


def nearest_other(position: Tensor, others: Tensor, begin: Tensor, end: Tensor) -> Tensor:
    """Row (N,) int64 of the nearest of the others from `begin` to `end`, the first of equally near ones; -1 for none.

    Args:
        position: (N, D) float64.
        others: (M, D) float64.
        begin: Where the others of each point begin (N,) int64.
        end: Where they end (N,) int64.
    """
    row = torch.empty_like(begin)
    planes = others.t().contiguous()
    sizes = len(position), len(others), position.shape[1]
    call("others", position.contiguous(), planes, begin.contiguous(), end.contiguous(), *sizes, row)
    return row
