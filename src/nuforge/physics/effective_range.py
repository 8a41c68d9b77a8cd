"""Slow neutrons on free protons: effective-range theory."""

import math

from jaxtyping import Float
from torch import Tensor

from nuforge.physics.constants import HBAR_C, NEUTRON_MASS, PROTON_MASS

# Scattering length and effective range of the spin singlet and triplet, fm.
# Source: Hackenburg, Phys. Rev. C 73 (2006) 044002.
_SINGLET = (-23.7148, 2.7500)
_TRIPLET = (5.4112, 1.7436)
_FERMI = 1e-13  # cm
_MB_PER_FM2 = 10.0


def neutron_proton(kinetic: Float[Tensor, "*#n"]) -> Float[Tensor, "*#n"]:
    """Elastic cross section (mb) of neutrons of kinetic energy (MeV) on free protons at rest, S waves, below 20 MeV.

    k cot(delta) = -1/a + r k^2 / 2 in each spin state, weighted 3 : 1. 20.4 b at thermal energies.
    """
    target = PROTON_MASS
    s = (NEUTRON_MASS + target) ** 2 + 2 * target * kinetic
    k2 = target**2 * kinetic * (kinetic + 2 * NEUTRON_MASS) / s / (HBAR_C / _FERMI) ** 2  # fm^-2
    waves = [4 * math.pi / (k2 + (-1 / a + r * k2 / 2) ** 2) for a, r in (_SINGLET, _TRIPLET)]
    return _MB_PER_FM2 * (waves[0] + 3 * waves[1]) / 4
