"""NuRadioMC's HDF5: a row a shower, of which one or several make an event group (m, ns, eV, rad).

Angles are those where the particle comes from; directions here are directions of travel. What single stations saw
(`station_<id>`) is left out, but for whether one of them triggered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nuforge import units
from nuforge.errors import InputError
from nuforge.events import Column, Events, Table, offsets_of
from nuforge.formats.format import Format
from nuforge.formats.generators import CURRENTS, EVENT_ABOUT
from nuforge.formats.glimpse import Glimpse, Kind
from nuforge.formats.hdf5 import dataset_of, numbers_of, open_hdf5, plausible, text_of, whole
from nuforge.formats.identity import event_table, source_of
from nuforge.formats.ragged import Keyed
from nuforge.formats.taken import Take, taken

_NEEDED = ("event_group_ids", "xx", "yy", "zz", "zeniths", "azimuths", "energies")
_SHOWERS = ("", "EM", "HAD")
_CODES = {"cc": 1, "nc": 2, "em": 1, "had": 2}


def _truth(column: str, unit: str, meaning: str, field: str, scale: float = 1.0) -> Take:
    return Take(column, Column(unit, meaning, "truth"), (field,), scale=scale)


_TAKES = (
    Take(
        "vertex", Column("cm", "where the neutrino interacted", "truth"), ("xx", "yy", "zz"), scale=units.m, parts=True
    ),
    Take("time", Column("ns", "when", "truth"), ("vertex_times",), torch.float64),
    _truth("energy", "MeV", "energy of the neutrino", "energies", units.eV),
    _truth("shower_energy", "MeV", "energy of the shower", "shower_energies", units.eV),
    _truth("inelasticity", "", "y", "inelasticity"),
    Take("neutrino", Column("", "PDG number of the neutrino", "truth"), ("flavors",), torch.int64),
    Take("number", Column("", "which interaction of its event, from 1", "truth"), ("n_interaction",), torch.int64),
    Take("triggered", Column("", "whether a station triggered", "readout"), ("triggered",), torch.bool),
)


def _recognises(seen: Glimpse) -> bool:
    return seen.kind is Kind.HDF5 and seen.has(*_NEEDED)


def read_nuradiomc(path: Path, batch_events: int = 64) -> Iterator[Events]:
    """The event groups of a file, by number, some at a time: `event`, and `showers` with a row each.

    Raises:
        InputError: If a column is missing or shorter than the others.
    """
    source = source_of(path)
    with open_hdf5(path) as file:
        ids = whole(path, numbers_of(path, dataset_of(path, file, "event_group_ids")))
        if ids.ndim != 1 or (ids.dtype.kind == "f" and not np.isfinite(ids).all()):
            raise InputError(f"'event_group_ids' of {path} must be numbers, one a shower; copy or write it again")
        ids = ids.astype(np.int64)
        fields = _fields(path, file, len(ids))
        known = np.unique(ids)
        rows = Keyed.of(ids, known)
        ends = np.concatenate([[0], np.cumsum(rows.counts)])
        for first in range(0, len(known), batch_events):
            last = min(first + batch_events, len(known))
            chosen = rows.order[ends[first] : ends[last]]
            yield _events(fields, _reader(file, chosen), known[first:last], rows.counts[first:last], source)


def _fields(path: Path, file: h5py.File, n: int) -> list[str]:
    """The columns of showers that a file has."""
    found = [name for name, item in file.items() if isinstance(item, h5py.Dataset)]
    for name in found:
        if plausible(path, file[name]).shape[:1] != (n,) and name in _NEEDED:
            raise InputError(f"'{name}' of {path} has shape {file[name].shape}, expected {n} rows; copy it again")
    missing = [name for name in _NEEDED if name not in found]
    if missing:
        raise InputError(f"{path} lacks {missing}, it has {found[:20]}; write it as NuRadioMC does")
    return [name for name in found if file[name].shape[:1] == (n,)]


def _reader(file: h5py.File, rows: NDArray[np.int64]) -> Callable[[str], NDArray[Any]]:
    """What reads some rows of a column, in one piece of the file."""
    low, high = (int(rows.min()), int(rows.max()) + 1) if len(rows) else (0, 0)
    return lambda name: file[name][low:high][rows - low]


def _events(
    fields: list[str],
    read: Callable[[str], NDArray[Any]],
    numbers: NDArray[np.int64],
    counts: NDArray[np.int64],
    source: int,
) -> Events:
    """Events of some event groups."""
    columns, about = taken(_TAKES, fields, read)
    zenith, azimuth = read("zeniths").astype(np.float64), read("azimuths").astype(np.float64)
    came = np.stack([np.sin(zenith) * np.cos(azimuth), np.sin(zenith) * np.sin(azimuth), np.cos(zenith)], 1)
    columns["direction"] = torch.from_numpy(-came.astype(np.float32))
    about["direction"] = Column("", "direction of travel", "truth")
    names = {"interaction": ("interaction_type", CURRENTS), "kind": ("shower_type", _SHOWERS)}
    for column, (field, words) in names.items():
        if field in fields:
            columns[column] = torch.from_numpy(_codes(read(field)))
            about[column] = Column("", f"{column} of the shower", "truth", names=words)
    first = offsets_of(torch.from_numpy(counts))[:-1]
    weight = read("weights").astype(np.float64)[first.numpy()] if "weights" in fields else None
    event = event_table(source, numbers, weight=weight)
    of_event: dict[str, Tensor] = {name: columns[name][first] for name in ("energy", "interaction") if name in columns}
    if "triggered" in columns:
        seen = torch.zeros(len(numbers), dtype=torch.int64)
        batch = torch.repeat_interleave(torch.from_numpy(counts))
        of_event["triggered"] = seen.index_add(0, batch, columns["triggered"].long()) > 0
    said = {**EVENT_ABOUT, "triggered": Column("", "whether a station triggered", "readout")}
    return Events(
        {
            "event": event.with_columns(of_event, {name: said[name] for name in of_event}),
            "showers": Table.from_counts(columns, torch.from_numpy(counts), about=about),
        }
    )


def _codes(words: NDArray[Any]) -> NDArray[np.int64]:
    """Numbers (N,) of the words cc, nc, em and had, 0 for others."""
    known, which = np.unique(words.astype("S8"), return_inverse=True)
    return np.array([_CODES.get(text_of(word).lower(), 0) for word in known], dtype=np.int64)[which]


NURADIOMC = Format("nuradiomc", "NuRadioMC (HDF5)", "doc", _recognises, read_nuradiomc)
