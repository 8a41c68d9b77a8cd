"""Kernel maps: which input row meets which output row under each offset of a kernel, laid out for fast products."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

from nuforge.nn.kernels.maps import Pairs, pairs_of

PAIR_BYTES = 3 * 2**20
"""Size of a pair buffer, of which a layer has two: they stay in the cache and are not returned to the system.
Measured for a UResNet of width 16: from 2 to 4 MB within 2 %, 16 MB takes up to five times as long."""


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
        table: Input row, or -1 for none, (K, N_out) int32.
        n_in: Number of input rows.
        single: Every output row has exactly one pair.
        own: The offset under which every row meets itself, if there is one; `blocks` leave it out.
    """

    table: Tensor
    n_in: int
    single: bool = False
    own: int | None = None
    _blocks: dict[int, list[Block]] = field(default_factory=dict, init=False, repr=False)

    @property
    def n_out(self) -> int:
        """Number of output rows."""
        return self.table.shape[1]

    @cached_property
    def n_pairs(self) -> int:
        """Number of pairs."""
        return self.n_out if self.single else int((self.table >= 0).sum())

    @cached_property
    def pairs(self) -> Pairs:
        """The pairs as the compiled kernels take them."""
        return pairs_of(self.table)

    def blocks(self, pair_bytes: int) -> list[Block]:
        """Blocks of output rows whose pairs, at `pair_bytes` each, fill about `PAIR_BYTES`. Kept for the next layer.

        Half as many blocks serve as well, if a layer has made them. Pairs of a row with itself need neither gathering
        nor a sum: they are not among them.
        """
        n_pairs = self.n_pairs if self.own is None else self.n_pairs - self.n_out
        n_blocks = 1
        while n_pairs * pair_bytes > n_blocks * PAIR_BYTES:
            n_blocks *= 2
        if n_blocks // 2 in self._blocks:
            return self._blocks[n_blocks // 2]
        if n_blocks not in self._blocks:
            table = self.table
            if self.own is not None:
                table = table.clone()
                table[self.own] = -1
            self._blocks[n_blocks] = list(_blocks(table, n_blocks))
        return self._blocks[n_blocks]


def _blocks(table: Tensor, n_blocks: int) -> Iterator[Block]:
    """Cut the output rows into blocks and lay out the pairs of each, without sorting."""
    n_offsets, n_out = table.shape
    if not n_out:
        return
    size = -(-n_out // n_blocks)
    n_blocks = -(-n_out // size)
    padded = torch.nn.functional.pad(table, (0, n_blocks * size - n_out), value=-1)
    cut = padded.view(n_offsets, n_blocks, size).transpose(0, 1).contiguous()  # blocks, offsets, rows
    pair = cut >= 0
    until = pair.cumsum(1, dtype=torch.int32)  # pairs of the row up to this offset
    ends = until[:, -1].flatten().cumsum(0, dtype=torch.int32)  # of each row, in all pairs sorted by row
    counts = pair.sum(2).tolist()
    place = pair.flatten().nonzero()[:, 0]
    rows = torch.arange(n_blocks * size, dtype=torch.int32, device=table.device)
    target = rows.view(n_blocks, 1, size).expand(-1, n_offsets, -1).flatten().index_select(0, place)
    rank = (ends.index_select(0, target) - until[:, -1].flatten().index_select(0, target)) - 1
    rank += until.flatten().index_select(0, place)
    bag = torch.empty_like(rank)
    bag.scatter_(0, rank.long(), torch.arange(len(place), dtype=torch.int32, device=table.device))
    source = cut.flatten().index_select(0, place)
    ends = torch.nn.functional.pad(ends, (1, 0))
    begin = 0
    for b, count in enumerate(counts):
        end = begin + sum(count)
        first, last = b * size, min((b + 1) * size, n_out)
        mine = slice(begin, end)
        starts = ends[first : last + 1] - begin
        yield Block((first, last), count, source[mine], target[mine], bag[mine] - begin, starts)
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
        pairing = Pairing(table, table.shape[1], own=len(table) // 2)
        return cls(pairing, pairing, mirrored=True)

    @property
    def transposed(self) -> KernelMap:
        """The map of the inverse convolution."""
        return KernelMap(self.backward, self.forward, self.mirrored)
