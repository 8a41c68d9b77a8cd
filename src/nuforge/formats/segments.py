"""Energy deposits in HDF5, as edep-sim and larnd-sim write them and as Geant4 programs of liquid argon do.

`segments` is needed; `trajectories`, `primaries` and `vertices` are used if they are there. Fields are found by name,
the older ones (`eventID`, `trackID`, `pdgId`) too. Units are those of the file's attribute `units`, such as
"cm, MeV, ns"; without it they are edep-sim's: cm, MeV, us.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nuforge import units
from nuforge.errors import InputError
from nuforge.events import Events, Table
from nuforge.formats.ancestry import Interactions, Particles, interactions_of, particles_of
from nuforge.formats.distinct import merged
from nuforge.formats.format import Format
from nuforge.formats.glimpse import Glimpse, Kind
from nuforge.formats.hdf5 import attribute, open_hdf5
from nuforge.formats.identity import event_table, source_of
from nuforge.formats.ragged_table import IndexedTable, RaggedTable, Rows

_ALIASES = {
    "event_id": ("eventID", "spillID"),
    "traj_id": ("trackID", "track_id"),
    "pdg_id": ("pdgId", "pdg"),
    "parent_id": ("parentID",),
}
_REQUIRED = {
    "segments": ("event_id", "traj_id", "x_start", "y_start", "z_start", "x_end", "y_end", "z_end", "dE"),
    "trajectories": ("event_id", "traj_id", "parent_id", "pdg_id"),
    "primaries": ("event_id", "traj_id", "pdg_id"),
    "vertices": ("event_id", "vertex_id", "x_vert", "y_vert", "z_vert"),
}
_NON_NEGATIVE = ("dE", "dx", "ke_start", "ke")
_FINITE = ("x_start", "y_start", "z_start", "x_end", "y_end", "z_end", "t", "t0", "pxyz_start", "xyz_start")

_LENGTHS = {"mm": units.mm, "cm": units.cm, "m": units.m}
_ENERGIES = {"keV": units.keV, "MeV": units.MeV, "GeV": units.GeV}
_TIMES = {"ns": units.ns, "us": units.us, "ms": units.ms, "s": units.s}


@dataclass(frozen=True)
class Scales:
    """What the numbers of a file are multiplied with."""

    length: float = units.cm
    energy: float = units.MeV
    time: float = units.us


@dataclass(frozen=True)
class SegmentFile:
    """The tables of an open file, and the numbers (E,) of all its events, sorted."""

    numbers: NDArray[np.int64]
    tables: Mapping[str, IndexedTable]
    scales: Scales
    source: int

    @classmethod
    def of(cls, path: Path, file: h5py.File) -> SegmentFile:
        """The tables of a file, their fields and energies checked.

        Raises:
            InputError: If the file is not as expected.
        """
        scales = _scales(path, file)
        tables = {name: _table(path, file, name) for name in _REQUIRED if name in file or name == "segments"}
        return cls(_event_numbers(file, tables), tables, scales, source_of(path))

    def events(self, chosen: NDArray[np.int64]) -> tuple[Events, Rows]:
        """The events of some numbers, sorted, and the rows of their segments as the file has them."""
        rows = {name: table.rows_of(chosen) for name, table in self.tables.items()}
        return _events(chosen, rows, self.scales, self.source), rows["segments"]


def is_segments(file: h5py.File) -> bool:
    """Whether an HDF5 file holds energy deposits as this reader knows them."""
    return isinstance(file.get("segments"), h5py.Dataset)


def _recognises(seen: Glimpse) -> bool:
    if seen.kind is not Kind.HDF5 or not seen.has("segments"):
        return False
    with open_hdf5(seen.path) as file:
        return is_segments(file)


def read_segments(path: str | Path, batch_events: int = 64) -> Iterator[Events]:
    """The events of a file, some at a time, in bounded memory; rows may be in any order.

    Args:
        path: The HDF5 file.
        batch_events: Events at a time.

    Yields:
        Events with the tables `event`, `interactions`, `particles` and `segments`. What a file does not say is NaN
        (times and momenta), -1 (interactions, parents) or Process.UNKNOWN. Events without deposits are there.

    Raises:
        InputError: If the file is not as expected; before the first events.
    """
    path = Path(path)
    if batch_events < 1:
        raise ValueError(f"batch_events must be 1 event at least, got {batch_events}")
    with open_hdf5(path) as file:
        whole = SegmentFile.of(path, file)
        if not len(whole.numbers):
            raise InputError(f"{path} has no events: its 'segments' are empty; give a file with events")
        for first in range(0, len(whole.numbers), batch_events):
            yield whole.events(whole.numbers[first : first + batch_events])[0]


def _table(path: Path, file: h5py.File, name: str) -> IndexedTable:
    """A table of the file, its fields and energies checked."""
    if not isinstance(file.get(name), h5py.Dataset):
        raise InputError(f"{path} has no dataset '{name}', it has {sorted(file)}; give a file of energy deposits")
    return RaggedTable(path, file[name], _ALIASES, _REQUIRED[name]).indexed(_NON_NEGATIVE, _FINITE)


def _event_numbers(file: h5py.File, tables: Mapping[str, IndexedTable]) -> NDArray[np.int64]:
    """The numbers of all events, sorted; those that left nothing behind too, if the file says how many there are."""
    seen = merged(*(table.events for table in tables.values()))
    n = attribute(file, "events")
    if isinstance(n, (int, np.integer)) and (not len(seen) or (seen[0] >= 0 and seen[-1] < n)):
        return np.arange(int(n))
    return seen


def _scales(path: Path, file: h5py.File) -> Scales:
    """The units of a file."""
    text = attribute(file, "units")
    if text is None:
        return Scales()
    words = [word.strip() for word in (text.decode() if isinstance(text, bytes) else str(text)).split(",")]
    found = {}
    for kind, known in (("length", _LENGTHS), ("energy", _ENERGIES), ("time", _TIMES)):
        hits = [known[word] for word in words if word in known]
        if len(hits) != 1:
            raise InputError(
                f"attribute 'units' of {path} must name a length, an energy and a time, got '{text}'; "
                "write it like 'cm, MeV, ns'"
            )
        found[kind] = hits[0]
    return Scales(**found)


def _events(numbers: NDArray[np.int64], rows: Mapping[str, Rows], scales: Scales, source: int) -> Events:
    """Events of the rows of a batch."""
    n = len(numbers)
    interactions = interactions_of(rows, scales.length, scales.time)
    particles = particles_of(rows, interactions, scales.length, scales.energy, scales.time)
    return Events(
        {
            "event": event_table(source, numbers),
            "interactions": _interaction_table(interactions, n),
            "particles": _particle_table(particles, n),
            "segments": _segment_table(rows["segments"], particles, scales, n),
        }
    )


def _interaction_table(interactions: Interactions, n: int) -> Table:
    """The table `interactions` of n events."""
    columns = {
        "vertex": _floats(interactions.vertex),
        "time": torch.from_numpy(interactions.time),
        "neutrino": torch.zeros(len(interactions.event), dtype=torch.int64),
        "mode": torch.zeros(len(interactions.event), dtype=torch.int64),
    }
    return Table.from_counts(columns, _counts(interactions.event, n))


def _particle_table(particles: Particles, n: int) -> Table:
    """The table `particles` of n events."""
    columns = {
        "pdg": torch.from_numpy(particles.pdg),
        "parent": torch.from_numpy(particles.parent),
        "process": torch.from_numpy(particles.process),
        "start": _floats(particles.start),
        "time": torch.from_numpy(particles.time),
        "momentum": _floats(particles.momentum),
        "interaction": torch.from_numpy(particles.interaction),
    }
    return Table.from_counts(columns, _counts(particles.event, n))


def _segment_table(rows: Rows, particles: Particles, scales: Scales, n: int) -> Table:
    """The table `segments` of n events."""
    start, end = rows.vector("x_start", "y_start", "z_start"), rows.vector("x_end", "y_end", "z_end")
    if scales.length != 1:
        start, end = start * scales.length, end * scales.length
    way = end - start
    distance = np.sqrt(np.einsum("ij,ij->i", way, way))
    length = np.maximum(rows["dx"] * scales.length, distance) if "dx" in rows else distance
    time = segment_time(rows) * scales.time
    columns = {
        "start": _floats(start),
        "end": _floats(end),
        "time": torch.from_numpy(time),
        "energy": _floats(rows["dE"] * scales.energy),
        "length": _floats(length),
        "particle": torch.from_numpy(particles.rows_of(rows.event, rows["traj_id"])),
    }
    return Table.from_counts(columns, _counts(rows.event, n))


def segment_time(rows: Rows) -> NDArray[np.float64]:
    """When the deposits were (N,), in units of the file; `t0` where it is, for there larnd-sim's `t` is the arrival."""
    name = next((name for name in ("t0", "t") if name in rows), None)
    return np.full(len(rows), np.nan) if name is None else rows[name].astype(np.float64)


def _counts(event: NDArray[np.int64], n: int) -> Tensor:
    """Rows of each of n events."""
    return torch.from_numpy(np.bincount(event, minlength=n).astype(np.int64))


def _floats(values: NDArray) -> Tensor:
    """A float32 tensor."""
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))


SEGMENTS = Format(
    "segments",
    "segments HDF5 (edep-sim, larnd-sim, Geant4)",
    "seen",
    _recognises,
    lambda path, n: read_segments(path, n),
)
