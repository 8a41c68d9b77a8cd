"""Who waits for what: particles in flight, sorted by what happens to them next."""

from __future__ import annotations

from enum import Enum

from nuforge.physics.particles import is_nucleus
from nuforge.simulation.transport.flight import Birth, Flight, Record
from nuforge.simulation.transport.species import species_of


class Next(Enum):
    """What happens next to a particle."""

    STEP = "a step of a charged particle"
    INTERACTION = "a photon's next interaction"
    REST = "what becomes of it at rest"
    CAPTURE = "the nucleus that captures it at rest"
    DECAY = "its decay or annihilation where it is"
    FLIGHT = "the flight of a neutral hadron to a nucleus"
    SHORT_FLIGHT = "the flight of a neutral particle to its decay"
    NUCLEUS = "a nucleus that it meets"
    NEUTRON_CAPTURE = "the nucleus that captures a neutron in flight"
    BREAK_UP = "a nucleus that it breaks up"
    NUCLEAR_STEP = "a step of a nucleus that recoils or is born"


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
                self.sort_in(record.begin(birth, species_of(birth.pdg)))

    def sort_in(self, flight: Flight) -> None:
        """Particles in flight wait for what their kind does next; neutrinos are not followed."""
        pdg = flight.pdg
        for what, mask in (
            (Next.STEP, flight.species >= 0),
            (Next.INTERACTION, pdg == 22),
            (Next.DECAY, pdg == 111),
            (Next.FLIGHT, (pdg == 2112) | (pdg == 130)),
            (Next.SHORT_FLIGHT, (pdg == 310) | (pdg == 3122)),
            (Next.NUCLEAR_STEP, is_nucleus(pdg)),
        ):
            self.add(what, flight[mask])

    def fullest(self, at_once: int) -> tuple[Next, Flight]:
        """The group that most wait in, and its last particles, `at_once` at most, which wait no longer."""
        what = max(Next, key=lambda kind: sum(len(flight) for flight in self._waiting[kind]))
        together = Flight.concat(self._waiting[what])
        self._waiting[what] = []
        self.add(what, together[:-at_once])
        return what, together[-at_once:]
