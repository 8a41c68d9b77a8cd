"""Multiple and single Coulomb scattering."""

import torch
from jaxtyping import Float
from torch import Tensor

from nuforge.physics.constants import AVOGADRO, BOHR_RADIUS, FINE_STRUCTURE, HBAR_C
from nuforge.physics.material import Material


def highland_angle(
    length: Float[Tensor, "*#n"],
    momentum: Float[Tensor, "*#n"],
    beta: Float[Tensor, "*#n"],
    radiation_length: float,
    charge: float = 1.0,
) -> Float[Tensor, "*#n"]:
    """Width (rad) of the projected angle after `length` cm: the central 98 % of the Moliere distribution.

    Good to 11 % for 1e-3 < length / X0 < 100. Not additive: do not apply it step by step.

    Source: Review of Particle Physics, eq. 34.16 (Highland; Lynch and Dahl).
    """
    thickness = length / radiation_length
    scale = 13.6 / (beta * momentum) * abs(charge) * torch.sqrt(thickness)
    return scale * (1 + 0.038 * torch.log(thickness * charge**2 / beta**2))


def coulomb_strength(
    momentum: Float[Tensor, "*#n"], beta: Float[Tensor, "*#n"], material: Material
) -> Float[Tensor, "*#n"]:
    """Strength S (1/cm) of single scattering off screened nuclei and their electrons, unit charge.

    With mu = (1 - cos theta) / 2 the collisions per cm are S dmu / (mu + A)^2, A from `coulomb_screening`.
    Electrons of the atom count as Z (Z + 1) instead of Z^2.

    Args:
        momentum: MeV.
        beta: Velocity over c.
        material: What is passed.

    Source: Wentzel, Z. Phys. 40 (1927) 590; Rutherford's formula with momentum transfer 2 p sin(theta / 2).
    """
    charges = sum(e.mass_fraction / e.A * e.Z * (e.Z + 1) for e in material.elements)
    return torch.pi * AVOGADRO * material.density * charges * (FINE_STRUCTURE * HBAR_C / (momentum * beta)) ** 2


def coulomb_screening(
    momentum: Float[Tensor, "*#n"], beta: Float[Tensor, "*#n"], material: Material
) -> Float[Tensor, "*#n"]:
    """Screening parameter A (no unit) of the Thomas-Fermi atom with Moliere's correction, averaged over the elements.

    Source: Moliere, Z. Naturforsch. 2a (1947) 133: chi_a^2 = chi_0^2 (1.13 + 3.76 (alpha Z / beta)^2), A = chi_a^2 / 4.
    """
    weights = [e.mass_fraction / e.A * e.Z * (e.Z + 1) for e in material.elements]
    log_a = torch.zeros_like(momentum)
    for weight, element in zip(weights, material.elements, strict=True):
        radius = 0.885 * BOHR_RADIUS * element.Z ** (-1 / 3)
        chi0 = HBAR_C / (momentum * radius)
        chi_a = chi0**2 * (1.13 + 3.76 * (FINE_STRUCTURE * element.Z / beta) ** 2)
        log_a = log_a + weight / sum(weights) * torch.log(chi_a / 4)
    return log_a.exp()


def electron_share(material: Material) -> float:
    """The electrons' share of `coulomb_strength`, the sum of Z over the sum of Z (Z + 1)."""
    electrons = sum(e.mass_fraction / e.A * e.Z for e in material.elements)
    return float(electrons / sum(e.mass_fraction / e.A * e.Z * (e.Z + 1) for e in material.elements))


def nuclei(material: Material) -> tuple[tuple[float, float], ...]:
    """Share in the scattering by nuclei (Z^2) and root-mean-square radius of the charge (cm), one pair an element.

    Source: 1.27 A^0.27 fm, for the exponential form factor: Butkevich et al., Nucl. Instrum. Meth. A 488 (2002) 282;
    of the proton 0.84 fm (CODATA 2018).
    """
    weights = [n * e.Z**2 for n, e in zip(material.number_densities, material.elements, strict=True)]
    radii = [0.84e-13 if e.Z == 1 else 1.27e-13 * e.A**0.27 for e in material.elements]
    return tuple((weight / sum(weights), radius) for weight, radius in zip(weights, radii, strict=True))
