"""Particles on their way, and the record of what they leave behind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from nuforge.events import Events, Process, Table
from nuforge.physics.kinematics import momentum
from nuforge.physics.particles import mass_of
from nuforge.simulation.four_momenta import kinetic_energy

Sorter: TypeAlias = Callable[[Sequence[Sequence[Tensor]], int], tuple[Tensor, list[Tensor]]]


@dataclass(frozen=True)
class Flight:
    """N particles in flight, packed so that few operations move them all.

    Args:
        numbers: int64 (5, N): PDG number; `Species`, -1 for photons; row in the record's particles; event; row of the
            interaction, -1 for none.
        state: float32 (7, N): position in cm, direction (a unit vector), kinetic energy in MeV.
        time: float64 (N,) in ns.
    """

    numbers: Tensor
    state: Tensor
    time: Tensor

    @classmethod
    def of(cls, numbers: Sequence[Tensor], position: Tensor, direction: Tensor, energy: Tensor, time: Tensor) -> Flight:
        """A flight of its parts: five tensors (N,) of numbers, positions and directions (N, 3), energies, times."""
        return cls(torch.stack(list(numbers)), torch.cat([position.T, direction.T, energy.unsqueeze(0)]), time)

    def __len__(self) -> int:
        return len(self.time)

    def __getitem__(self, key: slice | Tensor) -> Flight:
        if isinstance(key, Tensor) and key.dtype == torch.bool:
            key = key.nonzero().squeeze(1)
        return Flight(self.numbers[:, key], self.state[:, key], self.time[key])

    @staticmethod
    def concat(parts: Sequence[Flight]) -> Flight:
        """Flights end to end."""
        parts = [part for part in parts if len(part)] or list(parts[:1])
        if len(parts) == 1:
            return parts[0]
        numbers, state = (torch.cat([getattr(part, name) for part in parts], dim=1) for name in ("numbers", "state"))
        return Flight(numbers, state, torch.cat([part.time for part in parts]))

    @property
    def pdg(self) -> Tensor:
        """PDG numbers (N,)."""
        return self.numbers[0]

    @property
    def species(self) -> Tensor:
        """`Species` (N,), -1 for photons."""
        return self.numbers[1]

    @property
    def row(self) -> Tensor:
        """Rows (N,) in the record's particles."""
        return self.numbers[2]

    @property
    def event(self) -> Tensor:
        """Events (N,)."""
        return self.numbers[3]

    @property
    def interaction(self) -> Tensor:
        """Rows (N,) of the interactions, -1 for none."""
        return self.numbers[4]

    @property
    def position(self) -> Tensor:
        """Positions (N, 3) in cm."""
        return self.state[0:3].T

    @property
    def direction(self) -> Tensor:
        """Directions (N, 3), unit vectors."""
        return self.state[3:6].T

    @property
    def energy(self) -> Tensor:
        """Kinetic energies (N,) in MeV."""
        return self.state[6]


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

    @classmethod
    def here(
        cls, parents: Flight, rows: Tensor, pdg: Tensor | int, process: Process, direction: Tensor, energy: Tensor
    ) -> Birth:
        """Particles that begin where and when their parents, at `rows`, are."""
        kinds = torch.full_like(rows, int(process))
        number = torch.full_like(rows, pdg) if isinstance(pdg, int) else pdg
        return cls(parents, rows, number, kinds, parents.position[rows], direction, energy, parents.time[rows])

    @classmethod
    def with_momenta(
        cls, parents: Flight, rows: Tensor, pdg: Tensor, process: Process, four: Tensor, time: Tensor | None = None
    ) -> Birth:
        """Particles of four-momenta (N, 4) that begin where their parents are, at `time` (N,) or now."""
        size = four[:, 1:].norm(dim=1)
        direction = four[:, 1:] / size.clamp(min=1e-12).unsqueeze(1)
        energy = kinetic_energy(four, mass_of(pdg)).clamp(min=1e-12)
        kinds = torch.full_like(rows, int(process))
        at = parents.time[rows] if time is None else time
        return cls(parents, rows, pdg, kinds, parents.position[rows], direction.float(), energy.float(), at)


