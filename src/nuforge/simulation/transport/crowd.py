"""Who waits for what: particles in flight, sorted by what happens to them next."""

from __future__ import annotations

from enum import Enum

import torch

from nuforge.simulation.transport.flight import Birth, Flight, Record
from nuforge.simulation.transport.species import MASSES, species_of


class Next(Enum):
    """What happens next to a particle."""

    STEP = "a step of a charged particle"
    INTERACTION = "a photon's next interaction"
    REST = "what becomes of it at rest"
    DECAY = "its decay or annihilation in flight"


class Crowd:
    """Flights that wait, by what happens to them next.

    The fullest group goes first: operations on many particles cost little more than on few, so the rare ones wait
    until they are many.
    """

    def __init__(self) -> None:
        self._waiting: dict[Next, list[Flight]] = {what: [] for what in Next}

    def __bool__(self) -> bool:
        return any(self._waiting.values())

    def add(self, what: Next, flight: Flight) -> None:
        """Particles wait for `what`."""
        if len(flight):
            self._waiting[what].append(flight)

    def admit(self, births: list[Birth], record: Record) -> None:
        """Particles that begin are entered into the record and wait for their first step or interaction."""
        for birth in births:
            if len(birth.pdg):
                species = species_of(birth.pdg)
                self.sort_in(record.begin(birth, species, torch.where(species >= 0, MASSES[species.clamp(min=0)], 0.0)))

    def sort_in(self, flight: Flight) -> None:
        """Particles in flight wait for what their kind does next: charged, photon, or neutral pion."""
        for what, mask in (
            (Next.STEP, flight.species >= 0),
            (Next.INTERACTION, flight.pdg == 22),
            (Next.DECAY, flight.pdg == 111),
        ):
            self.add(what, flight[mask])

    def fullest(self, at_once: int) -> tuple[Next, Flight]:
        """The group that most wait in, and its last particles, `at_once` at most, which wait no longer."""
        what = max(Next, key=lambda kind: sum(len(flight) for flight in self._waiting[kind]))
        together = Flight.concat(self._waiting[what])
        self._waiting[what] = []
        self.add(what, together[:-at_once])
        return what, together[-at_once:]
