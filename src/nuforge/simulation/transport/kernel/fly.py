"""Charged particles, photons and neutrons to their ends, with the electrons and photons that come of them."""

from __future__ import annotations

import ctypes
from enum import IntEnum

import torch
from torch import Tensor

from nuforge.events import Process
from nuforge.simulation.transport.crowd import Next
from nuforge.simulation.transport.flight import Flight, Record
from nuforge.simulation.transport.kernel.layout import ROOM, Births, Endings, Escapes, Flights, Medium, Segments
from nuforge.simulation.transport.kernel.library import LIBRARY
from nuforge.simulation.transport.medium import MediumTables
from nuforge.simulation.transport.nuclear import NuclearTables
from nuforge.simulation.transport.rest import captured_at_rest
from nuforge.simulation.transport.walls import Box

_MOST_ROWS = 1 << 14  # of buffers: they stay in the processor's caches
_PROCESSES = (
    Process.IONISATION,
    Process.BREMSSTRAHLUNG,
    Process.ANNIHILATION,
    Process.PAIR_PRODUCTION,
    Process.COMPTON,
    Process.PHOTOELECTRIC,
    Process.ELASTIC,
)

FLOWN = (Next.STEP, Next.INTERACTION, Next.FLIGHT)
"""Who is flown here."""


class _End(IntEnum):
    STOPS = 0
    DECAYS = 1
    BREAKS_UP = 2
    IS_CAPTURED = 3


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
        kinds = (Segments, Births, Escapes, Endings)
        self._segments, self._births, self._escapes, self._endings = (kind.of(rows) for kind in kinds)
        self._processes = torch.tensor([int(process) for process in _PROCESSES])

    def fly(self, flight: Flight, generator: torch.Generator) -> list[tuple[Next, Flight]]:
        """Charged particles, photons, neutrons and K0_L to their ends, with all that comes of them.

        The generator gives one number for all; each particle has its own random numbers, so its fate depends neither
        on its neighbours nor on the order.

        Returns:
            Who waits for what: mu, pi, K and p that came to rest, that decay, that break up a nucleus; neutrons that
            are captured.
        """
        flight = flight[torch.argsort(flight.event, stable=True)]
        seed = int(torch.randint(-(2**63), 2**63 - 1, (), generator=generator)) % 2**64
        flights, pointer = Flights.of(flight), ctypes.byref(self._medium)
        begin = (pointer, ctypes.byref(flights), self._processes, seed, self._record.n_particles)
        buffers = [ctypes.byref(b) for b in (self._segments, self._births, self._escapes, self._endings)]
        ended = []
        flying = LIBRARY.call("flying_begins", *begin)
        try:
            more = True
            while more:
                more = bool(LIBRARY.call("fly", flying, *buffers))
                self._record.add_segments(*self._segments.taken())
                self._record.add_particles(*self._births.taken())
                self._record.add_escapes(*self._escapes.taken())
                ended.append(self._endings.taken())
        finally:
            LIBRARY.call("flying_ends", flying)
        return _sorted(*(torch.cat(column) for column in zip(*ended, strict=True)))


def _sorted(numbers: Tensor, end: Tensor, state: Tensor, time: Tensor) -> list[tuple[Next, Flight]]:
    """Who waits for what, of those that ended."""
    flight = Flight(numbers.T.contiguous(), state.T.contiguous(), time)
    stopped, decaying, breaking, captured = (flight[end == int(kind)] for kind in _End)
    bound = captured_at_rest(stopped)
    return [
        (Next.REST, stopped[~bound]),
        (Next.CAPTURE, stopped[bound]),
        (Next.DECAY, decaying),
        (Next.BREAK_UP, breaking),
        (Next.NEUTRON_CAPTURE, captured),
    ]
