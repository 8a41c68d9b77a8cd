"""Media of neutrino detectors. What is not given here is computed from the composition."""

from nuforge.physics.composition import compound, compressed, gas
from nuforge.physics.material import LIQUID_ARGON, DensityEffect, Material
from nuforge.units import eV

# Parameters of the density effect and mean excitation energies without a source of their own:
# Sternheimer, Berger and Seltzer, At. Data Nucl. Data Tables 30 (1984) 261; Review of Particle Physics.

LIQUID_XENON = compound("liquid xenon", "Xe", density=2.953)
"""At the boiling point, 165.1 K (Review of Particle Physics); detectors at 2 bar have 2.86."""

WATER = compound(
    "water",
    "H2O",
    density=1.0,
    mean_excitation=79.7 * eV,  # Review of Particle Physics 2020; 75.0 in ICRU Report 37, 78 in Report 90
    density_effect=DensityEffect(a=0.09116, k=3.4773, x0=0.24, x1=2.8004, cbar=3.5017),
)

ICE = compound(
    "ice",
    "H2O",
    density=0.918,  # Review of Particle Physics
    mean_excitation=79.7 * eV,
    density_effect=compressed(WATER.density_effect, 0.918),
)
"""At 0 degrees C; the glacier at the South Pole has 0.9216 in its depth."""

MINERAL_OIL = compound(
    "mineral oil",
    "CH2",
    density=0.86,
    mean_excitation=55.9 * eV,
    density_effect=compressed(DensityEffect(a=0.12087, k=3.4288, x0=0.1289, x1=2.5084, cbar=2.9551), 0.86 / 0.93),
)
"""With the constants of paraffin wax (0.93 g/cm^3). NOvA's scintillator has 0.86, MiniBooNE's oil 0.836.

What NOvA adds to the oil (Mufson et al., arXiv:1504.04035) is left out.
"""

PLASTIC_SCINTILLATOR = compound(
    "plastic scintillator",
    "C9H10",
    density=1.032,
    mean_excitation=64.7 * eV,
    density_effect=DensityEffect(a=0.16101, k=3.2393, x0=0.1464, x1=2.4855, cbar=3.1997),
)
"""Polyvinyltoluene (Review of Particle Physics)."""

POLYSTYRENE = compound(
    "polystyrene",
    "C8H8",
    density=1.06,
    mean_excitation=68.7 * eV,
    density_effect=DensityEffect(a=0.16454, k=3.2224, x0=0.1647, x1=2.5031, cbar=3.2999),
)
"""The base of extruded scintillator (Review of Particle Physics)."""

STEEL = compound(
    "steel",
    "Fe",
    density=7.85,
    density_effect=DensityEffect(a=0.14680, k=2.9632, x0=-0.0012, x1=3.1531, cbar=4.2911, delta0=0.12),
)
"""Steel of low carbon content, taken as iron, which has 7.874."""

LEAD = compound(
    "lead",
    "Pb",
    density=11.35,
    density_effect=DensityEffect(a=0.09359, k=3.1608, x0=0.3776, x1=3.8073, cbar=6.2018, delta0=0.14),
)
"""Review of Particle Physics."""


def xenon_gas(pressure: float = 10.0, temperature: float = 300.0) -> Material:
    """Gaseous xenon: 0.0557 g/cm^3 at 10 bar and 300 K, 0.0863 at 15 bar. Good to 1 % up to 15 bar near 300 K.

    Args:
        pressure: bar.
        temperature: K, 280 to 320: the second virial coefficient is that of 300 K.

    Source: B = -130 cm^3/mol at 300 K: Dymond and Smith, The Virial Coefficients of Pure Gases and Mixtures (1980).
    """
    effect = DensityEffect(a=0.23314, k=2.7414, x0=1.563, x1=4.7371, cbar=12.7281)
    name = f"xenon gas at {pressure:g} bar"
    return gas(name, "Xe", pressure, temperature, second_virial=-130.0, density_effect=effect)


def selenium_hexafluoride(pressure: float = 10.0, temperature: float = 293.15) -> Material:
    """Gaseous SeF6 as an ideal gas: 0.079 g/cm^3 at 10 bar. The real one is some 10 % denser there, if it is like SF6.

    Args:
        pressure: bar.
        temperature: K.
    """
    return gas(f"selenium hexafluoride at {pressure:g} bar", "SeF6", pressure, temperature)


def media() -> tuple[Material, ...]:
    """All of them, the gases at 10 bar."""
    condensed = (
        LIQUID_ARGON,
        LIQUID_XENON,
        WATER,
        ICE,
        MINERAL_OIL,
        PLASTIC_SCINTILLATOR,
        POLYSTYRENE,
        STEEL,
        LEAD,
    )
    return (*condensed, xenon_gas(), selenium_hexafluoride())
