"""The store: events on disk as a folder of Parquet shards, one row an event, and one JSON that says what is in them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import torch

from nuforge.errors import InputError, MissingFileError
from nuforge.events.arrow import EVENT, Description, chosen, describe, from_arrow, known_columns, schema_of, to_arrow
from nuforge.events.events import Events
from nuforge.events.identity import IDENTITY
from nuforge.events.table import Table, offsets_of

SCHEMA = 1
"""Version of the store on disk. It grows when a reader of the version before could not read what is written."""

DESCRIPTION = "store.json"
PLAN = "unfinished.json"

_GROUP_BYTES = 2_000_000  # of decoded columns in a row group: a batch reads little, and the footer stays small
_METADATA = b"nuforge"


def shard_path(folder: Path, number: int) -> Path:
    """Where shard `number` of a store is."""
    return folder / f"shard-{number:06d}.parquet"


def write_shard(folder: Path, number: int, events: Events) -> Path:
    """The path of a shard, written whole or not at all: temporary name, fsync, rename.

    Args:
        folder: The store's folder.
        number: Number of the shard, from 0.
        events: At least one event.
    """
    return write_shard_of_parts(folder, number, [events])


def write_shard_of_parts(folder: Path, number: int, parts: Iterable[Events]) -> Path:
    """The path of a shard written part by part, of which one is held at a time; whole or not at all.

    Args:
        folder: The store's folder.
        number: Number of the shard, from 0.
        parts: Events with the same tables and columns, at least one event in all.

    Raises:
        ValueError: If there is no event, or parts differ in their columns.
    """
    path = shard_path(folder, number)
    temporary = _temporary(path)
    some = (events for events in parts if len(events))
    first = next(some, None)
    if first is None:
        raise ValueError(f"shard {number} has no events, expected at least one; write fewer shards")
    description = describe(first)
    try:
        with _writer(temporary, description) as writer:
            for data in _in_groups(_alike(chain([first], some), description)):
                writer.write_table(data, max(1, _GROUP_BYTES * data.num_rows // max(1, data.nbytes)))
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _publish(temporary, path)
    return path


def _alike(parts: Iterable[Events], description: Description) -> Iterator[pa.Table]:
    """Events as Arrow tables, if they are all of one description."""
    metadata = _metadata(description)
    for events in parts:
        if describe(events) != description:
            raise ValueError("the parts of a shard differ in tables or columns; give events that have the same")
        yield to_arrow(events).replace_schema_metadata(metadata)


def _in_groups(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The same rows in tables that are each worth a row group at least, but for the last."""
    held: list[pa.Table] = []
    for table in tables:
        held.append(table)
        if sum(each.nbytes for each in held) >= _GROUP_BYTES:
            yield pa.concat_tables(held)
            held = []
    if held:
        yield pa.concat_tables(held)


def _metadata(description: Description) -> dict[bytes, str]:
    return {_METADATA: json.dumps(description)}


def _writer(path: Path, description: Description) -> pq.ParquetWriter:
    """What writes events with that description."""
    return pq.ParquetWriter(
        path,
        schema_of(description).with_metadata(_metadata(description)),
        compression="zstd",
        use_dictionary=_repetitive(description),
        write_statistics=[f"{EVENT}.{name}" for name in description.get(EVENT, ())],
        write_page_checksum=True,
    )


def _repetitive(description: Description) -> list[str]:
    """The columns whose values repeat: integers. A dictionary makes numbers that do not repeat larger and slower."""
    return [
        f"{table}.{name}" + ("" if table == EVENT else ".list.element")
        for table, columns in description.items()
        for name, about in columns.items()
        if "int" in about["dtype"] and not about["shape"]
    ]


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """A JSON file, written whole or not at all."""
    temporary = _temporary(path)
    temporary.write_text(json.dumps(content, sort_keys=True, indent=1) + "\n", encoding="utf-8")
    _publish(temporary, path)


def _temporary(path: Path) -> Path:
    """A name that no reader takes for a shard, in the same folder."""
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def remove_temporaries(folder: Path) -> None:
    """Remove what killed writers left. Only for the one process that writes this folder."""
    for path in folder.glob(".*.tmp"):
        path.unlink(missing_ok=True)


