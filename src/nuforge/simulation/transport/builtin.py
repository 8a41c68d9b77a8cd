"""The built-in transport: all particles of all events at once, step by step, in one material."""

from __future__ import annotations

import torch
from torch import Tensor

from nuforge.detectors import Detector
from nuforge.events import Events
from nuforge.physics.constants import NEUTRAL_PION_MASS
from nuforge.simulation.transport.charged import step_charged
from nuforge.simulation.transport.decays import come_to_rest, decay_in_flight, neutral_pion_decay
from nuforge.simulation.transport.flight import Birth, Flight, Record
from nuforge.simulation.transport.medium import medium_tables
from nuforge.simulation.transport.neutral import step_photons
from nuforge.simulation.transport.species import MASSES, species_of
from nuforge.simulation.transport.walls import Box

_NEUTRINOS = (12, 14, 16)


def transport(
    events: Events,
    detector: Detector,
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
        detector: Its first volume and its medium are used.
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
    medium = medium_tables(detector.medium.material, threshold, photon_threshold)
    volume = detector.volumes[0]
    box = Box(torch.tensor(volume.lower, dtype=torch.float32), torch.tensor(volume.upper, dtype=torch.float32))
    record = Record(events)
    charged, photons = _launch(events, box, generator, record)
    while len(charged) or len(photons):
        births: list[Birth] = []
        if len(charged):
            waiting, moving = charged[:-at_once], charged[-at_once:]
            result = step_charged(moving, medium, box, step, generator, record)
            charged = Flight.concat([waiting, result.flying])
            births += result.births + come_to_rest(result.stopped, generator)
            births += decay_in_flight(result.decaying, generator)
        if len(photons):
            waiting, moving = photons[:-at_once], photons[-at_once:]
            scattered, born = step_photons(moving, medium, box, generator, record)
            photons = Flight.concat([waiting, scattered])
            births += born
        charged, photons = _sorted_in(charged, photons, [b for b in births if len(b.pdg)], record)
    return record.events()


def _launch(events: Events, box: Box, generator: torch.Generator, record: Record) -> tuple[Flight, Flight]:
    """The primaries in flight: charged, and photons (those of neutral pions among them)."""
    particles = events["particles"]
    pdg = particles["pdg"]
    species = species_of(pdg)
    unknown = (species < 0) & ~torch.isin(pdg, torch.tensor([22, 111, *_NEUTRINOS, *(-n for n in _NEUTRINOS)]))
    if bool(unknown.any()):
        raise ValueError(
            f"the built-in transport does not know the particle {int(pdg[unknown][0])}; "
            "it flies e, gamma, mu, pi, pi0 and p: choose among these or use another transport"
        )
    vector = particles["momentum"].to(torch.float32)
    size = vector.double().norm(dim=1)
    if not bool(torch.isfinite(size).all()):
        bad = int((~torch.isfinite(size)).nonzero()[0])
        raise ValueError(f"momentum of particle {bad} is not finite, got {vector[bad].tolist()}; expected MeV")
    neutral_mass = torch.where(pdg == 111, NEUTRAL_PION_MASS, 0.0)
    mass = torch.where(species >= 0, MASSES[species.clamp(min=0)], neutral_mass).double()
    energy = torch.sqrt(size**2 + mass**2) - mass
    flight = Flight(
        pdg,
        species,
        torch.arange(len(pdg)),
        particles.batch,
        particles["interaction"],
        particles["start"].to(torch.float32),
        vector / size.clamp(min=1e-9).float().unsqueeze(1),
        energy.clamp(min=1e-6).float(),
        particles["time"].double(),
    )
    flight_inside = box.contains(flight.position) & ~torch.isin(pdg.abs(), torch.tensor(_NEUTRINOS))
    flight = flight[flight_inside]
    pions = flight[flight.pdg == 111]
    births = [neutral_pion_decay(pions, generator)] if len(pions) else []
    return _sorted_in(flight[flight.species >= 0], flight[flight.pdg == 22], births, record)


def _sorted_in(charged: Flight, photons: Flight, births: list[Birth], record: Record) -> tuple[Flight, Flight]:
    """The flights with the new particles added to theirs."""
    more_charged, more_photons = [charged], [photons]
    for birth in births:
        species = species_of(birth.pdg)
        mass = torch.where(species >= 0, MASSES[species.clamp(min=0)], 0.0)
        flight = record.begin(birth, species, mass)
        is_photon: Tensor = flight.pdg == 22
        if bool(is_photon.all()):
            more_photons.append(flight)
        else:
            more_charged.append(flight[~is_photon])
    return Flight.concat(more_charged), Flight.concat(more_photons)
