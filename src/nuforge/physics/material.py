"""Matter: what the formulas of this room need to know of it."""

import math
from dataclasses import dataclass

from nuforge.physics.constants import AVOGADRO, ELECTRON_RADIUS, HBAR_C
from nuforge.units import eV


@dataclass(frozen=True)
class Element:
    """An element of a material: symbol, atomic number, molar mass (g/mol) and fraction of the mass."""

    symbol: str
    Z: int
    A: float
    mass_fraction: float = 1.0


@dataclass(frozen=True)
class DensityEffect:
    """Sternheimer's parameters of the density effect (no unit)."""

    a: float
    k: float
    x0: float
    x1: float
    cbar: float
    delta0: float = 0.0


@dataclass(frozen=True)
class Material:
    """A homogeneous material.

    Args:
        name: Name.
        elements: Its elements; mass fractions add up to 1.
        density: g/cm^3.
        mean_excitation: Mean excitation energy I in MeV.
        density_effect: Sternheimer's parameters.
        radiation_length: cm.
    """

    name: str
    elements: tuple[Element, ...]
    density: float
    mean_excitation: float
    density_effect: DensityEffect
    radiation_length: float

    def __post_init__(self) -> None:
        total = sum(element.mass_fraction for element in self.elements)
        if abs(total - 1.0) > 1e-6:
            raise ValueError(f"mass fractions of {self.name} must add up to 1, got {total}; scale them")
        if self.density <= 0:
            raise ValueError(f"density of {self.name} must be positive (g/cm^3), got {self.density}")

    @property
    def z_over_a(self) -> float:
        """Electrons per nucleon, sum of w Z/A (mol/g)."""
        return sum(element.mass_fraction * element.Z / element.A for element in self.elements)

    @property
    def number_densities(self) -> tuple[float, ...]:
        """Nuclei of each element per unit volume (1/cm^3), one an element."""
        return tuple(AVOGADRO * self.density * element.mass_fraction / element.A for element in self.elements)

    @property
    def plasma_energy(self) -> float:
        """Plasma energy of the electrons (MeV), 28.816 eV sqrt(rho Z / A)."""
        electrons = AVOGADRO * self.density * self.z_over_a
        return HBAR_C * math.sqrt(4 * math.pi * electrons * ELECTRON_RADIUS)


LIQUID_ARGON = Material(
    name="liquid argon",
    elements=(Element("Ar", 18, 39.948),),
    density=1.396,  # PDG, at the boiling point
    mean_excitation=188.0 * eV,  # ICRU-37; 198 +- 4 eV is recommended for the liquid (Strait, arXiv:2501.10550)
    density_effect=DensityEffect(a=0.19559, k=3.0, x0=0.2, x1=3.0, cbar=5.2146),  # Sternheimer, Berger, Seltzer 1984
    radiation_length=19.55 / 1.396,  # PDG
)
"""Liquid argon at 87.3 K, boiling point at 1 atm. Source: Review of Particle Physics, atomic and nuclear properties."""
