"""Materials from their composition: what the formulas of this room need, computed where it is not given."""

import math
import re
from collections.abc import Mapping
from dataclasses import replace

from nuforge.physics.bremsstrahlung import inverse_radiation_length
from nuforge.physics.elements import element, tabulated
from nuforge.physics.material import DensityEffect, Element, Material
from nuforge.units import eV

_GAS_CONSTANT = 83.14462618  # bar cm^3 / (mol K)
_NORMAL_VOLUME = 22413.97  # cm^3/mol of an ideal gas at 0 degrees C and 1 atm
_ROOM_VOLUME = 24055.0  # at 20 degrees C and 1 atm

# ICRU Report 37 (1984), table 5.1: mean excitation energies (eV) of atoms in compounds; others as the element, in
# liquids and solids times 1.13.
_IN_GASES = {"H": 19.2, "C": 70.0, "N": 82.0, "O": 97.0}
_CONDENSED = {"H": 19.2, "C": 81.0, "N": 82.0, "O": 106.0, "F": 112.0, "Cl": 180.0}
_CONDENSED_FACTOR = 1.13


def mixture(
    name: str,
    mass_fractions: Mapping[str, float],
    density: float,
    *,
    mean_excitation: float | None = None,
    density_effect: DensityEffect | None = None,
    radiation_length: float | None = None,
) -> Material:
    """A liquid or solid of mass fractions by symbol of the element. What is not given is computed.

    Args:
        name: Name.
        mass_fractions: They add up to 1.
        density: g/cm^3.
        mean_excitation: I in MeV; else Bragg's additivity.
        density_effect: Sternheimer's parameters; else the general formula of Sternheimer and Peierls.
        radiation_length: cm; else Tsai's formula, summed over the elements.

    Raises:
        ValueError: If an element is unknown, or the fractions do not add up to 1.
    """
    elements = tuple(element(symbol, fraction) for symbol, fraction in mass_fractions.items())
    energy = bragg_excitation(elements) if mean_excitation is None else mean_excitation
    length = math.nan if radiation_length is None else radiation_length
    bare = Material(name, elements, density, energy, density_effect or DensityEffect(0, 3, 0, 0, 0), length)
    if density_effect is None:
        bare = replace(bare, density_effect=sternheimer_peierls(bare.plasma_energy, energy))
    return bare if radiation_length is not None else replace(bare, radiation_length=1 / inverse_radiation_length(bare))


def compound(
    name: str,
    formula: str,
    density: float,
    *,
    mean_excitation: float | None = None,
    density_effect: DensityEffect | None = None,
    radiation_length: float | None = None,
) -> Material:
    """A liquid or solid of a chemical formula such as "C9H10"; the rest as in `mixture`."""
    return mixture(
        name,
        mass_fractions(formula),
        density,
        mean_excitation=mean_excitation,
        density_effect=density_effect,
        radiation_length=radiation_length,
    )


def gas(
    name: str,
    formula: str,
    pressure: float,
    temperature: float = 293.15,
    *,
    second_virial: float = 0.0,
    mean_excitation: float | None = None,
    density_effect: DensityEffect | None = None,
) -> Material:
    """A gas of molecules of a chemical formula, its density from the equation of state p V = R T (1 + B / V).

    Args:
        name: Name.
        formula: A molecule, such as "SeF6".
        pressure: bar.
        temperature: K.
        second_virial: B in cm^3/mol; 0 is an ideal gas.
        mean_excitation: I in MeV; else Bragg's additivity.
        density_effect: Sternheimer's parameters at 20 degrees C and 1 atm; else his and Peierls' general formula.

    Raises:
        ValueError: If pressure or temperature are not positive, or the gas would be liquid.
    """
    for quantity, unit, value in (("pressure", "bar", pressure), ("temperature", "K", temperature)):
        if not 0 < value < math.inf:
            raise ValueError(f"{quantity} of {name} must be positive ({unit}), got {value}; it is an absolute one")
    ideal = _GAS_CONSTANT * temperature / pressure
    root = 1 + 4 * second_virial / ideal
    if root <= 0:
        raise ValueError(
            f"{name} is no gas at {pressure} bar and {temperature} K with a second virial coefficient of "
            f"{second_virial} cm^3/mol; lower the pressure or give a liquid its density"
        )
    volume = ideal * 0.5 * (1 + math.sqrt(root))
    molar = sum(count * tabulated(symbol).A for symbol, count in atoms(formula).items())
    elements = tuple(element(symbol, fraction) for symbol, fraction in mass_fractions(formula).items())
    energy = bragg_excitation(elements, gas=True) if mean_excitation is None else mean_excitation
    bare = Material(name, elements, molar / volume, energy, DensityEffect(0, 3, 0, 0, 0), math.nan)
    if density_effect is None:
        effect = sternheimer_peierls(bare.plasma_energy, energy, _NORMAL_VOLUME / volume)
    else:
        effect = compressed(density_effect, _ROOM_VOLUME / volume)
    return replace(bare, density_effect=effect, radiation_length=1 / inverse_radiation_length(bare))