class Record:
    """Segments and particles as they come, and at the end as tables.

    Args:
        primaries: The events that are flown.
        sort: What to use in place of `sorted_by_event`.
    """

    def __init__(self, primaries: Events, sort: Sorter | None = None) -> None:
        self._primaries = primaries
        self._sorted = sort or sorted_by_event
        self._count = len(primaries["particles"])
        self._segments: list[tuple[Tensor, ...]] = []
        self._particles: list[tuple[Tensor, ...]] = []
        self._escapes: list[tuple[Tensor, Tensor]] = []

    def deposit(self, flight: Flight, start: Tensor, end: Tensor, energy: Tensor, length: Tensor) -> None:
        """Segments of particles in flight: start and end (N, 3) cm, energy (N,) MeV, length (N,) cm."""
        self.add_segments(flight.event, flight.row, start, end, flight.time, energy, length)

    def add_segments(self, *columns: Tensor) -> None:
        """Segments: event, row of the particle, start, end, time, energy, length, N each."""
        if len(columns[0]):
            self._segments.append(columns)

    @property
    def n_particles(self) -> int:
        """Particles so far, and so the row of the next."""
        return self._count

    def add_particles(self, *columns: Tensor) -> None:
        """Particles, numbered on from the last: event, PDG, parent, process, start, time, momentum, interaction."""
        self._count += len(columns[0])
        self._particles.append(columns)

    def add_escapes(self, row: Tensor, energy: Tensor) -> None:
        """Particles at `row` (N,) leave the volume with `energy` (N,) MeV, and are followed no further."""
        self._escapes.append((row, energy))

    def escape(self, flight: Flight) -> None:
        """Particles in flight leave the volume, and are followed no further."""
        self.add_escapes(flight.row, flight.energy)

    def begin(self, birth: Birth, species: Tensor) -> Flight:
        """The particles of a birth, entered into the record, in flight."""
        of, start, time = birth.parents[birth.parent], birth.position, birth.time
        rows = torch.arange(self._count, self._count + len(birth.pdg))
        vector = birth.direction * momentum(birth.energy, mass_of(birth.pdg).float()).unsqueeze(1)
        self.add_particles(of.event, birth.pdg, of.row, birth.process, start, time, vector, of.interaction)
        numbers = (birth.pdg, species, rows, of.event, of.interaction)
        return Flight.of(numbers, start, birth.direction, birth.energy, time)

    def events(self) -> Events:
        """The events with the segments and all particles, both in the order of the events."""
        first, n = self._primaries["particles"], len(self._primaries)
        names = ("pdg", "parent", "process", "start", "time", "momentum", "interaction")
        parts, begin = [], 0
        for columns in ((first.batch, *(first[name] for name in names)), *self._particles):
            parts.append((*columns, torch.arange(begin, begin + len(columns[0]))))
            begin += len(columns[0])
        counts, (*sorted_columns, row) = self._sorted(parts, n)
        new = torch.empty_like(row)
        new[row] = torch.arange(len(row))
        values = dict(zip(names, sorted_columns, strict=True))
        values["escaped"] = self._escaped(len(row))[row]
        values["parent"] = torch.where(values["parent"] < 0, -1, new[values["parent"].clamp(min=0)])
        particles = Table.from_counts(values, counts)
        return self._primaries.with_table("particles", particles).with_table("segments", self._segment_table(new, n))

    def _escaped(self, n: int) -> Tensor:
        """Kinetic energies (n,) in MeV with which particles left, -1 for those that did not."""
        escaped = torch.full((n,), -1.0)
        for row, energy in self._escapes:
            escaped[row] = energy
        return escaped

    def _segment_table(self, new: Tensor, n: int) -> Table:
        names = ("start", "end", "time", "energy", "length")
        if not self._segments:
            shapes = ((0, 3), (0, 3), (0,), (0,), (0,))
            empty = {name: torch.zeros(shape) for name, shape in zip(names, shapes, strict=True)}
            empty["time"] = empty["time"].double()
            return Table.from_counts({**empty, "particle": new[:0]}, torch.zeros(n, dtype=torch.int64))
        counts, (row, *columns) = self._sorted(self._segments, n)
        return Table.from_counts({**dict(zip(names, columns, strict=True)), "particle": new[row]}, counts)


def sorted_by_event(parts: Sequence[Sequence[Tensor]], n_events: int) -> tuple[Tensor, list[Tensor]]:
    """Rows of each event (B,), and columns of parts, of which the first are the events, in the order of the events."""
    event, *columns = (torch.cat(column) for column in zip(*parts, strict=True))
    order = torch.argsort(event, stable=True)
    return torch.bincount(event, minlength=n_events), [column[order] for column in columns]
