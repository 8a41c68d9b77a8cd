"""Writing WatChMaL's HDF5: contiguous datasets, which its reader maps into memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO, Any, Literal

import h5py
import numpy as np
from numpy.typing import NDArray

from nuforge import units
from nuforge.errors import InputError
from nuforge.events import Events
from nuforge.formats.geant4 import masses
from nuforge.formats.whole import written_whole

Axis = Literal["y", "z"]

PDG_OF_LABEL = np.array([22, 11, 13, 111, 0])
"""PDG numbers of WatChMaL's labels 0 to 3; the last for what is none."""

INDEX = "event_hits_index"
HITS = ("hit_pmt", "hit_time", "hit_charge")
MOMENTUM = "nuforge_momentum"

TURN: Mapping[Axis, list[int]] = {"z": [0, 1, 2], "y": [0, 2, 1]}
"""Of x, y, z the axis where the azimuth begins, the other one across, and the vertical one (WatChMaL's DataTools)."""

_BLOCK = 1 << 22  # rows


def write_watchmal(path: str | Path, parts: Iterable[Events], vertical: Axis = "y") -> None:
    """Writes events, part by part.

    The first particle of an event that has no parent is its label; of hits the sensor, time and charge are written.

    Args:
        path: The file; it is replaced when the new one is whole.
        parts: Events with `event`, `hits` and, if anything is known of them, `particles`.
        vertical: The axis about which angles are.

    Raises:
        InputError: If there are no events, or a particle has no label.
    """
    n_hits, n_events = 0, 0
    with written_whole(Path(path)) as part, TemporaryDirectory(dir=part.parent) as folder, ExitStack() as stack:
        pieces: dict[str, tuple[IO[bytes], np.dtype[Any], tuple[int, ...]]] = {}
        for events in parts:
            columns = _columns(events, n_hits, vertical)
            if n_events and set(columns) != set(pieces):
                raise InputError(f"these events have {sorted(columns)}, those before {sorted(pieces)}; write two files")
            for name, values in columns.items():
                if name not in pieces:
                    pieces[name] = stack.enter_context(TemporaryFile(dir=folder)), values.dtype, values.shape[1:]
                pieces[name][0].write(np.ascontiguousarray(values).tobytes())
            n_hits, n_events = n_hits + len(events["hits"]), n_events + len(events)
        if not n_events:
            raise InputError(f"there are no events to write to {path}; give some")
        with h5py.File(part, "w") as file:
            for name, (raw, dtype, shape) in pieces.items():
                _copy(file, name, raw, dtype, (n_hits if name in HITS else n_events, *shape))


def _copy(file: h5py.File, name: str, raw: IO[bytes], dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    """A contiguous dataset of the bytes of a file, block by block."""
    dataset = file.create_dataset(name, shape, dtype)
    row = dtype.itemsize * int(np.prod(shape[1:]))
    raw.seek(0)
    for first in range(0, shape[0], _BLOCK):
        end = min(first + _BLOCK, shape[0])
        dataset[first:end] = np.frombuffer(raw.read((end - first) * row), dtype).reshape(end - first, *shape[1:])


def _columns(events: Events, n_hits: int, vertical: Axis) -> dict[str, NDArray[Any]]:
    """The rows of some events, of which `n_hits` hits were written before."""
    missing = [name for name in ("event", "hits") if name not in events]
    if missing:
        raise InputError(f"WatChMaL's file needs the tables {missing}, got {sorted(events.tables)}; make hits first")
    event, hits = events["event"], events["hits"]
    number = event["event"].numpy()
    if (np.abs(number) >= 2**31).any():
        raise InputError(f"WatChMaL numbers events with 32 bits, got {int(np.abs(number).max())}; renumber them")
    names = [f"{source:016x}".encode() for source in event["source"].tolist()]
    columns: dict[str, NDArray[Any]] = {
        INDEX: hits.offsets[:-1].numpy() + n_hits,
        "hit_pmt": hits["sensor"].numpy().astype(np.int32),
        "hit_time": (hits["time"].numpy() / units.ns).astype(np.float32),
        "hit_charge": hits["charge"].numpy().astype(np.float32),
        "event_ids": number.astype(np.int32),
        "root_files": np.array(names, "S64"),
    }
    columns |= {name: event[name].numpy() == 1 for name in ("veto", "veto2") if name in event}
    return columns | _labels(events, vertical)


def _labels(events: Events, vertical: Axis) -> dict[str, NDArray[Any]]:
    """Label, energy, position, angles and momentum of the first primary of each event; -1 and NaN where it has none."""
    n = len(events)
    label, momentum = np.full(n, -1, np.int32), np.full((n, 3), np.nan, np.float32)
    energy, angles, position = (np.full((n, *shape), np.nan, np.float32) for shape in ((1,), (2,), (1, 3)))
    if "particles" in events and len(table := events["particles"]):
        primary = np.flatnonzero(table["parent"].numpy() < 0)
        event, first = np.unique(table.batch.numpy()[primary], return_index=True)
        rows = primary[first]
        pdg = table["pdg"].numpy()[rows]
        known = np.isin(pdg, PDG_OF_LABEL[:-1])
        if not known.all():
            raise InputError(
                f"WatChMaL has labels for {PDG_OF_LABEL[:-1].tolist()} (PDG), got {pdg[~known][0]}; leave it out"
            )
        p = table["momentum"].double().numpy()[rows]
        size = np.linalg.norm(p, axis=1)
        across, sideways, along = p[:, TURN[vertical]].T
        with np.errstate(invalid="ignore", divide="ignore"):
            polar = np.arccos(np.clip(along / size, -1, 1))
        label[event] = (pdg[:, None] == PDG_OF_LABEL[:-1]).argmax(axis=1)
        total = table["energy"].double().numpy()[rows] if "energy" in table else np.sqrt(size**2 + masses(pdg) ** 2)
        energy[event, 0] = total / units.MeV
        angles[event] = np.stack([polar, np.arctan2(sideways, across)], axis=1)
        position[event, 0] = table["start"].numpy()[rows] / units.cm
        momentum[event] = p
    return {"labels": label, "energies": energy, "positions": position, "angles": angles, MOMENTUM: momentum}
