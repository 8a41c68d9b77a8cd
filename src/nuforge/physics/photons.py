"""Photons in matter: pair production, Compton scattering, absorption, coherent scattering."""

import json
from functools import cache
from importlib.resources import files

import torch
from jaxtyping import Float
from torch import Tensor

from nuforge.physics.constants import (
    AVOGADRO,
    BOHR_RADIUS,
    CROSS_SECTION_SCALE,
    ELECTRON_MASS,
    ELECTRON_RADIUS,
    HBAR_C,
)
from nuforge.physics.kinematics import beta_squared
from nuforge.physics.material import Element, Material
from nuforge.units import keV

_MICROBARN = 1e-30  # cm^2

# Coefficients of ln^j(k / m) in F1, F2, F3 (microbarn): fit to the tables of Hubbell, Gimm and Overbo,
# J. Phys. Chem. Ref. Data 9 (1980) 1023; Geant4 Physics Reference Manual, "Gamma conversion".
_PAIR_FIT = (
    (8.7842e2, -1.9625e3, 1.2949e3, -2.0028e2, 1.2575e1, -2.8333e-1),
    (-1.0342e1, 1.7692e1, -8.2381, 1.3063, -9.0815e-2, 2.3586e-3),
    (-4.5263e2, 1.1161e3, -8.6749e2, 2.1773e2, -2.0467e1, 6.5372e-1),
)

# Thomas-Fermi atom as three exponentials: shares, and inverse ranges in units of 1 / (0.885 a_0 Z^(-1/3)).
# Source: Moliere, Z. Naturforsch. 2a (1947) 133.
_ATOM = ((0.1, 6.0), (0.55, 1.2), (0.35, 0.3))


def pair_production(energy: Float[Tensor, "*#n"], material: Material) -> Float[Tensor, "*#n"]:
    """Pairs per cm of a photon's path, nuclei and electrons; energy in MeV. Valid 1.5 MeV to 100 GeV at 5 %."""
    k = energy.clamp(min=1.5)
    x = torch.log(k / ELECTRON_MASS)
    f1, f2, f3 = (sum(c * x**j for j, c in enumerate(row)) for row in _PAIR_FIT)
    sigma = torch.zeros_like(energy)
    for element, atoms in zip(material.elements, material.number_densities, strict=True):
        Z = element.Z
        sigma = sigma + atoms * _MICROBARN * Z * (Z + 1) * (f1 + f2 * Z + f3 / Z)
    threshold = 2 * ELECTRON_MASS
    near = ((energy - threshold).clamp(min=0) / (1.5 - threshold)) ** 2
    return sigma.clamp(min=0) * torch.where(energy < 1.5, near, 1.0)


def compton(energy: Float[Tensor, "*#n"], material: Material) -> Float[Tensor, "*#n"]:
    """Compton scatters per cm of a photon of energy (MeV): Klein-Nishina for free electrons (5 % high at 50 keV)."""
    x = energy / ELECTRON_MASS
    log = torch.log1p(2 * x)
    first = (1 + x) / x**2 * (2 * (1 + x) / (1 + 2 * x) - log / x)
    sigma = 2 * CROSS_SECTION_SCALE * (first + log / (2 * x) - (1 + 3 * x) / (1 + 2 * x) ** 2)
    return AVOGADRO * material.density * material.z_over_a * sigma


def compton_split(ratio: Float[Tensor, "*#n"], energy: Float[Tensor, "*#n"]) -> Float[Tensor, "*#n"]:
    """Density (not normalised) of the ratio of a photon's energy after and before a Compton scatter.

    Source: Klein and Nishina, Z. Phys. 52 (1929) 853.
    """
    cosine = 1 - ELECTRON_MASS / energy * (1 / ratio - 1)
    inside = ratio >= 1 / (1 + 2 * energy / ELECTRON_MASS)
    return torch.where(inside, 1 / ratio + ratio - (1 - cosine**2), 0.0)


