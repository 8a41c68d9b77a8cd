"""PISA's events in HDF5: weighted Monte Carlo of atmospheric neutrinos, true and reconstructed, by flavour.

A group for each flavour and, in it, for charged and neutral currents has datasets with a row an event. Energies are in
GeV; cosines are of the zenith from where the neutrino comes. `weighted_aeff` is kept as it is: times a flux and a time
it is a number of events.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
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
        batch_events: Events at a time.

    Yields:
        Events with `event` (numbered through the file), `interactions` and `reconstructed`.

    Raises:
        InputError: If the file is not as expected.
    """
    path = Path(path)
    source = source_of(path)
    with open_hdf5(path) as file:
        groups = [_Group.of(path, file, flavour, current) for flavour in _FLAVOURS for current in _CURRENTS]
        there = [group for group in groups if group is not None and len(group)]
        if not there:
            raise InputError(f"{path} has no events; give a file with events")
        ends = np.cumsum([len(group) for group in there])
        for first in range(0, int(ends[-1]), batch_events):
            numbers = np.arange(first, min(first + batch_events, int(ends[-1])))
            yield _events(numbers, _joined(there, ends, first, len(numbers)), source)


@dataclass(frozen=True)
class _Group:
    """The events of one flavour and current.

    Args:
        neutrino: PDG number.
        current: 1 charged, 2 neutral.
        datasets: By their names, of one length.
    """

    neutrino: int
    current: int
    datasets: Mapping[str, h5py.Dataset]

    @classmethod
    def of(cls, path: Path, file: h5py.File, flavour: str, current: str) -> _Group | None:
        """A group of the file, none if it is not there."""
        group = file.get(f"{flavour}/{current}")
        if not isinstance(group, h5py.Group):
            return None
        return cls(_FLAVOURS[flavour], _CURRENTS[current], _datasets(path, group))

    def __len__(self) -> int:
        return len(self.datasets[_NEEDED[0]])

    def columns(self, first: int, end: int) -> dict[str, NDArray]:
        """Columns of the rows from first to before end, NaN for those that it does not have."""
        nothing = np.full(end - first, np.nan)
        names = (*_NEEDED, *_OPTIONAL)
        columns = {name: self.datasets[name][first:end] if name in self.datasets else nothing for name in names}
        columns["neutrino"] = np.full(end - first, self.neutrino)
        columns["current"] = np.full(end - first, self.current)
        return columns


def _joined(groups: Sequence[_Group], ends: NDArray[np.int64], first: int, n: int) -> dict[str, NDArray]:
    """Columns of n events from number `first` on, whatever groups, which end at `ends` (G,), they are of."""
    parts = []
    for group, end in zip(groups, ends.tolist(), strict=True):
        begin = end - len(group)
        if begin < first + n and end > first:
            parts.append(group.columns(max(first - begin, 0), min(first + n, end) - begin))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _datasets(path: Path, group: h5py.Group) -> dict[str, h5py.Dataset]:
    """The datasets of a group, of one length."""
    names = [*_NEEDED, *(name for name in _OPTIONAL if name in group)]
    found = {name: numbers_of(path, dataset_of(path, group, name)) for name in names}
    shapes = {name: dataset.shape for name, dataset in found.items()}
    if len(set(shapes.values())) != 1 or len(shapes["true_energy"]) != 1:
        raise InputError(f"'{group.name}' of {path} must have datasets of one length, got {shapes}; write it again")
    return found


def _events(numbers: NDArray[np.int64], columns: dict[str, NDArray], source: int) -> Events:
    """Events with these numbers (B,), a row each."""
    n = len(numbers)
    table = neutrino_table(
        np.ones(n, np.int64),
        energy=columns["true_energy"].astype(np.float64) * units.GeV,
        neutrino=columns["neutrino"],
        current=columns["current"],
    )
    more = {"cos_zenith": floats(columns["true_coszen"]), "weighted_aeff": doubles(columns["weighted_aeff"])}
    reconstructed = {
        "energy": floats(columns["reco_energy"], units.GeV),
        "cos_zenith": floats(columns["reco_coszen"]),
    }
    return Events(
        {
            "event": event_table(source, numbers),
            "interactions": table.with_columns(more, about=_TRUTH),
            "reconstructed": Table(reconstructed, torch.arange(n + 1), about=_RECONSTRUCTED),
        }
    )


def _recognises(seen: Glimpse) -> bool:
    groups = (f"{flavour}/{current}" for flavour in _FLAVOURS for current in _CURRENTS)
    return seen.kind is Kind.HDF5 and any(seen.has(*(f"{group}/{name}" for name in _NEEDED)) for group in groups)


PISA = Format("pisa", "PISA events HDF5 (atmospheric neutrinos)", "seen", _recognises, read_pisa)
