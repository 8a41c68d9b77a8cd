"""Particles to their ends, with all that comes of them."""

from __future__ import annotations

import ctypes

import torch

from nuforge.events import Process
from nuforge.simulation.transport.flight import Flight, Record
from nuforge.simulation.transport.kernel.calls import drawn_seed
from nuforge.simulation.transport.kernel.layout import ROOM, Births, Escapes, Flights, Medium, Segments
from nuforge.simulation.transport.kernel.library import LIBRARY
from nuforge.simulation.transport.medium import MediumTables
from nuforge.simulation.transport.nuclear import NuclearTables
from nuforge.simulation.transport.walls import Box

_MOST_ROWS = 1 << 14  # of buffers: they stay in the processor's caches
_PROCESSES = (  # in the order of `flight.h`
    Process.IONISATION,
    Process.BREMSSTRAHLUNG,
    Process.ANNIHILATION,
    Process.PAIR_PRODUCTION,
    Process.COMPTON,
    Process.PHOTOELECTRIC,
    Process.ELASTIC,
    Process.INELASTIC,
    Process.NEUTRON_CAPTURE,
    Process.CAPTURE,
    Process.DECAY,
)


class Kernel:
    """Flies particles through one medium into one record.

    Args:
        medium: The material's tables.
        nuclear: Those of its nuclei.
        box: Where the material is.
        longest: Longest step in cm.
        record: Gets segments and particles.
        rows: Rows of the buffers; more do not change the result.
    """

    def __init__(
        self, medium: MediumTables, nuclear: NuclearTables, box: Box, longest: float, record: Record, rows: int
    ) -> None:
        rows = min(rows, _MOST_ROWS) + ROOM
        self._medium = Medium.of(medium, nuclear, box, longest)
        self._record = record
        self._segments, self._births, self._escapes = (kind.of(rows) for kind in (Segments, Births, Escapes))
        self._processes = torch.tensor([int(process) for process in _PROCESSES])

    def fly(self, flight: Flight, generator: torch.Generator) -> None:
        """Particles, and all that comes of them, to their ends.

        The generator gives one number for all; each particle has its own random numbers, so its fate depends neither
        on its neighbours nor on the order.
        """
        flight = flight[torch.argsort(flight.event, stable=True)]
        seed = drawn_seed(generator)
        flights, pointer = Flights.of(flight), ctypes.byref(self._medium)
        begin = (pointer, ctypes.byref(flights), self._processes, seed, self._record.n_particles)
        buffers = [ctypes.byref(b) for b in (self._segments, self._births, self._escapes)]
        flying = LIBRARY.call("flying_begins", *begin)
        try:
            more = True
            while more:
                more = bool(LIBRARY.call("fly", flying, *buffers))
                self._record.add_segments(*self._segments.taken())
                self._record.add_particles(*self._births.taken())
                self._record.add_escapes(*self._escapes.taken())
        finally:
            LIBRARY.call("flying_ends", flying)
