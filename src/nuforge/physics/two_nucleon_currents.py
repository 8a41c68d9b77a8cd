"""Neutrinos on pairs of nucleons (two particles, two holes): an empirical model of meson exchange currents.

The pair leaves with a mass W of a Gaussian about 2120 MeV, between the quasi-elastic peak and the Delta; Q^2 falls as a
magnetic dipole; the transverse part of Llewellyn Smith's formula gives the rest. The size is a share of the
quasi-elastic cross section of the same nucleus.

Source: Katori, AIP Conf. Proc. 1663 (2015) 030001 (arXiv:1304.6014), the "empirical" model of Dytman in GENIE. GENIE 3
(EmpiricalMECPXSec2015) has the same shares for charged and neutral currents (0.45, of pairs of proton and neutron 0.8)
and the same width, but a mass of 2100 MeV and a scale of 0.4 GeV^2. As there, nothing depends on energy and nucleus
beyond quasi-elastic scattering. NuWro takes 0.85 for pairs of proton and neutron (params.txt).
"""

from __future__ import annotations

import torch
from torch import Tensor

from nuforge.physics.constants import NUCLEON_MASS
from nuforge.units import GeV

PAIR_MASS = 2 * NUCLEON_MASS
"""MeV, of the pair that is hit."""
LEAST, MOST = PAIR_MASS + 1.0, PAIR_MASS + 500.0
"""MeV, between which W lies."""
SHARE = 0.45
"""Of the quasi-elastic cross section: what explains MiniBooNE's measurement with an axial mass of 1 GeV."""
UNLIKE = 0.8
"""Of the pairs that are hit, a proton and a neutron."""
_PEAK, _WIDTH = 2120.0, 50.0  # MeV
_FALL = 0.5 * GeV**2


def pair_shape(energy: Tensor, w: Tensor, q2: Tensor, lepton_mass: float) -> Tensor:
    """d^2 sigma / dW dQ^2 up to a constant, of a pair at rest.

    Args:
        energy: Of the neutrino, MeV.
        w: Mass of the pair that leaves, MeV.
        q2: MeV^2.
        lepton_mass: MeV.
    """
    square = PAIR_MASS**2
    tau = q2 / (4 * square)
    shape = torch.exp(-0.5 * ((w - _PEAK) / _WIDTH) ** 2) * q2 * (1 + q2 / _FALL) ** -8
    a = (lepton_mass**2 + q2) / square * (tau * (1 + tau) - tau**2 * (1 - tau) + 4 * tau**2) / (1 + tau) ** 2
    x = (4 * PAIR_MASS * energy - q2 - lepton_mass**2) / square
    return shape * (a + x**2 * tau / (4 * (1 + tau))) / energy**2
