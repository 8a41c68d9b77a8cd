"""Hadrons and the nuclei of a material: flights of neutral ones, collisions, nuclei that recoil."""

from __future__ import annotations

import torch
from torch import Tensor

from nuforge.events import Process
from nuforge.physics.constants import LONG_KAON_LIFETIME, PROTON_MASS, SPEED_OF_LIGHT
from nuforge.physics.elastic_transfer import largest_transfer, sample_transfer
from nuforge.physics.kinematics import beta_squared, momentum
from nuforge.physics.nuclei import nuclear_mass
from nuforge.physics.particles import mass_of
from nuforge.simulation.directions import turned
from nuforge.simulation.drawing import drawn_by_rate
from nuforge.simulation.four_momenta import four_momentum, kinetic_energy, two_bodies
from nuforge.simulation.nucleus import Products, interact, interact_with_protons
from nuforge.simulation.nucleus.capture import capture_neutrons
from nuforge.simulation.nucleus.interaction import nucleus_number
from nuforge.simulation.transport.charged import FRACTION_OF_RANGE
from nuforge.simulation.transport.flight import Birth, Flight, Record
from nuforge.simulation.transport.medium import LOSS, RANGE, SLOPE, MediumTables
from nuforge.simulation.transport.nuclear import CAPTURE, ELASTIC, INELASTIC, KINDS, NuclearTables, row_of
from nuforge.simulation.transport.species import Species
from nuforge.simulation.transport.walls import Box
from nuforge.units import eV

_LONG_KAON, _KAON, _ANTIKAON = 130, 311, -311
THERMAL = 0.0253 * eV  # neutrons are not slowed below
LEAST_RECOIL = 0.1  # MeV: argon of this energy goes 0.1 um


def fly_neutral(
    flight: Flight, nuclear: NuclearTables, box: Box, generator: torch.Generator, record: Record
) -> tuple[Flight, Flight]:
    """Neutrons and K0_L where they next meet a nucleus, and K0_L where they decay before; others leave the box."""
    n = len(flight)
    mass = mass_of(flight.pdg)
    size = momentum(flight.energy.double(), mass)
    decay = (mass / (size * SPEED_OF_LIGHT * LONG_KAON_LIFETIME)).float() * (flight.pdg == _LONG_KAON)
    rates = decay + nuclear.rates(row_of(flight.pdg), flight.energy.log()).sum(1)
    uniform = torch.rand((2, n), generator=generator)
    length = -torch.log1p(-uniform[0]) / rates.clamp(min=1e-12)
    stays = length <= box.distance(flight.position, flight.direction)
    position = flight.position + flight.direction * length.unsqueeze(1)
    beta = beta_squared(flight.energy.double(), mass).sqrt()
    time = flight.time + length / (SPEED_OF_LIGHT * beta)
    record.escape(flight[~stays])
    there = Flight(flight.numbers, torch.cat([position.T, flight.state[3:]]), time)
    decays = uniform[1] * rates < decay
    return there[stays & ~decays], there[stays & decays]


def meet_nuclei(
    flight: Flight, nuclear: NuclearTables, generator: torch.Generator, record: Record
) -> tuple[Flight, Flight, Flight, list[Birth]]:
    """Hadrons meet nuclei where they are. Nuclei that recoil with less than 0.1 MeV are deposits of the hadron's.

    Returns:
        Those that scatter elastically and fly on; those that will break a nucleus up; neutrons that are captured; who
        is born: nuclei that recoil.
    """
    what, z, a = _chosen(flight, nuclear, generator)
    rows = (what == ELASTIC).nonzero().squeeze(1)
    scattered, births = _scatter(flight, rows, z[rows], a[rows], generator, record)
    return scattered, flight[what == INELASTIC], flight[what == CAPTURE], births


def capture_in_flight(flight: Flight, nuclear: NuclearTables, generator: torch.Generator) -> list[Birth]:
    """What neutrons leave that nuclei capture where they are."""
    _, z, a = _chosen(flight, nuclear, generator, only=CAPTURE)
    products = capture_neutrons(flight.energy, flight.direction, z, a, generator)
    return births_of(flight, torch.arange(len(flight)), products, Process.NEUTRON_CAPTURE, generator)


def break_up(flight: Flight, nuclear: NuclearTables, generator: torch.Generator) -> list[Birth]:
    """What hadrons leave that interact inelastically with nuclei where they are; K0_L as K0 and anti-K0 evenly."""
    _, z, a = _chosen(flight, nuclear, generator, only=INELASTIC)
    strange = torch.where(torch.rand(len(flight), generator=generator) < 0.5, _KAON, _ANTIKAON)
    pdg = torch.where(flight.pdg == _LONG_KAON, strange, flight.pdg)
    births = []
    rows = (a > 1).nonzero().squeeze(1)
    if len(rows):
        part = flight[rows]
        products = interact(pdg[rows], part.energy, part.direction, z[rows], a[rows], generator)
        births += births_of(flight, rows, products, Process.INELASTIC, generator)
    rows = (a == 1).nonzero().squeeze(1)
    if len(rows):
        part = flight[rows]
        products = interact_with_protons(pdg[rows], part.energy, part.direction, generator)
        births += births_of(flight, rows, products, Process.INELASTIC, generator)
    return births


