"""The relativistic Fermi gas: momenta of nucleons in a nucleus, and what it costs to take one out."""

from __future__ import annotations

import numpy as np

_NUCLEONS = (6, 12, 16, 24, 40, 56, 59, 208)
_MOMENTUM = (169.0, 221.0, 225.0, 235.0, 251.0, 257.3, 260.0, 265.0)
_WITH_REMOVAL = (6, 12, 16, 24, 40, 56, 208)
_REMOVAL = (17.0, 25.0, 27.0, 32.0, 29.5, 36.0, 44.0)


def global_fermi_momentum(z: int, a: int) -> tuple[float, float]:
    """Fermi momenta in MeV of protons and neutrons, one for the whole nucleus: k_F (2 Z / A)^1/3 and (2 N / A)^1/3.

    k_F is interpolated linearly in A between nuclei that were measured.

    Source: Moniz et al., Phys. Rev. Lett. 26 (1971) 445 (electrons), in the tables of GENIE.
    """
    momentum = float(np.interp(a, _NUCLEONS, _MOMENTUM))
    return momentum * (2 * z / a) ** (1 / 3), momentum * (2 * (a - z) / a) ** (1 / 3)


def removal_energy(a: int) -> float:
    """Energy in MeV that it costs to take a nucleon out of a nucleus, interpolated linearly in A.

    Source: Moniz et al., Phys. Rev. Lett. 26 (1971) 445; argon as in GENIE.
    """
    return float(np.interp(a, _WITH_REMOVAL, _REMOVAL))
