"""Form factors of nucleons: what elastic and quasi-elastic scattering of neutrinos sees of them.

Momentum transfers squared Q^2 are in MeV^2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from torch import Tensor

from nuforge.errors import InputError
from nuforge.physics.constants import NUCLEON_MASS, PION_MASS
from nuforge.units import GeV

VectorForm = Literal["dipole", "bba05"]
"""How the vector form factors fall: all as one dipole, or as fitted to electron scattering."""

PROTON_MOMENT, NEUTRON_MOMENT = 2.7928, -1.9130
"""Magnetic moments in nuclear magnetons."""
_VECTOR_SCALE = 0.71 * GeV**2
_BBA05 = {
    "electric_proton": ((1.0, -0.0578), (11.10, 13.60, 33.00)),
    "magnetic_proton": ((1.0, 0.1500), (11.10, 19.60, 7.54)),
    "electric_neutron": ((0.0, 1.25, 1.30), (-9.86, 305.0, -758.0, 802.0)),
    "magnetic_neutron": ((1.0, 1.81), (14.1, 20.7, 68.7)),
}
"""Coefficients a_i and b_i of sum a_i tau^i / (1 + sum b_i tau^i). Source: Bradford et al., hep-ex/0602017."""


@dataclass(frozen=True)
class FormFactors:
    """What a nucleon looks like to a weak current.

    Args:
        vector: Shape of the vector form factors.
        axial_mass: M_A in MeV of the axial dipole. 990 MeV: deuterium, Kuzmin et al., Eur. Phys. J. C 54 (2008) 517;
            deuterium on average 1026 +- 21 (Bernard et al., J. Phys. G 28 (2002) R1).
        axial_coupling: g_A, negative. -1.267: Review of Particle Physics 2002, usual in generators; -1.2754 today.
        strange_axial: Contribution of strange quarks to the axial form factor of neutral currents at Q^2 = 0.

    Raises:
        InputError: If there is no such shape, or the mass is not positive.
    """

    vector: VectorForm = "dipole"
    axial_mass: float = 990.0
    axial_coupling: float = -1.267
    strange_axial: float = 0.0

    def __post_init__(self) -> None:
        if self.vector not in get_args(VectorForm):
            raise InputError(f"vector must be one of {get_args(VectorForm)}, got '{self.vector}'")
        if not self.axial_mass > 0:
            raise InputError(f"axial_mass must be positive (MeV), got {self.axial_mass}; 990 is usual")

    def axial(self, q2: Tensor) -> Tensor:
        """F_A of charged currents, g_A / (1 + Q^2 / M_A^2)^2."""
        return self.axial_coupling / (1 + q2 / self.axial_mass**2) ** 2


class Sachs(NamedTuple):
    """Sachs form factors of proton and neutron."""

    electric_proton: Tensor
    magnetic_proton: Tensor
    electric_neutron: Tensor
    magnetic_neutron: Tensor


class DiracPauli(NamedTuple):
    """Form factors F_1 and F_2 (with the anomalous moment) of one transition."""

    first: Tensor
    second: Tensor


def sachs(q2: Tensor, vector: VectorForm) -> Sachs:
    """Sachs form factors at Q^2 (MeV^2).

    The dipole is 1 / (1 + Q^2 / 0.71 GeV^2)^2, the neutron's electric one 0; BBA05 is good to 10 GeV^2.
    """
    if vector == "dipole":
        dipole = 1 / (1 + q2 / _VECTOR_SCALE) ** 2
        return Sachs(dipole, PROTON_MOMENT * dipole, 0 * dipole, NEUTRON_MOMENT * dipole)
    tau = q2 / (4 * NUCLEON_MASS**2)
    values = {name: _ratio(tau, above, below) for name, (above, below) in _BBA05.items()}
    values["magnetic_proton"] = values["magnetic_proton"] * PROTON_MOMENT
    values["magnetic_neutron"] = values["magnetic_neutron"] * NEUTRON_MOMENT
    return Sachs(**values)


def _ratio(tau: Tensor, above: tuple[float, ...], below: tuple[float, ...]) -> Tensor:
    numerator = sum((a * tau**i for i, a in enumerate(above)), start=0 * tau)
    return numerator / (1 + sum((b * tau ** (i + 1) for i, b in enumerate(below)), start=0 * tau))


def of_proton(q2: Tensor, vector: VectorForm) -> DiracPauli:
    """F_1 and F_2 of the proton."""
    form = sachs(q2, vector)
    return _dirac_pauli(q2, form.electric_proton, form.magnetic_proton)


def of_neutron(q2: Tensor, vector: VectorForm) -> DiracPauli:
    """F_1 and F_2 of the neutron."""
    form = sachs(q2, vector)
    return _dirac_pauli(q2, form.electric_neutron, form.magnetic_neutron)


def isovector(q2: Tensor, vector: VectorForm) -> DiracPauli:
    """F_1 and F_2 of the charged current, proton less neutron."""
    proton, neutron = of_proton(q2, vector), of_neutron(q2, vector)
    return DiracPauli(proton.first - neutron.first, proton.second - neutron.second)


def pseudoscalar(q2: Tensor, axial: Tensor) -> Tensor:
    """F_P by partial conservation of the axial current, 2 M^2 F_A / (m_pi^2 + Q^2)."""
    return 2 * NUCLEON_MASS**2 * axial / (PION_MASS**2 + q2)


def _dirac_pauli(q2: Tensor, electric: Tensor, magnetic: Tensor) -> DiracPauli:
    tau = q2 / (4 * NUCLEON_MASS**2)
    return DiracPauli((electric + tau * magnetic) / (1 + tau), (magnetic - electric) / (1 + tau))
