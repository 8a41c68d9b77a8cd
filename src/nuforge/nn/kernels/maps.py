"""Kernel maps by the compiled kernels: neighbours by merging sorted keys, and pairs laid out for the products."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nuforge.nn.kernels.library import call

BLOCK = 512
"""Output rows that are finished together: they stay in the cache."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """Which input row meets which output row, sorted by block of output rows, then offset, then output row.

    Args:
        source: Input row of each pair (P,) int32.
        target: Output row of each pair (P,) int32.
        starts: Where the pairs of each block and offset begin, and the end (blocks x K + 1,) int64.
        n_offsets: Number of offsets K.
        n_out: Number of output rows.
    """

    source: Tensor
    target: Tensor
    starts: Tensor
    n_offsets: int
    n_out: int


def neighbour_table(keys: Tensor, lines: Tensor) -> Tensor:
    """For each offset and row the row of the neighbour there, or -1: (3 lines, N) int32.

    Args:
        keys: Rising keys of the rows (N,) int64.
        lines: What the middle neighbour of each line of three adds to the key (lines,) int64; opposite lines are
            opposite places of the list.
    """
    table = torch.empty(3 * len(lines), len(keys), dtype=torch.int32)
    call("neighbours", keys.contiguous(), len(keys), lines.contiguous(), len(lines), table)
    return table


def neighbour_table_at(keys: Tensor, steps: Tensor) -> Tensor:
    """For each step and row the row of the neighbour there, or -1: (K, N) int32.

    Args:
        keys: Rising keys of the rows (N,) int64.
        steps: What is added to a key (K,) int64, 0 in the middle; opposite steps are opposite places of the list.
    """
    table = torch.empty(len(steps), len(keys), dtype=torch.int32)
    call("neighbours_at", keys.contiguous(), len(keys), steps.contiguous(), len(steps), table)
    return table


def pairs_of(table: Tensor) -> Pairs:
    """The pairs of a table: input row, or -1 for none, of each offset and output row (K, N_out) int32."""
    table = table.contiguous()
    n_offsets, n_out = table.shape
    size = (n_offsets, n_out, BLOCK)
    starts = torch.empty(-(-n_out // BLOCK) * n_offsets + 1, dtype=torch.int64)
    call("count_pairs", table, *size, starts)
    source, target = torch.empty(2, int(starts[-1]), dtype=torch.int32)
    call("pairs", table, *size, starts, source, target)
    return Pairs(source, target, starts, n_offsets, n_out)
