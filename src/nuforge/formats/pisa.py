"""PISA's events in HDF5: weighted Monte Carlo of atmospheric neutrinos, true and reconstructed, by flavour.

A group for each flavour and, in it, for charged and neutral currents has datasets with a row an event. Energies are in
GeV; cosines are of the zenith from where the neutrino comes. `weighted_aeff` is kept as it is: times a flux and a time
it is a number of events.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import torch
from numpy.typing import NDArray

from nuforge import units
from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.formats.format import Format
from nuforge.formats.glimpse import Glimpse, Kind
from nuforge.formats.hdf5 import dataset_of, numbers_of, open_hdf5
from nuforge.formats.identity import event_table, source_of
from nuforge.formats.telescope import doubles, floats, neutrino_table

_FLAVOURS = {"nue": 12, "nue_bar": -12, "numu": 14, "numu_bar": -14, "nutau": 16, "nutau_bar": -16}
_CURRENTS = {"cc": 1, "nc": 2}
_NEEDED = ("true_energy", "true_coszen")
_OPTIONAL = ("reco_energy", "reco_coszen", "weighted_aeff")
_TRUTH = {
    "cos_zenith": Column("", "cosine of the zenith from where it comes", "truth"),
    "weighted_aeff": Column("", "effective area over generated events, as the file has it", "truth"),
}
_RECONSTRUCTED = {
    "energy": Column("MeV", "energy of the neutrino", "prediction"),
    "cos_zenith": Column("", "cosine of the zenith from where it comes", "prediction"),
}


def read_pisa(path: str | Path, batch_events: int = 64) -> Iterator[Events]:
    """The events of a file, flavour after flavour, some at a time, in bounded memory.

    Args:
        path: The HDF5 file.
        batch_events: Events at a time; those of two groups are not mixed.

    Yields:
        Events with `event` (numbered through the file), `interactions` and `reconstructed`.

    Raises:
        InputError: If the file is not as expected.
    """
    path, number = Path(path), 0
    source = source_of(path)
    with open_hdf5(path) as file:
        groups = [(f, c) for f in _FLAVOURS for c in _CURRENTS if isinstance(file.get(f"{f}/{c}"), h5py.Group)]
        for flavour, current in groups:
            datasets = _datasets(path, file[f"{flavour}/{current}"])
            n = len(datasets["true_energy"])
            for first in range(0, n, batch_events):
                rows = {name: dataset[first : first + batch_events] for name, dataset in datasets.items()}
                m = len(rows["true_energy"])
                yield _events(np.arange(number, number + m), rows, _FLAVOURS[flavour], _CURRENTS[current], source)
                number += m
    if not number:
        raise InputError(f"{path} has no events; give a file with events")


def _datasets(path: Path, group: h5py.Group) -> dict[str, h5py.Dataset]:
    """The datasets of a group, of one length."""
    names = [*_NEEDED, *(name for name in _OPTIONAL if name in group)]
    found = {name: numbers_of(path, dataset_of(path, group, name)) for name in names}
    shapes = {name: dataset.shape for name, dataset in found.items()}
    if len(set(shapes.values())) != 1 or len(shapes["true_energy"]) != 1:
        raise InputError(f"'{group.name}' of {path} must have datasets of one length, got {shapes}; write it again")
    return found


def _events(numbers: NDArray[np.int64], rows: dict[str, NDArray], neutrino: int, current: int, source: int) -> Events:
    """Some events of one flavour and current."""
    n = len(numbers)
    nothing, one = np.full(n, np.nan), np.ones(n, np.int64)
    energy = rows["true_energy"].astype(np.float64) * units.GeV
    unknown = np.full((n, 3), np.nan)
    table = neutrino_table(one, unknown, energy, unknown, np.full(n, neutrino), np.full(n, current))
    more = {"cos_zenith": floats(rows["true_coszen"]), "weighted_aeff": doubles(rows.get("weighted_aeff", nothing))}
    columns = {
        "energy": floats(rows.get("reco_energy", nothing).astype(np.float64) * units.GeV),
        "cos_zenith": floats(rows.get("reco_coszen", nothing)),
    }
    return Events(
        {
            "event": event_table(source, numbers),
            "interactions": table.with_columns(more, about=_TRUTH),
            "reconstructed": Table(columns, torch.arange(n + 1), about=_RECONSTRUCTED),
        }
    )


def _recognises(seen: Glimpse) -> bool:
    groups = (f"{flavour}/{current}" for flavour in _FLAVOURS for current in _CURRENTS)
    return seen.kind is Kind.HDF5 and any(seen.has(*(f"{group}/{name}" for name in _NEEDED)) for group in groups)


PISA = Format("pisa", "PISA events HDF5 (atmospheric neutrinos)", "seen", _recognises, read_pisa)
