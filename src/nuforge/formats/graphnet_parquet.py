"""GraphNeT's Parquet: a folder with a folder for each table, or one file with a row an event.

In the folder `<table>/<table>_<i>.parquet` the files with one number i hold the same events; rows are flat, with a
column `event_no`. In the single file each table is a column of structs, of which pulses have lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet

from nuforge.detectors import Detector
from nuforge.errors import InputError
from nuforge.events import Events
from nuforge.formats.distinct import merged
from nuforge.formats.format import Format
from nuforge.formats.glimpse import Glimpse, Kind
from nuforge.formats.graphnet_columns import (
    KEY,
    Flat,
    check_columns,
    events_of,
    is_pulses,
    nothing_for,
    number_twice,
    truth_among,
    without_events,
)
from nuforge.formats.graphnet_written import columns_of
from nuforge.formats.identity import source_of
from nuforge.formats.parquet import (
    KeyedFile,
    ParquetRows,
    event_batches,
    fields,
    is_list,
    is_number,
    lists,
    numbers,
    open_parquet,
    rows_in,
    storage,
)
from nuforge.formats.ragged import ids
from nuforge.formats.whole import folder_written_whole, written_whole


def _files(folder: Path) -> dict[str, dict[str, Path]]:
    """Of each table the files by their numbers."""
    found = {}
    for place in sorted(folder.iterdir()):
        if place.is_dir():
            files = {f.stem.removeprefix(f"{place.name}_"): f for f in place.glob(f"{place.name}_*.parquet")}
            if files:
                found[place.name] = files
    return found


def read_graphnet_parquet(path: str | Path, batch_events: int = 64) -> Iterator[Events]:
    """The events of a folder of tables, or of one flat file, some at a time, sorted in each file, in bounded memory.

    Args:
        path: The folder, or a file of rows with `event_no`.
        batch_events: Events at a time.

    Yields:
        Events with `event`, `hits` (the longest table of pulses), `interactions` and `truth` if there are any, and
        other tables under their own names.

    Raises:
        InputError: If a file is not as expected.
    """
    path = Path(path)
    tables = _files(path) if path.is_dir() else {path.stem: {"0": path}}
    everything = sorted({number for files in tables.values() for number in files}, key=lambda n: (len(n), n))
    missing = [f"{name}_{n}.parquet" for name, files in tables.items() for n in everything if n not in files]
    if missing:
        raise InputError(f"{path} lacks the files {missing[:5]}; copy all files of all tables")
    source = source_of(*(files[n] for files in tables.values() for n in everything))
    any_events = False
    length = {name: sum(map(rows_in, files.values())) for name, files in tables.items()}
    order = sorted(tables, key=lambda name: (-length[name], name))  # each file has the same
    for n in everything:
        with ExitStack() as opened:
            files = {name: opened.enter_context(ParquetRows.opened(tables[name][n])) for name in order}
            parts = {name: KeyedFile.of(rows, KEY) for name, rows in files.items()}
            events = merged(*(part.extents.events for part in parts.values()))
            for first in range(0, len(events), batch_events):
                any_events = True
                chosen = events[first : first + batch_events]
                yield events_of(chosen, {name: Flat(*part.rows_of(chosen)) for name, part in parts.items()}, source)
    if not any_events:
        raise without_events(path, tables)


def read_graphnet_nested(path: str | Path, batch_events: int = 64) -> Iterator[Events]:
    """The events of one file with a row an event, in its order, some at a time, in bounded memory.

    Args:
        path: The file.
        batch_events: Events at a time.

    Yields:
        Events as `read_graphnet_parquet` has them. Without `event_no` events are numbered by their rows.

    Raises:
        InputError: If the file is not as expected.
    """
    path = Path(path)
    source, row = source_of(path), 0
    with open_parquet(path) as file:
        for batch in event_batches(file, batch_events):
            structs = {name: fields(batch.column(name)) for name in _structs(batch.schema)}
            flats = {name: _flat(path, name, found, len(batch)) for name, found in structs.items()}
            key = next((found[KEY] for found in structs.values() if _is_plain(found.get(KEY))), None)
            events = np.arange(row, row + len(batch)) if key is None else ids(numbers(key), f"'{KEY}' of {path}")
            row += len(batch)
            yield events_of(events, flats, source)
    if not row:
        raise without_events(path)


def _is_plain(array: pa.Array | None) -> bool:
    return array is not None and is_number(array.type)


def _structs(schema: pa.Schema) -> list[str]:
    return [field.name for field in schema if pa.types.is_struct(storage(field.type))]


def _flat(path: Path, name: str, found: Mapping[str, pa.Array], n: int) -> Flat:
    """A column of structs as rows: of lists if it has some, else one an event."""
    ragged = {field: array for field, array in found.items() if is_list(array.type)}
    if not ragged:
        plain = {field: numbers(array) for field, array in found.items() if is_number(array.type) and field != KEY}
        return Flat(plain, np.ones(n, np.int64))
    columns, counts = {}, np.zeros(n, np.int64)
    for i, (field, array) in enumerate(ragged.items()):
        if not is_number(storage(array.type.value_type)):
            continue
        values, lengths = lists(array)
        if i and (lengths != counts).any():
            event = int((lengths != counts).argmax())
            raise InputError(
                f"lists of '{name}' of {path} must be of one length in each event, '{field}' has {lengths[event]} "
                f"where others have {counts[event]}; write them again"
            )
        columns[field], counts = values, lengths
    return Flat(columns, counts)


def write_graphnet_parquet(path: str | Path, parts: Iterable[Events], detector: Detector | None = None) -> None:
    """Writes events as a folder with `truth/truth_<i>.parquet` and `pulses/pulses_<i>.parquet`, a file for each part.

    Args:
        path: The folder.
        parts: Events with hits (see `graphnet_written.columns_of`).
        detector: Not written, for these files have no place for it.

    Raises:
        InputError: If there are no events, or they cannot be held; nothing is left behind then.
    """
    with folder_written_whole(Path(path)) as folder:
        n, numbers_seen = 0, np.zeros(0, np.int64)
        for events in parts:
            tables = columns_of(events)
            numbers_seen = _unique(numbers_seen, tables["truth"][KEY])
            for name, columns in tables.items():
                (folder / name).mkdir(parents=True, exist_ok=True)
                parquet.write_table(pa.table(columns), folder / name / f"{name}_{n}.parquet", compression="zstd")
            n += 1
        if not n:
            raise nothing_for(Path(path))


def _unique(seen: NDArray[np.int64], more: NDArray[np.int64]) -> NDArray[np.int64]:
    """All numbers of events so far, each once."""
    together = np.concatenate([seen, more])
    unique = np.unique(together)
    if len(unique) < len(together):
        raise number_twice()
    return unique


def write_graphnet_nested(path: str | Path, parts: Iterable[Events], detector: Detector | None = None) -> None:
    """Writes events as one file with a row an event: columns `pulses` (lists) and `truth`.

    Args:
        path: The file; it is replaced when the new one is whole.
        parts: Events with hits (see `graphnet_written.columns_of`).
        detector: Not written, for these files have no place for it.

    Raises:
        InputError: If there are no events, or they cannot be held; nothing is left behind then.
    """
    writer: parquet.ParquetWriter | None = None
    with written_whole(Path(path)) as part:
        try:
            for events in parts:
                table = _nested(events)
                writer = writer or parquet.ParquetWriter(part, table.schema, compression="zstd")
                if table.schema != writer.schema:
                    check_columns(_leaves(table.schema), _leaves(writer.schema))
                writer.write_table(table)
        finally:
            if writer is not None:
                writer.close()
        if writer is None:
            raise nothing_for(Path(path))


def _leaves(schema: pa.Schema) -> list[str]:
    fields = [(column.name, column.type.field(i)) for column in schema for i in range(column.type.num_fields)]
    return [f"{name}.{field.name}: {field.type}" for name, field in fields]


def _nested(events: Events) -> pa.Table:
    """Events as a table of two columns of structs."""
    truth, pulses = columns_of(events).values()
    offsets = pa.array(events["hits"].offsets.numpy())
    ragged = {name: values for name, values in pulses.items() if name != KEY}
    arrays = [pa.LargeListArray.from_arrays(offsets, pa.array(values)) for values in ragged.values()]
    hits = pa.StructArray.from_arrays([*arrays, pa.array(truth[KEY])], [*ragged, KEY])
    plain = pa.StructArray.from_arrays([pa.array(values) for values in truth.values()], list(truth))
    return pa.table({"pulses": hits, "truth": plain})


def _recognises_folder(seen: Glimpse) -> bool:
    if seen.kind is Kind.PARQUET:
        return KEY in seen.names and (is_pulses(seen.names) or truth_among({"": seen.names}) is not None)
    if seen.kind is not Kind.FOLDER:
        return False
    firsts = [next(iter(files.values())) for files in _files(seen.path).values()]
    return any(_recognises_folder(Glimpse.of(file)) for file in firsts)


def _recognises_nested(seen: Glimpse) -> bool:
    if seen.kind is not Kind.PARQUET:
        return False
    with open_parquet(seen.path) as file:
        schema = file.schema_arrow
        for name in _structs(schema):
            kind = storage(schema.field(name).type)
            leaves = [kind.field(i).name for i in range(kind.num_fields)]
            if is_pulses(leaves) and KEY in leaves:
                return True
    return False


GRAPHNET_PARQUET = Format(
    "graphnet-parquet",
    "GraphNeT's Parquet (a folder of flat tables with event_no)",
    "seen",
    _recognises_folder,
    read_graphnet_parquet,
    write_graphnet_parquet,
)

GRAPHNET_NESTED = Format(
    "graphnet-nested",
    "GraphNeT's nested Parquet (a row an event)",
    "seen",
    _recognises_nested,
    read_graphnet_nested,
    write_graphnet_nested,
)
