"""Draws of one of several things that can happen, each by its rate."""

from torch import Tensor


def drawn_by_rate(share: Tensor, rates: Tensor) -> Tensor:
    """The column (N,) int64 that is drawn; one of rate 0 is not, while any other is above 0.

    Args:
        share: Uniform numbers in [0, 1) times the sum of the rates (N,), in the unit of the rates.
        rates: (N, K), not negative.
    """
    column: Tensor = (share.unsqueeze(1) >= rates.cumsum(1)).sum(1)
    return column.clamp(max=rates.shape[1] - 1)
