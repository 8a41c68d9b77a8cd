"""Decays of unstable particles, in flight and at rest."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from nuforge.events import Process
from nuforge.physics.constants import ELECTRON_MASS, SPEED_OF_LIGHT
from nuforge.physics.decays import michel_fraction, two_body_momentum
from nuforge.physics.kinematics import momentum
from nuforge.physics.particles import DECAYS, LIFETIMES, MASSES, antiparticle, mass_of
from nuforge.simulation.directions import isotropic
from nuforge.simulation.four_momenta import boosted, four_momentum, mass_squared, two_bodies
from nuforge.simulation.transport.flight import Birth, Flight, Record
from nuforge.simulation.transport.walls import Box

_TRIES = 24
_LONG_KAON, _MUON = 130, 13


def fly_to_decay(flight: Flight, box: Box, generator: torch.Generator, record: Record) -> Flight:
    """Short-lived neutral particles where they decay; those that leave the box before are not among them."""
    mass = mass_of(flight.pdg)
    mean = torch.zeros_like(mass)
    for number, lifetime in LIFETIMES.items():
        mean = torch.where(flight.pdg.abs() == number, lifetime, mean)
    gamma_beta = momentum(flight.energy.double(), mass) / mass.clamp(min=1e-9)
    wait = -torch.log1p(-torch.rand(len(flight), generator=generator, dtype=torch.float64)) * mean
    length = (wait * gamma_beta * SPEED_OF_LIGHT).float()
    stays = length <= box.distance(flight.position, flight.direction)
    position = flight.position + flight.direction * length.unsqueeze(1)
    record.escape(flight[~stays])
    time = flight.time + wait * torch.sqrt(1 + gamma_beta**2)
    return Flight(flight.numbers, torch.cat([position.T, flight.state[3:]]), time)[stays]


def decay(
    flight: Flight,
    generator: torch.Generator,
    rows: Tensor | None = None,
    time: Tensor | None = None,
    bound: Tensor | None = None,
) -> list[Birth]:
    """Products of the particles at `rows` that decay where they are, neutrinos among them.

    Muons decay unpolarised with the Michel spectrum, other three bodies share their phase space evenly.

    Args:
        flight: Particles; stable ones are left alone.
        generator: Source of randomness.
        rows: Which of them (N,); all if it is not given.
        time: When (N,) in ns; now if it is not given.
        bound: Energy (N,) in MeV that the orbit of a bound muon has already given away.
    """
    births = []
    rows = torch.arange(len(flight)) if rows is None else rows
    pdg = flight.pdg[rows]
    energy, uniform = flight.energy[rows].double(), torch.rand((2, len(rows)), generator=generator)
    for number, channels in DECAYS.items():
        edge = 0.0
        for probability, products in channels:
            chosen = (pdg.abs() == number) & (uniform[0] >= edge)
            edge = edge + probability if products is not channels[-1][1] else 2.0
            where = (chosen & (uniform[0] < edge)).nonzero().squeeze(1)
            if not len(where):
                continue
            mass = torch.full((len(where),), MASSES[number], dtype=torch.float64)
            mass = mass if bound is None else mass - bound[where]
            size = momentum(energy[where], mass)
            frame = four_momentum(flight.direction[rows[where]].double() * size.unsqueeze(1), mass)
            anti = (uniform[1, where] < 0.5) if number == _LONG_KAON else pdg[where] < 0
            at = None if time is None else time[where]
            for product, four in zip(products, _shares(number, products, frame, generator), strict=True):
                names = torch.where(anti, antiparticle(product), product)
                births.append(Birth.with_momenta(flight, rows[where], names, Process.DECAY, four, at))
    return births


def _shares(number: int, products: Sequence[int], frame: Tensor, generator: torch.Generator) -> list[Tensor]:
    """Four-momenta (N, 4) of each product of the decays of systems (N, 4)."""
    n = len(frame)
    first, second, *others = (torch.full((n,), MASSES[abs(p)], dtype=torch.float64) for p in products)
    if not others:
        return list(two_bodies(frame, first, second, isotropic(n, generator, torch.float64)))
    mass = torch.sqrt(mass_squared(frame))
    if number == _MUON:
        return _michel(frame, mass, generator)
    third = others[0]
    low, high = first + second, mass - third
    pair, waiting = low.clone(), torch.arange(n)
    most = two_body_momentum(mass, low, third) * two_body_momentum(high, first, second)
    for _ in range(_TRIES):
        u = torch.rand((2, len(waiting)), generator=generator, dtype=torch.float64)
        pair[waiting] = torch.lerp(low[waiting], high[waiting], u[0])
        weight = two_body_momentum(mass[waiting], pair[waiting], third[waiting])
        weight = weight * two_body_momentum(pair[waiting], first[waiting], second[waiting])
        waiting = waiting[u[1] * most[waiting] > weight]
        if not len(waiting):
            break
    both, last = two_bodies(frame, pair, third, isotropic(n, generator, torch.float64))
    return [*two_bodies(both, first, second, isotropic(n, generator, torch.float64)), last]


def _michel(frame: Tensor, mass: Tensor, generator: torch.Generator) -> list[Tensor]:
    """Electron and both neutrinos, which share the rest isotropically."""
    n = len(frame)
    highest = (mass**2 + ELECTRON_MASS**2) / (2 * mass)
    total = michel_fraction(torch.rand(n, generator=generator).double()) * highest
    total = total.clamp(min=ELECTRON_MASS * 1.001)
    size = torch.sqrt(total**2 - ELECTRON_MASS**2)
    electron = torch.cat([total.unsqueeze(1), isotropic(n, generator, torch.float64) * size.unsqueeze(1)], 1)
    rest = torch.nn.functional.pad(mass.unsqueeze(1), (0, 3)) - electron
    zero = torch.zeros_like(mass)
    neutrinos = two_bodies(rest, zero, zero, isotropic(n, generator, torch.float64))
    return [boosted(four, frame) for four in (electron, *neutrinos)]
