"""Particles of LArCV3 files and the table `particles`, both ways."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import h5py
import numpy as np
import torch
from numpy.typing import NDArray

from nuforge import units
from nuforge.events import Column, Events, Process, Table
from nuforge.formats.ancestry import Numbering
from nuforge.formats.geant4 import NAME_OF, masses, processes_of_names
from nuforge.formats.hdf5 import columns_of, dataset_of
from nuforge.formats.larcv3_images import Product
from nuforge.formats.ragged import Integers

_POINTS = ("vtx", "end_pt", "first_step", "last_step", "parent_vtx", "ancestor_vtx")
PARTICLE = np.dtype(
    [("id", "u2"), ("mcst_index", "u2"), ("mct_index", "u2"), ("shape", "i4"), ("current_type", "i2")]
    + [("interaction_type", "i2"), ("trackid", "u4"), ("pdg", "i4"), ("px", "f8"), ("py", "f8"), ("pz", "f8")]
    + [(name, "V32") for name in _POINTS[:4]]
    + [("dist_travel", "f8"), ("energy_init", "f8"), ("energy_deposit", "f8"), ("process", "S64")]
    + [("parent_trackid", "u4"), ("parent_pdg", "i4"), ("parent_vtx", "V32")]
    + [("ancestor_trackid", "u4"), ("ancestor_pdg", "i4"), ("ancestor_vtx", "V32")]
)
"""A row of `particles`; the points are x, y, z in cm and t in ns, four float64 without names."""

_NEEDED = ("trackid", "pdg", "px", "py", "pz", "parent_trackid")
_NUMBERS = {
    "track": ("trackid", "Geant4's number of its track"),
    "ancestor": ("ancestor_trackid", "number of the track of its first ancestor"),
    "number": ("id", "its number in LArCV"),
    "shape": ("shape", "class: 0 shower, 1 track, 2 Michel, 3 delta, 4 low-energy; larger ones unknown"),
    "current": ("current_type", "of a neutrino: 0 charged current, 1 neutral current; -1 none"),
    "reaction": ("interaction_type", "of a neutrino: number of the interaction in its generator; -1 none"),
}
_PLACES = {"end": "end_pt", "first": "first_step", "last": "last_step"}
_MEANINGS = {
    "end": Column("cm", "where it ended", "truth"),
    "first": Column("cm", "where it first left energy in the detector", "truth"),
    "last": Column("cm", "where it last left energy in the detector", "truth"),
    "energy": Column("MeV", "total energy at its start", "truth"),
    "deposited": Column("MeV", "energy that it left in the detector", "truth"),
    "length": Column("cm", "path length; -1 if the file does not say", "truth"),
}
ABOUT = {name: Column("", meaning, "truth") for name, (_, meaning) in _NUMBERS.items()} | _MEANINGS

_SAMPLE = 10_000  # particles looked at to find the unit of energy


def _vertex(rows: NDArray[Any], name: str) -> NDArray[np.float64]:
    """A point (N, 4): cm, cm, cm, ns; NaN if the file has none, or not of 32 bytes."""
    if name not in (rows.dtype.names or ()) or rows.dtype[name].itemsize != 32:
        return np.full((len(rows), 4), np.nan)
    return np.ascontiguousarray(rows[name]).view("<f8").reshape(-1, 4)


def energy_unit(products: list[Product]) -> float:
    """The unit of energies and momenta of a file."""
    return unit_of(_dataset(product)[:_SAMPLE] for product in products)


def unit_of(samples: Iterable[NDArray[Any]]) -> float:
    """The unit of energies and momenta of some rows of particles: GeV if their masses are so, else MeV."""
    for rows in samples:
        if "energy_init" not in (rows.dtype.names or ()):
            continue
        momentum = rows["px"] ** 2 + rows["py"] ** 2 + rows["pz"] ** 2
        mass = np.sqrt(np.maximum(rows["energy_init"] ** 2 - momentum, 0))
        expected = masses(rows["pdg"].astype(np.int64))
        good = (expected > 100) & (mass > 0)  # muons and heavier: rounding does not matter
        if good.any():
            return units.GeV if np.median(mass[good] / expected[good]) < 0.03 else units.MeV
    return units.MeV


def _dataset(product: Product) -> h5py.Dataset:
    return columns_of(product.path, dataset_of(product.path, product.group, "particles"), _NEEDED)


def particles_of(product: Product, begin: int, end: int, unit: float, name: str) -> Table:
    """The table of particles of consecutive events.

    Args:
        product: A particle product.
        begin: First event.
        end: Event after the last.
        unit: Of energy.
        name: Of the table, which parents number.
    """
    rows = _dataset(product)[product.spans.range_of(begin, end)]
    return particle_table(rows, product.spans.count[begin:end], unit, name)


def particle_table(rows: NDArray[Any], counts: Integers, unit: float, name: str) -> Table:
    """The table of particles of some events.

    Args:
        rows: (N,) particles with the fields of `PARTICLE`, or some of them.
        counts: (B,) particles of each event.
        unit: Of energy.
        name: Of the table, which parents number.
    """
    event = np.repeat(np.arange(len(counts)), counts)
    numbering = Numbering.of(event, rows["trackid"].astype(np.int64))
    parent = numbering.rows_of(event, rows["parent_trackid"].astype(np.int64))
    parent[parent == np.arange(len(parent))] = -1
    vertex = _vertex(rows, "vtx")
    fields = rows.dtype.names or ()
    pdg = rows["pdg"].astype(np.int64)
    momentum = np.stack([rows["px"], rows["py"], rows["pz"]], axis=1).astype(np.float64) * unit
    energy = _column(rows, "energy_init") * unit
    columns: dict[str, NDArray[Any]] = {
        "pdg": pdg,
        "parent": parent,
        "process": _processes(rows, pdg, energy),
        "start": vertex[:, :3].astype(np.float32),
        "time": vertex[:, 3].copy(),
        "momentum": momentum.astype(np.float32),
        "energy": energy.astype(np.float32),
        "deposited": (_column(rows, "energy_deposit") * unit).astype(np.float32),
        "length": _column(rows, "dist_travel").astype(np.float32),
    }
    for column, (field, _) in _NUMBERS.items():
        columns[column] = rows[field].astype(np.int64) if field in fields else np.full(len(rows), -1)
    for column, field in _PLACES.items():
        columns[column] = _vertex(rows, field)[:, :3].astype(np.float32)
    about = dict(ABOUT)
    if name != "particles":
        about |= {
            "pdg": Column("", "PDG Monte Carlo number", "truth"),
            "parent": Column("", "its parent, -1 for a primary", "truth", name),
            "process": Column("", "how it began (nuforge.events.process.Process)", "truth"),
            "start": Column("cm", "where it began", "truth"),
            "time": Column("ns", "when it began", "truth"),
            "momentum": Column("MeV", "momentum at its start", "truth"),
        }
    refers = {"parent": name}
    tensors = {key: torch.from_numpy(np.ascontiguousarray(values)) for key, values in columns.items()}
    return Table.from_counts(tensors, torch.from_numpy(counts), about=about, refers_to=refers)


def _column(rows: NDArray[Any], name: str) -> NDArray[np.float64]:
    return rows[name].astype(np.float64) if name in (rows.dtype.names or ()) else np.full(len(rows), np.nan)


def _processes(rows: NDArray[Any], pdg: Integers, energy: NDArray[np.float64]) -> Integers:
    if "process" not in (rows.dtype.names or ()) or rows.dtype["process"].kind != "S":
        return np.full(len(rows), int(Process.UNKNOWN))
    return processes_of_names(rows["process"], pdg, energy - masses(pdg))


def particle_rows(events: Events, name: str) -> NDArray[Any]:
    """Rows as LArCV3 has them (N,) of a table of particles, in cm, ns and MeV."""
    table = events[name]
    n = len(table)
    rows = np.zeros(n, PARTICLE)
    first = table.offsets[:-1][table.batch]
    within = (torch.arange(n) - first).numpy()
    momentum = table["momentum"].numpy().astype(np.float64)
    pdg = table["pdg"].numpy()
    rows["pdg"] = pdg
    rows["px"], rows["py"], rows["pz"] = momentum.T
    rows["id"] = within
    rows["trackid"] = within + 1
    rows["current_type"] = rows["interaction_type"] = -1
    rows["shape"] = 5  # unknown
    rows["dist_travel"] = -1
    for column, (field, _) in _NUMBERS.items():
        if column in table:
            rows[field] = table[column].numpy()
    energy = np.sqrt((momentum**2).sum(axis=1) + masses(pdg) ** 2)
    rows["energy_init"] = table["energy"].numpy() if "energy" in table else energy
    for column, field in (("deposited", "energy_deposit"), ("length", "dist_travel")):
        if column in table:
            rows[field] = table[column].numpy()
    start = np.concatenate([table["start"].numpy().astype(np.float64), table["time"].numpy()[:, None]], axis=1)
    rows["vtx"] = _opaque(start)
    for column, field in _PLACES.items():
        point = table[column].numpy() if column in table else np.full((n, 3), np.nan)
        rows[field] = _opaque(np.concatenate([point, np.full((n, 1), np.nan)], axis=1))
    parent = table["parent"].numpy()
    known = parent >= 0
    rows["parent_trackid"] = np.where(known, rows["trackid"][parent], rows["trackid"]) if n else 0
    rows["parent_pdg"] = np.where(known, pdg[parent], 0) if n else 0
    rows["parent_vtx"] = _opaque(np.where(known[:, None], start[parent], np.nan)) if n else rows["parent_vtx"]
    rows["ancestor_vtx"] = _opaque(np.full((n, 4), np.nan))
    process = table["process"].numpy()
    for code, word in NAME_OF.items():
        rows["process"][process == code] = word
    return rows


def _opaque(points: NDArray[np.floating]) -> NDArray[Any]:
    """Points (N, 4) as 32 bytes each."""
    return np.ascontiguousarray(points, "<f8").view("V32").reshape(-1)
