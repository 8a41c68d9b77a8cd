"""Relativistic kinematics of one particle: everything from kinetic energy and mass, in MeV."""

import torch
from torch import Tensor


def momentum(kinetic: Tensor, mass: Tensor | float) -> Tensor:
    """Momentum p in MeV of kinetic energy (MeV), p^2 = T (T + 2 m)."""
    return torch.sqrt(kinetic * (kinetic + 2 * mass))


def kinetic_of(momentum: Tensor, mass: Tensor) -> Tensor:
    """Kinetic energy in MeV of a momentum (MeV), p^2 / (E + m): without the loss of digits of E - m."""
    return momentum**2 / (torch.sqrt(momentum**2 + mass**2) + mass).clamp(min=1e-30)


def beta_squared(kinetic: Tensor, mass: Tensor | float) -> Tensor:
    """Velocity squared in units of c^2."""
    return kinetic * (kinetic + 2 * mass) / (kinetic + mass) ** 2


def beta_gamma(kinetic: Tensor, mass: Tensor | float) -> Tensor:
    """p / m."""
    return momentum(kinetic, mass) / mass
