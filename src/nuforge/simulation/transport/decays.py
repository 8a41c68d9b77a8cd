"""What becomes of particles at rest, and of those that decay in flight."""

from __future__ import annotations

import torch
from torch import Tensor

from nuforge.events import Process
from nuforge.physics.constants import (
    ELECTRON_MASS,
    MICHEL_ENDPOINT,
    MUON_LIFETIME,
    MUON_MASS,
    NEUTRAL_PION_MASS,
    PION_LIFETIME,
    PION_MASS,
)
from nuforge.physics.decays import MUON_CAPTURE_IN_ARGON, michel_fraction, two_body_momentum
from nuforge.physics.kinematics import momentum
from nuforge.simulation.directions import isotropic
from nuforge.simulation.transport.flight import Birth, Flight


def come_to_rest(stopped: Flight, generator: torch.Generator) -> list[Birth]:
    """What particles at rest become.

    Positrons annihilate to two photons of 511 keV; mu+ and pi+ decay; mu- are captured by an argon nucleus or decay
    in its orbit (as if free). What captured mu- and pi- leave behind is hadronic and not made here.
    """
    positrons, plus, minus, pions = ((stopped.pdg == pdg).nonzero().squeeze(1) for pdg in (-11, -13, 13, 211))
    rate = 1 / MUON_LIFETIME + MUON_CAPTURE_IN_ARGON
    leaves_at = _wait(stopped, minus, 1 / rate, generator)
    decays = torch.rand(len(minus), generator=generator) < 1 / (MUON_LIFETIME * rate)
    return [
        _annihilation(stopped, positrons, generator),
        muon_decay(stopped, plus, _wait(stopped, plus, MUON_LIFETIME, generator), generator),
        muon_decay(stopped, minus[decays], leaves_at[decays], generator),
        pion_decay(stopped, pions, _wait(stopped, pions, PION_LIFETIME, generator), generator),
    ]


def decay_in_flight(flight: Flight, generator: torch.Generator) -> list[Birth]:
    """Products of muons and pions that decay where they are, now."""
    muons, pions, neutral = ((flight.pdg.abs() == pdg).nonzero().squeeze(1) for pdg in (13, 211, 111))
    return [
        neutral_pion_decay(flight, neutral, generator),
        muon_decay(flight, muons, flight.time[muons], generator),
        pion_decay(flight, pions, flight.time[pions], generator),
    ]


def muon_decay(flight: Flight, rows: Tensor, time: Tensor, generator: torch.Generator) -> Birth:
    """Electrons of muon decays, isotropic with the Michel spectrum at rest; neutrinos are left out."""
    total = michel_fraction(torch.rand(len(rows), generator=generator)) * MICHEL_ENDPOINT
    total = total.clamp(min=ELECTRON_MASS * 1.001)
    pdg = torch.where(flight.pdg[rows] > 0, 11, -11)
    return _product(flight, rows, MUON_MASS, pdg, total, ELECTRON_MASS, time, isotropic(len(rows), generator))


def pion_decay(flight: Flight, rows: Tensor, time: Tensor, generator: torch.Generator) -> Birth:
    """Muons of charged-pion decays; neutrinos, and the 1e-4 of decays to electrons, are left out."""
    p = two_body_momentum(PION_MASS, MUON_MASS, 0.0)
    total = torch.full((len(rows),), (p**2 + MUON_MASS**2) ** 0.5)
    pdg = torch.where(flight.pdg[rows] > 0, -13, 13)
    return _product(flight, rows, PION_MASS, pdg, total, MUON_MASS, time, isotropic(len(rows), generator))


def neutral_pion_decay(flight: Flight, rows: Tensor, generator: torch.Generator) -> Birth:
    """Both photons of neutral pions; the 1.2 % of Dalitz decays are left out."""
    axis = isotropic(len(rows), generator)
    both = rows.repeat(2)
    half = torch.full((len(both),), NEUTRAL_PION_MASS / 2)
    pdg = torch.full_like(both, 22)
    return _product(flight, both, NEUTRAL_PION_MASS, pdg, half, 0.0, flight.time[both], torch.cat([axis, -axis]))


def _annihilation(flight: Flight, rows: Tensor, generator: torch.Generator) -> Birth:
    """Two photons back to back from positrons at rest."""
    axis = isotropic(len(rows), generator)
    both = rows.repeat(2)
    energy = torch.full((len(both),), ELECTRON_MASS)
    return Birth.here(flight, both, 22, Process.ANNIHILATION, torch.cat([axis, -axis]), energy)


def _wait(flight: Flight, rows: Tensor, lifetime: float, generator: torch.Generator) -> Tensor:
    """Times (ns) at which particles at rest decay."""
    wait = torch.rand(len(rows), generator=generator, dtype=torch.float64)
    return flight.time[rows] - lifetime * torch.log1p(-wait)


def _product(
    flight: Flight,
    rows: Tensor,
    parent_mass: float,
    pdg: Tensor,
    total: Tensor,
    mass: float,
    time: Tensor,
    direction: Tensor,
) -> Birth:
    """Products with `total` energy and `direction` in their parents' rest frames, boosted."""
    p = torch.sqrt((total**2 - mass**2).clamp(min=0))
    kinetic = flight.energy[rows]
    boost = momentum(kinetic, parent_mass) / parent_mass
    gamma = 1 + kinetic / parent_mass
    along = (direction * flight.direction[rows]).sum(1)
    shift = boost * total + (gamma - 1) * p * along
    vector = direction * p.unsqueeze(1) + flight.direction[rows] * shift.unsqueeze(1)
    size = vector.norm(dim=1)
    energy = torch.sqrt(size**2 + mass**2) - mass
    kinds = torch.full_like(rows, int(Process.DECAY))
    unit = vector / size.clamp(min=1e-9).unsqueeze(1)
    return Birth(flight, rows, pdg, kinds, flight.position[rows], unit, energy.clamp(min=1e-6), time)
