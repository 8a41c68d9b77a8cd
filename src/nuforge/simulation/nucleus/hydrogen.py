"""Inelastic interactions of hadrons with free protons."""

from __future__ import annotations

import torch
from torch import Tensor

from nuforge.physics.constants import PROTON_MASS
from nuforge.simulation.four_momenta import four_momentum
from nuforge.simulation.nucleus.channels import Channel, cross_sections
from nuforge.simulation.nucleus.collisions import collide
from nuforge.simulation.nucleus.hadrons import MASS, PDG, Hadron, hadron_of
from nuforge.simulation.nucleus.interaction import Products


def interact_with_protons(pdg: Tensor, kinetic: Tensor, direction: Tensor, generator: torch.Generator) -> Products:
    """What inelastic interactions of hadrons with protons at rest leave: charge exchange, a pion more, a hyperon.

    Args:
        pdg: Nucleons, pions, kaons (N,).
        kinetic: MeV (N,).
        direction: Unit vectors (N, 3).
        generator: Source of randomness.
    """
    kind = hadron_of(pdg)
    mass = MASS[kind]
    size = torch.sqrt(kinetic.double() * (kinetic.double() + 2 * mass))
    four = four_momentum(direction.double() * size.unsqueeze(1), mass)
    proton = torch.full_like(kind, int(Hadron.PROTON))
    rest = torch.zeros_like(four)
    rest[:, 0] = PROTON_MASS
    rates = cross_sections(kind, proton, size)
    rates[:, Channel.ELASTIC] = 0.0
    rates[:, Channel.PRODUCTION] += 1e-9  # where nothing else is open: threshold decides
    u = torch.rand(len(kind), generator=generator, dtype=torch.float64)
    channel = (u.unsqueeze(1) * rates.sum(1, keepdim=True) > rates.cumsum(1)).sum(1).clamp(max=len(Channel) - 1)
    outcome = collide(kind, four, proton, rest, channel, generator)
    there = outcome.kind >= 0
    owner = torch.arange(len(kind)).unsqueeze(1).expand(-1, 3)[there]
    return Products(owner, PDG[outcome.kind[there]], outcome.four[there])
