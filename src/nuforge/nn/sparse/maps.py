"""Kernel maps: which input row meets which output row under each offset of a kernel, laid out for fast products."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

PAIR_BYTES = 8 * 2**20
"""Size of the pair buffer: it should stay in the cache, and far larger ones are returned to the system at each call."""


@dataclass(frozen=True, eq=False)
class Block:
    """The pairs of a range of output rows, sorted by offset, then output row.

    Args:
        rows: First output row and the one after the last.
        counts: Number of pairs under each offset (K,).
        source: Input row of each pair (P,) int32.
        target: Output row of each pair (P,) int32.
        bag: Pairs sorted by output row (P,) int32.
        starts: Where the pairs of each output row begin in `bag`, and the end (rows + 1,) int32.
    """

    rows: tuple[int, int]
    counts: list[int]
    source: Tensor
    target: Tensor
    bag: Tensor
    starts: Tensor


@dataclass(frozen=True, eq=False)
class Pairing:
    """Which input row meets each output row under each offset.

    Args:
        table: Input row, or -1 for none, (K, N_out) int64.
        n_in: Number of input rows.
        single: Every output row has exactly one pair.
    """

    table: Tensor
    n_in: int
    single: bool = False
    _blocks: dict[int, list[Block]] = field(default_factory=dict, init=False, repr=False)

    @property
    def n_out(self) -> int:
        """Number of output rows."""
        return self.table.shape[1]

    def blocks(self, pair_bytes: int) -> list[Block]:
        """Blocks of output rows whose pairs, at `pair_bytes` each, fill about `PAIR_BYTES`. Kept for the next layer."""
        full = max(self.table.shape[0] * self.n_out * pair_bytes, 1)
        n_blocks = 1
        if full > PAIR_BYTES:  # else no need to know how many of the places are occupied
            pairs = sum(sum(block.counts) for block in self._cut(1))
            while pairs * pair_bytes > n_blocks * PAIR_BYTES:
                n_blocks *= 2
        return self._cut(n_blocks)

    def _cut(self, n_blocks: int) -> list[Block]:
        if n_blocks not in self._blocks:
            self._blocks[n_blocks] = list(_blocks(self.table, n_blocks))
        return self._blocks[n_blocks]


def _blocks(table: Tensor, n_blocks: int) -> Iterator[Block]:
    """Cut the output rows into blocks and lay out the pairs of each, without sorting."""
    n_offsets, n_out = table.shape
    if not n_out:
        return
    size = -(-n_out // n_blocks)
    n_blocks = -(-n_out // size)
    padded = torch.nn.functional.pad(table, (0, n_blocks * size - n_out), value=-1)
    by_offset = padded.view(n_offsets, n_blocks, size).transpose(0, 1).contiguous()
    pair = by_offset >= 0
    place = pair.flatten().cumsum(0, dtype=torch.int32).view_as(pair) - 1
    source = by_offset[pair].int()
    target = torch.arange(n_blocks * size, dtype=torch.int32, device=table.device).view(n_blocks, 1, size)
    target = target.expand_as(pair)[pair]
    by_row = pair.transpose(1, 2)
    bag = place.transpose(1, 2)[by_row]
    starts = torch.nn.functional.pad(by_row.sum(2).cumsum(1), (1, 0)).int()
    counts = pair.sum(2).tolist()
    begin = 0
    for b in range(n_blocks):
        end = begin + sum(counts[b])
        first, last = b * size, min((b + 1) * size, n_out)
        mine = slice(begin, end)
        yield Block(
            (first, last), counts[b], source[mine], target[mine], bag[mine] - begin, starts[b, : last - first + 1]
        )
        begin = end


@dataclass(frozen=True, eq=False)
class KernelMap:
    """The pairs of a convolution seen from its output and from its input.

    Args:
        forward: Input rows of each output row.
        backward: Output rows of each input row.
        mirrored: Offset k of `forward` is offset K - 1 - k of `backward` (they are one pairing then).
    """

    forward: Pairing
    backward: Pairing
    mirrored: bool = False

    @classmethod
    def symmetric(cls, table: Tensor) -> KernelMap:
        """The map of a submanifold convolution: who is my neighbour has me as its neighbour on the other side."""
        pairing = Pairing(table, table.shape[1])
        return cls(pairing, pairing, mirrored=True)

    @property
    def transposed(self) -> KernelMap:
        """The map of the inverse convolution."""
        return KernelMap(self.backward, self.forward, self.mirrored)
