"""Neutrons below 20 MeV: elastic scattering down to thermal energies, and radiative capture.

Nuclei are free and at rest: neither molecular binding nor thermal motion (both matter below 1 eV) is described, and
resonances are averaged over.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from nuforge.physics.constants import HBAR_C, NEUTRON_MASS
from nuforge.physics.neutron_data import ELASTIC, ELASTIC_ENERGIES, ELEMENTS, RESONANT_CAPTURE, NeutronElement
from nuforge.units import eV

_THERMAL = 0.0253 * eV  # MeV, 2200 m/s
_FLAT = 0.02  # MeV: below, elastic scattering is that of S waves at zero energy
_RADIUS = 1.35e-13  # cm, of a nucleus over A^1/3
_MB_PER_B = 1000.0
_MB = 1e-27  # cm^2
_DEFAULT_LEVEL = 0.5  # MeV, of elements that the table does not hold


def first_level(Z: int) -> float:
    """Energy (MeV) of the first excited level of an element's commonest isotope."""
    return ELEMENTS[Z].first_level if Z in ELEMENTS else _DEFAULT_LEVEL


def slow_elastic(
    kinetic: Float[Tensor, " g"], Z: int, A: float, edge_energy: float, edge: Float[Tensor, " g"]
) -> Float[Tensor, " g"]:
    """Elastic cross section (mb) of neutrons of kinetic energy (MeV) below the table of fast neutrons.

    Constant at the free atom's value below 20 keV (the bound one times (A / (A + 1))^2), then through averages over
    resonances to the lower end of the table, linearly in ln T. Elements without tabulated averages pass through the
    black nucleus pi (R + lambda-bar)^2 at 1 MeV.

    Args:
        kinetic: MeV.
        Z: Atomic number, not hydrogen.
        A: Mass, u.
        edge_energy: Lower end of the table, MeV.
        edge: Elastic cross section there, mb, repeated.
    """
    energies: list[float] = list(ELASTIC_ENERGIES) if Z in ELASTIC else [1.0]
    values = [_MB_PER_B * value for value in ELASTIC[Z]] if Z in ELASTIC else [_black_nucleus(1.0, A)]
    free = _MB_PER_B * ELEMENTS[Z].bound * (A / (A + 1)) ** 2 if Z in ELEMENTS else 4 * math.pi * _radius(A) ** 2 / _MB
    grid = torch.tensor([_FLAT, *energies, edge_energy], dtype=kinetic.dtype).log()
    y = torch.tensor([free, *values, 0.0], dtype=kinetic.dtype)
    x = kinetic.log().clamp(grid[0], grid[-1])
    k = torch.searchsorted(grid, x, right=True).clamp(1, len(grid) - 1)
    above = torch.where(k == len(grid) - 1, edge, y[k])
    return torch.lerp(y[k - 1], above, (x - grid[k - 1]) / (grid[k] - grid[k - 1]))


def capture(kinetic: Float[Tensor, "*#n"], Z: int) -> Float[Tensor, "*#n"]:
    """Cross section (mb) of radiative capture of a neutron of kinetic energy (MeV) by an element.

    The value at 2200 m/s times 1/v; for cadmium and gadolinium also times the line of the resonance that holds it.
    """
    sigma = _MB_PER_B * _element(Z).capture * torch.sqrt(_THERMAL / kinetic)
    if Z in RESONANT_CAPTURE:
        energy, width = (value * eV for value in RESONANT_CAPTURE[Z])
        line = 1 + ((kinetic - energy) / (width / 2)) ** 2
        sigma = sigma * (1 + ((_THERMAL - energy) / (width / 2)) ** 2) / line
    return sigma


def capture_energy(Z: int) -> float:
    """Energy (MeV) that the photons of one capture carry, mean over the isotopes that capture."""
    return _element(Z).gamma_energy


def _element(Z: int) -> NeutronElement:
    if Z not in ELEMENTS:
        raise ValueError(f"no capture data for Z={Z}, expected one of {sorted(ELEMENTS)}; add it to neutron_data")
    return ELEMENTS[Z]


def _radius(A: float) -> float:
    return float(_RADIUS * A ** (1 / 3))


def _black_nucleus(kinetic: float, A: float) -> float:
    """Cross section (mb) pi (R + lambda-bar)^2 of a nucleus that absorbs whatever touches it."""
    wavelength = HBAR_C / math.sqrt(kinetic * (kinetic + 2 * NEUTRON_MASS))
    return math.pi * (_radius(A) + wavelength) ** 2 / _MB
