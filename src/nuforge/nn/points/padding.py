"""Events of alike length side by side, for what needs them as one dense block."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_STEPS = 8
"""Lengths of blocks between two powers of two: at most an eighth of a block is padding."""


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


def blocks(offsets: Tensor, longest: int | None = None, pairs: int | None = None) -> list[Block]:
    """All events that are not empty, in blocks of alike length: as many as there are different lengths, rounded up.

    Args:
        offsets: (B + 1,) int64.
        longest: Longer events are left out.
        pairs: Pairs of rows that a block has at most, if it has more than one event.
    """
    counts = offsets.diff()
    length = rounded_up(counts)
    order = length.argsort(stable=True)
    kept = counts > 0 if longest is None else (counts > 0) & (counts <= longest)
    order = order[kept[order]]
    lengths, sizes = torch.unique_consecutive(length[order], return_counts=True)
    found = []
    for side, alike in zip(lengths.tolist(), torch.split_with_sizes(order, sizes.tolist()), strict=True):
        most = len(alike) if pairs is None else max(1, pairs // side**2)
        found += [_block(events, offsets, counts) for events in torch.split(alike, most)]
    return found


def _block(events: Tensor, offsets: Tensor, counts: Tensor) -> Block:
    """The block of some events."""
    counts = counts[events]
    place = torch.arange(int(counts.max()), device=offsets.device)
    valid = place < counts[:, None]
    rows = offsets[events, None] + place.minimum(counts[:, None] - 1)
    return Block(events, rows, None if bool(valid.all()) else valid)


def rounded_up(counts: Tensor) -> Tensor:
    """Numbers (B,) rounded up to one of eight steps between powers of two."""
    power = torch.exp2(counts.clamp(min=1).double().log2().floor()).long()
    step = (power // _STEPS).clamp(min=1)
    return (counts + step - 1) // step * step


def end_to_end(found: list[Block]) -> tuple[Tensor, Tensor]:
    """The rows of all blocks one after another (P,), and the place of each row of the events among them (N,)."""
    rows = torch.cat([block.rows.flatten() for block in found])
    own = [torch.ones_like(b.rows, dtype=torch.bool) if b.valid is None else b.valid for b in found]
    places = torch.cat([valid.flatten() for valid in own]).nonzero().flatten()
    return rows, places[rows[places].argsort()]
