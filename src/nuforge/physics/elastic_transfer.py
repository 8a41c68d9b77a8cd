"""Elastic scattering of hadrons on nuclei: how much momentum is transferred."""

import torch
from jaxtyping import Float
from torch import Tensor

from nuforge.physics.constants import KAON_MASS, PION_MASS
from nuforge.units import GeV

ATOMIC_MASS = 931.494  # MeV
PION_SPLIT = 400.0  # MeV/c, between the two sets of pions
_HEAVY = 62.5  # mass number from which the second set of nuclei holds
_LIGHTEST_NUCLEUS = 1.5  # below: a free proton
_MESONS_BELOW = (PION_MASS + KAON_MASS) / 2  # MeV: what is lighter is a pion
_BARYONS_ABOVE = 900.0  # MeV


def largest_transfer(
    mass: Float[Tensor, " n"], momentum: Float[Tensor, " n"], A: Float[Tensor, " n"]
) -> Float[Tensor, " n"]:
    """Largest squared momentum transfer (MeV^2), 4 p*^2, of hadrons: mass in MeV, momentum in MeV/c, mass number A."""
    target = A * ATOMIC_MASS
    s = mass**2 + target**2 + 2 * target * torch.sqrt(momentum**2 + mass**2)
    return 4 * (momentum * target) ** 2 / s


def sample_transfer(
    mass: Float[Tensor, " n"],
    momentum: Float[Tensor, " n"],
    A: Float[Tensor, " n"],
    uniform: Float[Tensor, "two n"],
) -> Float[Tensor, " n"]:
    """Squared momentum transfers (MeV^2) of elastic scattering, from 0 to `largest_transfer`.

    On nuclei the density is a exp(-b t) + c exp(-d t), cut at the largest transfer: the model of GHEISHA in the form of
    G4HadronElastic (Geant4 Physics Reference Manual, "Hadron elastic scattering"). It is isotropic in the centre of
    mass where b t_max << 1: for neutrons of less than about 0.1 MeV. Nucleons on hydrogen: exp(-b t) with the slope of
    Cugnon, Vandermeulen and L'Hote, NIM B 111 (1996) 215, isotropic below 1 GeV/c.

    Args:
        mass: MeV; lighter than 317 MeV is taken for a pion.
        momentum: In the frame of the nucleus, MeV/c.
        A: Mass number of the nucleus; below 1.5 hydrogen.
        uniform: Two rows of random numbers in [0, 1).
    """
    limit = largest_transfer(mass, momentum, A) / GeV**2
    first_height, first_slope, second_height, second_slope = exponentials(mass, momentum, A)
    hydrogen = (A < _LIGHTEST_NUCLEUS) & (mass > _BARYONS_ABOVE)
    first_slope = torch.where(hydrogen, nucleon_slope(momentum / GeV), first_slope)
    first = first_height / first_slope * -torch.expm1(-first_slope * limit)
    second = second_height / second_slope * -torch.expm1(-second_slope * limit)
    takes_second = (uniform[0] * (first + second) < second) & ~hydrogen
    slope = torch.where(takes_second, second_slope, first_slope)
    t = -torch.log1p(uniform[1] * torch.expm1(-slope * limit)) / slope
    return torch.minimum(t, limit) * GeV**2


def exponentials(mass: Tensor, momentum: Tensor, A: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Both exponentials of hadrons of mass (MeV) and momentum (MeV/c) on nuclei of mass number A.

    Returns:
        Height a, slope b (GeV^-2), height c, slope d.
    """
    pion, fast, heavy = mass < _MESONS_BELOW, momentum >= PION_SPLIT, A >= _HEAVY
    third = A ** (1 / 3)
    rows = (  # which, a, b, c, d
        (~heavy & ~pion, A**2, 14.5 * third**2, 1.4 * third, 20.0),
        (~heavy & pion & fast, A**2, 14.5 * third**2, 0.075 * third, 10.0),
        (~heavy & pion & ~fast, A**1.63, 29 * 0.7 ** (2 / 3) * third**2, 0.04 * third, 15.0),
        (heavy & ~pion, A**1.33, 60 * third, 0.2 * A**0.4, 25.0),
        (heavy & pion & fast, 0.5 * A**2, 60 * 0.7 ** (1 / 3) * third, 4 * A**0.4, 30.0),
        (heavy & pion & ~fast, 2 * A**1.33, 120 * 0.7 ** (1 / 3) * third, 4 * A**0.4, 30.0),
    )
    out = [torch.ones_like(A) for _ in range(4)]
    for which, *values in rows:
        out = [torch.where(which, value, old) for value, old in zip(values, out, strict=True)]
    return out[0], out[1], out[2], out[3]


def nucleon_slope(p: Tensor) -> Tensor:
    """Slope (GeV^-2) of nucleon-nucleon scattering at p (GeV/c)."""
    slow = 5.5 * p**8 / (7.7 + p**8)
    return torch.where(p < 2, slow, 5.334 + 0.67 * (p - 2)).clamp(min=1e-6)
