"""What neutrino event generators say, whatever their format: one interaction an event, and its particles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nuforge.events import Column, Events, Process, Table
from nuforge.formats.identity import event_table

CURRENTS = ("", "CC", "NC", "EM")
"""Names of `event.interaction`."""

FINAL, DECAYED, DOCUMENTATION, BEAM, TARGET, STRUCK = 1, 2, 3, 4, 20, 21
"""Status of particles as NuHepMC has it."""

OWN_STATUS = 1000
"""Added to numbers of status that only one generator has."""

COHERENT, QUASI_ELASTIC, TWO_NUCLEONS, RESONANT, SHALLOW, DEEP, OTHER = 100, 200, 300, 400, 500, 600, 700
"""Interaction modes of charged currents (NuHepMC E.C.1); those of neutral currents are 50 more."""

EVENT_ABOUT = {
    "energy": Column("MeV", "energy of the neutrino", "truth"),
    "interaction": Column("", "current", "truth", names=CURRENTS),
}
PARTICLE_ABOUT = {
    "status": Column(
        "",
        "1 final, 2 decayed, 3 documentation, 4 beam, 20 target, 21 struck nucleon, from 1000 the generator's own",
        "truth",
    ),
    "energy": Column("MeV", "total energy", "truth"),
}
"""What the columns are that generators add to the standard ones."""


@dataclass(frozen=True)
class Generated:
    """B events of a generator.

    Args:
        event: (B,) numbers.
        weight: (B,), ones if they have none.
        neutrino: (B,) PDG number, 0 if unknown.
        energy: (B,) MeV, of the neutrino.
        mode: (B,) NuHepMC's number, 0 if unknown.
        current: (B,) 1 charged, 2 neutral, 3 electromagnetic, 0 unknown.
        vertex: (B, 3) cm.
        time: (B,) ns.
        counts: (B,) particles of each event.
        pdg: (N,).
        status: (N,) (see `PARTICLE_ABOUT`).
        parent: (N,) row in the batch, -1 for none.
        start: (N, 3) cm.
        momentum: (N, 3) MeV.
        particle_energy: (N,) MeV, total.
        more: Other columns of `interactions`, (B,) each.
        about: What they are.
    """

    event: NDArray[np.integer]
    weight: NDArray[np.floating] | None
    neutrino: NDArray[np.integer]
    energy: NDArray[np.floating]
    mode: NDArray[np.integer]
    current: NDArray[np.integer]
    vertex: NDArray[np.floating]
    time: NDArray[np.floating]
    counts: NDArray[np.integer]
    pdg: NDArray[np.integer]
    status: NDArray[np.integer]
    parent: NDArray[np.integer]
    start: NDArray[np.floating]
    momentum: NDArray[np.floating]
    particle_energy: NDArray[np.floating]
    more: Mapping[str, Tensor] = field(default_factory=dict)
    about: Mapping[str, Column] = field(default_factory=dict)

    def events(self, source: int) -> Events:
        """Tables `event`, `interactions` and `particles`.

        Args:
            source: Identity of the file.
        """
        n = len(self.event)
        batch = np.repeat(np.arange(n), self.counts)
        known = event_table(source, self.event, weight=self.weight)
        interactions = {
            "vertex": _floats(self.vertex),
            "time": _doubles(self.time),
            "neutrino": _integers(self.neutrino),
            "mode": _integers(self.mode),
        }
        particles = {
            "pdg": _integers(self.pdg),
            "parent": _integers(self.parent),
            "process": _integers(np.where(self.status == FINAL, int(Process.PRIMARY), int(Process.UNKNOWN))),
            "start": _floats(self.start),
            "time": _doubles(self.time[batch]),
            "momentum": _floats(self.momentum),
            "interaction": _integers(batch),
            "status": _integers(self.status),
            "energy": _floats(self.particle_energy),
        }
        return Events(
            {
                "event": known.with_columns(
                    {"energy": _floats(self.energy), "interaction": _integers(self.current)}, EVENT_ABOUT
                ),
                "interactions": Table({**interactions, **self.more}, torch.arange(n + 1), about=self.about),
                "particles": Table.from_counts(particles, _integers(self.counts), about=PARTICLE_ABOUT),
            }
        )


def in_events(
    *parts: tuple[NDArray[np.int64], Mapping[str, NDArray]],
) -> tuple[NDArray[np.int64], dict[str, NDArray]]:
    """Rows of several lists of each event, one list after the other within the event.

    Args:
        parts: Of each list its counts (B,) and columns (N, ...), of the same names and events.

    Returns:
        Counts (B,) and columns of all rows.
    """
    batch = np.concatenate([np.repeat(np.arange(len(counts)), counts) for counts, _ in parts])
    order = np.argsort(batch, kind="stable")
    columns = {name: np.concatenate([part[name] for _, part in parts])[order] for name in parts[0][1]}
    return np.sum([counts for counts, _ in parts], axis=0), columns


def probes(
    pdg: NDArray[np.int64], energy: NDArray[np.floating], status: NDArray[np.int64], counts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """PDG number and energy (B,) of the first beam particle of each event, 0 and NaN without one."""
    n = len(counts)
    batch = np.repeat(np.arange(n), counts)
    beam = np.flatnonzero(status == BEAM)[::-1]  # the first of each event is written last
    neutrino, found = np.zeros(n, np.int64), np.full(n, np.nan)
    neutrino[batch[beam]], found[batch[beam]] = pdg[beam], energy[beam]
    return neutrino, found


def current_of(mode: NDArray[np.integer]) -> NDArray[np.int64]:
    """Current (B,) of NuHepMC's numbers of modes (B,): negative ones are electromagnetic."""
    neutral = np.abs(mode) % 100 >= 50
    return np.select([mode < 0, mode == 0, neutral], [3, 0, 2], 1).astype(np.int64)


def _floats(values: NDArray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))


def _doubles(values: NDArray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float64))


def _integers(values: NDArray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values).astype(np.int64))
