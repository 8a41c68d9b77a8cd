"""Pions that neutrinos make on whole nuclei, which stay as they were.

Adler's theorem joins the neutrino to a pion of its energy loss, which scatters elastically on the nucleus; the lepton's
mass is kept.

Source: Rein and Sehgal, Nucl. Phys. B 223 (1983) 29 (the pion on the nucleus, its absorption); Berger and Sehgal, Phys.
Rev. D 79 (2009) 053003, eq. 2 to 5 (kinematics and lepton mass).
Validity: energy losses above some 200 MeV; below 1 GeV the model is some times too large.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from nuforge.physics.constants import (
    FERMI_CONSTANT,
    HBAR_C,
    NEUTRAL_PION_MASS,
    PION_DECAY_CONSTANT,
    PION_MASS,
    UP_DOWN_MIXING,
)
from nuforge.physics.hadron_proton import elastic, inelastic
from nuforge.units import GeV

AXIAL_MASS = 1.0 * GeV
"""Of the fall with Q^2. Rein and Sehgal."""
_RADIUS = 1.0  # fm: of a nucleus over A^1/3
_REAL = 0.3  # of the forward amplitude over its imaginary part
_MB = 1e-27  # cm^2
_FM = 1e-13  # cm
_POINTS = 400


def slope(a: int) -> float:
    """Slope b (1/MeV^2) of exp(-b |t|), a third of the nucleus's radius squared."""
    return float((_RADIUS * _FM * a ** (1 / 3) / HBAR_C) ** 2 / 3)


def least_transfer(loss: Tensor, q2: Tensor, pion_mass: float) -> Tensor:
    """Least |t| (MeV^2) to the nucleus by a pion that takes the whole energy `loss` (MeV)."""
    size = torch.sqrt(loss**2 + q2)
    pion = torch.sqrt((loss**2 - pion_mass**2).clamp(min=0))
    least: Tensor = (size - pion).square()
    return least


def coherent(energy: Tensor, loss: Tensor, q2: Tensor, lepton_mass: float, charged: bool, a: int) -> Tensor:
    """d^2 sigma / d nu dQ^2 in cm^2/MeV^3, integrated over t, the same for antineutrinos.

    Args:
        energy: Of the neutrino, MeV.
        loss: nu, the energy that the lepton loses, MeV.
        q2: MeV^2.
        lepton_mass: MeV.
        charged: Charged current (a charged pion), or neutral (pi0), which is half without the mixing of quarks.
        a: Nucleons.
    """
    pion = PION_MASS if charged else NEUTRAL_PION_MASS
    y = loss / energy
    size = torch.sqrt(loss**2 + q2)
    sides = ((2 * energy - loss) ** 2 - size**2) / (4 * energy**2)
    least = lepton_mass**2 * y / (1 - y).clamp(min=1e-9)
    axial = 1 / (1 + q2 / AXIAL_MASS**2)
    pole = least / (q2 + PION_MASS**2)
    helicity = (axial - 0.5 * pole).square() + 0.25 * y * (q2 - least).clamp(min=0) * pole / (q2 + PION_MASS**2)
    weak = (FERMI_CONSTANT * PION_DECAY_CONSTANT / torch.pi) ** 2 * (UP_DOWN_MIXING**2 if charged else 0.5)
    falls = torch.exp(-slope(a) * least_transfer(loss, q2, pion)) / slope(a)
    return weak * sides / size * helicity * falls * _forward(loss - pion, a) * (loss > pion)


def _forward(kinetic: Tensor, a: int) -> Tensor:
    """d sigma / dt (cm^2/MeV^2) forwards of elastic scattering of pions of kinetic energy (MeV) on a nucleus."""
    low, high, table = _pions()
    at = (kinetic.clamp(low, high) / low).log() * ((_POINTS - 1) / torch.tensor(high / low, dtype=kinetic.dtype).log())
    i = at.long().clamp(max=_POINTS - 2)
    total, absorbed = torch.lerp(table[:, i], table[:, i + 1], at - i)
    survives = torch.exp(-9 * a ** (1 / 3) / (16 * torch.pi * (_RADIUS * _FM) ** 2) * absorbed)
    forward: Tensor = a**2 * survives * total.square() * (1 + _REAL**2) / (16 * torch.pi * HBAR_C**2)
    return forward


@cache
def _pions() -> tuple[float, float, Tensor]:
    """Least and largest kinetic energy (MeV); total and inelastic cross sections (2, P) in cm^2 of the mean pion."""
    low, high = 1.0, 30 * GeV
    kinetic = torch.logspace(0, float(torch.tensor(high / low).log10()), _POINTS, dtype=torch.float64) * low
    lost = 0.5 * (inelastic(211, kinetic) + inelastic(-211, kinetic)) * _MB
    kept = 0.5 * (elastic(211, kinetic) + elastic(-211, kinetic)) * _MB
    return low, high, torch.stack([kept + lost, lost])
