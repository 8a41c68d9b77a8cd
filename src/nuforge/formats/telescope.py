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
Scale = float | NDArray[np.floating]
"""A unit, or a factor (N,) of each row."""

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


def floats(values: NDArray, scale: float = 1.0) -> Tensor:
    """A float32 tensor of values times a unit."""
    return torch.from_numpy(np.require(_times(values, scale, np.float32), np.float32, ["C", "W"]))


def vectors(parts: Sequence[NDArray], scale: Scale = 1.0) -> Tensor:
    """A float32 tensor (N, K) of columns (N,) side by side, times a unit or a size (N,)."""
    found = np.empty((len(parts[0]), len(parts)), np.float32)
    for i, part in enumerate(parts):
        np.multiply(part, scale, out=found[:, i], dtype=np.float64, casting="same_kind")
    return torch.from_numpy(found)


def doubles(values: NDArray, scale: float = 1.0) -> Tensor:
    """A float64 tensor of values times a unit."""
    return torch.from_numpy(np.require(_times(values, scale, np.float64), np.float64, ["C", "W"]))


def _times(values: NDArray, scale: float, kind: type[np.floating]) -> NDArray:
    """Values times a unit, multiplied as float64, in memory of their own; themselves if the unit is 1."""
    if scale == 1:
        return values
    found: NDArray = np.empty(values.shape, kind)
    np.multiply(values, scale, out=found, dtype=np.float64, casting="same_kind")
    return found


def integers(values: NDArray) -> Tensor:
    """An int64 tensor; real numbers are rounded, and what is none is -1."""
    if values.dtype.kind == "f":
        within = np.abs(values) < 2.0**63  # not what is NaN
        values = np.rint(values) if within.all() else np.where(within, np.rint(values), -1)
    return torch.from_numpy(np.require(values, np.int64, ["C", "W"]))


def neutrino_table(
    counts: Integers,
    vertex: NDArray | None = None,
    energy: NDArray | None = None,
    direction: NDArray | None = None,
    neutrino: NDArray | None = None,
    current: NDArray | None = None,
    inelasticity: NDArray | None = None,
    time: NDArray | None = None,
) -> Table:
    """The table `interactions` of neutrinos, `counts` (B,) of each event; what is not given is not known.

    Args:
        counts: (B,) interactions of each event, N in all.
        vertex: (N, 3) cm.
        energy: (N,) MeV.
        direction: (N, 3) unit vectors of travel.
        neutrino: (N,) PDG numbers.
        current: (N,) 1 charged, 2 neutral.
        inelasticity: (N,).
        time: (N,) ns.
    """
    n = int(counts.sum())

    def real(values: NDArray | None, *axes: int) -> Tensor:
        return torch.full((n, *axes), torch.nan) if values is None else floats(values)

    def number(values: NDArray | None) -> Tensor:
        return torch.zeros(n, dtype=torch.int64) if values is None else integers(values)

    columns = {
        "vertex": real(vertex, 3),
        "time": torch.full((n,), torch.nan, dtype=torch.float64) if time is None else doubles(time),
        "neutrino": number(neutrino),
        "mode": number(None),
        "energy": real(energy),
        "direction": real(direction, 3),
        "current": number(current),
        "inelasticity": real(inelasticity),
    }
    return Table.from_counts(columns, integers(counts), about=NEUTRINO)
