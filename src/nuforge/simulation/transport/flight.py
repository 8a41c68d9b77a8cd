"""Particles on their way, and the record of what they leave behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from nuforge.events import Events, Table
from nuforge.physics.kinematics import momentum


@dataclass(frozen=True)
class Flight:
    """N particles in flight, one tensor a quantity.

    Args:
        pdg: int64.
        species: int64, `Species`, -1 for photons.
        row: int64, their rows in the record's particles.
        event: int64.
        interaction: int64, the row of their interaction, -1 for none.
        position: (N, 3) cm.
        direction: (N, 3), unit vectors.
        energy: Kinetic energy in MeV.
        time: ns, float64.
    """

    pdg: Tensor
    species: Tensor
    row: Tensor
    event: Tensor
    interaction: Tensor
    position: Tensor
    direction: Tensor
    energy: Tensor
    time: Tensor

    def __len__(self) -> int:
        return len(self.energy)

    def __getitem__(self, key: slice | Tensor) -> Flight:
        return Flight(*(getattr(self, f.name)[key] for f in fields(self)))

    @staticmethod
    def concat(parts: Sequence[Flight]) -> Flight:
        """Flights end to end."""
        if len(parts) == 1:
            return parts[0]
        return Flight(*(torch.cat([getattr(part, f.name) for part in parts]) for f in fields(Flight)))


@dataclass(frozen=True)
class Birth:
    """N particles that begin: who, whence (a row of `parents` each), how, and where to.

    Args:
        parents: The flight that they come from.
        parent: int64 (N,), index into `parents`.
        pdg: int64 (N,).
        process: int64 (N,), `Process`.
        position: (N, 3) cm.
        direction: (N, 3), unit vectors.
        energy: Kinetic energy in MeV (N,).
        time: ns, float64 (N,).
    """

    parents: Flight
    parent: Tensor
    pdg: Tensor
    process: Tensor
    position: Tensor
    direction: Tensor
    energy: Tensor
    time: Tensor


class Record:
    """Segments and particles as they come, and at the end as tables."""

    def __init__(self, primaries: Events) -> None:
        self._primaries = primaries
        self._count = len(primaries["particles"])
        self._segments: list[tuple[Tensor, ...]] = []
        self._particles: list[tuple[Tensor, ...]] = []

    def deposit(self, flight: Flight, start: Tensor, end: Tensor, energy: Tensor, length: Tensor) -> None:
        """Segments of particles in flight: start and end (N, 3) cm, energy (N,) MeV, length (N,) cm."""
        self._segments.append((flight.event, flight.row, start, end, flight.time, energy, length))

    def begin(self, birth: Birth, species: Tensor, mass: Tensor) -> Flight:
        """The particles of a birth, entered into the record, in flight."""
        of, start, time = birth.parents[birth.parent], birth.position, birth.time
        n = len(birth.pdg)
        rows = torch.arange(self._count, self._count + n)
        self._count += n
        vector = birth.direction * momentum(birth.energy, mass).unsqueeze(1)
        entry = (of.event, birth.pdg, of.row, birth.process, start, time, vector, of.interaction)
        self._particles.append(entry)
        return Flight(
            birth.pdg,
            species,
            rows,
            of.event,
            of.interaction,
            birth.position,
            birth.direction,
            birth.energy,
            birth.time,
        )

    def events(self) -> Events:
        """The events with the segments and all particles, both in the order of the events."""
        first = self._primaries["particles"]
        names = ("pdg", "parent", "process", "start", "time", "momentum", "interaction")
        known = (first.batch, *(first[name] for name in names))
        event, *columns = (torch.cat(parts) for parts in zip(known, *self._particles, strict=True))
        order = torch.argsort(event, stable=True)
        new = torch.empty_like(order)
        new[order] = torch.arange(len(order))
        values = {name: column[order] for name, column in zip(names, columns, strict=True)}
        values["parent"] = torch.where(values["parent"] < 0, -1, new[values["parent"].clamp(min=0)])
        n = len(self._primaries)
        particles = Table.from_counts(values, torch.bincount(event, minlength=n))
        return self._primaries.with_table("particles", particles).with_table("segments", self._segment_table(new, n))

    def _segment_table(self, new: Tensor, n: int) -> Table:
        names = ("start", "end", "time", "energy", "length")
        if not self._segments:
            shapes = ((0, 3), (0, 3), (0,), (0,), (0,))
            empty = {name: torch.zeros(shape) for name, shape in zip(names, shapes, strict=True)}
            empty["time"] = empty["time"].double()
            return Table.from_counts({**empty, "particle": new[:0]}, torch.zeros(n, dtype=torch.int64))
        event, row, *columns = (torch.cat(parts) for parts in zip(*self._segments, strict=True))
        order = torch.argsort(event, stable=True)
        values = {name: column[order] for name, column in zip(names, columns, strict=True)}
        return Table.from_counts({**values, "particle": new[row[order]]}, torch.bincount(event, minlength=n))
