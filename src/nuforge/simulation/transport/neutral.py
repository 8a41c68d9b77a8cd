"""The flight of photons to their next interaction: pairs, scatters, absorption."""

from __future__ import annotations

import torch
from torch import Tensor

from nuforge.events import Process
from nuforge.physics.constants import ELECTRON_MASS, SPEED_OF_LIGHT
from nuforge.physics.photons import forward
from nuforge.simulation.directions import polar, remaining, sine_squared, turned
from nuforge.simulation.drawing import drawn_by_rate
from nuforge.simulation.transport.charged import emission_angle
from nuforge.simulation.transport.flight import Birth, Flight, Record
from nuforge.simulation.transport.medium import (
    ABSORBED,
    COMPTON,
    PAIR,
    PHOTO,
    RAYLEIGH,
    MediumTables,
    photoelectron_scale,
)
from nuforge.simulation.transport.walls import Box


def step_photons(
    flight: Flight, medium: MediumTables, box: Box, generator: torch.Generator, record: Record
) -> tuple[Flight, list[Birth]]:
    """Every photon flies to its next interaction, or out of the box.

    Electrons below the medium's threshold are not born: their energy is a deposit of the photon's, of no length.

    Returns:
        Photons that fly on after a scatter, and the electrons and positrons that begin.
    """
    n = len(flight)
    uniform = torch.rand((7, n), generator=generator)
    rates = medium.photons(0, flight.energy.log())
    total = rates.sum(1)
    length = -torch.log(uniform[0].clamp(min=1e-30)) / total
    stays = length < box.distance(flight.position, flight.direction)
    record.escape(flight[~stays])
    position = flight.position + flight.direction * length.unsqueeze(1)
    time = flight.time + length / SPEED_OF_LIGHT
    moved = Flight(flight.numbers, torch.cat([position.T, flight.state[3:]]), time)
    kind = drawn_by_rate(uniform[1] * total, rates)
    pairs, scatters, absorbed, deflected = (
        (stays & (kind == of)).nonzero().squeeze(1) for of in (PAIR, COMPTON, PHOTO, RAYLEIGH)
    )
    flying, knocked = _compton(moved, scatters, medium, uniform[2:4, scatters], record)
    births = [knocked, *_photoelectric(moved, absorbed, medium, uniform[2:7, absorbed], record)]
    if len(pairs):
        births.append(_pair(moved, pairs, medium, uniform[2:7, pairs], record))
    if len(deflected):
        flying = Flight.concat([flying, _rayleigh(moved, deflected, medium, uniform[2:4, deflected])])
    return flying, births


def _pair(flight: Flight, rows: Tensor, medium: MediumTables, uniform: Tensor, record: Record) -> Birth:
    """Electrons and positrons, back to back in azimuth."""
    k = flight.energy[rows]
    edge = ELECTRON_MASS / k
    fraction = edge + (1 - 2 * edge) * medium.pair(k.log(), uniform[0])
    angle, phi = emission_angle(uniform[1], uniform[2], uniform[3]), 2 * torch.pi * uniform[4]
    direction = flight.direction[rows]
    totals = torch.stack([fraction * k, (1 - fraction) * k])
    turns = [sine_squared(angle * ELECTRON_MASS / total) for total in totals]
    directions = torch.cat([turned(direction, turns[0], phi), turned(direction, turns[1], phi + torch.pi)])
    energies = (totals - ELECTRON_MASS).clamp(min=1e-6).flatten()
    pdg = torch.tensor([11, -11]).repeat_interleave(len(rows))
    both = rows.repeat(2)
    made = (energies > medium.threshold) | (pdg < 0)
    _deposit(flight, both[~made], energies[~made], record)
    return Birth.here(flight, both[made], pdg[made], Process.PAIR_PRODUCTION, directions[made], energies[made])


def _compton(
    flight: Flight, rows: Tensor, medium: MediumTables, uniform: Tensor, record: Record
) -> tuple[Flight, Birth]:
    """Photons after a Compton scatter and the electrons that they hit; those below the threshold are deposits."""
    k, direction = flight.energy[rows], flight.direction[rows]
    lowest = 1 / (1 + 2 * k / ELECTRON_MASS)
    ratio = lowest ** (1 - medium.compton(k.log(), uniform[0]))
    mu = (0.5 * ELECTRON_MASS / k * (1 / ratio - 1)).clamp(0, 1)
    after = turned(direction, mu, 2 * torch.pi * uniform[1])
    electron = remaining(direction, k, after, k * ratio)
    given = k * (1 - ratio)
    made = given > medium.threshold
    _deposit(flight, rows[~made], given[~made], record)
    birth = Birth.here(flight, rows[made], 11, Process.COMPTON, electron[made], given[made])
    photons = flight[rows]
    photons.direction[:] = after
    photons.energy[:] = k * ratio
    ends = photons.energy < ABSORBED
    _deposit(photons, ends.nonzero().squeeze(1), photons.energy[ends], record)
    return photons[~ends], birth


def _rayleigh(flight: Flight, rows: Tensor, medium: MediumTables, uniform: Tensor) -> Flight:
    """Photons after a coherent scatter."""
    photons = flight[rows]
    v = medium.rayleigh(photons.energy.log(), uniform[0])
    mu, _ = forward(v, medium.coherent_scale / photons.energy.square())
    photons.direction[:] = turned(photons.direction, mu.clamp(0, 1), 2 * torch.pi * uniform[1])
    return photons


def _photoelectric(flight: Flight, rows: Tensor, medium: MediumTables, uniform: Tensor, record: Record) -> list[Birth]:
    """Photoelectrons, with Auger electrons as one, and X-rays of the K shell; electrons below the threshold deposit."""
    births = []
    energy = flight.energy[rows]
    if medium.lines:
        chance = medium.fluorescence(0, energy.log()).cumsum(1)
        line = (uniform[2].unsqueeze(1) >= chance).sum(1)
        lines = torch.tensor([*medium.lines, 0.0])[line]
        shines = (lines > 0) & (lines < energy)
        energy = energy - torch.where(shines, lines, 0.0)
        direction = polar(2 * uniform[3] - 1, 2 * torch.pi * uniform[4])[shines]
        births.append(Birth.here(flight, rows[shines], 22, Process.PHOTOELECTRIC, direction, lines[shines]))
    made = energy > medium.threshold
    _deposit(flight, rows[~made], energy[~made], record)
    rows, energy, (u, phi) = rows[made], energy[made], uniform[:2, made]
    mu, _ = forward(medium.photoelectron(energy.log(), u), photoelectron_scale(energy))
    direction = turned(flight.direction[rows], mu.clamp(0, 1), 2 * torch.pi * phi)
    return [*births, Birth.here(flight, rows, 11, Process.PHOTOELECTRIC, direction, energy)]


def _deposit(flight: Flight, rows: Tensor, energy: Tensor, record: Record) -> None:
    """Deposits of no length where the photons at `rows` are."""
    if len(rows):
        at = flight[rows]
        record.deposit(at, at.position, at.position, energy, torch.zeros_like(energy))
