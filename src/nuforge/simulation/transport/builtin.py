"""The built-in transport: all particles of all events at once, step by step, in one material."""

from __future__ import annotations

import torch

from nuforge.detectors import Block, Detector
from nuforge.events import Events
from nuforge.physics.constants import NEUTRAL_PION_MASS
from nuforge.simulation.transport.annihilation import annihilate_in_flight
from nuforge.simulation.transport.charged import step_charged
from nuforge.simulation.transport.crowd import Crowd, Next
from nuforge.simulation.transport.decays import come_to_rest, decay_in_flight
from nuforge.simulation.transport.flight import Flight, Record
from nuforge.simulation.transport.medium import medium_tables
from nuforge.simulation.transport.neutral import step_photons
from nuforge.simulation.transport.species import MASSES, species_of
from nuforge.simulation.transport.walls import Box

_NEUTRINOS = (12, 14, 16)


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

    Electrons, positrons, photons, muons, charged and neutral pions and protons. Electromagnetic cascades are followed
    particle by particle; muons and pions decay, mu- may be captured. **Hadrons only lose energy: there are no nuclear
    interactions, and captures leave nothing behind.** Particles end at the walls of the detector's volume. Neutrinos
    are not followed. Validity: 1 MeV to some GeV (no radiation by muons and hadrons).

    Args:
        events: `particles` (the primaries) and `interactions`.
        detector: Its first volume and its material are used.
        generator: Source of randomness; the same state gives the same events.
        threshold: Kinetic energy in MeV above which electrons that are knocked out are particles of their own.
        photon_threshold: Energy in MeV above which radiated photons are.
        step: Longest step of charged particles in cm, and so the longest segment.
        at_once: Particles in flight that are stepped together; bounds the memory of a step.

    Returns:
        The events with `particles` completed (-1 or the row of its parent each) and `segments`.

    Raises:
        ValueError: If a particle is unknown, or a momentum is not finite.
    """
    medium = medium_tables(detector.material, threshold, photon_threshold)
    volume = detector.volumes[0]
    box = Box(torch.tensor(volume.lower, dtype=torch.float32), torch.tensor(volume.upper, dtype=torch.float32))
    record = Record(events)
    crowd = Crowd()
    crowd.sort_in(_launched(events, box))
    while crowd:
        what, flight = crowd.fullest(at_once)
        match what:
            case Next.STEP:
                result = step_charged(flight, medium, box, step, generator, record)
                crowd.add(Next.STEP, result.flying)
                crowd.add(Next.REST, result.stopped)
                crowd.add(Next.DECAY, result.decaying)
                crowd.admit(result.births, record)
            case Next.INTERACTION:
                scattered, births = step_photons(flight, medium, box, generator, record)
                crowd.add(Next.INTERACTION, scattered)
                crowd.admit(births, record)
            case Next.REST:
                crowd.admit(come_to_rest(flight, generator), record)
            case Next.DECAY:
                annihilated = annihilate_in_flight(flight, medium, generator)
                crowd.admit([*decay_in_flight(flight, generator), annihilated], record)
    return record.events()


def _launched(events: Events, box: Box) -> Flight:
    """The primaries in flight, without neutrinos and those that begin outside the box."""
    particles = events["particles"]
    pdg = particles["pdg"]
    species = species_of(pdg)
    unknown = (species < 0) & ~torch.isin(pdg, torch.tensor([22, 111, *_NEUTRINOS, *(-n for n in _NEUTRINOS)]))
    if bool(unknown.any()):
        raise ValueError(
            f"the built-in transport does not know the particle {int(pdg[unknown][0])}; "
            "it flies e, gamma, mu, pi, pi0 and p: choose among these or use another transport"
        )
    vector = particles["momentum"].float()
    size = vector.double().norm(dim=1)
    if not bool(torch.isfinite(size).all()):
        bad = int((~torch.isfinite(size)).nonzero()[0])
        raise ValueError(f"momentum of particle {bad} is not finite, got {vector[bad].tolist()}; expected MeV")
    neutral_mass = torch.where(pdg == 111, NEUTRAL_PION_MASS, 0.0)
    mass = torch.where(species >= 0, MASSES[species.clamp(min=0)], neutral_mass).double()
    energy = torch.sqrt(size**2 + mass**2) - mass
    numbers = (pdg, species, torch.arange(len(pdg)), particles.batch, particles["interaction"])
    direction = vector / size.clamp(min=1e-9).float().unsqueeze(1)
    energy = energy.clamp(min=1e-6).float()
    flight = Flight.of(numbers, particles["start"].float(), direction, energy, particles["time"].double())
    return flight[box.contains(flight.position) & ~torch.isin(pdg.abs(), torch.tensor(_NEUTRINOS))]
