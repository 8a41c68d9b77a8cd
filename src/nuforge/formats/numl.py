"""NuML event HDF5 (pynuml, MicroBooNE's public samples): hits on wires with the particles that made them.

Each group is a table, each dataset a column of shape (rows, width). `event_id` repeats run, subrun, event in every row;
`event_id.seq_cnt` has the place of an event in `event_table` and its number of rows, so one without rows has none.
Wires' waveforms, space points, optical and Pandora tables are not read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from numpy.typing import NDArray

from nuforge import units
from nuforge.detectors import Detector
from nuforge.errors import InputError
from nuforge.events import Column, Events, Process, Table
from nuforge.formats.ancestry import Numbering
from nuforge.formats.format import Format
from nuforge.formats.geant4 import NAME_OF, processes_of_names
from nuforge.formats.glimpse import Glimpse, Kind
from nuforge.formats.growing import append
from nuforge.formats.hdf5 import dataset_of, numbers_of, open_hdf5, taken, whole
from nuforge.formats.identity import event_table, source_of
from nuforge.formats.ragged import Integers, ranks
from nuforge.formats.whole import written_whole

_COUNTS, _ID, _EVENTS = "event_id.seq_cnt", "event_id", "event_table"


@dataclass(frozen=True)
class _Field:
    """A column of ours and the dataset it comes from: its width, the unit of the file, and what it means."""

    column: str
    dataset: str
    width: int
    unit: float
    kind: str
    about: Column


def _number(column: str, dataset: str, meaning: str, role: str = "truth") -> _Field:
    return _Field(column, dataset, 1, 1, "i8", Column("", meaning, "readout" if role == "readout" else "truth"))


def _real(column: str, dataset: str, about: Column, unit: float = 1.0, width: int = 1) -> _Field:
    return _Field(column, dataset, width, unit, "f4", about)


_FIELDS: Mapping[str, tuple[str, tuple[_Field, ...]]] = {
    "hits": (
        "hit_table",
        (
            _number("number", "hit_id", "number of the hit in its event", "readout"),
            _number("tpc", "tpc", "drift volume", "readout"),
            _number("view", "local_plane", "plane of wires", "readout"),
            _number("wire", "local_wire", "wire of the plane", "readout"),
            _real("tick", "local_time", Column("", "time in ticks of the readout", "readout")),
            _real("charge", "integral", Column("", "integral in ADC counts and ticks", "readout")),
            _real("width", "rms", Column("", "width in ticks", "readout")),
        ),
    ),
    "particles": (
        "particle_table",
        (
            _number("track", "g4_id", "Geant4's number of its track"),
            _number("pdg", "g4_pdg", "PDG Monte Carlo number"),
            _real("size", "momentum", Column("MeV", "size of its momentum at its start", "truth"), units.GeV),
            _real("start", "start_position", Column("cm", "where it began", "truth"), width=3),
            _real("end", "end_position", Column("cm", "where it ended", "truth"), width=3),
        ),
    ),
    "interactions": (
        _EVENTS,
        (
            _number("neutrino", "nu_pdg", "PDG number of the neutrino, 0 for none"),
            _number("charged_current", "is_cc", "1 charged current, 0 neutral current"),
            _real("energy", "nu_energy", Column("MeV", "energy of the neutrino", "truth"), units.GeV),
            _real("lepton_energy", "lep_energy", Column("MeV", "energy of the lepton", "truth"), units.GeV),
            _real("direction", "nu_dir", Column("", "direction of the neutrino", "truth"), width=3),
            _real("vertex", "nu_vtx", Column("cm", "position", "truth"), width=3),
        ),
    ),
    "truth_links": (
        "edep_table",
        (
            _real("energy", "energy", Column("MeV", "energy that the particle gave to the hit", "truth")),
            _real("fraction", "energy_fraction", Column("", "the fraction of the hit's energy that it gave", "truth")),
        ),
    ),
}
_LINKS = {
    "row": Column("", "the hit", "truth", "hits"),
    "particle": Column("", "a particle that gave energy to it", "truth", "particles"),
}
_MORE = ("parent_id", "start_process", "hit_id", "g4_id")
"""Datasets of particles and links beside those of columns."""

_NEEDED = {"hit_table": ("hit_id", "local_plane", "local_wire", "local_time", "integral")}


def _recognises(seen: Glimpse) -> bool:
    return seen.kind is Kind.HDF5 and seen.has(f"{_EVENTS}/{_ID}", "hit_table/hit_id")


@dataclass(frozen=True)
class _Group:
    """A group of the file: the rows of each event are `order` from `first` on, `count` of them.

    Args:
        path: The file.
        datasets: Those that are read, by their names.
        order: Rows sorted by event; none if they lie so.
        first: (E,) the first of each event.
        count: (E,) how many.
    """

    path: Path
    datasets: Mapping[str, h5py.Dataset]
    order: Integers | None
    first: Integers
    count: Integers

    @classmethod
    def of(cls, path: Path, file: h5py.File, name: str, ids: Integers) -> _Group:
        """A group, for events of these numbers (E, 3)."""
        group, n = file[name], len(ids)
        missing = [each for each in (_ID, *_NEEDED.get(name, ())) if each not in group]
        if missing:
            raise InputError(f"'{name}' of {path} lacks {missing}, it has {list(group)[:20]}; write it again")
        read = {each.dataset for of, fields in _FIELDS.values() for each in fields if of == name}
        datasets = {each: dataset_of(path, group, each) for each in read | {*_MORE} if each in group}
        rows = len(dataset_of(path, group, _ID))
        if name == _EVENTS:
            return cls(path, datasets, None, np.arange(n), np.ones(n, np.int64))
        if _COUNTS not in group:
            mine = ranks(np.concatenate([ids, _ids(path, group)]))
            order = np.argsort(mine[n:], kind="stable")
            first, end = (np.searchsorted(mine[n:][order], mine[:n], side=side) for side in ("left", "right"))
            return cls(path, datasets, order, first, end - first)
        table = whole(path, numbers_of(path, dataset_of(path, group, _COUNTS))).astype(np.int64)
        good = table.ndim == 2 and table.shape[1:] == (2,) and (table >= 0).all()
        if not good or (len(table) and table[:, 0].max() >= n) or table[:, 1].sum() != rows:
            raise InputError(
                f"'{name}/{_COUNTS}' of {path} does not count its {rows} rows of {n} events; copy it again"
            )
        first, count = np.zeros(n, np.int64), np.zeros(n, np.int64)
        first[table[:, 0]] = np.cumsum(table[:, 1]) - table[:, 1]
        count[table[:, 0]] = table[:, 1]
        return cls(path, datasets, None, first, count)

    def rows(self, begin: int, end: int) -> tuple[Integers | slice, Integers]:
        """Rows of consecutive events, and how many each has."""
        first, counts = self.first[begin:end], self.count[begin:end]
        filled = counts > 0
        ends = (first + counts)[filled]
        if self.order is None and (first[filled][1:] == ends[:-1]).all():
            return (slice(int(ends[0] - counts[filled][0]), int(ends[-1])) if len(ends) else slice(0, 0)), counts
        start = np.repeat(first - (np.cumsum(counts) - counts), counts)
        places = start + np.arange(len(start))
        return places if self.order is None else self.order[places], counts

    def numbers(self, name: str, rows: Integers | slice, n: int, width: int = 1) -> NDArray[Any]:
        """Rows (n,) or (n, width) of a dataset; NaN if it is not there."""
        if name not in self.datasets:
            return np.full((n, width) if width > 1 else n, np.nan)
        dataset = numbers_of(self.path, self.datasets[name])
        got = dataset.shape[1] if dataset.ndim == 2 else 1
        if got != width:
            raise InputError(f"'{dataset.name}' of {self.path} has width {got}, expected {width}; write it again")
        values = self.values(name, rows)
        return values if width > 1 else values.reshape(-1)

    def values(self, name: str, rows: Integers | slice) -> NDArray[Any]:
        """Rows (N, ...) of a dataset."""
        dataset = self.datasets[name]
        values: NDArray[Any] = dataset[rows] if isinstance(rows, slice) else taken(dataset, rows)
        return values


def _ids(path: Path, group: h5py.Group) -> Integers:
    """Run, subrun and event (N, 3) of the rows of a group."""
    dataset = numbers_of(path, dataset_of(path, group, _ID))
    if dataset.ndim != 2 or dataset.shape[1] != 3:
        raise InputError(f"'{dataset.name}' of {path} has shape {dataset.shape}, expected rows of run, subrun, event")
    ids: Integers = whole(path, dataset).astype(np.int64)
    return ids


def read_numl(path: Path, batch_events: int) -> Iterator[Events]:
    """The events of a file, some at a time: `event`, `interactions`, `hits`, and `particles` with `truth_links`.

    Raises:
        InputError: If the file is not as expected.
    """
    with open_hdf5(path) as file:
        ids = _ids(path, file[_EVENTS])
        groups = {name: _Group.of(path, file, group, ids) for name, (group, _) in _FIELDS.items() if group in file}
        source = source_of(path)
        for begin in range(0, len(ids), batch_events):
            end = min(begin + batch_events, len(ids))
            yield _events(groups, ids[begin:end], source, begin)


def _events(groups: Mapping[str, _Group], ids: Integers, source: int, begin: int) -> Events:
    """Consecutive events of these numbers (B, 3), from event `begin` of the file on."""
    end = begin + len(ids)
    tables = {name: _table(name, group, begin, end) for name, group in groups.items() if name != "truth_links"}
    run, subrun, event = ids.T
    tables["event"] = event_table(source, event, run, subrun)
    if "particles" in groups and "truth_links" in groups:
        tables["truth_links"] = _links(groups["truth_links"], tables, begin, end)
    return Events(tables)


def _table(name: str, group: _Group, begin: int, end: int) -> Table:
    """One table of a batch."""
    rows, counts = group.rows(begin, end)
    n = int(counts.sum())
    columns: dict[str, NDArray[Any]] = {}
    about: dict[str, Column] = {}
    for each in _FIELDS[name][1]:
        if each.kind == "i8" and each.dataset not in group.datasets:
            columns[each.column] = np.full(n, -1)
        else:
            values = group.numbers(each.dataset, rows, n, each.width)
            values = values * each.unit if each.unit != 1 else values
            columns[each.column] = values.astype(each.kind, copy=False)
        about[each.column] = each.about
    if name == "particles":
        event = np.repeat(np.arange(end - begin), counts)
        mother = _whole_numbers(group.numbers("parent_id", rows, n))
        parents = Numbering.of(event, columns["track"]).rows_of(event, mother)
        columns["parent"] = np.where(parents == np.arange(n), -1, parents)
        columns["process"] = _processes(group, rows, columns["pdg"])
    tensors = {column: torch.from_numpy(np.ascontiguousarray(values)) for column, values in columns.items()}
    refers = {"parent": "particles"} if name == "particles" else {}
    return Table.from_counts(tensors, torch.from_numpy(counts), about=about, refers_to=refers)


def _whole_numbers(values: NDArray[Any]) -> Integers:
    """Numbers (N,) of hits or tracks, -1 for none."""
    return (np.nan_to_num(values, nan=-1) if values.dtype.kind == "f" else values).astype(np.int64, copy=False)


def _processes(group: _Group, rows: Integers | slice, pdg: Integers) -> Integers:
    """How particles began."""
    dataset = group.datasets.get("start_process")
    if dataset is None or dataset.dtype.kind not in "SO":
        return np.full(len(pdg), int(Process.UNKNOWN))
    words = group.values("start_process", rows).reshape(-1).astype("S64")
    return processes_of_names(words, pdg, np.zeros(len(pdg)))


def _links(group: _Group, tables: Mapping[str, Table], begin: int, end: int) -> Table:
    """Which particles gave energy to which hits."""
    rows, counts = group.rows(begin, end)
    n, event = int(counts.sum()), np.repeat(np.arange(end - begin), counts)
    columns: dict[str, NDArray[Any]] = {}
    for column, dataset, table, number in (
        ("row", "hit_id", "hits", "number"),
        ("particle", "g4_id", "particles", "track"),
    ):
        known = Numbering.of(tables[table].batch.numpy(), tables[table][number].numpy())
        columns[column] = known.rows_of(event, _whole_numbers(group.numbers(dataset, rows, n)))
    about = dict(_LINKS)
    for each in _FIELDS["truth_links"][1]:
        columns[each.column] = group.numbers(each.dataset, rows, n).astype(np.float32)
        about[each.column] = each.about
    tensors = {name: torch.from_numpy(values) for name, values in columns.items()}
    return Table.from_counts(tensors, torch.from_numpy(counts), about=about)


def write_numl(path: Path, parts: Iterable[Events], detector: Detector | None) -> None:
    """Writes `event`, `interactions` (one an event), `hits`, and `particles` with `truth_links` if they are there.

    Raises:
        InputError: If hits or interactions are missing or not as this format has them.
    """
    with written_whole(path) as temporary, h5py.File(temporary, "w") as file:
        written = 0
        for events in parts:
            written += _append(file, events, written)


def _append(file: h5py.File, events: Events, before: int) -> int:
    """Adds events after so many others; returns how many."""
    missing = [name for name in ("hits", "interactions") if name not in events]
    if missing or bool((events["interactions"].counts != 1).any()):
        raise InputError(
            f"NuML needs hits and one interaction in each event; these lack {missing or 'some'}, select others"
        )
    ids = torch.stack([events["event"][name] for name in ("run", "subrun", "event")], dim=1).numpy()
    if len(ids) and np.abs(ids).max() >= 2**31:
        raise InputError(f"NuML numbers runs, subruns and events with 32 bits, got {ids.max()}; renumber them")
    for name, (group, fields) in _FIELDS.items():
        if name not in events:
            continue
        table, place = events[name], file.require_group(group)
        append(place, _ID, ids[table.batch.numpy()].astype(np.int32))
        for each in fields:
            if each.column not in table:
                raise InputError(f"NuML needs the column '{each.column}' of '{name}', it has {sorted(table)}; add it")
            values = table[each.column].numpy()
            values = values / np.float32(each.unit) if each.kind == "f4" else values.astype(np.int64)
            append(place, each.dataset, values.reshape(len(table), each.width))
        if group != _EVENTS:
            counts = table.counts.numpy()
            filled = np.flatnonzero(counts)
            append(place, _COUNTS, np.stack([before + filled, counts[filled]], axis=1))
    _append_numbers(file, events)
    return len(events)


def _append_numbers(file: h5py.File, events: Events) -> None:
    """Adds what are rows here and numbers there: parents, and both sides of links."""
    if "particles" in events:
        table, place = events["particles"], file["particle_table"]
        track, parent = table["track"].numpy(), table["parent"].numpy()
        mother = np.where(parent >= 0, track[parent], 0) if len(track) else track
        append(place, "parent_id", mother.reshape(-1, 1))
        words = np.zeros(len(track), "S32")
        for code, word in NAME_OF.items():
            words[table["process"].numpy() == code] = word
        append(place, "start_process", words.reshape(-1, 1))
    if "truth_links" in events:
        links, place = events["truth_links"], file["edep_table"]
        for column, dataset, name, number in (
            ("row", "hit_id", "hits", "number"),
            ("particle", "g4_id", "particles", "track"),
        ):
            row, known = links[column].numpy(), events[name][number].numpy()
            append(place, dataset, (np.where(row >= 0, known[row], -1) if len(known) else row).reshape(-1, 1))


NUML = Format("numl", "NuML event HDF5 (pynuml, MicroBooNE)", "doc", _recognises, read_numl, write_numl)