def atoms(formula: str) -> dict[str, float]:
    """Atoms by symbol in a chemical formula without brackets, such as "C9H10" or "CH1.9".

    Raises:
        ValueError: If it is not a formula.
    """
    parts = re.findall(r"([A-Z][a-z]?)(\d+(?:\.\d+)?)?", formula)
    if not parts or "".join(symbol + count for symbol, count in parts) != formula:
        raise ValueError(f"expected a chemical formula such as 'C9H10', got {formula!r}; write brackets out")
    counts: dict[str, float] = {}
    for symbol, count in parts:
        counts[symbol] = counts.get(symbol, 0.0) + float(count or 1)
    return counts


def mass_fractions(formula: str) -> dict[str, float]:
    """Mass fractions by symbol of a chemical formula."""
    masses = {symbol: count * tabulated(symbol).A for symbol, count in atoms(formula).items()}
    total = sum(masses.values())
    return {symbol: mass / total for symbol, mass in masses.items()}


def bragg_excitation(elements: tuple[Element, ...], gas: bool = False) -> float:
    """Mean excitation energy (MeV) by Bragg's additivity: ln I is the mean of its atoms', weighted with electrons.

    An element alone has its own. Atoms in compounds have values of their own; within 2 % of measured compounds.

    Source: ICRU Report 37 (1984), section 5; Seltzer and Berger, Int. J. Appl. Radiat. Isot. 33 (1982) 1189.
    """
    if len(elements) == 1:
        return tabulated(elements[0].symbol).mean_excitation
    in_compounds, factor = (_IN_GASES, 1.0) if gas else (_CONDENSED, _CONDENSED_FACTOR)
    electrons = [e.mass_fraction * e.Z / e.A for e in elements]
    logs = [
        math.log(
            in_compounds[e.symbol] * eV if e.symbol in in_compounds else factor * tabulated(e.symbol).mean_excitation
        )
        for e in elements
    ]
    return math.exp(sum(n * log for n, log in zip(electrons, logs, strict=True)) / sum(electrons))


def sternheimer_peierls(
    plasma_energy: float, mean_excitation: float, compression: float | None = None
) -> DensityEffect:
    """Parameters of the density effect for any material: within some per cent of dE/dx with fitted parameters.

    A gas is taken at its normal density (0 degrees C, 1 atm) and `compressed` to its own.

    Args:
        plasma_energy: MeV.
        mean_excitation: MeV.
        compression: Density over normal density of a gas, None for liquids and solids.

    Source: Sternheimer and Peierls, Phys. Rev. B 3 (1971) 3681.
    """
    cbar = 2 * math.log(mean_excitation / plasma_energy) + 1
    if compression is None:
        return _sternheimer(cbar, *_condensed_limits(cbar, mean_excitation))
    normal = cbar + math.log(compression)
    return compressed(_sternheimer(normal, *_gas_limits(normal)), compression)


def compressed(effect: DensityEffect, factor: float) -> DensityEffect:
    """The density effect of the same matter at `factor` times the density: as if the momentum were sqrt(factor) larger.

    Source: Sternheimer, Berger and Seltzer, At. Data Nucl. Data Tables 30 (1984) 261, eq. 16 to 18.
    """
    shift = 0.5 * math.log10(factor)
    return replace(effect, x0=effect.x0 - shift, x1=effect.x1 - shift, cbar=effect.cbar - math.log(factor))


def _condensed_limits(cbar: float, mean_excitation: float) -> tuple[float, float]:
    """x0 and x1 of a liquid or solid."""
    x1, limit, offset = (2.0, 3.681, 1.0) if mean_excitation < 100 * eV else (3.0, 5.215, 1.5)
    return (0.2 if cbar < limit else 0.326 * cbar - offset), x1


def _gas_limits(cbar: float) -> tuple[float, float]:
    """x0 and x1 of a gas at normal density."""
    for limit, x0, x1 in (
        (10.0, 1.6, 4.0),
        (10.5, 1.7, 4.0),
        (11.0, 1.8, 4.0),
        (11.5, 1.9, 4.0),
        (12.25, 2.0, 4.0),
        (13.804, 2.0, 5.0),
    ):
        if cbar < limit:
            return x0, x1
    return 0.326 * cbar - 2.5, 5.0


def _sternheimer(cbar: float, x0: float, x1: float) -> DensityEffect:
    """The parameters with k = 3 and a such that the effect begins at 0."""
    return DensityEffect((cbar - 2 * math.log(10) * x0) / (x1 - x0) ** 3, 3.0, x0, x1, cbar)
