"""What flat trees of generators share: an entry an event, with lists of particles."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from nuforge.errors import InputError
from nuforge.events import Column, Events
from nuforge.formats.generators import (
    Generated,
)
from nuforge.formats.root import Entries
from nuforge.formats.taken import Take, taken

Integers = NDArray[np.int64]

_NEUTRAL = 50  # what the mode of a neutral current is above that of the charged one


def real(column: str, unit: str, meaning: str, field: str, scale: float = 1.0) -> Take:
    """A true quantity that a branch has."""
    return Take(column, Column(unit, meaning, "truth"), (field,), scale=scale)


def whole(column: str, meaning: str, field: str) -> Take:
    """A true whole number that a branch has."""
    return Take(column, Column("", meaning, "truth"), (field,), torch.int64)


def particles_of(
    path: Path, entries: Entries, pdg: str, fields: tuple[str, str, str, str], scale: float, status: int
) -> tuple[Integers, dict[str, NDArray]]:
    """A list of particles of each entry: counts, and pdg, status and momentum (px, py, pz, E) in MeV."""
    numbers = entries.flat(pdg).astype(np.int64)
    lists = [entries.flat(field) for field in fields]
    if {len(each) for each in lists} != {len(numbers)}:
        raise InputError(f"lists {[pdg, *fields]} of {path} are not of one length; copy or write it again")
    momentum = np.stack(lists, 1).astype(np.float64) * scale
    return entries.counts(pdg), {"pdg": numbers, "status": np.full(len(numbers), status), "momentum": momentum}


def events_of(
    entries: Entries,
    source: int,
    *,
    event: NDArray,
    weight: NDArray | None,
    neutrino: NDArray,
    energy: NDArray,
    mode: Integers,
    current: Integers,
    vertex: NDArray,
    time: NDArray,
    particles: tuple[Integers, Mapping[str, NDArray]],
    more: tuple[Take, ...],
) -> Events:
    """Events of entries with their particles."""
    counts, rows = particles
    columns, about = taken(more, entries.columns, entries.plain)
    batch = np.repeat(np.arange(len(counts)), counts)
    return Generated(
        event=event,
        weight=weight,
        neutrino=neutrino,
        energy=energy,
        mode=np.where((current == 2) & (mode > 0), mode + _NEUTRAL, np.where(current == 3, -mode, mode)),
        current=current,
        vertex=vertex,
        time=time,
        counts=counts,
        pdg=rows["pdg"],
        status=rows["status"],
        parent=np.full(len(batch), -1),
        start=vertex[batch],
        momentum=rows["momentum"][:, :3],
        particle_energy=rows["momentum"][:, 3],
        more=columns,
        about=about,
    ).events(source)


def coded(codes: NDArray, modes: Mapping[int, int]) -> Integers:
    """NuHepMC's mode (B,), as if of charged currents, of a generator's codes (B,); 0 for what is not known."""
    known, which = np.unique(codes.astype(np.int64), return_inverse=True)
    return np.array([modes.get(int(code), 0) for code in known], dtype=np.int64)[which]


def integers_of(entries: Entries, name: str) -> Integers:
    """A branch of whole numbers (B,), 0 if it is not there."""
    return entries.plain(name).astype(np.int64) if name in entries else np.zeros(len(entries), np.int64)
