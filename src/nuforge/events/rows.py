"""Rows: where something holds, in which order, and what rows of another table say."""

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from nuforge.shapes import Rows


def rows_where(mask: Tensor) -> Rows:
    """Places (K,) int64, rising, where a mask holds, counted through all its axes.

    On the CPU by numpy, whose search is ten times faster than `torch.nonzero` and dominates the response otherwise.
    """
    flat = mask.flatten()
    return torch.from_numpy(np.flatnonzero(flat.numpy())) if flat.device.type == "cpu" else flat.nonzero().flatten()


def looked_up(value: Tensor, row: Rows) -> Tensor:
    """The value (N,) int64 of the named rows (N,) of another table (M,), -1 for row -1."""
    return torch.cat([value, value.new_full((1,), -1)])[row]


def majority(group: Rows, value: Rows, n: int) -> Int[Tensor, " k"]:
    """The most frequent value >= 0 (K,) of the rows (N,) of each group, the least of equals, -1 where there is none.

    Args:
        group: From 0 to n - 1, -1 for rows that do not count.
        value: What they say, -1 for nothing.
        n: Number of groups K.
    """
    known = rows_where((group >= 0) & (value >= 0))
    codes = int(value.max()) + 1 if len(known) else 1
    cells, _, counts = distinct(group[known] * codes + value[known], n * codes)
    of, of_value = cells // codes, cells % codes
    most = counts.new_zeros(n).scatter_reduce(0, of, counts, "amax")
    best = counts == most[of]
    winner = counts.new_full((n,), codes).scatter_reduce(0, of[best], of_value[best], "amin")
    return torch.where(winner == codes, -1, winner)


def sort_codes(code: Rows, largest: int) -> tuple[Rows, Rows]:
    """Codes (K,) from 0 to `largest` in rising order, and their order: `torch.sort`, stable.

    On the CPU the place is packed into the low bits where it fits, since numpy sorts numbers alone three times faster.
    """
    bits = len(code).bit_length()
    if code.device.type != "cpu" or largest >= 1 << (63 - bits):
        return torch.sort(code, stable=True)
    packed = torch.from_numpy(np.sort(((code << bits) | torch.arange(len(code), device="cpu")).numpy()))
    return packed >> bits, packed & ((1 << bits) - 1)


def distinct(code: Rows, largest: int) -> tuple[Int[Tensor, " u"], Rows, Int[Tensor, " u"]]:
    """Codes (U,) that occur among those (K,) from 0 to `largest`, rising; the place (K,) of each, and how often (U,).

    What `torch.unique` gives; codes that are not many more than rows are counted, which needs no sorting.
    """
    if largest >= 8 * len(code) + 1024:
        found: tuple[Tensor, Tensor, Tensor] = torch.unique(code, return_inverse=True, return_counts=True)
        return found
    counts = torch.bincount(code, minlength=largest + 1)
    codes = rows_where(counts > 0)
    place = torch.empty_like(counts)
    place[codes] = torch.arange(len(codes), device=code.device)
    return codes, place.index_select(0, code), counts.index_select(0, codes)
