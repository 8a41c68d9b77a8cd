"""KM3NeT's hits and true particles as tables, whichever file they come from.

Columns have the names of the offline format: t in ns, pos_* in m, E in GeV, tot in ns, a in photoelectrons.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nuforge import units
from nuforge.events import Column, Table
from nuforge.events.process import Process
from nuforge.formats.ancestry import Numbering
from nuforge.formats.geant4 import masses
from nuforge.formats.telescope import Scale, doubles, floats, integers, neutrino_table, vectors

Columns = Mapping[str, NDArray]
Integers = NDArray[np.int64]

CHANNELS = 32
"""A sensor's number is this times that of its module (`dom_id`) plus its channel, of which there are 31."""

_HITS = {
    "charge": Column("ns", "time over threshold, for the charge", "readout"),
    "sensor": Column("", "32 times the number of the module, plus the channel", "readout"),
    "triggered": Column("", "not 0 if the hit took part in a trigger", "readout"),
    "direction": Column("", "unit vector in which the photomultiplier looks", "readout"),
}
_LIGHT = {
    "time": Column("ns", "when the light arrived", "truth"),
    "charge": Column("", "photoelectrons", "truth"),
    "sensor": Column("", "number of the photomultiplier in the simulation", "truth"),
    "particle": Column("", "whose light it is", "truth", "particles"),
}
_PARTICLES = {
    "energy": Column("MeV", "energy at its start", "truth"),
    "length": Column("cm", "length of its track", "truth"),
}
_NEUTRINOS = (12, 14, 16)
_OF_NEUTRINOS = ("pdgid", "pos_x", "pos_y", "pos_z", "dir_x", "dir_y", "dir_z", "E", "t", "bjorkeny")


def _real(found: Columns, name: str, n: int) -> NDArray[np.floating]:
    return found[name] if name in found else np.full(n, np.nan)


def _vector(found: Columns, prefix: str, n: int, scale: Scale = 1.0) -> Tensor:
    """Three columns (n, 3) times a unit or a size (n,); NaN for those that the file does not have."""
    names = [f"{prefix}_{axis}" for axis in "xyz"]
    if not found.keys() & names:
        return torch.full((n, 3), torch.nan)
    return vectors([_real(found, name, n) for name in names], scale)


def _known(vector: Tensor) -> Tensor:
    """Vectors (n, 3); what is nought in all three is not known and NaN."""
    nothing = (vector == 0).all(dim=1)
    return vector.masked_fill_(nothing[:, None], torch.nan) if nothing.any() else vector


def hit_table(found: Columns, counts: Integers) -> Table:
    """Hits of events with `counts` (B,) rows each; positions of files that are not calibrated are NaN."""
    n = int(counts.sum())
    module, channel = (integers(np.asarray(found.get(name, np.full(n, -1)))) for name in ("dom_id", "channel_id"))
    columns = {
        "position": _known(_vector(found, "pos", n, units.m)),
        "time": doubles(_real(found, "t", n), units.ns),
        "charge": floats(_real(found, "tot", n), units.ns),
        "sensor": torch.where(module >= 0, CHANNELS * module + channel, -1),
        "triggered": integers(np.asarray(found.get("trig", np.zeros(n)))),
        "direction": _known(_vector(found, "dir", n)),
    }
    return Table.from_counts(columns, integers(counts), about=_HITS)


def particle_table(found: Columns, counts: Integers) -> Table:
    """True particles; the neutrino itself is among them where the file has it."""
    n = int(counts.sum())
    pdg = integers(np.asarray(found.get("pdgid", np.zeros(n))))
    energy = np.multiply(_real(found, "E", n), units.GeV, dtype=np.float64)
    size = np.sqrt(np.maximum(energy**2 - masses(pdg.numpy()) ** 2, 0))
    event = np.repeat(np.arange(len(counts)), counts)
    mother = integers(np.asarray(found.get("mother_id", np.full(n, -1)))).numpy()
    parent = numbering(found, counts).rows_of(event, mother)
    parent[(parent == np.arange(n)) | (mother < 0)] = -1
    columns = {
        "pdg": pdg,
        "parent": integers(parent),
        "process": integers(np.where(parent < 0, int(Process.PRIMARY), int(Process.UNKNOWN))),
        "start": _vector(found, "pos", n, units.m),
        "time": doubles(_real(found, "t", n), units.ns),
        "momentum": _known(_vector(found, "dir", n, size)),
        "energy": floats(energy),
        "length": floats(_real(found, "len", n), units.m),
    }
    return Table.from_counts(columns, integers(counts), about=_PARTICLES, refers_to={"parent": "particles"})


def numbering(found: Columns, counts: Integers) -> Numbering:
    """Where true particles are by their numbers; without numbers they count from 1 in each event."""
    n = int(counts.sum())
    place = np.arange(n) - np.repeat(np.cumsum(counts) - counts, counts) + 1
    number = integers(np.asarray(found["id"])).numpy() if "id" in found else place
    return Numbering.of(np.repeat(np.arange(len(counts)), counts), number)


def neutrinos_of(found: Columns, counts: Integers) -> Table:
    """The neutrino of each event, the first true particle if it is one."""
    first = (np.cumsum(counts) - counts)[counts > 0]
    pdg = integers(np.asarray(found["pdgid"])[first] if "pdgid" in found else np.zeros(len(first))).numpy()
    is_neutrino = np.isin(np.abs(pdg), _NEUTRINOS)
    row = first[is_neutrino]
    of_neutrino = {name: np.asarray(found[name])[row] for name in _OF_NEUTRINOS if name in found}
    present = np.zeros(len(counts), np.int64)
    present[np.flatnonzero(counts > 0)[is_neutrino]] = 1
    n = int(present.sum())
    return neutrino_table(
        present,
        _vector(of_neutrino, "pos", n, units.m).numpy(),
        np.multiply(_real(of_neutrino, "E", n), units.GeV, dtype=np.float64),
        _known(_vector(of_neutrino, "dir", n)).numpy(),
        pdg[is_neutrino],
        inelasticity=_real(of_neutrino, "bjorkeny", n),
        time=np.multiply(_real(of_neutrino, "t", n), units.ns, dtype=np.float64),
    )


def light_table(found: Columns, counts: Integers, tracks: Columns, track_counts: Integers) -> Table:
    """True hits, with the particle whose light they are."""
    n = int(counts.sum())
    event = np.repeat(np.arange(len(counts)), counts)
    origin = integers(np.asarray(found.get("origin", np.full(n, -1)))).numpy()
    columns = {
        "time": doubles(_real(found, "t", n), units.ns),
        "charge": floats(_real(found, "a", n)),
        "sensor": integers(np.asarray(found.get("pmt_id", np.full(n, -1)))),
        "particle": integers(numbering(tracks, track_counts).rows_of(event, origin)),
    }
    return Table.from_counts(columns, integers(counts), about=_LIGHT)
