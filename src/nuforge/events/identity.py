"""Who an event is and which random numbers made it: hashes that are the same on every machine and in every version."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Json = str | int | float | bool | None | Sequence | Mapping

IDENTITY = ("source", "run", "subrun", "event")
"""The columns that say who an event is. Its systematic copies share them and differ in `variation`."""

_MERSENNE_WORDS = 624
_HEADER = 24  # bytes of a torch.Generator's state before its words: initial seed, left, seeded, next


def canonical(value: Json) -> bytes:
    """One spelling in bytes of numbers, strings, lists and mappings, whatever the order of a mapping's keys."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def stable_hash(*parts: Json) -> int:
    """A hash (blake2b) of numbers, strings, lists and mappings, from 0 to 2**63 - 1 so that it fits an int64 column."""
    return int.from_bytes(blake2b(canonical(parts), digest_size=8).digest(), "little") >> 1


def identity_columns(source: int, run: int, number: Tensor) -> dict[str, Tensor]:
    """The columns of `IDENTITY` of events with numbers (B,) of one run, subrun 0."""
    import torch

    run_, subrun = torch.full_like(number, run), torch.zeros_like(number)
    return dict(zip(IDENTITY, (torch.full_like(number, source), run_, subrun, number), strict=True))


def generator_of(*parts: Json) -> torch.Generator:
    """A generator on the CPU seeded by a hash (blake2b) of its parts.

    `Generator.manual_seed` keeps the lowest 32 bits of a seed only: among 100,000 shards two would probably share
    theirs, and all their events. Here each of the 624 words of the Mersenne Twister comes from the hash.
    """
    import torch

    generator = torch.Generator().manual_seed(stable_hash(*parts))
    state = generator.get_state()
    key = blake2b(canonical(parts)).digest()
    words = b"".join(blake2b(i.to_bytes(4, "little"), key=key).digest() for i in range(_MERSENNE_WORDS * 4 // 64))
    fresh = torch.frombuffer(bytearray(words), dtype=torch.int32).to(torch.int64) & 0xFFFFFFFF
    state[_HEADER : _HEADER + 8 * _MERSENNE_WORDS] = fresh.view(torch.uint8)
    return generator.set_state(state)
