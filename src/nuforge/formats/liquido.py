"""LiquidO's HDF5 as GraphNeT has it: hits on fibres in an opaque scintillator, without names of columns.

`HitData` (H, 7) has event, SiPM, x, y, z in mm, time in ns and one number that is kept as it is; `TruthData` (N, 9)
has event, vertex in mm, zenith, azimuth, time, energy in MeV and PDG number. All are float32, so numbers of events are
exact up to 2**24 only.

The truth is in axes of its own: hits lie at x = z, y = y of the true vertex, and at the end of the fibre on the side of
z = -x (correlations of 1.00, 1.00 and -0.87 over the 100 electrons of GraphNeT's example). It is turned to the axes of
the hits. What the angles mean is not said; they are taken as those of the direction of travel, and the
energy as kinetic (some are below the mass of the electron).
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
from nuforge.events.process import Process
from nuforge.formats.decoded import Decoded
from nuforge.formats.distinct import merged
from nuforge.formats.format import Format
from nuforge.formats.geant4 import masses
from nuforge.formats.glimpse import Glimpse, Kind
from nuforge.formats.hdf5 import dataset_of, numbers_of, open_hdf5
from nuforge.formats.identity import event_table, source_of
from nuforge.formats.ragged import Extents, Keyed, ids
from nuforge.formats.telescope import doubles, floats, integers, travelling

_HITS, _TRUTH = "HitData", "TruthData"
_WIDTH = {_HITS: 7, _TRUTH: 9}
_ABOUT = {"var": Column("", "the last number of a hit, as the file has it", "readout")}


def read_liquido(path: str | Path, batch_events: int = 64) -> Iterator[Events]:
    """The events of a file, sorted, some at a time, in bounded memory; rows may be in any order.

    Args:
        path: The HDF5 file.
        batch_events: Events at a time.

    Yields:
        Events with `event`, `particles` (the one simulated) and `hits`. Events without hits, or without truth, are
        there.

    Raises:
        InputError: If the file is not as expected.
    """
    path = Path(path)
    with open_hdf5(path) as file:
        tables = {name: _Rows.of(path, file, name) for name in _WIDTH if name in file or name == _HITS}
        events = merged(*(table.extents.events for table in tables.values()))
        if not len(events):
            raise InputError(f"{path} has no events: its '{_HITS}' are empty; give a file with events")
        source = source_of(path)
        for first in range(0, len(events), batch_events):
            yield _events(tables, events[first : first + batch_events], source)


@dataclass(frozen=True)
class _Rows:
    """One of the two tables, of which is known where the rows of each event are."""

    what: str
    decoded: Decoded
    extents: Extents

    @classmethod
    def of(cls, path: Path, file: h5py.File, name: str) -> _Rows:
        """A table by its name."""
        decoded, what = Decoded(path, _checked(path, file, name)), f"the events of '{name}' of {path}"
        return cls(what, decoded, Extents.of((i, ids(rows[:, 0], what)) for i, rows in decoded.blocks()))

    def rows_of(self, events: NDArray[np.int64]) -> tuple[NDArray, NDArray[np.int64]]:
        """The rows (N, ...) of some events, event after event, and how many each has."""
        first, end, counts = self.extents.range_of(events)
        rows = self.decoded.rows(first, end)
        if counts is not None:
            return rows, counts
        keyed = Keyed.of(ids(rows[:, 0], self.what), events)
        return keyed.taken(rows), keyed.counts


def _events(tables: Mapping[str, _Rows], chosen: NDArray[np.int64], source: int) -> Events:
    """Some events."""
    made = {"event": event_table(source, chosen), "hits": _hits(*tables[_HITS].rows_of(chosen))}
    nothing = np.zeros((0, _WIDTH[_TRUTH])), np.zeros(len(chosen), np.int64)
    made["particles"] = _particles(*(tables[_TRUTH].rows_of(chosen) if _TRUTH in tables else nothing))
    return Events(made)


def _checked(path: Path, file: h5py.File, name: str) -> h5py.Dataset:
    """A dataset of rows of as many numbers as it must have."""
    dataset = numbers_of(path, dataset_of(path, file, name))
    if dataset.ndim != 2 or dataset.shape[1] != _WIDTH[name]:
        raise InputError(
            f"'{name}' of {path} has shape {dataset.shape}, expected {_WIDTH[name]} numbers a row; write it again"
        )
    return dataset


def _hits(rows: NDArray, counts: NDArray[np.int64]) -> Table:
    columns = {
        "position": floats(rows[:, 2:5], units.mm),
        "time": doubles(rows[:, 5], units.ns),
        "charge": torch.full((len(rows),), torch.nan),
        "sensor": integers(rows[:, 1]),
        "var": doubles(rows[:, 6]),
    }
    return Table.from_counts(columns, integers(counts), about=_ABOUT)


def _particles(rows: NDArray, counts: NDArray[np.int64]) -> Table:
    n = len(rows)
    _, *start, zenith, azimuth, time, energy, _ = rows.astype(np.float64).T
    pdg = integers(rows[:, 8])
    kinetic = energy * units.MeV
    momentum = np.sqrt(kinetic * (kinetic + 2 * masses(pdg.numpy())))
    columns = {
        "pdg": pdg,
        "parent": torch.full((n,), -1),
        "process": torch.full((n,), int(Process.PRIMARY)),
        "start": floats(_turned(np.stack(start, axis=1)), units.mm),
        "time": doubles(time, units.ns),
        "momentum": floats(momentum[:, None] * _turned(travelling(zenith, azimuth))),
    }
    return Table.from_counts(columns, integers(counts), refers_to={"parent": "particles"})


def _turned(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    """Vectors (N, 3) of the truth in the axes of the hits."""
    return np.stack([vector[:, 2], vector[:, 1], -vector[:, 0]], axis=1)


def _recognises(seen: Glimpse) -> bool:
    return seen.kind is Kind.HDF5 and seen.has(_HITS, "SiPMIDxyz")


LIQUIDO = Format("liquido", "LiquidO HDF5 (hits on fibres)", "seen", _recognises, read_liquido)
