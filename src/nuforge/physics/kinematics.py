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


def transfer_limits(energy: Tensor, target: float, lepton: float, hadronic: Tensor | float) -> tuple[Tensor, Tensor]:
    """Least and largest Q^2 (MeV^2) of a neutrino on a mass at rest, 0 and 0 where there is too little energy.

    Args:
        energy: Of the neutrino, MeV.
        target: Mass in MeV of what is hit.
        lepton: Mass in MeV of the lepton that leaves.
        hadronic: Mass W in MeV of what is left of the target.
    """
    s = target * (target + 2 * energy)
    root = torch.sqrt(s)
    neutrino = (s - target**2) / (2 * root)
    total = (s + lepton**2 - hadronic**2) / (2 * root)
    momentum = torch.sqrt((total**2 - lepton**2).clamp(min=0))
    opens = root > lepton + hadronic
    low, high = (2 * neutrino * (total + sign * momentum) - lepton**2 for sign in (-1, 1))
    return torch.where(opens, low, 0.0), torch.where(opens, high, 0.0)


def threshold(target: float, lepton: float, hadronic: float) -> float:
    """Energy (MeV) from which a neutrino makes a lepton and a hadronic system of given masses (MeV) on a mass at rest.

    Negative where it costs nothing.
    """
    return ((lepton + hadronic) ** 2 - target**2) / (2 * target)
