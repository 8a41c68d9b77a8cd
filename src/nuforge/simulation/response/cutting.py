"""Deposits cut into pieces: equal ones that are short against a voxel, or where they cross walls."""

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


@dataclass(frozen=True)
class Crossings:
    """Deposits cut where they pass from one slab of a stack to the next, M parts in all, in their order.

    Args:
        deposit: The deposit that each is a part of.
        slab: The slab that it is in.
        begin: Where on its deposit it begins, from 0 to 1,
        end: and where it ends.
    """

    deposit: Int[Tensor, " m"]
    slab: Int[Tensor, " m"]
    begin: Float[Tensor, " m"]
    end: Float[Tensor, " m"]


def cut_at_slabs(start: Float[Tensor, " n"], end: Float[Tensor, " n"]) -> Crossings:
    """Straight deposits from `start` to `end` (N,), in thicknesses of a slab: slab k reaches from k to k + 1.

    A deposit that only touches the next slab has a part of no length in it.
    """
    first, last = start.detach().floor(), end.detach().floor()
    parts = ((last - first).abs() + 1).to(torch.int64)
    deposit = torch.repeat_interleave(parts)
    before = parts.cumsum(0) - parts
    number = torch.arange(len(deposit), device=deposit.device) - before.index_select(0, deposit)
    rising = (end >= start).index_select(0, deposit)
    slab = first.index_select(0, deposit) + torch.where(rising, number, -number)
    here, way = start.index_select(0, deposit), (end - start).index_select(0, deposit)
    safe = torch.where(way == 0, torch.ones_like(way), way)
    entry = (slab + (~rising).to(here.dtype) - here) / safe
    leaving = (slab + rising.to(here.dtype) - here) / safe
    is_last = number + 1 == parts.index_select(0, deposit)
    begin = torch.where(number == 0, torch.zeros_like(entry), entry)
    stop = torch.where(is_last, torch.ones_like(leaving), leaving)
    return Crossings(deposit, slab.to(torch.int64), begin, stop)
