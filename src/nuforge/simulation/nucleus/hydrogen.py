"""Inelastic interactions of hadrons with free protons."""

from __future__ import annotations

import torch
from torch import Tensor

from nuforge.physics.constants import NEUTRON_MASS, PION_MASS, PROTON_MASS
from nuforge.physics.kinematics import momentum
from nuforge.simulation.drawing import drawn_by_rate
from nuforge.simulation.four_momenta import four_momentum, mass_squared
from nuforge.simulation.nucleus.channels import Channel, cross_sections, exchanged
from nuforge.simulation.nucleus.collisions import collide
from nuforge.simulation.nucleus.hadrons import MASS, PDG, Hadron, hadron_that_comes
from nuforge.simulation.nucleus.interaction import Products

LITTLE = 1e-9  # mb: a pion is made where nothing else that is inelastic has a cross section


def interact_with_protons(pdg: Tensor, kinetic: Tensor, direction: Tensor, generator: torch.Generator) -> Products:
    """What inelastic interactions of hadrons with protons at rest leave: charge exchange, a pion more, a hyperon.

    Where there is too little energy for any of them, an elastic scatter.

    Args:
        pdg: Nucleons, pions, kaons (N,).
        kinetic: MeV (N,).
        direction: Unit vectors (N, 3).
        generator: Source of randomness.

    Raises:
        InputError: If a particle is not a hadron of the cascade.
    """
    kind = hadron_that_comes(pdg)
    mass = MASS[kind]
    direction = torch.nn.functional.normalize(direction.double(), dim=1)
    size = momentum(kinetic.double(), mass)
    four = four_momentum(direction * size.unsqueeze(1), mass)
    proton = torch.full_like(kind, int(Hadron.PROTON))
    rest = torch.zeros_like(four)
    rest[:, 0] = PROTON_MASS
    rates = cross_sections(kind, proton, size)
    root = torch.sqrt(mass_squared(four + rest))
    opens = root > MASS[kind] + NEUTRON_MASS + PION_MASS
    rates[:, Channel.PRODUCTION] = torch.where(opens, rates[:, Channel.PRODUCTION] + LITTLE, 0.0)
    swapped, other = exchanged(kind, proton)
    swaps = (rates[:, Channel.EXCHANGE] > 0) & (root > MASS[swapped] + MASS[other])
    rates[:, Channel.EXCHANGE] = torch.where(swaps, rates[:, Channel.EXCHANGE], 0.0)
    rates[:, Channel.ELASTIC] = torch.where(rates[:, Channel.EXCHANGE :].sum(1) > 0, 0.0, 1.0)
    u = torch.rand(len(kind), generator=generator, dtype=torch.float64)
    outcome = collide(kind, four, proton, rest, drawn_by_rate(u * rates.sum(1), rates), generator)
    there = outcome.kind >= 0
    owner = torch.arange(len(kind)).unsqueeze(1).expand(-1, 3)[there]
    return Products(owner, PDG[outcome.kind[there]], outcome.four[there])
