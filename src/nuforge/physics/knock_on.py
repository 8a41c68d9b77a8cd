"""Collisions that knock out electrons: cross sections differential in the transfer, per electron."""

import torch
from jaxtyping import Float
from torch import Tensor

from nuforge.physics.constants import CROSS_SECTION_SCALE, ELECTRON_MASS
from nuforge.physics.kinematics import beta_squared
from nuforge.physics.stopping import maximum_transfer


def moller(transfer: Float[Tensor, "*#n"], kinetic: Float[Tensor, "*#n"]) -> Float[Tensor, "*#n"]:
    """d sigma / d W (cm^2/MeV) of an electron of kinetic energy (MeV) that gives W <= T / 2 to another.

    Source: Moller, Ann. Phys. 14 (1932) 531; ICRU Report 37.
    """
    gamma = 1 + kinetic / ELECTRON_MASS
    e = transfer / kinetic
    middle = (2 * gamma - 1) / gamma**2
    shape = 1 / e**2 + 1 / (1 - e) ** 2 - middle / (e * (1 - e)) + ((gamma - 1) / gamma) ** 2
    return torch.where(e <= 0.5, _scale(kinetic) / kinetic * shape, 0.0)


def bhabha(transfer: Float[Tensor, "*#n"], kinetic: Float[Tensor, "*#n"]) -> Float[Tensor, "*#n"]:
    """d sigma / d W (cm^2/MeV) of a positron of kinetic energy (MeV) that gives W to an electron.

    Source: Bhabha, Proc. R. Soc. A 154 (1936) 195; ICRU Report 37.
    """
    gamma = 1 + kinetic / ELECTRON_MASS
    y = 1 / (1 + gamma)
    b2 = beta_squared(kinetic, ELECTRON_MASS)
    e = transfer / kinetic
    first = 2 - y**2
    second = (1 - 2 * y) * (3 + y**2)
    fourth = (1 - 2 * y) ** 3
    third = fourth + (1 - 2 * y) ** 2
    shape = 1 / e**2 + b2 * (-first / e + second - third * e + fourth * e**2)
    return torch.where(e <= 1, _scale(kinetic) / kinetic * shape, 0.0)


def heavy_knock_on(transfer: Float[Tensor, "*#n"], kinetic: Float[Tensor, "*#n"], mass: float) -> Float[Tensor, "*#n"]:
    """d sigma / d W (cm^2/MeV) of a particle of spin 1/2 heavier than an electron, unit charge.

    Source: Review of Particle Physics, eq. 34.8 with the term of spin 1/2 (Rossi, High-Energy Particles, 1952).
    """
    b2 = beta_squared(kinetic, mass)
    largest = maximum_transfer(kinetic, mass)
    shape = heavy_shape(transfer, largest, b2, kinetic + mass)
    scale = 2 * CROSS_SECTION_SCALE * ELECTRON_MASS / b2
    return torch.where(transfer <= largest, scale * shape / transfer**2, 0.0)


def heavy_shape(transfer: Tensor, largest: Tensor, beta_squared: Tensor, total: Tensor) -> Tensor:
    """The cross section of `heavy_knock_on` over that of 1 / W^2 alone, at most 1.

    Args:
        transfer: W in MeV.
        largest: W_max in MeV.
        beta_squared: Velocity squared of the particle.
        total: Its energy with its mass, in MeV.
    """
    return 1 - beta_squared * transfer / largest + 0.5 * (transfer / total) ** 2


def _scale(kinetic: Tensor) -> Tensor:
    """2 pi r_e^2 m_e / (beta^2 T), cm^2."""
    return 2 * CROSS_SECTION_SCALE * ELECTRON_MASS / (beta_squared(kinetic, ELECTRON_MASS) * kinetic)
