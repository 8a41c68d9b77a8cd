"""NEXT's files, as nexus and the cities of IC write them (PyTables HDF5): truth, waveforms, pmaps, hits, kDST.

A file holds one or several of them; each becomes tables of its own. Units there: mm, ns (S2 widths and drift times us),
MeV, photoelectrons.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import torch
from numpy.typing import NDArray

from nuforge import units
from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.formats.distinct import merged
from nuforge.formats.format import Format
from nuforge.formats.glimpse import Glimpse, Kind
from nuforge.formats.hdf5 import dataset_of, numbers_of, open_hdf5, plausible, whole
from nuforge.formats.identity import event_table, source_of
from nuforge.formats.next_tables import TABLES, Extent, extents_of
from nuforge.formats.next_truth import GROUPS, Truth, truth_of
from nuforge.formats.ragged import places_of

Integers = NDArray[np.int64]

_TIMESTAMP = Column("ns", "time since 1970, of the data acquisition", "readout")
_PERIOD = Column("ns", "time between samples", "readout")

_WAVEFORMS = {
    "waveforms": (("RD/pmtrwf", "pmtrd"), "Sensors/DataPMT", 25 * units.ns),
    "sipm_waveforms": (("RD/sipmrwf", "sipmrd"), "Sensors/DataSiPM", 1 * units.us),
}
"""Our table, where it may come from, its sensors, and the time between samples as NEXT-NEW and NEXT-White have it."""

_TRUE_PERIOD = {"pmtrd": 1 * units.ns}
_LIMIT = 1 << 28  # bytes of the waveforms of one event
_MOST = 100_000_000  # events


def _recognises(seen: Glimpse) -> bool:
    if seen.kind is not Kind.HDF5:
        return False
    places = {place for places, _ in TABLES.values() for place in places} - {"DST/Events", "RECO/Events"}
    places |= {name for names, _, _ in _WAVEFORMS.values() for name in names} | {"MC/MCTracks"}
    if places & set(seen.names) or any(seen.has(f"{group}/hits", f"{group}/particles") for group in GROUPS):
        return True
    with open_hdf5(seen.path) as file:
        names = [_fields(file, place) for place in ("DST/Events", "RECO/Events")]
    return {"event", "S2e"} <= names[0] or {"event", "npeak"} <= names[1]


def _fields(file: h5py.File, place: str) -> set[str]:
    """The fields of a structured dataset, none if it is not there."""
    found = file.get(place)
    return set(found.dtype.names or ()) if isinstance(found, h5py.Dataset) else set()


@dataclass(frozen=True)
class _Runs:
    """What `Run` says of events: number, run and time, (B,) each."""

    event: Integers
    run: Integers
    time: NDArray[np.float64]

    def rows_of(self, events: Integers) -> Integers:
        """The row of each event (B,), -1 if it has none; the last of equal numbers."""
        sorter = np.argsort(self.event, kind="stable")
        place = places_of(events, self.event[sorter])
        return np.where(place >= 0, sorter[place], -1) if len(sorter) else place


@dataclass(frozen=True)
class _Waveforms:
    """Waveforms (B, sensors, samples), in the order of `Run/events`."""

    dataset: h5py.Dataset
    sensors: Integers
    period: float

    def of(self, rows: Integers) -> Table:
        """The waveforms of some events by their rows (B,); of those that have none, -1, no rows."""
        _, sensors, samples = self.dataset.shape
        there = rows[rows >= 0]
        counts = torch.from_numpy(np.where(rows >= 0, sensors, 0))
        adc = np.empty((len(there), sensors, samples), self.dataset.dtype.newbyteorder("="))
        if len(there) and (np.diff(there) == 1).all():
            self.dataset.read_direct(adc, np.s_[int(there[0]) : int(there[-1]) + 1])
        else:
            for i, row in enumerate(there.tolist()):
                self.dataset.read_direct(adc, np.s_[row], np.s_[i])
        columns = {
            "adc": torch.from_numpy(adc.reshape(-1, samples)),
            "channel": torch.from_numpy(np.tile(self.sensors, len(there))),
            "start": torch.zeros(len(there) * sensors, dtype=torch.float64),
            "period": torch.full((len(there) * sensors,), self.period),
        }
        return Table.from_counts(columns, counts, about={**_ABOUT_WAVEFORMS, "period": _PERIOD})


_ABOUT_WAVEFORMS = {
    "adc": Column("", "samples in ADC counts", "readout"),
    "channel": Column("", "number of the sensor", "readout"),
    "start": Column("ns", "time of the first sample", "readout"),
}


def read_next(path: Path, batch_events: int = 64) -> Iterator[Events]:
    """The events of a file, by number, some at a time.

    Yields:
        `event` with `timestamp`, and of what is there `particles` and `segments` (truth), `waveforms` (PMTs) and
        `sipm_waveforms`, `s1`, `s2`, `s1_pmts`, `s2_pmts`, `s2_sipms` (pmaps), `hits`, `hits_high`, `pairs` (kDST).

    Raises:
        InputError: If a part of the file is damaged or lacks columns.
    """
    source = source_of(path)
    with open_hdf5(path) as file:
        runs, truth, extents = _runs(path, file), truth_of(path, file), extents_of(path, file)
        waveforms = _all_waveforms(path, file)
        numbers = _numbers(runs, truth, extents, waveforms)
        for first in range(0, len(numbers), batch_events):
            chosen = numbers[first : first + batch_events]
            yield Events(
                {
                    "event": _event_table(chosen, runs, source),
                    **(truth.tables(chosen) if truth else {}),
                    **{extent.name: extent.of(chosen) for extent in extents},
                    **{name: each.of(_rows_of(chosen, runs, each)) for name, each in waveforms.items()},
                }
            )


def _runs(path: Path, file: h5py.File) -> _Runs:
    """What the group `Run` says of events, nothing if it is not there."""
    nothing = np.zeros(0, np.int64)
    if "evt_number" not in _fields(file, "Run/events"):
        return _Runs(nothing, nothing, np.zeros(0))
    rows = whole(path, dataset_of(path, file, "Run/events"))
    number = rows["evt_number"].astype(np.int64)
    time = np.full(len(number), np.nan)
    if "timestamp" in (rows.dtype.names or ()):
        time = rows["timestamp"].astype(np.float64) * units.ms
    known = "run_number" in _fields(file, "Run/runInfo")
    runs = whole(path, dataset_of(path, file, "Run/runInfo"))["run_number"] if known else nothing
    run = runs if len(runs) == len(number) else np.repeat(runs[:1] if len(runs) else np.zeros(1), len(number))
    return _Runs(number, run.astype(np.int64), time)


def _all_waveforms(path: Path, file: h5py.File) -> dict[str, _Waveforms]:
    """The waveforms of a file by table."""
    found = {}
    for name, (places, sensors, period) in _WAVEFORMS.items():
        place = next((place for place in places if isinstance(file.get(place), h5py.Dataset)), None)
        if place is None:
            continue
        dataset = numbers_of(path, plausible(path, file[place]))
        if dataset.ndim != 3 or int(np.prod(dataset.shape[1:], dtype=object)) * dataset.dtype.itemsize > _LIMIT:
            raise InputError(
                f"'{place}' of {path} has shape {dataset.shape}, expected events, sensors, samples, of at most "
                f"{_LIMIT} bytes an event; copy or write it again"
            )
        known = "sensorID" in _fields(file, sensors)
        numbers = whole(path, dataset_of(path, file, sensors))["sensorID"] if known else np.zeros(0)
        channel = numbers if len(numbers) == dataset.shape[1] else np.arange(dataset.shape[1])
        found[name] = _Waveforms(dataset, channel.astype(np.int64), _TRUE_PERIOD.get(place, period))
    return found


def _numbers(runs: _Runs, truth: Truth | None, extents: list[Extent], waveforms: dict[str, _Waveforms]) -> Integers:
    """The numbers of all events that any part of the file has, sorted."""
    parts = [runs.event, *(extent.table.events for extent in extents)]
    if truth is not None:
        parts.append(truth.events)
    known = merged(*parts)
    longest = max((len(each.dataset) for each in waveforms.values()), default=0)
    return known if len(known) or not longest else np.arange(min(longest, _MOST))


def _rows_of(events: Integers, runs: _Runs, waveforms: _Waveforms) -> Integers:
    """The row (B,) of waveforms of each event, -1 if it has none."""
    rows = runs.rows_of(events) if len(runs.event) else events
    return np.where(rows < len(waveforms.dataset), rows, -1)


def _event_table(events: Integers, runs: _Runs, source: int) -> Table:
    """The table `event` of some events."""
    n = len(events)
    run, time = np.zeros(n, np.int64), np.full(n, np.nan)
    place = runs.rows_of(events)
    known = place >= 0
    if known.any():
        run, time = np.where(known, runs.run[place], run), np.where(known, runs.time[place], time)
    table = event_table(source, events, run=run)
    return table.with_columns({"timestamp": torch.from_numpy(time)}, {"timestamp": _TIMESTAMP})


NEXT = Format("next", "NEXT (nexus and IC, HDF5)", "seen", _recognises, read_next)
