"""The flight of photons to their next interaction: pairs, Compton scatters, absorption."""

from __future__ import annotations

import torch
from torch import Tensor

from nuforge.events import Process
from nuforge.physics.constants import ELECTRON_MASS, SPEED_OF_LIGHT
from nuforge.simulation.transport.charged import emission_angle
from nuforge.simulation.directions import remaining, sine_squared, turned
from nuforge.simulation.transport.flight import Birth, Flight, Record
from nuforge.simulation.transport.medium import COMPTON, PAIR, MediumTables
from nuforge.simulation.transport.walls import Box
from nuforge.units import keV

_ABSORBED = 10 * keV  # photons below this are absorbed where they are: 0.1 mm of argon


def step_photons(
    flight: Flight, medium: MediumTables, box: Box, generator: torch.Generator, record: Record
) -> tuple[Flight, list[Birth]]:
    """Every photon flies to its next interaction, or out of the box.

    Electrons below the medium's threshold are not born: their energy is a deposit of the photon's, of no length.

    Returns:
        Photons that fly on after a Compton scatter, and the electrons and positrons that begin.
    """
    n = len(flight)
    uniform = torch.rand((7, n), generator=generator)
    rates = medium.photons(0, flight.energy.log())
    total = rates.sum(1)
    length = -torch.log(uniform[0].clamp(min=1e-30)) / total
    stays = length < box.distance(flight.position, flight.direction)
    position = flight.position + flight.direction * length.unsqueeze(1)
    time = flight.time + length / SPEED_OF_LIGHT
    moved = Flight(flight.numbers, torch.cat([position.T, flight.state[3:]]), time)
    choice = uniform[1] * total
    pairs = stays & (choice < rates[:, PAIR])
    scatters = stays & ~pairs & (choice < rates[:, PAIR] + rates[:, COMPTON])
    absorbed = stays & ~pairs & ~scatters

    births = []
    where = pairs.nonzero().squeeze(1)
    if len(where):
        births.append(_pair(moved, where, medium, uniform[2:7, where], record))
    where = scatters.nonzero().squeeze(1)
    scattered, birth = _compton(moved, where, medium, uniform[2:4, where], record)
    births.append(birth)
    where = absorbed.nonzero().squeeze(1)
    energy = moved.energy[where]
    births.append(_electrons(moved, where, medium, Process.PHOTOELECTRIC, moved.direction[where], energy, record))
    return scattered, births


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
    """Photons after a Compton scatter and the electrons that they hit."""
    k, direction = flight.energy[rows], flight.direction[rows]
    lowest = 1 / (1 + 2 * k / ELECTRON_MASS)
    ratio = lowest ** (1 - medium.compton(k.log(), uniform[0]))
    mu = (0.5 * ELECTRON_MASS / k * (1 / ratio - 1)).clamp(0, 1)
    after = turned(direction, mu, 2 * torch.pi * uniform[1])
    electron = remaining(direction, k, after, k * ratio)
    birth = _electrons(flight, rows, medium, Process.COMPTON, electron, k * (1 - ratio), record)
    photons = flight[rows]
    photons.direction[:] = after
    photons.energy[:] = k * ratio
    ends = photons.energy < _ABSORBED
    _deposit(photons, ends.nonzero().squeeze(1), photons.energy[ends], record)
    return photons[~ends], birth


def _electrons(
    flight: Flight,
    rows: Tensor,
    medium: MediumTables,
    process: Process,
    direction: Tensor,
    energy: Tensor,
    record: Record,
) -> Birth:
    """Electrons freed by photons; those below the threshold are deposits."""
    made = energy > medium.threshold
    _deposit(flight, rows[~made], energy[~made], record)
    return Birth.here(flight, rows[made], 11, process, direction[made], energy[made])


def _deposit(flight: Flight, rows: Tensor, energy: Tensor, record: Record) -> None:
    """Deposits of no length where the photons at `rows` are."""
    if len(rows):
        at = flight[rows]
        record.deposit(at, at.position, at.position, energy, torch.zeros_like(energy))
