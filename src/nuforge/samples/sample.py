"""A sample: a named recipe of events. Its name, arguments and seed decide every byte of it."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, get_args, runtime_checkable

from nuforge.errors import InputError
from nuforge.samples.cache import PACKAGE, cache_folder, folder_name, hash_of_files, source_hash

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from nuforge.events import Events
    from nuforge.events.store import Store
    from nuforge.samples.prepare import Workers

Side: TypeAlias = Literal["", "test"]
"""Which events of a sample are made: all, or those that are for the test."""


@runtime_checkable
class Described(Protocol):
    """A detector, as far as a sample needs it."""

    def description(self) -> Mapping[str, Any]:
        """The detector as JSON has it."""
        ...


@dataclass(frozen=True, eq=False)
class Sample:
    """A recipe of events that is prepared once and cached.

    Shard i is made by one call with a generator seeded by name, arguments, seed and i, on one thread, so the events
    are the same with any number of workers, and a larger sample begins with the events of a smaller one.

    Args:
        name: In lower case with hyphens.
        arguments: What the recipe was called with, all that changes its events beside seed, size and detector.
        generate: Function of the number of events, the shard's number and its generator (torch, CPU). It lives at the
            top of a module (or is a `functools.partial` of one that does), so that worker processes find it.
        events: Number of events.
        detector: The detector, kept with the events; None if there is none.
        shard_size: Events in a shard.
        seed: Of everything random.
        side: Which events `generate` gives of those that it is asked for: all, or only those whose identity is on the
            side of the test (`nuforge.events.split`). They are the same events as in the whole sample.

    Raises:
        InputError: If a number is out of range, the name does not fit a folder, or there is no such side.
    """

    name: str
    arguments: Mapping[str, int | float | str | bool]
    generate: Callable[[int, int, torch.Generator], Events]
    events: int
    detector: Described | None = None
    shard_size: int = 100
    seed: int = 0
    side: Side = ""
    _own_source: str = field(init=False, repr=False, default="")

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", self.name):
            raise InputError(f"a sample's name has lower-case letters, digits, hyphens, got '{self.name}'; rename it")
        if self.events < 1:
            raise InputError(f"events must be 1 at least, got {self.events}; ask for more events")
        if self.shard_size < 1:
            raise InputError(f"shard_size must be 1 event at least, got {self.shard_size}; 100 is usual")
        if self.side not in get_args(Side):
            raise InputError(f"side must be '' (all events) or 'test', got '{self.side}'; choose one of them")
        object.__setattr__(self, "arguments", dict(self.arguments))
        object.__setattr__(self, "_own_source", _own_source(self.generate))

    @property
    def shards(self) -> int:
        """Number of shards."""
        return -(-self.events // self.shard_size)

    def drawn(self, shard: int) -> int:
        """Events of a shard, whichever side they are on."""
        return min(self.shard_size, self.events - shard * self.shard_size)

    def numbers(self, shard: int) -> Tensor:
        """Numbers (B,) in their shard of the events that are made, rising."""
        return numbers_of(self.source, shard, self.drawn(shard), self.side)

    @property
    def source(self) -> int:
        """The identity of the sample in its events, 63 bits; the same for another detector or number of events."""
        return source_of(self.name, self.arguments, self.seed, self.shard_size)

    def generator(self, shard: int) -> torch.Generator:
        """The generator of a shard."""
        from nuforge.events.identity import generator_of

        return generator_of(self.name, self.arguments, self.seed, shard)

    def made(self, shard: int) -> Events:
        """The events of a shard, made anew."""
        return self.generate(self.drawn(shard), shard, self.generator(shard))

    @property
    def key(self) -> str:
        """16 hexadecimal digits of all that decides the events, the code that makes them included."""
        from nuforge.events.identity import canonical

        return blake2b(canonical(self.provenance()), digest_size=8).hexdigest()

    def provenance(self) -> dict[str, Any]:
        """What made the events, as JSON has it."""
        return {
            "sample": self.name,
            "arguments": dict(self.arguments),
            "seed": self.seed,
            "events": self.events,
            "shard_size": self.shard_size,
            "side": self.side,
            "detector": None if self.detector is None else self.detector.description(),
            "source_hash": source_hash(),
            "own_source_hash": self._own_source,
        }

    def prepare(self, cache: Path | None = None, workers: int | Workers = 1, progress: bool | None = None) -> Store:
        """The events of this sample from the cache, made first if they are not there.

        What is made is kept: after an interruption the same call goes on where it ended.

        Args:
            cache: Folder of prepared samples, None for the user's (`nuforge.samples.cache.cache_folder`).
            workers: Processes that make shards: how many, or those that made other samples.
            progress: A progress bar on stderr; None shows it if that is a terminal.
        """
        folder = (cache_folder() if cache is None else cache) / folder_name(self.name, self.key)
        return self.write(folder, workers, progress)

    def write(self, folder: Path, workers: int | Workers = 1, progress: bool | None = None) -> Store:
        """The events of this sample in a folder of their own, made first if they are not there (see `prepare`)."""
        from nuforge.samples.prepare import prepare

        return prepare(self, folder, workers, progress)


def source_of(name: str, arguments: Mapping[str, int | float | str | bool], seed: int, shard_size: int) -> int:
    """The identity in its events of a sample, 63 bits."""
    from nuforge.events.identity import stable_hash

    return stable_hash(name, dict(arguments), seed, shard_size)


def numbers_of(source: int, shard: int, n: int, side: Side) -> Tensor:
    """Which (B,) of the n events of a shard are on a side, by their identity."""
    import torch

    from nuforge.events import Table
    from nuforge.events.identity import identity_columns
    from nuforge.events.split import SIDES, side_of

    number = torch.arange(n)
    if not side:
        return number
    return number[side_of(Table(identity_columns(source, shard, number), torch.arange(n + 1))) == SIDES.index(side)]


def _own_source(generate: Callable) -> str:
    """A hash of the file of a function that is not the package's own, "" for one that is."""
    while isinstance(generate, functools.partial):
        generate = generate.func
    module = sys.modules.get(getattr(generate, "__module__", ""))
    file = Path(getattr(module, "__file__", None) or "").resolve()
    return "" if PACKAGE in file.parents or not file.is_file() else hash_of_files({file.name: file})
