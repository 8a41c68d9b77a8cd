"""Decays: spectra, and the momentum of two-body decays."""

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


def two_body_momentum(mass: float, first: float, second: float) -> float:
    """Momentum (MeV) of the products at rest of a decay to two particles of given masses (MeV)."""
    total = mass**2 - (first + second) ** 2
    if total < 0:
        raise ValueError(f"a mass of {mass} MeV cannot decay to {first} and {second} MeV; lighter products are needed")
    return float((total * (mass**2 - (first - second) ** 2)) ** 0.5 / (2 * mass))
