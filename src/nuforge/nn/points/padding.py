"""Events of alike length side by side, for what needs them as one dense block."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_STEPS = 4
"""Lengths of blocks between two powers of two: at most a quarter of a block is padding, or four rows."""


@dataclass(frozen=True, eq=False)
class Block:
    """Events padded to one length.

    Args:
        events: Which events they are (b,) int64.
        rows: Their rows (b, L) int64; where an event has no more rows, its last one again.
        valid: Which of them are no padding (b, L), or None if all are.
    """

    events: Tensor
    rows: Tensor
    valid: Tensor | None


def blocks(offsets: Tensor) -> list[Block]:
    """All events that are not empty, in blocks of alike length: as many as there are different lengths, rounded up.

    Args:
        offsets: (B + 1,) int64.
    """
    counts = offsets.diff()
    length = rounded_up(counts)
    order = length.argsort(stable=True)
    lengths, sizes = torch.unique_consecutive(length[order], return_counts=True)
    found = []
    for longest, events in zip(lengths.tolist(), torch.split_with_sizes(order, sizes.tolist()), strict=True):
        if not longest:
            continue
        longest = int(counts[events].max())
        place = torch.arange(longest, device=offsets.device)
        valid = place < counts[events, None]
        rows = offsets[events, None] + place.minimum(counts[events, None] - 1)
        found.append(Block(events, rows, None if bool(valid.all()) else valid))
    return found


def rounded_up(counts: Tensor) -> Tensor:
    """Numbers (B,) rounded up to one of four steps between powers of two."""
    power = torch.exp2(counts.clamp(min=1).double().log2().floor()).long()
    step = (power // _STEPS).clamp(min=1)
    return (counts + step - 1) // step * step


def put_back(parts: list[Tensor], found: list[Block], offsets: Tensor) -> Tensor:
    """The rows (N, ...) of all events in order, of what each block has for its rows (b, L, ...)."""
    rows = torch.cat([b.rows.flatten() if b.valid is None else b.rows[b.valid] for b in found])
    values = torch.cat([p.flatten(0, 1) if b.valid is None else p[b.valid] for p, b in zip(parts, found, strict=True)])
    return values.index_select(0, rows.argsort())
