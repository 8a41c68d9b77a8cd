"""Charged particles and photons to their ends, with every electron, positron and photon that comes of them."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from enum import IntEnum

import torch

from nuforge.events import Process
from nuforge.simulation.transport.flight import Flight, Record
from nuforge.simulation.transport.kernel.layout import ROOM, Births, Endings, Escapes, Flights, Medium, Segments
from nuforge.simulation.transport.kernel.library import LIBRARY
from nuforge.simulation.transport.medium import MediumTables
from nuforge.simulation.transport.walls import Box

_MOST_ROWS = 1 << 14  # of buffers: they stay in the processor's caches
_PROCESSES = (
    Process.IONISATION,
    Process.BREMSSTRAHLUNG,
    Process.ANNIHILATION,
    Process.PAIR_PRODUCTION,
    Process.COMPTON,
    Process.PHOTOELECTRIC,
)


class _End(IntEnum):
    STOPS = 0
    DECAYS = 1
    MEETS = 2


@dataclass(frozen=True)
class Outcome:
    """Who of mu, pi, K and p came to rest, who decays in flight, and who meets a nucleus."""

    stopped: Flight
    decaying: Flight
    meeting: Flight


class Kernel:
    """Flies particles through one medium into one record.

    Args:
        medium: The material's tables.
        box: Where the material is.
        longest: Longest step in cm.
        record: Gets segments and particles.
        rows: Rows of the buffers; more do not change the result.
    """

    def __init__(self, medium: MediumTables, box: Box, longest: float, record: Record, rows: int) -> None:
        rows = min(rows, _MOST_ROWS) + ROOM
        self._medium = Medium.of(medium, box, longest)
        self._record = record
        self._segments, self._births, self._escapes = (kind.of(rows) for kind in (Segments, Births, Escapes))
        self._processes = torch.tensor([int(process) for process in _PROCESSES])

    def fly(self, flight: Flight, generator: torch.Generator) -> Outcome:
        """Charged particles and photons to their ends, with all that comes of them.

        The generator gives one number for all; each particle has its own random numbers, so its fate depends neither
        on its neighbours nor on the order.
        """
        flight = flight[torch.argsort(flight.event, stable=True)]
        seed = int(torch.randint(-(2**63), 2**63 - 1, (), generator=generator)) % 2**64
        flights, endings = Flights.of(flight), Endings.of(len(flight))
        pointer, buffers = ctypes.byref(self._medium), (self._segments, self._births, self._escapes, endings)
        begin = (pointer, ctypes.byref(flights), self._processes, seed, self._record.n_particles)
        flying = LIBRARY.call("flying_begins", *begin)
        try:
            more = True
            while more:
                more = bool(LIBRARY.call("fly", flying, *(ctypes.byref(buffer) for buffer in buffers)))
                self._record.add_segments(*self._segments.taken())
                self._record.add_particles(*self._births.taken())
                self._record.add_escapes(*self._escapes.taken())
        finally:
            LIBRARY.call("flying_ends", flying)
        which, end, state, time = endings.taken()
        ended = Flight(flight.numbers[:, which], state.T.contiguous(), time)
        return Outcome(*(ended[end == int(kind)] for kind in _End))
