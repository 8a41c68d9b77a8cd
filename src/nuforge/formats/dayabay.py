"""Daya Bay's data release (HDF5): spectra as structured datasets of bins, `ibd_spectrum_AD11` and the like (MeV).

A spectrum is an event here: one detector (`AD11` is detector 1 of hall 1), in one period (6, 7 or 8 detectors were
running), in bins. Its number is its place among the spectra of the file, by name. Where names do
not say the period, it is the number of detectors of the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import torch
from h5py import h5d, h5o, h5t

from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.formats.format import Format
from nuforge.formats.glimpse import Glimpse, Kind
from nuforge.formats.hdf5 import columns_of, open_hdf5, plausible
from nuforge.formats.identity import event_table, source_of

_FIELDS = ("E_min_MeV", "E_max_MeV", "N")
_DETECTOR = re.compile(r"AD(\d\d)")
_PERIOD = re.compile(r"([678])AD(?!\d)")
_PERIODS = (6, 7, 8)
_MOST_BINS = 1_000_000

_EVENT = {
    "detector": Column("", "hall and number of the detector, such as 11, 0 if the spectrum is of none", "readout"),
    "period": Column("", "how many detectors were running, 0 if the file does not say", "readout"),
    "background": Column("", "whether it is the shape of a background", "readout"),
}
_BINS = {
    "low": Column("MeV", "lower edge of the bin", "readout"),
    "high": Column("MeV", "upper edge of the bin", "readout"),
    "content": Column("", "content of the bin", "readout"),
}


def _spectra(file: h5py.File) -> list[str]:
    """Paths of the spectra of a file, sorted."""
    found: list[str] = []

    def look(name: bytes, info: h5o.ObjInfo) -> None:
        if info.type == h5o.TYPE_DATASET and set(_FIELDS) <= _fields(h5d.open(file.id, name)):
            found.append(name.decode())

    h5o.visit(file.id, look, info=True)
    return sorted(found)


def _fields(dataset: h5d.DatasetID) -> set[str]:
    """The names of the fields of a dataset; its type is not made one of NumPy, which takes longer than to read it."""
    kind = dataset.get_type()
    if not isinstance(kind, h5t.TypeCompoundID):
        return set()
    return {kind.get_member_name(i).decode("utf-8", "replace") for i in range(kind.get_nmembers())}


def _recognises(seen: Glimpse) -> bool:
    if seen.kind is not Kind.HDF5 or not any("spectrum" in name for name in seen.names):
        return False
    with open_hdf5(seen.path) as file:
        return bool(_spectra(file))


def read_dayabay(path: Path, batch_events: int = 64) -> Iterator[Events]:
    """The spectra of a file, some at a time: `event` with detector and period, and `bins`.

    Raises:
        InputError: If a spectrum has no numbers or too many bins.
    """
    source = source_of(path)
    with open_hdf5(path) as file:
        names = _spectra(file)
        detectors = {found[1] for name in names if (found := _DETECTOR.search(name))}
        running = len(detectors) if len(detectors) in _PERIODS else 0
        for first in range(0, len(names), batch_events):
            chosen = names[first : first + batch_events]
            spectra = [_bins(path, file[name]) for name in chosen]
            bins = np.concatenate(spectra)
            n = len(chosen)
            event = {
                "detector": [int(found[1]) if (found := _DETECTOR.search(name)) else 0 for name in chosen],
                "period": [int(found[1]) if (found := _PERIOD.search(name)) else running for name in chosen],
                "background": ["ibd" not in name.lower() for name in chosen],
            }
            columns = {name: torch.tensor(values) for name, values in event.items()}
            table = event_table(source, np.arange(first, first + n)).with_columns(columns, _EVENT)
            counts = torch.tensor([len(each) for each in spectra])
            columns = {name: torch.from_numpy(bins[:, i].copy()) for i, name in enumerate(_BINS)}
            yield Events({"event": table, "bins": Table.from_counts(columns, counts, about=_BINS)})


def _bins(path: Path, dataset: h5py.Dataset) -> np.ndarray:
    """Edges and contents of the bins of a spectrum, (N, 3) float64."""
    kind = dataset.dtype
    columns_of(path, plausible(path, dataset, kind), _FIELDS, kind)
    shape = dataset.shape
    if len(shape) != 1 or shape[0] > _MOST_BINS:
        raise InputError(f"'{dataset.name}' of {path} has shape {shape}, expected bins in a row; copy it again")
    rows = dataset[:]
    bins = np.empty((len(rows), len(_FIELDS)))
    for i, field in enumerate(_FIELDS):
        bins[:, i] = rows[field]
    return bins


DAYABAY = Format("dayabay", "Daya Bay's data release (HDF5)", "seen", _recognises, read_dayabay)
