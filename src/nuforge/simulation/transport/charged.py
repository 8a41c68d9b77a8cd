"""One step of all charged particles: loss with fluctuation, scattering, and discrete interactions."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nuforge.events import Process
from nuforge.physics.constants import ELECTRON_MASS, SPEED_OF_LIGHT
from nuforge.physics.kinematics import beta_squared, momentum
from nuforge.physics.knock_on import heavy_shape
from nuforge.physics.stopping import maximum_transfer
from nuforge.simulation.directions import remaining, sine_squared, turned
from nuforge.simulation.transport.flight import Birth, Flight, Record
from nuforge.simulation.transport.medium import DECAY, KNOCK, NUCLEAR, RADIATE, MediumTables
from nuforge.simulation.transport.species import MASSES, Species
from nuforge.simulation.transport.walls import Box

HARD_SCATTERS = 0.25  # single scatters a step that are drawn one by one, the rest being a Gaussian
SHORTEST = 1e-6  # cm
FRACTION_OF_RANGE = 0.2  # of the remaining range, at most, in one step


@dataclass(frozen=True)
class Step:
    """What came of one step.

    Args:
        flying: Who flies on.
        stopped: Who came to rest.
        decaying: Who decays (positrons: annihilates) in flight.
        meeting: Who meets a nucleus.
        births: Who was born.
    """

    flying: Flight
    stopped: Flight
    decaying: Flight
    meeting: Flight
    births: list[Birth]


@dataclass(frozen=True)
class Scattering:
    """What a step of N particles scatters with.

    Args:
        strength: S times the length: the collisions' density is S dmu / (mu + A)^2 with mu = sin^2(theta / 2).
        screening: A.
        beta_squared: Velocity squared.
        momentum: MeV.
        knock: mu at which an electron that is hit gets the threshold energy of knock-on electrons.
        electrons: The electrons' share of the strength.
        nuclei: Share of the rest, and radius R over hbar c (1/MeV), one pair an element.
    """

    strength: Tensor
    screening: Tensor
    beta_squared: Tensor
    momentum: Tensor
    knock: Tensor
    electrons: float
    nuclei: tuple[tuple[float, float], ...]

    @classmethod
    def of(
        cls, medium: MediumTables, strength: Tensor, screening: Tensor, beta_squared: Tensor, momentum: Tensor
    ) -> Scattering:
        """With the electrons and nuclei of a medium."""
        knock = ELECTRON_MASS * medium.threshold / (2 * momentum**2)
        return cls(strength, screening, beta_squared, momentum, knock, medium.electron_share, medium.nuclei)


def step_charged(
    flight: Flight, medium: MediumTables, box: Box, longest: float, generator: torch.Generator, record: Record
) -> Step:
    """One step of every charged particle of `flight`.

    A step ends at the next interaction, at a fifth of the remaining range, at `longest` (cm), or at the wall of the
    box, beyond which nothing is followed. Below a range of a sixth of `longest` a particle stops.

    Args:
        flight: Who steps.
        medium: The material's tables.
        box: Where the material is.
        longest: Longest step in cm.
        generator: Source of randomness.
        record: Gets the segments.
    """
    n = len(flight)
    mass = MASSES[flight.species]
    uniform = torch.rand((8, n), generator=generator)
    normal = torch.randn(n, generator=generator)
    columns = medium.charged(flight.species, flight.energy.log())
    loss, slope, reach, knock, radiate, decay, nuclear, scale, transfer, strength, screening = columns.unbind(1)
    b2 = beta_squared(flight.energy, mass)

    free = -torch.log(uniform[0].clamp(min=1e-30)) / (knock + radiate + decay + nuclear)
    wall = box.distance(flight.position, flight.direction)
    length = torch.minimum((FRACTION_OF_RANGE * reach).clamp(min=longest / 6, max=longest), reach)
    length = torch.minimum(torch.minimum(length, wall), free).clamp(min=SHORTEST)
    interacts = length >= free
    ends = length >= reach

    spread = torch.sqrt(scale * length * transfer) * medium.fluctuate(scale * length / transfer, normal)
    lost = (loss * length * (1 - 0.5 * slope * length) + spread).clamp(min=0)
    ends = ends | (lost >= flight.energy)
    lost = torch.where(ends, flight.energy, lost)

    scattering = Scattering.of(medium, strength * length, screening, b2, momentum(flight.energy, mass))
    direction = _scatter(flight.direction, scattering, uniform[2:7])
    hinge = uniform[1] * length
    middle = flight.position + flight.direction * hinge.unsqueeze(1)
    position = box.inside(middle + direction * (length - hinge).unsqueeze(1))
    record.deposit(flight, flight.position, position, lost, length)

    time = flight.time + length / (SPEED_OF_LIGHT * b2.sqrt())
    energy = flight.energy - lost
    state = torch.cat([position.T, direction.T, energy.unsqueeze(0)])
    moved = Flight(flight.numbers, state, time)
    escapes = (length >= wall) & ~ends
    where = (interacts & ~ends & ~escapes).nonzero().squeeze(1)
    births, decays, meets = _interact(moved, where, uniform[7], columns, medium, generator)
    flies = ~(ends | escapes)
    flies[decays] = False
    flies[meets] = False
    record.escape(moved[escapes])
    return Step(moved[flies], moved[ends], moved[decays], moved[meets], births)


def _interact(
    moved: Flight, where: Tensor, uniform: Tensor, columns: Tensor, medium: MediumTables, generator: torch.Generator
) -> tuple[list[Birth], Tensor, Tensor]:
    """Lets the particles at `where` knock out electrons or radiate, which turns and slows them in place.

    Returns:
        Who is born, the rows of those that decay or annihilate instead, and of those that meet a nucleus.
    """
    knock, radiate, decay, nuclear = (columns[where, kind] for kind in (KNOCK, RADIATE, DECAY, NUCLEAR))
    choice = uniform[where] * (knock + radiate + decay + nuclear)
    knocks = where[choice < knock]
    radiates = where[(choice >= knock) & (choice < knock + radiate)]
    births = []
    for chosen, interaction in ((knocks, _knock_on), (radiates, _radiate)):
        if len(chosen):
            accepted, birth, direction, energy = interaction(moved, chosen, medium, generator)
            births.append(birth)
            moved.direction[accepted] = direction
            moved.energy[accepted] = energy
    ends = choice >= knock + radiate
    meets = ends & (choice >= knock + radiate + decay)
    return births, where[ends & ~meets], where[meets]


def _scatter(direction: Tensor, steps: Scattering, uniform: Tensor) -> Tensor:
    """Directions (N, 3) after the Coulomb scattering of a step.

    Soft scatters together are a Gaussian of their exact mean deflection; the rare ones beyond the angle that a
    quarter of one scatter exceeds are drawn singly, with the spin factor 1 - beta^2 sin^2(theta / 2) and the form
    factor of an exponential charge distribution, (1 + q^2 R^2 / 12)^-2 squared. Electrons scatter up to the angle
    at which they become knock-on electrons, whose recoil is taken there.

    Args:
        direction: Before.
        steps: What scatters.
        uniform: (5, N) uniform numbers.
    """
    a, strength = steps.screening, steps.strength
    inverse_end = 1 / (1 + a)
    hard = (strength * (1 / a - inverse_end)).clamp(max=HARD_SCATTERS)
    edge = (1 / (hard / strength + inverse_end) - a).clamp(min=0)
    share = steps.electrons
    soft = (1 - share) * _deflection(edge / a) + share * _deflection(torch.minimum(edge, steps.knock) / a)
    deflection = -strength * soft * torch.log(uniform[0].clamp(min=1e-30))
    deflection = torch.where(deflection > 1, uniform[1], deflection)
    out = turned(direction, deflection, 2 * torch.pi * uniform[1])
    single = (uniform[2] < hard).nonzero().squeeze(1)
    u, end = uniform[3][single], inverse_end[single]
    mu = (1 / (end + u * (1 / (edge + a)[single] - end)) - a[single]).clamp(0, 1)
    squared = steps.momentum[single] ** 2 * mu / 3
    form = sum(weight * (1 + radius**2 * squared) ** -4 for weight, radius in steps.nuclei)
    nuclei = (1 - share) * form * (1 - steps.beta_squared[single] * mu)
    kept = uniform[2][single] < hard[single] * (nuclei + torch.where(mu < steps.knock[single], share, 0.0))
    single = single[kept]
    out[single] = turned(out[single], mu[kept], 2 * torch.pi * uniform[4][single])
    return out


def _deflection(x: Tensor) -> Tensor:
    """Integral of mu dmu / (mu + A)^2 from 0 to x A."""
    return torch.log1p(x) - x / (1 + x)


def _knock_on(
    flight: Flight, rows: Tensor, medium: MediumTables, generator: torch.Generator
) -> tuple[Tensor, Birth, Tensor, Tensor]:
    """Electrons knocked out by the particles at `rows`: who does it, the birth, their directions and energies after."""
    species, energy = flight.species[rows], flight.energy[rows]
    u, v, phi = torch.rand((3, len(rows)), generator=generator).unbind()
    log, cut = energy.log(), medium.threshold
    heavy = species > Species.POSITRON
    mass = MASSES[species]
    largest = torch.where(species == Species.ELECTRON, energy / 2, energy)
    share = torch.where(species == Species.ELECTRON, medium.knock(log, u), medium.knock_positron(log, u))
    light_transfer = cut * (largest / cut).clamp(min=1) ** share
    largest = torch.where(heavy, maximum_transfer(energy, mass), largest)
    transfer = torch.where(heavy, 1 / torch.lerp(1 / largest, torch.full_like(u, 1 / cut), u), light_transfer)
    b2 = beta_squared(energy, mass)
    shape = heavy_shape(transfer, largest, b2, energy + mass)
    happens = (largest > cut) & (~heavy | (v < shape))
    rows, transfer, energy, mass = rows[happens], transfer[happens], energy[happens], mass[happens]
    p, taken = momentum(energy, mass), momentum(transfer, ELECTRON_MASS)
    cosine = (transfer * (energy + mass + ELECTRON_MASS) / (p * taken)).clamp(max=1)
    direction = turned(flight.direction[rows], (1 - cosine) / 2, 2 * torch.pi * phi[happens])
    birth = Birth.here(flight, rows, 11, Process.IONISATION, direction, transfer)
    return rows, birth, remaining(flight.direction[rows], p, direction, taken), (energy - transfer).clamp(min=1e-6)


def _radiate(
    flight: Flight, rows: Tensor, medium: MediumTables, generator: torch.Generator
) -> tuple[Tensor, Birth, Tensor, Tensor]:
    """Photons radiated by the electrons at `rows`: who does it, the birth, their directions and energies after."""
    rows = rows[flight.energy[rows] > medium.photon_threshold * 1.001]
    energy = flight.energy[rows]
    u, phi, a, b, c = torch.rand((5, len(rows)), generator=generator).unbind()
    cut = medium.photon_threshold
    k = cut * (energy / cut) ** medium.radiated(energy.log(), u)
    angle = emission_angle(a, b, c) * ELECTRON_MASS / (energy + ELECTRON_MASS)
    direction = turned(flight.direction[rows], sine_squared(angle), 2 * torch.pi * phi)
    birth = Birth.here(flight, rows, 22, Process.BREMSSTRAHLUNG, direction, k)
    p = momentum(energy, ELECTRON_MASS)
    return rows, birth, remaining(flight.direction[rows], p, direction, k), (energy - k).clamp(min=1e-6)


def emission_angle(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """Angle in units of m / E of radiated photons and of pairs, from three uniform numbers (N,).

    Source: a fit to Tsai's distribution by Urban, Geant3 manual (1993), PHYS 211; Geant4 Physics Reference Manual.
    """
    slope = torch.where(c < 0.25, 0.625, 1.875)
    return -torch.log((a * b).clamp(min=1e-30)) / slope
