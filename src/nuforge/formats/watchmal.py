"""WatChMaL's HDF5: hits of water Cherenkov detectors end to end, and one particle an event. Read and written.

`event_hits_index` says where the hits of an event begin; those of the last end with the file. Numbers of
photomultipliers begin with 0; where they are is not said, so positions are NaN. Energies are total ones, in MeV,
positions in cm, times in ns, charges in photoelectrons. Angles are polar angle and azimuth of the direction of travel
about the vertical axis, which the file does not name: y is taken, as WatChMaL's DataTools do, and z can be asked for.
The writer adds momenta of its own, which others ignore.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import h5py
import numpy as np
import torch
from numpy.typing import NDArray

from nuforge import units
from nuforge.detectors import Detector
from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.events.identity import stable_hash
from nuforge.events.process import Process
from nuforge.formats.distinct import distinct
from nuforge.formats.format import Format
from nuforge.formats.geant4 import masses
from nuforge.formats.glimpse import Glimpse, Kind
from nuforge.formats.hdf5 import dataset_of, numbers_of, open_hdf5, whole
from nuforge.formats.identity import event_table, source_of
from nuforge.formats.ragged import Spans
from nuforge.formats.telescope import doubles, floats, integers, travelling
from nuforge.formats.watchmal_write import HITS, INDEX, MOMENTUM, PDG_OF_LABEL, TURN, Axis, write_watchmal

_FLAGS = {
    "veto": Column("", "whether a primary left the detector", "truth"),
    "veto2": Column("", "whether anything left the detector", "truth"),
}
_PARTICLE = {"energy": Column("MeV", "total energy at its start", "truth")}


def read_watchmal(path: str | Path, batch_events: int = 64, vertical: Axis = "y") -> Iterator[Events]:
    """The events of a file in order, some at a time, in bounded memory; compressed datasets too.

    Args:
        path: The HDF5 file.
        batch_events: Events at a time.
        vertical: The axis about which angles are.

    Yields:
        Events with `event`, `particles` (the one simulated; none where nothing is known) and `hits`. The source of an
        event is a hash of the file and of the name of the file that it came from.

    Raises:
        InputError: If the file is not as expected.
    """
    path = Path(path)
    with open_hdf5(path) as file:
        index = whole(path, numbers_of(path, dataset_of(path, file, INDEX)))
        hits = {name: numbers_of(path, dataset_of(path, file, name)) for name in HITS}
        rows = min(len(dataset) for dataset in hits.values())
        if any(len(dataset) != rows for dataset in hits.values()):
            sizes = {name: len(dataset) for name, dataset in hits.items()}
            raise InputError(f"hits of {path} must be as many in each dataset, got {sizes}; write it again")
        if not len(index):
            raise InputError(f"{path} has no events: '{INDEX}' is empty; give a file with events")
        spans = Spans.of_offsets(np.append(index, rows), rows, f"'{INDEX}' of {path}")
        rest = _columns(path, file, len(spans))
        source = source_of(path)
        for first in range(0, len(spans), batch_events):
            end = min(first + batch_events, len(spans))
            cut = spans.range_of(first, end)
            part = {name: dataset[first:end] for name, dataset in rest.items()}
            made = {
                "event": _event(path, source, first, part, end - first),
                "particles": _particles(part, end - first, vertical),
                "hits": _hits({name: dataset[cut] for name, dataset in hits.items()}, spans.count[first:end]),
            }
            yield Events(made)


def _columns(path: Path, file: h5py.File, n: int) -> dict[str, h5py.Dataset]:
    """Datasets with a row an event."""
    shapes = {"labels": (n,), "energies": (n, 1), "positions": (n, 1, 3), "angles": (n, 2), "event_ids": (n,)}
    shapes |= {MOMENTUM: (n, 3)} | dict.fromkeys(_FLAGS, (n,))
    found = {}
    for name, shape in shapes.items():
        if name in file:
            found[name] = numbers_of(path, dataset_of(path, file, name))
            if found[name].shape != shape:
                got = found[name].shape
                raise InputError(f"'{name}' of {path} has shape {got}, expected {shape}; write it again")
    if "root_files" in file:
        found["root_files"] = dataset_of(path, file, "root_files")
        if found["root_files"].shape != (n,):
            raise InputError(f"'root_files' of {path} must have {n} names, one an event; write it again")
    return found


def _event(path: Path, source: int, first: int, part: dict[str, NDArray], n: int) -> Table:
    """The table `event`, with the flags that the file has."""
    number = part["event_ids"].astype(np.int64) if "event_ids" in part else np.arange(first, first + n)
    table = event_table(source, number)
    flags = {name: integers(part[name].astype(np.int64)) for name in _FLAGS if name in part}
    if "root_files" in part:
        names, which = distinct(part["root_files"].astype("S"))
        flags["source"] = torch.from_numpy(np.array([stable_hash(source, name.hex()) for name in names])[which])
    return table.with_columns(flags, about={name: about for name, about in _FLAGS.items() if name in flags})


def _hits(rows: dict[str, NDArray], counts: NDArray[np.int64]) -> Table:
    n = len(rows["hit_pmt"])
    columns = {
        "position": floats(np.full((n, 3), np.nan)),
        "time": doubles(rows["hit_time"].astype(np.float64) * units.ns),
        "charge": floats(rows["hit_charge"]),
        "sensor": integers(rows["hit_pmt"]),
    }
    return Table.from_counts(columns, integers(counts))


def _particles(part: dict[str, NDArray], n: int, vertical: Axis) -> Table:
    """The particle of each event, of those whose label is known."""
    label = integers(part.get("labels", np.full(n, -1))).numpy()
    known = (label >= 0) & (label < len(PDG_OF_LABEL) - 1)
    m = int(known.sum())
    pdg = PDG_OF_LABEL[np.where(known, label, -1)][known]

    def real(name: str, *shape: int) -> NDArray[np.float64]:
        return part.get(name, np.full((n, *shape), np.nan)).astype(np.float64).reshape(n, *shape)[known]

    energy, angles = real("energies", 1)[:, 0] * units.MeV, real("angles", 2)
    direction = travelling(angles[:, 0], angles[:, 1])[:, np.argsort(TURN[vertical])]
    momentum = np.sqrt(np.maximum(energy**2 - masses(pdg) ** 2, 0))[:, None] * direction
    if MOMENTUM in part:
        momentum = real(MOMENTUM, 3)
    columns = {
        "pdg": integers(pdg),
        "parent": torch.full((m,), -1),
        "process": torch.full((m,), int(Process.PRIMARY)),
        "start": floats(real("positions", 3) * units.cm),
        "time": doubles(np.full(m, np.nan)),
        "momentum": floats(momentum),
        "energy": floats(energy),
    }
    return Table.from_counts(columns, integers(known), about=_PARTICLE, refers_to={"parent": "particles"})


def _recognises(seen: Glimpse) -> bool:
    return seen.kind is Kind.HDF5 and seen.has(INDEX, *HITS)


def _write(path: Path, parts: Iterable[Events], detector: Detector | None) -> None:
    write_watchmal(path, parts)


WATCHMAL = Format(
    "watchmal", "WatChMaL HDF5 (hits of water Cherenkov detectors)", "seen", _recognises, read_watchmal, _write
)
