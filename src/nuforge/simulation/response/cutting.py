"""Deposits cut into pieces that are short against a voxel."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from nuforge.shapes import Points


@dataclass(frozen=True)
class Pieces:
    """Short pieces of M deposits in all, in the order of their deposits.

    Args:
        deposit: The deposit that each is a part of.
        middle: Where its middle is, cm.
        step: From its beginning to its end, cm.
        parts: Into how many pieces its deposit was cut.
    """

    deposit: Int[Tensor, " m"]
    middle: Points
    step: Points
    parts: Int[Tensor, " m"]


def cut(start: Points, end: Points, longest: float) -> Pieces:
    """Straight deposits from `start` to `end` (N, 3) cm as equal pieces of at most `longest` cm, at least one each."""
    way = end - start
    parts = (way.norm(dim=1) / longest).ceil().clamp(min=1).to(torch.int64)
    deposit = torch.repeat_interleave(parts)
    first = parts.cumsum(0) - parts
    number = torch.arange(len(deposit), device=deposit.device) - first.index_select(0, deposit)
    n = parts.index_select(0, deposit)
    step = way.index_select(0, deposit) / n[:, None]
    middle = start.index_select(0, deposit) + step * (number[:, None] + 0.5)
    return Pieces(deposit, middle, step, n)


def share_out(total: Float[Tensor, " n"], pieces: Pieces) -> Float[Tensor, " m"]:
    """What each piece has of a total (N,) that is spread evenly over its deposit."""
    return total.index_select(0, pieces.deposit) / pieces.parts