def _publish(temporary: Path, path: Path) -> None:
    """Give a file its name when its bytes are safely on disk."""
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    os.replace(temporary, path)
    if hasattr(os, "O_DIRECTORY"):  # the name itself is safe when its folder is
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def finish(
    folder: Path,
    events_like: Events,
    *,
    detector: Mapping[str, Any] | None,
    provenance: Mapping[str, Any],
    shards: int,
) -> None:
    """Make a folder of shards a store by writing its description, last and at once.

    Args:
        folder: The store's folder.
        events_like: Any events with the tables and columns of the shards.
        detector: The detector's description, as JSON has it.
        provenance: What made the events, as JSON has it.
        shards: Number of shards.

    Raises:
        InputError: If a shard is missing.
    """
    missing = [n for n in range(shards) if not shard_path(folder, n).exists()]
    if missing or not shards:
        raise InputError(f"store {folder} has {shards - len(missing)} of {shards} shards; write the others first")
    content = {
        "schema": SCHEMA,
        "tables": describe(events_like),
        "detector": detector,
        "provenance": provenance,
        "shards": shards,
    }
    write_json(folder / DESCRIPTION, content)


def read_shard(path: Path) -> Events:
    """All events of one shard, which describes itself.

    Raises:
        InputError: If it is not a whole shard.
    """
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            data = file.read(use_threads=False)
            description = json.loads(file.schema_arrow.metadata[_METADATA])
        return from_arrow(data, description)
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(path, error) from None


