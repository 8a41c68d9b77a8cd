"""A whole store from a stream of events, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from nuforge.errors import InputError
from nuforge.events.events import Events
from nuforge.events.store import finish, write_shard_of_parts

SHARD_BYTES = 1 << 26
"""Memory of the events of a shard, before it is compressed: the next part begins another."""


def write_store(
    folder: Path, parts: Iterable[Events], *, detector: Mapping[str, Any] | None, provenance: Mapping[str, Any]
) -> None:
    """Makes a folder a store of the events of all parts, which are held one at a time.

    Args:
        folder: Where it is made, if need be the folder too. Without its description it is no store yet.
        parts: Events with the same tables and columns, some at a time.
        detector: The detector's description, as JSON has it.
        provenance: What made the events, as JSON has it.

    Raises:
        InputError: If there are no events.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rest, shards, last = iter(parts), 0, None
    for last in rest:
        write_shard_of_parts(folder, shards, _filling(last, rest))
        shards += 1
    if last is None:
        raise InputError(f"no events for the store '{folder}', expected at least one; give files that have some")
    finish(folder, last, detector=detector, provenance=provenance, shards=shards)


def _filling(first: Events, rest: Iterator[Events]) -> Iterator[Events]:
    """The parts of one shard."""
    yield first
    size = bytes_of(first)
    while size < SHARD_BYTES and (part := next(rest, None)) is not None:
        yield part
        size += bytes_of(part)


def bytes_of(events: Events) -> int:
    """Memory of the columns of events."""
    return sum(column.nbytes for table in events.tables.values() for column in table.columns.values())
