"""Neutrinos on free nucleons that stay nucleons: quasi-elastic by charged, elastic by neutral currents.

Energies are in MeV where the nucleon rests, Q^2 in MeV^2, cross sections in cm^2.

Source: Llewellyn Smith, Phys. Rep. 3 (1972) 261; neutral currents as Ahrens et al., Phys. Rev. D 35 (1987) 785.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nuforge.physics.constants import (
    FERMI_CONSTANT,
    HBAR_C,
    NUCLEON_MASS,
    UP_DOWN_MIXING,
    WEAK_MIXING,
)
from nuforge.physics.form_factors import DiracPauli, FormFactors, isovector, of_neutron, of_proton, pseudoscalar


def charged_current(energy: Tensor, q2: Tensor, lepton_mass: float, anti: bool, form: FormFactors) -> Tensor:
    """d sigma / d Q^2 in cm^2/MeV^2 of nu n -> l- p, or if `anti` of antinu p -> l+ n.

    Not limited to the Q^2 that are possible: see `kinematics.transfer_limits`.

    Args:
        energy: Of the neutrino, MeV.
        q2: MeV^2, same shape.
        lepton_mass: MeV.
        anti: For antineutrinos.
        form: Form factors.
    """
    axial = form.axial(q2)
    return UP_DOWN_MIXING**2 * _llewellyn_smith(energy, q2, lepton_mass, anti, isovector(q2, form.vector), axial)


def neutral_current(energy: Tensor, q2: Tensor, anti: bool, on_proton: bool, form: FormFactors) -> Tensor:
    """d sigma / d Q^2 in cm^2/MeV^2 of nu N -> nu N."""
    proton, neutron = of_proton(q2, form.vector), of_neutron(q2, form.vector)
    own, other = (proton, neutron) if on_proton else (neutron, proton)
    weak = DiracPauli(*((0.5 - 2 * WEAK_MIXING) * a - 0.5 * b for a, b in zip(own, other, strict=True)))
    sign = 1 if on_proton else -1
    axial = form.axial(q2) * 0.5 * (sign + form.strange_axial / form.axial_coupling)
    return _llewellyn_smith(energy, q2, 0.0, anti, weak, axial)


def _llewellyn_smith(energy: Tensor, q2: Tensor, mass: float, anti: bool, vector: DiracPauli, axial: Tensor) -> Tensor:
    """M^2 G^2 / (8 pi E^2) (A -+ B (s - u) / M^2 + C (s - u)^2 / M^4), minus for neutrinos as F_A is negative."""
    m2, lepton = NUCLEON_MASS**2, mass**2
    tau = q2 / (4 * m2)
    first, second = vector
    induced = pseudoscalar(q2, axial)
    with_mass = (first + second) ** 2 + (axial + 2 * induced) ** 2 - 4 * (1 + tau) * induced**2
    inner = (1 + tau) * axial**2 - (1 - tau) * first**2 + tau * (1 - tau) * second**2 + 4 * tau * first * second
    a = (lepton + q2) / m2 * (inner - lepton / (4 * m2) * with_mass)
    b = q2 / m2 * axial * (first + second)
    c = 0.25 * (axial**2 + first**2 + tau * second**2)
    x = (4 * NUCLEON_MASS * energy - q2 - lepton) / m2
    scale = m2 * FERMI_CONSTANT**2 * HBAR_C**2 / (8 * torch.pi)
    return scale / energy**2 * (a + (1 if anti else -1) * b * x + c * x**2).clamp(min=0)