def photoelectric(
    energy: Float[Tensor, "*#n"], material: Material, only: Element | None = None
) -> Float[Tensor, "*#n"]:
    """Photoelectric absorptions per cm of a photon of energy (MeV), above 1 keV: within 5 %, near edges 10 %.

    Args:
        energy: MeV.
        material: What is passed.
        only: One of its elements, to count its absorptions alone.

    Source: Biggs and Lighthill, Sandia report SAND87-0070 (1990).

    Raises:
        ValueError: If an element has no coefficients.
    """
    mass_absorption = torch.zeros_like(energy)
    e = energy / keV
    for element in material.elements if only is None else (only,):
        part = torch.zeros_like(energy)
        for start, *coefficients in absorption_intervals(element):
            value = sum(c / e ** (j + 1) for j, c in enumerate(coefficients))
            part = torch.where(e >= start, value, part)
        mass_absorption = mass_absorption + element.mass_fraction * part
    return material.density * mass_absorption


def absorption_intervals(element: Element) -> list[list[float]]:
    """Photoabsorption of an element: rows of the lowest energy in keV and coefficients of keV^j / E^j in cm^2/g.

    Raises:
        ValueError: If it has no coefficients.
    """
    table = _photoabsorption()
    if not 1 <= element.Z <= len(table):
        raise ValueError(f"no photoabsorption of Z = {element.Z}, known are 1 to {len(table)}; add its coefficients")
    return table[element.Z - 1]


def photoelectron_split(mu: Float[Tensor, "*#n"], kinetic: Float[Tensor, "*#n"]) -> Float[Tensor, "*#n"]:
    """Density (not normalised) of mu = sin^2(theta / 2) of a photoelectron of kinetic energy (MeV), K shell.

    Source: Sauter, Ann. Phys. 11 (1931) 454, to lowest order in alpha Z; Gavrila, Phys. Rev. 113 (1959) 514.
    """
    gamma = 1 + kinetic / ELECTRON_MASS
    beta = torch.sqrt(beta_squared(kinetic, ELECTRON_MASS))
    slow = 1 / (gamma**2 * (1 + beta)) + 2 * beta * mu  # 1 - beta cos(theta)
    return mu * (1 - mu) / slow**4 * (1 + 0.5 * gamma * (gamma - 1) * (gamma - 2) * slow)


def rayleigh(energy: Float[Tensor, "*#n"], material: Material, points: int = 400) -> Float[Tensor, "*#n"]:
    """Coherent scatters per cm of a photon of energy (MeV), off Thomas-Fermi atoms.

    Args:
        energy: MeV.
        material: What is passed.
        points: Of the integral over angles.
    """
    v = ((torch.arange(points, dtype=energy.dtype) + 0.5) / points).unsqueeze(0)
    k = energy.unsqueeze(-1)
    mu, slope = forward(v, coherent_scale(k, material))
    return 4 * torch.pi * (rayleigh_split(mu, k, material) * slope).mean(-1)


def rayleigh_split(mu: Float[Tensor, "*#n"], energy: Float[Tensor, "*#n"], material: Material) -> Float[Tensor, "*#n"]:
    """Coherent scatters per cm and solid angle at mu = sin^2(theta / 2): Thomson's with the atoms' form factors."""
    squared = 4 * energy**2 * mu
    thomson = 0.5 * ELECTRON_RADIUS**2 * (1 + (1 - 2 * mu) ** 2)
    density = torch.zeros_like(squared)
    for element, atoms in zip(material.elements, material.number_densities, strict=True):
        scale = _inverse_radius(element)
        form = sum(share / (1 + squared / (b * scale) ** 2) for share, b in _ATOM)
        density = density + atoms * element.Z**2 * form**2
    return thomson * density


def coherent_scale(energy: Float[Tensor, "*#n"], material: Material) -> Float[Tensor, "*#n"]:
    """A typical mu of coherent scattering, that of the heaviest element's inverse radius."""
    return (_inverse_radius(max(material.elements, key=lambda element: element.Z)) / (2 * energy)) ** 2


def forward(v: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
    """A map of (0, 1) to itself that is dense below `scale`: mu, and its derivative by v."""
    rest = 1 + scale - v
    return scale * v / rest, scale * (1 + scale) / rest**2


def _inverse_radius(element: Element) -> float:
    """hbar c over the radius of a Thomas-Fermi atom, in MeV."""
    return float(HBAR_C / (0.885 * BOHR_RADIUS) * element.Z ** (1 / 3))


@cache
def _photoabsorption() -> list[list[list[float]]]:
    text = (files("nuforge.physics") / "data" / "photoabsorption.json").read_text(encoding="utf-8")
    return list(json.loads(text)["intervals"].values())
