"""Annihilation of positrons in flight with electrons at rest, to two photons."""

import torch
from jaxtyping import Float
from torch import Tensor

from nuforge.physics.constants import CROSS_SECTION_SCALE, ELECTRON_MASS
from nuforge.physics.material import Material


def annihilation(kinetic: Float[Tensor, "*#n"], material: Material) -> Float[Tensor, "*#n"]:
    """Annihilations per cm of a positron's path, kinetic energy in MeV; to two photons by free electrons.

    Source: Heitler, The Quantum Theory of Radiation (1954), section 27.
    """
    gamma = 1 + kinetic / ELECTRON_MASS
    root = torch.sqrt(kinetic / ELECTRON_MASS * (gamma + 1))  # sqrt(gamma^2 - 1)
    logarithm = (gamma**2 + 4 * gamma + 1) / root**2 * torch.log(gamma + root)
    electrons = sum(n * e.Z for n, e in zip(material.number_densities, material.elements, strict=True))
    return electrons * CROSS_SECTION_SCALE / (gamma + 1) * (logarithm - (gamma + 3) / root)


def lowest_share(kinetic: Float[Tensor, "*#n"]) -> Float[Tensor, "*#n"]:
    """Smallest share of the total energy T + 2 m that one of the photons takes; the largest is 1 less this."""
    ratio = kinetic / (kinetic + 2 * ELECTRON_MASS)
    return 0.5 * (1 - ratio) / (1 + torch.sqrt(ratio))


def annihilation_split(share: Float[Tensor, "*#n"], kinetic: Float[Tensor, "*#n"]) -> Float[Tensor, "*#n"]:
    """Density (not normalised) of the share of the total energy T + 2 m that one of the photons takes.

    Source: Heitler, section 27; Geant4 Physics Reference Manual, "Positron-electron annihilation".
    """
    gamma = 1 + kinetic / ELECTRON_MASS
    low = lowest_share(kinetic)
    density = (1 - share + (2 * gamma - 1 / share) / (gamma + 1) ** 2) / share
    return torch.where((share >= low) & (share <= 1 - low), density.clamp(min=0), 0.0)


def photon_cosine(share: Float[Tensor, "*#n"], kinetic: Float[Tensor, "*#n"]) -> Float[Tensor, "*#n"]:
    """Cosine of the angle between the positron and the photon that takes a share of the total energy."""
    gamma = 1 + kinetic / ELECTRON_MASS
    root = torch.sqrt(kinetic / ELECTRON_MASS * (gamma + 1))
    return ((gamma + 1 - 1 / share) / root.clamp(min=1e-30)).clamp(-1, 1)
