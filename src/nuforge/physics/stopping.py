"""Mean energy loss by ionisation: heavy charged particles (Bethe), electrons and positrons (Berger-Seltzer)."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from nuforge.physics.constants import BETHE_K, ELECTRON_MASS
from nuforge.physics.kinematics import beta_gamma, beta_squared
from nuforge.physics.material import Material


def density_effect(beta_gamma: Float[Tensor, "*#n"], material: Material) -> Float[Tensor, "*#n"]:
    """Sternheimer's density-effect correction delta (no unit) at beta gamma = p / m.

    Source: Review of Particle Physics, eq. 34.7.
    """
    effect = material.density_effect
    x = torch.log10(beta_gamma)
    high = 2 * math.log(10) * x - effect.cbar
    middle = high + effect.a * (effect.x1 - x).clamp(min=0) ** effect.k
    low = effect.delta0 * 10 ** (2 * (x - effect.x0))
    return torch.where(x >= effect.x1, high, torch.where(x >= effect.x0, middle, low))


def maximum_transfer(kinetic: Float[Tensor, "*#n"], mass: Tensor | float) -> Float[Tensor, "*#n"]:
    """Largest energy (MeV) that a particle heavier than an electron gives to one in a collision, W_max."""
    gamma = 1 + kinetic / mass
    transfer = 2 * ELECTRON_MASS * (gamma**2 - 1)
    return transfer / (1 + 2 * gamma * ELECTRON_MASS / mass + (ELECTRON_MASS / mass) ** 2)


def stopping_power(
    kinetic: Float[Tensor, "*#n"], mass: float, material: Material, charge: float = 1.0, cut: float = math.inf
) -> Float[Tensor, "*#n"]:
    """Mean dE/dx (MeV/cm) of a particle heavier than an electron: Bethe's formula, restricted to transfers below a cut.

    Valid for 0.1 < p/m < 1000 (no shell or Barkas corrections: 2 % high for protons of 10 MeV); muons above some
    GeV also radiate. Below p/m = 0.05 the value there, scaled with the velocity, keeps it positive.

    Args:
        kinetic: Kinetic energy in MeV.
        mass: MeV.
        material: What it passes.
        charge: In units of e.
        cut: Only collisions that transfer less than this many MeV are counted.

    Source: Review of Particle Physics, eq. 34.5 and 34.9.
    """
    slowest = mass * (math.sqrt(1 + 0.05**2) - 1)
    t = kinetic.clamp(min=slowest)
    b2, bg = beta_squared(t, mass), beta_gamma(t, mass)
    largest = maximum_transfer(t, mass)
    upper = largest.clamp(max=cut)
    logarithm = 0.5 * torch.log(2 * ELECTRON_MASS * bg**2 * upper / material.mean_excitation**2)
    bracket = logarithm - 0.5 * b2 * (1 + upper / largest) - 0.5 * density_effect(bg, material)
    loss = BETHE_K * material.z_over_a * material.density * charge**2 / b2 * bracket
    return loss * torch.sqrt(beta_squared(kinetic, mass) / b2)


def electron_stopping_power(
    kinetic: Float[Tensor, "*#n"], material: Material, cut: float = math.inf, positron: bool = False
) -> Float[Tensor, "*#n"]:
    """Mean collision loss (MeV/cm) of electrons (Moller) or positrons (Bhabha), restricted to transfers below a cut.

    An electron gives away at most half of its kinetic energy (the faster of the two goes on), a positron all of it.
    Valid above about 10 keV.

    Args:
        kinetic: Kinetic energy in MeV.
        material: What it passes.
        cut: Only collisions that transfer less than this many MeV are counted.
        positron: Positron instead of electron.

    Source: ICRU Report 37 (1984), eq. 2.14 and following; Berger and Seltzer.
    """
    tau = kinetic / ELECTRON_MASS
    gamma = tau + 1
    b2 = beta_squared(kinetic, ELECTRON_MASS)
    transfer = torch.clamp(tau if positron else tau / 2, max=cut / ELECTRON_MASS)
    f = _bhabha(tau, gamma, b2, transfer) if positron else _moller(tau, gamma, b2, transfer)
    excitation = (material.mean_excitation / ELECTRON_MASS) ** 2
    bracket = torch.log(2 * (gamma + 1) / excitation) + f - density_effect(beta_gamma(kinetic, ELECTRON_MASS), material)
    return 0.5 * BETHE_K * material.z_over_a * material.density / b2 * bracket


def _moller(tau: Tensor, gamma: Tensor, b2: Tensor, transfer: Tensor) -> Tensor:
    """The function F-(tau, transfer) of the electron's stopping power."""
    rest = tau - transfer
    tail = 0.5 * transfer**2 + (2 * tau + 1) * torch.log1p(-transfer / tau)
    return -1 - b2 + torch.log(rest * transfer) + tau / rest + tail / gamma**2


def _bhabha(tau: Tensor, gamma: Tensor, b2: Tensor, d: Tensor) -> Tensor:
    """The function F+(tau, transfer d) of the positron's stopping power."""
    y = 1 / (1 + gamma)
    inner = d - d**3 / 3 + y * (0.5 * d**2 - tau * d**3 / 3 + d**4 / 4)
    return torch.log(tau * d) - b2 / tau * (tau + 2 * d - y * (1.5 * d**2 + y * inner))
