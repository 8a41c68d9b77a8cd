"""Decays: spectra, and the momentum of two-body decays."""

import torch
from jaxtyping import Float
from torch import Tensor

MUON_CAPTURE_IN_ARGON = 1.20e-3
"""Rate (1/ns) of nuclear capture of a mu- bound to argon. Source: Klinskikh et al., Phys. Atom. Nucl. 71 (2008)."""


def michel_spectrum(x: Float[Tensor, "*#n"]) -> Float[Tensor, "*#n"]:
    """Density of x = E / E_max of the electron of an unpolarised muon's decay, 2 x^2 (3 - 2 x), 0 < x < 1.

    Source: Michel, Proc. Phys. Soc. A 63 (1950) 514; no radiative corrections, electron mass left out.
    """
    return 2 * x**2 * (3 - 2 * x)


def michel_fraction(uniform: Float[Tensor, "*#n"]) -> Float[Tensor, "*#n"]:
    """x = E / E_max drawn from the Michel spectrum: the root in (0, 1) of x^3 (2 - x) = u, by Newton's method."""
    x = (uniform / 2) ** (1 / 3)
    for _ in range(8):
        x = x - (x**3 * (2 - x) - uniform) / (6 * x**2 - 4 * x**3).clamp(min=1e-6)
    return x.clamp(min=0, max=1)


def two_body_momentum(total: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Momentum (N,) MeV of two bodies of masses (N,) MeV in the frame of their centre, 0 below threshold.

    Args:
        total: Invariant mass of both (N,) MeV: the mass of what decays.
        first: Mass (N,) MeV.
        second: Mass (N,) MeV.
    """
    gap = (total**2 - (first + second) ** 2) * (total**2 - (first - second) ** 2)
    return torch.sqrt(gap.clamp(min=0)) / (2 * total)
