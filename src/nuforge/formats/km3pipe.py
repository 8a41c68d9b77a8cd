"""km3pipe's HDF5 of KM3NeT: hits, true hits and true particles, rows of events end to end.

A table is a structured dataset, or a group with a dataset for each column; `group_id` (`event_id` before format 5)
says to which event of the file a row belongs. Files have m, ns and GeV. Instead of a charge a hit has the time that its
pulse was over threshold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import torch
from numpy.typing import NDArray

from nuforge import units
from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.formats.decoded import Decoded
from nuforge.formats.distinct import merged
from nuforge.formats.format import Format
from nuforge.formats.glimpse import Glimpse, Kind
from nuforge.formats.hdf5 import dataset_of, numbers_of, open_hdf5, plausible
from nuforge.formats.identity import event_table, source_of
from nuforge.formats.km3net import hit_table, light_table, neutrinos_of, particle_table
from nuforge.formats.ragged import Extents, Keyed, ids

_KEYS = ("group_id", "event_id")
"""The column of events: the first that is there, for km3pipe had no groups before its format 5."""

_TABLES = ("event_info", "hits", "mc_hits", "mc_tracks")
_NAMES = {"time": "t", "energy": "E", "length": "len", "type": "pdgid", "triggered": "trig"}
"""Names of columns here, by those of km3pipe."""

_EVENT = {
    "timestamp": Column("s", "UTC seconds of the event since 1970", "readout"),
    "nanoseconds": Column("ns", "and its nanoseconds", "readout"),
    "mc_time": Column("ns", "time of the simulated event", "truth"),
    **{f"weight_w{i}": Column("", f"KM3NeT's weight w{i}", "truth") for i in (1, 2, 3, 4)},
}


@dataclass(frozen=True)
class _Columns:
    """A table of the file: a dataset for each column, or the fields of one."""

    path: Path
    key: str
    columns: Mapping[str, Decoded]
    fields: bool
    extents: Extents

    @classmethod
    def of(cls, path: Path, file: h5py.File, name: str) -> _Columns:
        """A table by its name.

        Raises:
            InputError: If it has no events, or columns of different lengths.
        """
        item = file[name]
        fields = isinstance(item, h5py.Dataset)
        if fields:
            whole, kinds = Decoded(path, plausible(path, item)), (item.dtype.fields or {}).items()
            columns = {field: whole for field, (kind, *_) in kinds if kind.kind in "iufb" and not kind.shape}
        else:
            there = [n for n in item if not n.startswith("_") and isinstance(item.get(n), h5py.Dataset)]
            columns = {n: Decoded(path, numbers_of(path, dataset_of(path, item, n))) for n in there}
        by = next((key for key in _KEYS if key in columns), None)
        if by is None:
            raise InputError(f"'{name}' of {path} lacks the columns {_KEYS}, it has {list(columns)}; write it again")
        shapes = {n: column.dataset.shape for n, column in columns.items()}
        if len(set(shapes.values())) != 1 or len(shapes[by]) != 1:
            raise InputError(f"columns of '{name}' of {path} must be of one length, got {shapes}; write it again")
        blocks, what = columns[by].blocks(), f"'{by}' of '{name}' of {path}"
        extents = Extents.of((i, ids(rows[by] if fields else rows, what)) for i, rows in blocks)
        return cls(path, by, columns, fields, extents)

    def rows_of(self, events: NDArray[np.int64]) -> tuple[dict[str, NDArray], NDArray[np.int64]]:
        """Columns of some events, event after event, by the names of `_NAMES`, and how many rows each has."""
        first, end, counts = self.extents.range_of(events)
        rows = self._rows(first, end)
        key = rows.pop(self.key)
        found = {_NAMES.get(name, name): values for name, values in rows.items()}
        if counts is not None:
            return found, counts
        keyed = Keyed.of(ids(key, f"'{self.key}' of {self.path}"), events)
        return {name: keyed.taken(values) for name, values in found.items()}, keyed.counts

    def _rows(self, first: int, end: int) -> dict[str, NDArray]:
        """The columns of the rows from first to before end; the fields of one dataset are decoded together."""
        if not self.fields:
            return {name: column.rows(first, end) for name, column in self.columns.items()}
        rows = self.columns[self.key].rows(first, end)
        return {name: np.ascontiguousarray(rows[name]) for name in self.columns}  # they are gone through several times


def read_km3pipe(path: str | Path, batch_events: int = 64) -> Iterator[Events]:
    """The events of a file in the order of their groups, some at a time, in bounded memory.

    Args:
        path: The HDF5 file.
        batch_events: Events at a time.

    Yields:
        Events with `event`, `hits` and, of simulated files, `interactions`, `particles` and `photoelectrons`.

    Raises:
        InputError: If the file is not as expected.
    """
    path = Path(path)
    with open_hdf5(path) as file:
        tables = {name: _Columns.of(path, file, name) for name in _TABLES if name in file}
        events = merged(*(table.extents.events for table in tables.values()))
        if not len(events):
            raise InputError(f"{path} has no events; give a file with events")
        source = source_of(path)
        for first in range(0, len(events), batch_events):
            chosen = events[first : first + batch_events]
            yield _events(chosen, {name: table.rows_of(chosen) for name, table in tables.items()}, source)


def _events(
    groups: NDArray[np.int64], rows: Mapping[str, tuple[dict[str, NDArray], NDArray[np.int64]]], source: int
) -> Events:
    """Events of the rows of a batch."""
    nothing: tuple[dict[str, NDArray], NDArray[np.int64]] = ({}, np.zeros(len(groups), np.int64))
    made = {"event": _event(groups, *rows.get("event_info", nothing), source)}
    made["hits"] = hit_table(*rows.get("hits", nothing))
    if "mc_tracks" in rows:
        tracks, counts = rows["mc_tracks"]
        made["interactions"] = neutrinos_of(tracks, counts)
        made["particles"] = particle_table(tracks, counts)
        if "mc_hits" in rows:
            made["photoelectrons"] = light_table(*rows["mc_hits"], tracks, counts)
    return Events(made)


def _event(groups: NDArray[np.int64], info: dict[str, NDArray], counts: NDArray[np.int64], source: int) -> Table:
    """The table `event`; an event without a row in `event_info` has the number of its group, and run 0."""
    first, there = np.concatenate([[0], np.cumsum(counts)])[:-1], counts > 0

    def column(name: str, missing: NDArray) -> NDArray:
        if name not in info or not there.any():
            return missing
        values = info[name][np.minimum(first, len(info[name]) - 1)]
        return np.where(there, values, missing)

    number = ids(np.asarray(column("event_id", groups)), "'event_id' of 'event_info'")
    run = ids(np.asarray(column("run_id", np.zeros(len(groups), np.int64))), "'run_id' of 'event_info'")
    table = event_table(source, number, run)
    names = [name for name in _EVENT if name in info]
    nothing = np.full(len(groups), np.nan)
    more = {name: torch.from_numpy(column(name, nothing).astype(np.float64) * units.ns) for name in names}
    return table.with_columns(more, about={name: _EVENT[name] for name in more})


def _recognises(seen: Glimpse) -> bool:
    if seen.kind is not Kind.HDF5 or not seen.has("event_info"):
        return False
    return seen.has("hits/dom_id") or seen.has("mc_tracks") or seen.has("hits")


KM3PIPE = Format("km3pipe", "km3pipe HDF5 (KM3NeT)", "seen", _recognises, read_km3pipe)