class Store:
    """Events on disk.

    Args:
        path: The store's folder.

    Raises:
        InputError: If there is no store, it is unfinished, damaged, or written by a newer version.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.description = _read_description(self.path)
        self._tables: Description = self.description["tables"]
        self._schema = schema_of(self._tables)
        self._footers = [self._footer(n) for n in range(self.description["shards"])]
        self._groups = [(s, g) for s, footer in enumerate(self._footers) for g in range(footer.num_row_groups)]
        counts = [self._footers[s].row_group(g).num_rows for s, g in self._groups]
        self.group_offsets = offsets_of(torch.tensor(counts, dtype=torch.int64))
        """(groups + 1,) int64: row group i holds the events group_offsets[i] to group_offsets[i + 1]."""

    def __len__(self) -> int:
        return int(self.group_offsets[-1])

    def __repr__(self) -> str:
        return f"Store('{self.path}': {len(self)} events, tables {sorted(self._tables)})"

    def _footer(self, number: int) -> pq.FileMetaData:
        """The footer of a shard, checked against the description."""
        path = shard_path(self.path, number)
        try:
            footer = pq.read_metadata(path)
            schema = footer.schema.to_arrow_schema()
        except FileNotFoundError:
            n = self.description["shards"]
            raise InputError(f"store {self.path} lacks {path.name} of its {n} shards; copy it again") from None
        except (pa.ArrowException, OSError) as error:
            raise _damaged(path, error) from None
        for field in self._schema:
            i = schema.get_field_index(field.name)
            if i < 0 or schema.field(i).type != field.type:
                got = "no such column" if i < 0 else schema.field(i).type
                raise InputError(
                    f"column '{field.name}' of {path} must be {field.type}, got {got}; make the store again"
                )
        return footer

    def group(self, i: int, tables: Sequence[str] | None = None) -> Events:
        """The events of row group i; `event` and the named tables alone if named."""
        shard, group = self._groups[i]
        return self._read(shard, [group], tables)

    def _read(self, shard: int, groups: list[int], tables: Sequence[str] | None) -> Events:
        """The events of some row groups of a shard."""
        wanted = chosen(self._tables, tables)
        names = [f"{table}.{name}" for table, columns in wanted.items() for name, _ in known_columns(columns, wanted)]
        path = shard_path(self.path, shard)
        footer = self._footers[shard]
        try:
            with pq.ParquetFile(path, metadata=footer, memory_map=True, page_checksum_verification=True) as file:
                return from_arrow(file.read_row_groups(groups, columns=names, use_threads=False), wanted)
        except FileNotFoundError:
            raise InputError(f"store {self.path} has lost {path.name} since it was opened; copy it again") from None
        except (pa.ArrowException, OSError) as error:
            raise _damaged(path, error) from None

    def read(self, tables: Sequence[str] | None = None) -> Events:
        """All events; `event` and the named tables alone if named."""
        whole = [(shard, list(range(footer.num_row_groups))) for shard, footer in enumerate(self._footers)]
        return Events.concat([self._read(shard, groups, tables) for shard, groups in whole])

    def batches(self, size: int, tables: Sequence[str] | None = None) -> Iterator[Events]:
        """All events in order, `size` at a time (the last batch may be smaller), in bounded memory."""
        if size < 1:
            raise ValueError(f"size must be 1 event at least, got {size}; a batch of one is an event alone")
        rest: list[Events] = []
        for i in range(len(self._groups)):
            events = self.group(i, tables)
            first = size - sum(map(len, rest)) if rest else 0
            if first > len(events):
                rest.append(events)
                continue
            if rest:
                yield Events.concat([*rest, events[:first]])
            whole = first + (len(events) - first) // size * size
            yield from (events[k : k + size] for k in range(first, whole, size))
            rest = [events[whole:]] if whole < len(events) else []
        if rest:
            yield Events.concat(rest)

    def identity(self) -> Table:
        """The identity of all events: the `event` table, and nothing else is read.

        Raises:
            InputError: If the events have none.
        """
        lost = [name for name in IDENTITY if name not in self._tables.get(EVENT, {})]
        if lost:
            raise InputError(f"store {self.path} has no {lost} in '{EVENT}'; an event without identity has no side")
        return self.read([EVENT])[EVENT]

    def bytes_per_event(self, tables: Sequence[str] | None = None) -> float:
        """Mean size in memory of an event, from the footers alone."""
        wanted = chosen(self._tables, tables)
        size = 0.0
        widths = {
            f"{table}.{name}": _width(about) for table, columns in wanted.items() for name, about in columns.items()
        }
        for shard, group in self._groups:
            chunks = self._footers[shard].row_group(group)
            for i in range(chunks.num_columns):
                chunk = chunks.column(i)
                size += chunk.num_values * widths.get(".".join(chunk.path_in_schema.split(".")[:2]), 0)
        return size / max(1, len(self))


def _width(about: Mapping[str, Any]) -> int:
    """Bytes of one number of a column."""
    return torch.empty(0, dtype=getattr(torch, about["dtype"])).element_size()


def _read_description(folder: Path) -> dict[str, Any]:
    """The store's JSON, checked."""
    path = folder / DESCRIPTION
    if not folder.exists():
        raise MissingFileError(f"no store at {folder}: there is no such folder; check the path")
    if not path.exists():
        raise InputError(_unfinished(folder))
    content = read_json(path)
    version = content.get("schema")
    if isinstance(version, int) and version > SCHEMA:
        raise InputError(f"{path} has schema version {version}, expected {SCHEMA} at most; update nuforge to read it")
    try:
        whole = version == SCHEMA and isinstance(content["shards"], int)
        whole &= isinstance(content["detector"], dict | None) and isinstance(content["provenance"], dict)
        from_arrow(schema_of(content["tables"]).empty_table(), content["tables"])
    except (KeyError, TypeError, AttributeError, ValueError):
        whole = False
    if not whole:
        raise InputError(f"{path} is no description of a store, or a part of it is lost; copy or make the store again")
    return content


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file.

    Raises:
        InputError: If it is not one.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:  # of bytes, of JSON, of numbers or brackets without end
        raise InputError(f"{path} is no JSON ({error}); copy or make the store again") from None
    if not isinstance(content, dict):
        raise InputError(
            f"{path} must hold a JSON object, got a {type(content).__name__}; copy or make the store again"
        )
    return content


def _unfinished(folder: Path) -> str:
    """What to say of a folder without a description."""
    n = len(list(folder.glob("shard-*.parquet")))
    if (folder / PLAN).exists():
        total = read_json(folder / PLAN).get("shards", "an unknown number of")
        return f"store {folder} is unfinished: {n} of {total} shards are there; run the same command again to finish it"
    if n:
        return f"store {folder} is unfinished: {n} shards but no {DESCRIPTION}; run the command that makes it again"
    return f"{folder} is no store: it has no {DESCRIPTION} and no shards; give the folder that holds them"


def _damaged(path: Path, error: Exception) -> InputError:
    """One line for a shard that cannot be decoded."""
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    return InputError(
        f"shard {path} is damaged ({reason}); delete it and run the command that made it again, or copy it"
    )
