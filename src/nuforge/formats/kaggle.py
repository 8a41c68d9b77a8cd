"""IceCube's competition on Kaggle: pulses in `batch_<k>.parquet`, directions in `train_meta.parquet`.

A batch alone, or the folder with `train` (or `test`) in it, can be read. The directions and the positions of the
sensors (`sensor_geometry.csv`) are looked for in the folder above the batches; without them they are NaN. Files have
m, ns and photoelectrons; angles say where the neutrino comes from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nuforge import units
from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.formats.distinct import merged
from nuforge.formats.format import Format
from nuforge.formats.glimpse import Glimpse, Kind
from nuforge.formats.identity import event_table, source_of
from nuforge.formats.parquet import KeyedFile, ParquetRows
from nuforge.formats.ragged import Extents, Keyed, ids
from nuforge.formats.telescope import arriving, doubles, floats, integers, neutrino_table

_EVENT, _BATCH = "event_id", "batch_id"
_PULSES = ("sensor_id", "time", "charge", "auxiliary")
_GEOMETRY = "sensor_geometry.csv"
_NAME = re.compile(r"batch_(\d+)\.parquet")
_MOST_GEOMETRY = 10_000_000  # bytes
_AUXILIARY = {"auxiliary": Column("", "1 if the pulse is of lower quality, more often noise", "readout")}


def _meta(opened: ExitStack, folder: Path, kind: str) -> KeyedFile | None:
    """The file beside the folder of batches, by its batches, if it is there."""
    path = folder / f"{kind}_meta.parquet"
    if not path.exists():
        return None
    rows = opened.enter_context(ParquetRows.opened(path))
    missing = [name for name in (_BATCH, _EVENT) if name not in rows.names]
    if missing:
        raise InputError(f"{path} lacks the columns {missing}, it has {list(rows.names)}; copy it from Kaggle again")
    names = tuple(name for name in (_BATCH, _EVENT, "zenith", "azimuth") if name in rows.names)
    return KeyedFile.of(replace(rows, names=names), _BATCH)


def read_kaggle(path: str | Path, batch_events: int = 64) -> Iterator[Events]:
    """The events of one batch, or of all in a folder, some at a time, sorted within each batch, in bounded memory.

    Args:
        path: A file of pulses, or the folder that holds `train` or `test`.
        batch_events: Events at a time.

    Yields:
        Events with `event` (run is the number of the batch), `hits` and `interactions` (the direction alone, where it
        is known). Events without pulses are there.

    Raises:
        InputError: If a file is not as expected.
    """
    path = Path(path)
    files = [path] if path.is_file() else _batches(path)
    geometry, metas = _geometry(files[0].absolute().parent.parent), dict[Path, KeyedFile | None]()
    with ExitStack() as opened:
        for file in files:
            folder = file.absolute().parent
            if folder not in metas:
                metas[folder] = _meta(opened, folder.parent, folder.name)
            with ParquetRows.opened(file) as rows:
                yield from _read_batch(rows, metas[folder], geometry, batch_events)


def _batches(folder: Path) -> list[Path]:
    there = [file for kind in ("train", "test") for file in (folder / kind).glob("batch_*.parquet")]
    found = [file for file in there if _NAME.fullmatch(file.name)]
    return sorted(found, key=lambda f: (f.parent.name, int(_NAME.fullmatch(f.name)[1])))  # type: ignore[index]


def _read_batch(
    rows: ParquetRows, meta: KeyedFile | None, geometry: NDArray[np.float32], batch_events: int
) -> Iterator[Events]:
    """The events of one batch."""
    path, pulses = rows.path, KeyedFile.of(rows, _EVENT)
    missing = [name for name in _PULSES if name not in rows.names]
    if missing:
        raise InputError(f"{path} lacks the columns {missing}, it has {list(rows.names)}; copy it again")
    name = _NAME.fullmatch(path.name)
    batch, source = int(name[1]) if name else 0, source_of(path)
    known = meta.rows_of(np.array([batch]))[0] if meta is not None and name else {_EVENT: np.zeros(0, np.int64)}
    told = ids(known[_EVENT], f"'{_EVENT}'")
    told_at = Extents.of([(0, told)])
    events = merged(pulses.extents.events, told)
    if not len(events):
        raise InputError(f"{path} has no events; give a file with events")
    for first in range(0, len(events), batch_events):
        chosen = events[first : first + batch_events]
        columns, counts = pulses.rows_of(chosen)
        tables = {
            "event": event_table(source, chosen, np.full(len(chosen), batch)),
            "hits": _hits(columns, counts, geometry),
        }
        if "zenith" in known and "azimuth" in known:
            begin, end, directions = told_at.range_of(chosen)
            zenith, azimuth = (known[name][begin:end] for name in ("zenith", "azimuth"))
            if directions is None:
                keyed = Keyed.of(told[begin:end], chosen)
                zenith, azimuth, directions = keyed.taken(zenith), keyed.taken(azimuth), keyed.counts
            tables["interactions"] = neutrino_table(directions, direction=arriving(zenith, azimuth))
        yield Events(tables)


def _hits(columns: dict[str, NDArray], counts: NDArray[np.int64], geometry: NDArray[np.float32]) -> Table:
    """Pulses as the table `hits`; positions of sensors that are not known are NaN."""
    sensor = integers(columns["sensor_id"])
    number = sensor.numpy()
    known = (number >= 0) & (number < len(geometry) - 1)
    made = {
        "position": floats(geometry.take(number if known.all() else np.where(known, number, -1), axis=0)),
        "time": doubles(columns["time"], units.ns),
        "charge": floats(columns["charge"]),
        "sensor": sensor,
        "auxiliary": integers(columns["auxiliary"]),
    }
    return Table.from_counts(made, integers(counts), about=_AUXILIARY)


def _geometry(folder: Path) -> NDArray[np.float32]:
    """Positions (S + 1, 3) in cm by number of the sensor; the last row is NaN, for sensors that are not known."""
    path = folder / _GEOMETRY
    if not path.exists():
        return np.full((1, 3), np.nan, np.float32)
    if path.stat().st_size > _MOST_GEOMETRY:
        raise InputError(f"{path} has {path.stat().st_size} bytes, expected 5160 lines; copy it from Kaggle again")
    try:
        table = np.genfromtxt(path, delimiter=",", names=True, dtype=None, ndmin=1)
        sensor, place = table["sensor_id"], np.stack([table[axis] for axis in "xyz"], axis=1)
        number = ids(sensor, f"'sensor_id' of {path}")
        if not 0 <= number.min() <= number.max() < _MOST_GEOMETRY:
            raise ValueError(f"sensor_id from {number.min()} to {number.max()}")
    except (ValueError, IndexError, UnicodeDecodeError) as error:
        reason = (str(error).splitlines() or ["damaged"])[0][:100]
        raise InputError(f"{path} must have the columns sensor_id, x, y, z ({reason}); copy it again") from None
    out = np.full((int(number.max()) + 2, 3), np.nan, np.float32)
    out[number] = place * units.m
    return out


def _recognises(seen: Glimpse) -> bool:
    if seen.kind is Kind.FOLDER:
        return _GEOMETRY in seen.names and bool({"train", "test"} & set(seen.names)) and bool(_batches(seen.path))
    return seen.kind is Kind.PARQUET and seen.has(_EVENT, *_PULSES)


KAGGLE = Format(
    "icecube-kaggle",
    "IceCube's Kaggle competition (batches of pulses)",
    "doc",
    _recognises,
    read_kaggle,
)
