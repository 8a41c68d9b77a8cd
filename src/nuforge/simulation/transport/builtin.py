"""The built-in transport: all particles of all events at once, step by step, in one material."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from nuforge.detectors import Block, Detector
from nuforge.events import Events
from nuforge.physics.kinematics import kinetic_of
from nuforge.physics.particles import is_neutrino, is_nucleus, mass_of
from nuforge.simulation.transport.annihilation import annihilate_in_flight
from nuforge.simulation.transport.charged import step_charged
from nuforge.simulation.transport.crowd import Crowd, Next
from nuforge.simulation.transport.decays import decay, fly_to_decay
from nuforge.simulation.transport.flight import Flight, Record
from nuforge.simulation.transport.hadronic import break_up, capture_in_flight, fly_neutral, meet_nuclei, step_nuclei
from nuforge.simulation.transport.kernel import gather
from nuforge.simulation.transport.kernel.fly import Kernel
from nuforge.simulation.transport.kernel.library import LIBRARY
from nuforge.simulation.transport.medium import MediumTables, medium_tables
from nuforge.simulation.transport.neutral import step_photons
from nuforge.simulation.transport.nuclear import NuclearTables, nuclear_tables
from nuforge.simulation.transport.rest import capture_at_rest, captured_at_rest, come_to_rest
from nuforge.simulation.transport.species import species_of
from nuforge.simulation.transport.walls import Box

_NEUTRAL = (22, 111, 130, 310, 2112, 3122)


@dataclass(frozen=True)
class _Matter:
    """Where particles fly: tables of the material, its box, and the longest step (cm) in it."""

    medium: MediumTables
    nuclear: NuclearTables
    box: Box
    step: float


def transport(
    events: Events,
    detector: Detector | Block,
    generator: torch.Generator,
    *,
    threshold: float = 0.3,
    photon_threshold: float = 0.02,
    step: float = 0.3,
    at_once: int = 200_000,
) -> Events:
    """The events with all secondary particles and with the energy deposits of all.

    Electromagnetic cascades are followed particle by particle; unstable particles decay; hadrons scatter on nuclei and
    break them up (`nuforge.simulation.nucleus`), neutrons slow down and are captured, mu-, pi- and K- are captured at
    rest. Particles end at the walls of the detector's volume. Nuclei go straight ahead to their range; neutrinos are
    particles of the record. Validity: 1 MeV to some GeV (no radiation by muons and hadrons; one pion at most is
    made in a collision of two hadrons).

    Args:
        events: `particles` (the primaries) and `interactions`.
        detector: Its first volume and its material are used.
        generator: Source of randomness; the same state gives the same events.
        threshold: Kinetic energy in MeV above which electrons that are knocked out are particles of their own.
        photon_threshold: Energy in MeV above which radiated photons are.
        step: Longest step of charged particles in cm, and so the longest segment.
        at_once: Particles in flight that are stepped together, and rows of the compiled path's buffers: the memory
            beside that of the events.

    Returns:
        The events with `particles` completed (-1 or the row of its parent each) and `segments`.

    Raises:
        ValueError: If a particle is unknown, or a momentum is not finite.
    """
    medium = medium_tables(detector.material, threshold, photon_threshold)
    nuclear = nuclear_tables(detector.material)
    volume = detector.volumes[0]
    box = Box(torch.tensor(volume.lower, dtype=torch.float32), torch.tensor(volume.upper, dtype=torch.float32))
    compiled = LIBRARY.backend() == "compiled"
    record = Record(events, gather.sorted_by_event if compiled else None)
    flight = _launched(events, box, record)
    if compiled:
        Kernel(medium, nuclear, box, step, record, at_once).fly(flight, generator)
    else:
        _fly(flight, _Matter(medium, nuclear, box, step), generator, record, at_once)
    return record.events()


def _fly(flight: Flight, matter: _Matter, generator: torch.Generator, record: Record, at_once: int) -> None:
    """Particles, and all that comes of them, to their ends; `at_once` at most together."""
    crowd = Crowd()
    crowd.sort_in(flight)
    while crowd:
        _happen(*crowd.fullest(at_once), crowd, matter, generator, record)


def _happen(
    what: Next, flight: Flight, crowd: Crowd, matter: _Matter, generator: torch.Generator, record: Record
) -> None:
    """What happens next to particles: they, and who they make, wait in the crowd for what follows."""
    medium, nuclear, box = matter.medium, matter.nuclear, matter.box
    match what:
        case Next.STEP:
            result = step_charged(flight, medium, box, matter.step, generator, record)
            crowd.add(Next.STEP, result.flying)
            bound = captured_at_rest(result.stopped)
            crowd.add(Next.REST, result.stopped[~bound])
            crowd.add(Next.CAPTURE, result.stopped[bound])
            crowd.add(Next.DECAY, result.decaying)
            crowd.add(Next.NUCLEUS, result.meeting)
            crowd.admit(result.births, record)
        case Next.INTERACTION:
            scattered, births = step_photons(flight, medium, box, generator, record)
            crowd.add(Next.INTERACTION, scattered)
            crowd.admit(births, record)
        case Next.REST:
            crowd.admit(come_to_rest(flight, generator), record)
        case Next.CAPTURE:
            crowd.admit(capture_at_rest(flight, nuclear, generator, record), record)
        case Next.DECAY:
            crowd.admit([*decay(flight, generator), annihilate_in_flight(flight, medium, generator)], record)
        case Next.SHORT_FLIGHT:
            crowd.admit(decay(fly_to_decay(flight, box, generator, record), generator), record)
        case Next.FLIGHT:
            arriving, decaying = fly_neutral(flight, nuclear, box, generator, record)
            crowd.add(Next.NUCLEUS, arriving)
            crowd.add(Next.DECAY, decaying)
        case Next.NUCLEUS:
            scattered, breaking, captured, births = meet_nuclei(flight, nuclear, generator, record)
            crowd.sort_in(scattered)
            crowd.add(Next.BREAK_UP, breaking)
            crowd.add(Next.NEUTRON_CAPTURE, captured)
            crowd.admit(births, record)
        case Next.NEUTRON_CAPTURE:
            crowd.admit(capture_in_flight(flight, nuclear, generator), record)
        case Next.BREAK_UP:
            crowd.admit(break_up(flight, nuclear, generator), record)
        case Next.NUCLEAR_STEP:
            crowd.add(Next.NUCLEAR_STEP, step_nuclei(flight, medium, box, matter.step, record))


def _launched(events: Events, box: Box, record: Record) -> Flight:
    """The primaries in flight, without neutrinos and those that begin outside the box."""
    particles = events["particles"]
    pdg = particles["pdg"]
    species = species_of(pdg)
    known = (species >= 0) | torch.isin(pdg, torch.tensor(_NEUTRAL)) | is_neutrino(pdg) | is_nucleus(pdg)
    if not bool(known.all()):
        raise ValueError(
            f"the built-in transport does not know the particle {int(pdg[~known][0])}; it flies e, gamma, mu, pi, K, "
            "p, n, Lambda and nuclei: choose among these or use another transport"
        )
    vector = particles["momentum"].float()
    size = vector.double().norm(dim=1)
    if not bool(torch.isfinite(size).all()):
        bad = int((~torch.isfinite(size)).nonzero()[0])
        raise ValueError(f"momentum of particle {bad} is not finite, got {vector[bad].tolist()}; expected MeV")
    numbers = (pdg, species, torch.arange(len(pdg)), particles.batch, particles["interaction"])
    direction = vector / size.clamp(min=1e-9).float().unsqueeze(1)
    energy = kinetic_of(size, mass_of(pdg)).clamp(min=1e-9).float()
    flight = Flight.of(numbers, particles["start"].float(), direction, energy, particles["time"].double())
    flight = flight[~is_neutrino(pdg)]
    inside = box.contains(flight.position)
    record.escape(flight[~inside])
    return flight[inside]
