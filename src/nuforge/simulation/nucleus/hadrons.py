"""The hadrons of a cascade, and light nuclei that leave it, and their numbers in its tables."""

from __future__ import annotations

from enum import IntEnum

import torch
from torch import Tensor

from nuforge.errors import InputError
from nuforge.physics.constants import (
    KAON_MASS,
    LAMBDA_MASS,
    NEUTRAL_KAON_MASS,
    NEUTRAL_PION_MASS,
    NEUTRON_MASS,
    PION_MASS,
    PROTON_MASS,
)
from nuforge.physics.nuclei import nuclear_mass


class Hadron(IntEnum):
    """Kinds of hadrons inside a nucleus, sigmas taken as lambdas, and light nuclei that nucleons form as they leave."""

    PROTON = 0
    NEUTRON = 1
    PI_PLUS = 2
    PI_ZERO = 3
    PI_MINUS = 4
    K_PLUS = 5
    K_ZERO = 6
    K_MINUS = 7
    ANTI_K_ZERO = 8
    LAMBDA = 9
    DEUTERON = 10
    TRITON = 11
    HELIUM_3 = 12
    ALPHA = 13


SINGLE = tuple(hadron for hadron in Hadron if hadron <= Hadron.LAMBDA)
"""Those that a cascade moves."""
LIGHT_NUCLEI = tuple(hadron for hadron in Hadron if hadron > Hadron.LAMBDA)
PDG = torch.tensor(
    [2212, 2112, 211, 111, -211, 321, 311, -321, -311, 3122, 1000010020, 1000010030, 1000020030, 1000020040]
)
CHARGE = torch.tensor([1, 0, 1, 0, -1, 1, 0, -1, 0, 0, 1, 1, 2, 2])
BARYON = torch.tensor([1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 3, 4])
_OF = {Hadron.PROTON: PROTON_MASS, Hadron.NEUTRON: NEUTRON_MASS, Hadron.PI_ZERO: NEUTRAL_PION_MASS}
_OF |= dict.fromkeys((Hadron.PI_PLUS, Hadron.PI_MINUS), PION_MASS)
_OF |= dict.fromkeys((Hadron.K_PLUS, Hadron.K_MINUS), KAON_MASS)
_OF |= dict.fromkeys((Hadron.K_ZERO, Hadron.ANTI_K_ZERO), NEUTRAL_KAON_MASS) | {Hadron.LAMBDA: LAMBDA_MASS}
_NUCLEI = nuclear_mass(CHARGE[list(LIGHT_NUCLEI)], BARYON[list(LIGHT_NUCLEI)])
MASS = torch.cat([torch.tensor([_OF[h] for h in SINGLE], dtype=torch.float64), _NUCLEI])
"""MeV."""


def hadron_of(pdg: Tensor) -> Tensor:
    """`Hadron` of PDG numbers (N,), -1 for what is none; K0 of definite lifetime are taken as K0."""
    kind = torch.full_like(pdg, -1)
    for hadron in SINGLE:
        kind = torch.where(pdg == PDG[hadron], int(hadron), kind)
    return torch.where((pdg == 130) | (pdg == 310), int(Hadron.K_ZERO), kind)


def hadron_that_comes(pdg: Tensor) -> Tensor:
    """`Hadron` of PDG numbers (N,) of what may come to a nucleus: all but lambdas, which decay before.

    Raises:
        InputError: If one is none of them.
    """
    kind = hadron_of(pdg)
    wrong = (kind < 0) | (kind == Hadron.LAMBDA)
    if bool(wrong.any()):
        raise InputError(
            f"particle {int(pdg[wrong][0])} has no interaction with nuclei; expected nucleons, pions or kaons"
        )
    return kind


def is_nucleon(kind: Tensor) -> Tensor:
    """Whether kinds (N,) are protons or neutrons."""
    return kind <= Hadron.NEUTRON


def is_light_nucleus(kind: Tensor) -> Tensor:
    """Whether kinds (N,) are deuterons to alphas."""
    return kind >= Hadron.DEUTERON


def is_pion(kind: Tensor) -> Tensor:
    """Whether kinds (N,) are pions."""
    return (kind >= Hadron.PI_PLUS) & (kind <= Hadron.PI_MINUS)


def pion_of_charge(charge: Tensor) -> Tensor:
    """Kinds of pions of charges (N,) -1, 0 or 1."""
    return Hadron.PI_ZERO - charge


def nucleon_of_charge(charge: Tensor) -> Tensor:
    """Kinds of nucleons of charges (N,) 0 or 1."""
    return 1 - charge
