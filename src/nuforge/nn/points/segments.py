"""Sums, means, maxima and softmax over segments: the rows of each event, or the edges of each point.

All are differentiable. Rows of a segment follow each other, as those of tables and graphs do.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nuforge.errors import InputError
from nuforge.nn.points.arguments import check_offsets


def segment_sum(values: Tensor, offsets: Tensor) -> Tensor:
    """Sums (B, ...) of the rows (N, ...) of each segment, 0 for an empty one.

    Args:
        values: (N, ...), floating.
        offsets: (B + 1,) int64: segment i has the rows offsets[i] to offsets[i + 1].
    """
    return _reduce(values, offsets, "sum", 0.0)


def segment_mean(values: Tensor, offsets: Tensor) -> Tensor:
    """Means (B, ...) of the rows (N, ...) of each segment, 0 for an empty one; arguments as of `segment_sum`."""
    total = segment_sum(values, offsets)
    return total / _along(offsets.diff().clamp(min=1), total)


def segment_max(values: Tensor, offsets: Tensor) -> Tensor:
    """Largest values (B, ...) of the rows (N, ...) of each segment, 0 for an empty one.

    Equal largest values share the gradient. Arguments are those of `segment_sum`.
    """
    return _reduce(values, offsets, "max", -torch.inf)


def segment_softmax(scores: Tensor, offsets: Tensor) -> Tensor:
    """Softmax (N, ...) over the rows of each segment: weights that add up to 1 in it.

    Args:
        scores: (N, ...), floating.
        offsets: (B + 1,) int64: segment i has the rows offsets[i] to offsets[i + 1].
    """
    largest = segment_max(scores.detach(), offsets)
    segment = torch.repeat_interleave(offsets.diff(), output_size=len(scores))
    weight = (scores - largest.index_select(0, segment)).exp()
    return weight / segment_sum(weight, offsets).index_select(0, segment)


def _reduce(values: Tensor, offsets: Tensor, how: str, empty: float) -> Tensor:
    """Reduced rows (B, ...)."""
    check_offsets(offsets, len(values))
    if not values.is_floating_point():
        raise InputError(f"values must be floating, got {values.dtype}; convert them")
    if not values.numel():
        return values.new_zeros(len(offsets) - 1, *values.shape[1:]) + values.sum()  # keeps the way of the gradient
    rows = values.contiguous().flatten(1) if values.ndim > 1 else values.contiguous()
    out = torch.segment_reduce(rows, how, offsets=offsets, axis=0, unsafe=True, initial=empty)
    if how == "max":
        out = torch.where(_along(offsets.diff() > 0, out), out, 0.0)
    return out.reshape(-1, *values.shape[1:])


def _along(of_segment: Tensor, like: Tensor) -> Tensor:
    """Numbers (B,) with further axes of length one."""
    return of_segment.reshape(-1, *[1] * (like.ndim - 1))
