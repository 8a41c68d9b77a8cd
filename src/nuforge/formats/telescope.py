"""What neutrino telescopes know of an event: its hits, and the neutrino that interacted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nuforge.events import Column, Table

Reals = NDArray[np.float64]
Integers = NDArray[np.int64]

NEUTRINO: Mapping[str, Column] = {
    "energy": Column("MeV", "energy of the neutrino", "truth"),
    "direction": Column("", "unit vector in which the neutrino travels", "truth"),
    "current": Column("", "1 charged current, 2 neutral current, 3 Glashow resonance, 0 unknown", "truth"),
    "inelasticity": Column("", "fraction of the energy that goes to the hadrons", "truth"),
}
"""Columns of `interactions` beside the standard ones."""


def travelling(zenith: NDArray, azimuth: NDArray) -> Reals:
    """Unit vectors (N, 3) of zenith and azimuth (N,) in radians of a direction of travel."""
    theta, phi = doubles(zenith), doubles(azimuth)  # torch is several times as fast as NumPy at sines
    sine = theta.sin()
    axes: Reals = torch.stack([sine * phi.cos(), sine * phi.sin(), theta.cos()]).numpy()
    return axes.T  # each axis lies together


def arriving(zenith: NDArray, azimuth: NDArray) -> Reals:
    """Unit vectors of travel (N, 3) of particles that come from zenith and azimuth (N,) in radians."""
    return -travelling(zenith, azimuth)


def angles_of_arrival(direction: NDArray) -> tuple[Reals, Reals]:
    """Zenith and azimuth (N,), the latter from 0 to 2 pi, from where what has directions of travel (N, 3) comes."""
    back = -np.asarray(direction, np.float64)
    length = np.linalg.norm(back, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        zenith = np.arccos(np.clip(back[:, 2] / length, -1, 1))
    return zenith, np.arctan2(back[:, 1], back[:, 0]) % (2 * np.pi)


def floats(values: NDArray) -> Tensor:
    """A float32 tensor."""
    return torch.from_numpy(np.require(values, np.float32, ["C", "W"]))


def vectors(parts: Sequence[NDArray], scale: float = 1.0) -> Tensor:
    """A float32 tensor (N, K) of columns (N,) side by side, times a unit."""
    found = np.empty((len(parts[0]), len(parts)), np.float32)
    for i, part in enumerate(parts):
        np.multiply(part, scale, out=found[:, i], dtype=np.float64, casting="same_kind")
    return torch.from_numpy(found)


def doubles(values: NDArray) -> Tensor:
    """A float64 tensor."""
    return torch.from_numpy(np.require(values, np.float64, ["C", "W"]))


def integers(values: NDArray) -> Tensor:
    """An int64 tensor; real numbers are rounded, and what is none is -1."""
    if values.dtype.kind == "f":
        within = np.abs(values) < 2.0**63  # not what is NaN
        values = np.rint(values) if within.all() else np.where(within, np.rint(values), -1)
    return torch.from_numpy(np.require(values, np.int64, ["C", "W"]))


def neutrino_table(
    counts: Integers,
    vertex: Reals,
    energy: Reals,
    direction: Reals,
    neutrino: NDArray,
    current: NDArray | None = None,
    inelasticity: Reals | None = None,
    time: Reals | None = None,
) -> Table:
    """The table `interactions` of neutrinos, `counts` (B,) of each event.

    Args:
        counts: (B,) interactions of each event, N in all.
        vertex: (N, 3) cm.
        energy: (N,) MeV.
        direction: (N, 3) unit vectors of travel.
        neutrino: (N,) PDG numbers.
        current: (N,) 1 charged, 2 neutral; unknown if it is not given.
        inelasticity: (N,), NaN if it is not given.
        time: (N,) ns, NaN if it is not given.
    """
    n = len(energy)
    columns = {
        "vertex": floats(vertex),
        "time": doubles(np.full(n, np.nan) if time is None else time),
        "neutrino": integers(neutrino),
        "mode": torch.zeros(n, dtype=torch.int64),
        "energy": floats(energy),
        "direction": floats(direction),
        "current": integers(np.zeros(n) if current is None else current),
        "inelasticity": floats(np.full(n, np.nan) if inelasticity is None else inelasticity),
    }
    return Table.from_counts(columns, integers(counts), about=NEUTRINO)