def _chosen(
    flight: Flight, nuclear: NuclearTables, generator: torch.Generator, only: int | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Kinds of interaction (N,), protons and nucleons of the nuclei, drawn by their rates; of one kind if `only`."""
    rates = nuclear.rates(row_of(flight.pdg), flight.energy.log())
    if only is not None:
        rates = rates * (torch.arange(rates.shape[1]) % KINDS == only)
    column = drawn_by_rate(torch.rand(len(flight), generator=generator) * rates.cumsum(1)[:, -1], rates)
    element = column // KINDS
    return column % KINDS, nuclear.z[element], nuclear.a[element]


def births_of(
    flight: Flight,
    rows: Tensor,
    products: Products,
    process: Process,
    generator: torch.Generator,
    time: Tensor | None = None,
) -> list[Birth]:
    """Births of what interactions of the particles at `rows` leave; K0 become K0_S and K0_L evenly."""
    u = torch.rand(len(products.pdg), generator=generator)
    pdg = torch.where(products.pdg.abs() == 311, torch.where(u < 0.5, 310, 130), products.pdg)
    at = None if time is None else time[products.owner]
    return [Birth.with_momenta(flight, rows[products.owner], pdg, process, products.four, at)]


def _scatter(
    flight: Flight, rows: Tensor, z: Tensor, a: Tensor, generator: torch.Generator, record: Record
) -> tuple[Flight, list[Birth]]:
    """Elastic scatters of the hadrons at `rows` on nuclei (z, a): the hadrons after, and the nuclei that recoil."""
    part = flight[rows]
    mass, target = mass_of(part.pdg), nuclear_mass(z, a)
    kinetic, direction = part.energy.double(), part.direction.double()
    size = momentum(kinetic, mass)
    uniform = torch.rand((3, len(rows)), generator=generator, dtype=torch.float64)
    transfer = sample_transfer(mass, size, a.double(), uniform[:2])
    share = (transfer / largest_transfer(mass, size, a.double()).clamp(min=1e-30)).clamp(0, 1)
    frame = four_momentum(direction * size.unsqueeze(1), mass)
    frame[:, 0] += target
    way = turned(direction, share, 2 * torch.pi * uniform[2])
    after, recoil = two_bodies(frame, mass, target, way)
    vector = after[:, 1:].norm(dim=1)
    energy = (vector**2 / (after[:, 0] + mass)).clamp(min=THERMAL)
    turned_to = after[:, 1:] / vector.clamp(min=1e-12).unsqueeze(1)
    state = torch.cat([part.state[:3], turned_to.float().T, energy.float().unsqueeze(0)])
    given = kinetic_energy(recoil, target).float()
    made = (given > LEAST_RECOIL) | (a == 1)
    small = part[~made]
    record.deposit(small, small.position, small.position, given[~made], torch.zeros(len(small)))
    births = [Birth.with_momenta(flight, rows[made], nucleus_number(z, a)[made], Process.ELASTIC, recoil[made])]
    return Flight(part.numbers, state, part.time), births


def step_nuclei(flight: Flight, medium: MediumTables, box: Box, longest: float, record: Record) -> Flight:
    """One step of nuclei, straight ahead: who flies on.

    They lose what a proton of their velocity does on average, by charge and mass: T / m as the proton's over a length
    times z^2 m_p / m. For nuclei heavier than helium, which catch electrons, ranges are so too short, but far below any
    readout's resolution either way. Who has a range below `longest` (cm) deposits all its energy in one step.
    """
    charge = (flight.pdg // 10_000 % 1000).clamp(min=1).float()
    mass = mass_of(flight.pdg).float()
    ratio = mass / PROTON_MASS
    proton = torch.full_like(flight.pdg, int(Species.PROTON))
    columns = medium.charged(proton, (flight.energy / ratio).clamp(min=1e-6).log())
    per_length = charge**2 / ratio  # of a proton
    reach = columns[:, RANGE] / per_length
    length = torch.where(reach > longest, (FRACTION_OF_RANGE * reach).clamp(longest / 6, longest), reach)
    wall = box.distance(flight.position, flight.direction)
    length = torch.minimum(length, wall)
    step = length * per_length
    mean = ratio * columns[:, LOSS] * step * (1 - 0.5 * columns[:, SLOPE] * step)
    lost = torch.where(length < reach, torch.minimum(mean.clamp(min=0), flight.energy), flight.energy)
    end = box.inside(flight.position + flight.direction * length.unsqueeze(1))
    record.deposit(flight, flight.position, end, lost, length)
    energy = flight.energy - lost
    time = flight.time + length / (SPEED_OF_LIGHT * beta_squared(flight.energy, mass).sqrt())
    moved = Flight(flight.numbers, torch.cat([end.T, flight.direction.T, energy.unsqueeze(0)]), time)
    flies, escapes = energy > 0, length >= wall
    record.escape(moved[flies & escapes])
    return moved[flies & ~escapes]
