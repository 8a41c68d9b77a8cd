"""Annihilation of positrons in flight."""

from __future__ import annotations

import torch

from nuforge.events import Process
from nuforge.physics.annihilation import lowest_share, photon_cosine
from nuforge.physics.constants import ELECTRON_MASS
from nuforge.physics.kinematics import momentum
from nuforge.simulation.directions import remaining, turned
from nuforge.simulation.transport.flight import Birth, Flight
from nuforge.simulation.transport.medium import MediumTables


def annihilate_in_flight(flight: Flight, medium: MediumTables, generator: torch.Generator) -> Birth:
    """Both photons of every positron of `flight`, which annihilates where it is, now; others are left alone."""
    rows = (flight.pdg == -11).nonzero().squeeze(1)
    u, phi = torch.rand((2, len(rows)), generator=generator).unbind()
    kinetic, direction = flight.energy[rows].double(), flight.direction[rows]
    low = lowest_share(kinetic)
    share = low * (1 / low - 1) ** medium.annihilation(flight.energy[rows].log(), u)
    total = kinetic + 2 * ELECTRON_MASS
    first = turned(direction, 0.5 * (1 - photon_cosine(share, kinetic)).float(), 2 * torch.pi * phi)
    p = momentum(kinetic, ELECTRON_MASS)
    second = remaining(direction, p.float(), first, (share * total).float())
    energy = torch.cat([share * total, (1 - share) * total]).float()
    return Birth.here(flight, rows.repeat(2), 22, Process.ANNIHILATION, torch.cat([first, second]), energy)
