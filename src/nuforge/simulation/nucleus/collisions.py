"""Collisions of hadrons with nucleons inside nuclei: who goes in, who comes out."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nuforge.physics.decays import two_body_momentum
from nuforge.simulation.directions import isotropic, turned
from nuforge.simulation.four_momenta import centre_direction, kinetic_energy, mass_squared, two_bodies
from nuforge.simulation.nucleus.channels import (
    Channel,
    charges_of_production,
    exchanged,
    resonance_mass,
    scattering_cosine,
)
from nuforge.simulation.nucleus.hadrons import CHARGE, MASS, Hadron, nucleon_of_charge, pion_of_charge

_CHANGING = (Channel.EXCHANGE, Channel.HYPERON, Channel.PRODUCTION)


@dataclass(frozen=True)
class Outcome:
    """What C collisions leave.

    Args:
        kind: Hadrons (C, 3), -1 where there is none.
        four: Their four-momenta (C, 3, 4) in the nucleus, MeV.
    """

    kind: Tensor
    four: Tensor

    def kinetic(self) -> Tensor:
        """Kinetic energies (C, 3) in the nucleus, 0 where there is none."""
        mass = MASS[self.kind.clamp(min=0)]
        energy = kinetic_energy(self.four.flatten(0, 1), mass.flatten()).view(self.kind.shape)
        return torch.where(self.kind < 0, 0.0, energy)


def collide(
    kind: Tensor, four: Tensor, partner: Tensor, partner_four: Tensor, channel: Tensor, generator: torch.Generator
) -> Outcome:
    """Collisions of hadrons (C,) with nucleons (C,), four-momenta (C, 4) each, by `Channel` (C,)."""
    n = len(kind)
    uniform = torch.rand((6, n), generator=generator, dtype=torch.float64)
    total = four + partner_four
    root = torch.sqrt(mass_squared(total))
    axis = centre_direction(four, total)
    lab = _rest_momentum(root, kind, partner)
    centre = two_body_momentum(root, MASS[kind], MASS[partner])
    cosine = scattering_cosine(kind, partner, lab, centre, uniform[:2])
    direction = turned(axis, (1 - cosine) / 2, 2 * torch.pi * uniform[2])

    first, second = kind.clone(), partner.clone()
    swaps, strange, three = ((channel == c).nonzero().squeeze(1) for c in _CHANGING)
    if len(swaps):
        first[swaps], second[swaps] = exchanged(kind[swaps], partner[swaps])
    if len(strange):
        charge = (CHARGE[kind[strange]] + CHARGE[partner[strange]]).clamp(-1, 1)
        first[strange], second[strange] = int(Hadron.LAMBDA), pion_of_charge(charge)
    third = torch.full_like(first, -1)
    mass_first, mass_second = MASS[first], MASS[second]
    if len(three):
        nucleon, pion, spectator = charges_of_production(kind[three], partner[three], uniform[3:5, three])
        mass_first[three] = resonance_mass(root[three], nucleon, pion, spectator, uniform[5, three])
        mass_second[three] = MASS[spectator]
        first[three], second[three], third[three] = nucleon, spectator, pion
    one, two = two_bodies(total, mass_first, mass_second, direction)
    fours = torch.stack([one, two, torch.zeros_like(one)], 1)
    if len(three):
        decay = two_bodies(one[three], MASS[nucleon], MASS[pion], isotropic(len(three), generator, torch.float64))
        fours[three, 0], fours[three, 2] = decay
    return Outcome(torch.stack([first, second, third], 1), fours)


def absorb(kind: Tensor, four: Tensor, pair_four: Tensor, pair_charge: Tensor, generator: torch.Generator) -> Outcome:
    """Pions (C,) absorbed by pairs of nucleons, which share everything, isotropic in the frame of their centre.

    Args:
        kind: Pions (C,).
        four: Their four-momenta (C, 4).
        pair_four: Four-momenta (C, 4) of the pairs.
        pair_charge: Charges of the pairs (C,), 0 to 2.
    """
    charge = CHARGE[kind] + pair_charge
    first = nucleon_of_charge((charge > 0).long())
    second = nucleon_of_charge((charge > 1).long())
    one, two = two_bodies(four + pair_four, MASS[first], MASS[second], isotropic(len(kind), generator, torch.float64))
    none = torch.full_like(first, -1)
    return Outcome(torch.stack([first, second, none], 1), torch.stack([one, two, torch.zeros_like(one)], 1))


def rest_frame_momentum(kind: Tensor, four: Tensor, partner: Tensor, partner_four: Tensor) -> Tensor:
    """Momentum (N,) in MeV of hadrons where the nucleon that they meet rests."""
    return _rest_momentum(torch.sqrt(mass_squared(four + partner_four)), kind, partner)


def _rest_momentum(root: Tensor, kind: Tensor, partner: Tensor) -> Tensor:
    return two_body_momentum(root, MASS[kind], MASS[partner]) * root / MASS[partner]
