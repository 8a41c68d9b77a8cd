"""Tables of NEXT's cities with a column of event numbers, pmaps, hits and kDST, and what becomes of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import h5py
import numpy as np
import torch

from nuforge import units
from nuforge.events import Column, Table
from nuforge.formats.ragged_table import IndexedTable, RaggedTable
from nuforge.formats.taken import Take, taken

_SENTINEL = -9e5  # IC writes -999999 for a charge that was not measured


def _read(
    column: str,
    unit: str,
    meaning: str,
    *fields: str,
    scale: float = 1.0,
    dtype: torch.dtype = torch.float32,
    nothing: float | None = None,
) -> Take:
    return Take(column, Column(unit, meaning, "readout"), fields or (column,), dtype, scale, nothing)


def _number(column: str, meaning: str, *fields: str) -> Take:
    return _read(column, "", meaning, *fields, dtype=torch.int64)


def _peak(kind: str) -> tuple[Take, ...]:
    return (
        _number("peak", f"number of the {kind} in its event"),
        _read("time", "ns", "time of the sample", dtype=torch.float64),
        _read("charge", "", "photoelectrons of all PMTs", "ene"),
    )


def _sensors(kind: str, field: str) -> tuple[Take, ...]:
    return (
        _number("peak", f"number of the {kind} in its event"),
        _number("sensor", "number of the sensor", field),
        _read("charge", "", "photoelectrons of one sample", "ene"),
    )


_SPREAD = Take(
    "spread", Column("cm", "root mean square in x and y", "readout"), ("Xrms", "Yrms"), scale=units.mm, parts=True
)

_HITS = (
    Take("position", Column("cm", "where", "readout"), ("X", "Y", "Z"), scale=units.mm, parts=True),
    _read("charge", "", "photoelectrons of the SiPMs", "Q", nothing=_SENTINEL),
    _read("energy", "", "photoelectrons of the PMTs", "E", nothing=_SENTINEL),
    _read("corrected_charge", "", "charge, corrected for place and time", "Qc", nothing=_SENTINEL),
    _read("corrected_energy", "", "energy, corrected for place and time", "Ec", nothing=_SENTINEL),
    _number("peak", "number of the S2 in its event", "npeak"),
    _number("n_sensors", "SiPMs of the hit", "nsipm"),
    _number("track", "track that it belongs to", "track_id"),
    Take(
        "spread", Column("cm", "root mean square in x and y", "readout"), ("Xrms", "Yrms"), scale=units.mm, parts=True
    ),
)

_KDST = (
    _number("s1_peak", "number of the S1", "s1_peak"),
    _number("s2_peak", "number of the S2", "s2_peak", "peak"),
    _number("n_s1", "number of S1 of the event", "nS1"),
    _number("n_s2", "number of S2 of the event", "nS2"),
    _read("s1_width", "ns", "width of the S1", "S1w", dtype=torch.float64),
    _read("s1_height", "", "height of the S1, photoelectrons", "S1h"),
    _read("s1_charge", "", "photoelectrons of the S1", "S1e"),
    _read("s1_time", "ns", "time of the S1", "S1t", dtype=torch.float64),
    _read("s2_width", "ns", "width of the S2", "S2w", scale=units.us, dtype=torch.float64),
    _read("s2_height", "", "height of the S2, photoelectrons", "S2h"),
    _read("s2_energy", "", "photoelectrons of the S2 in the PMTs", "S2e"),
    _read("s2_charge", "", "photoelectrons of the S2 in the SiPMs", "S2q"),
    _read("s2_time", "ns", "time of the S2", "S2t", dtype=torch.float64),
    _number("n_sensors", "SiPMs of the S2", "Nsipm"),
    _read("drift_time", "ns", "time between S1 and S2", "DT", scale=units.us, dtype=torch.float64),
    Take("position", Column("cm", "where", "readout"), ("X", "Y", "Z"), scale=units.mm, parts=True),
    Take(
        "spread", Column("cm", "root mean square in x and y", "readout"), ("Xrms", "Yrms"), scale=units.mm, parts=True
    ),
)

TABLES: Mapping[str, tuple[tuple[str, ...], tuple[Take, ...]]] = MappingProxyType(
    {
        "s1": (("PMAPS/S1",), _peak("S1")),
        "s2": (("PMAPS/S2",), _peak("S2")),
        "s1_pmts": (("PMAPS/S1Pmt",), _sensors("S1", "npmt")),
        "s2_pmts": (("PMAPS/S2Pmt",), _sensors("S2", "npmt")),
        "s2_sipms": (("PMAPS/S2Si",), _sensors("S2", "nsipm")),
        "hits": (("RECO/Events", "CHITS/lowTh"), _HITS),
        "hits_high": (("CHITS/highTh",), _HITS),
        "pairs": (("DST/Events",), _KDST),
    }
)
"""Our table, the datasets that it may come from, and their columns."""


@dataclass(frozen=True)
class Extent:
    """A dataset with a column of event numbers, and what is taken from it."""

    name: str
    table: IndexedTable
    takes: tuple[Take, ...]

    def of(self, events: np.ndarray) -> Table:
        """The table of some events (B,), sorted by number."""
        rows = self.table.rows_of(events)
        columns, about = taken(self.takes, rows.columns, rows.columns.__getitem__)
        if self.name.startswith("hits"):
            columns["time"] = torch.full((len(rows),), torch.nan, dtype=torch.float64)
            columns["sensor"] = torch.full((len(rows),), -1)
            about |= {
                "time": Column("ns", "not known: the drift time became z", "readout"),
                "sensor": Column("", "none: a hit joins several", "readout"),
            }
        counts = np.bincount(rows.event, minlength=len(events)).astype(np.int64)
        return Table.from_counts(columns, torch.from_numpy(counts), about=about)


def extents_of(path: Path, file: h5py.File) -> list[Extent]:
    """The datasets of this kind that a file has."""
    found = []
    for name, (places, takes) in TABLES.items():
        place = next((place for place in places if isinstance(file.get(place), h5py.Dataset)), None)
        if place is not None:
            table = RaggedTable(path, file[place], {"event_id": ("event",)}, ("event_id",))
            found.append(Extent(name, table.indexed(), takes))
    return found
