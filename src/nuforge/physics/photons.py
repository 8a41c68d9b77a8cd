"""Photons in matter: pair production, Compton scattering, absorption; coherent scattering is left out."""

import torch
from jaxtyping import Float
from torch import Tensor

from nuforge.physics.constants import AVOGADRO, CROSS_SECTION_SCALE, ELECTRON_MASS
from nuforge.physics.material import Material
from nuforge.units import keV

_MICROBARN = 1e-30  # cm^2

# Coefficients of ln^j(k / m) in F1, F2, F3 (microbarn): fit to the tables of Hubbell, Gimm and Overbo,
# J. Phys. Chem. Ref. Data 9 (1980) 1023; Geant4 Physics Reference Manual, "Gamma conversion".
_PAIR_FIT = (
    (8.7842e2, -1.9625e3, 1.2949e3, -2.0028e2, 1.2575e1, -2.8333e-1),
    (-1.0342e1, 1.7692e1, -8.2381, 1.3063, -9.0815e-2, 2.3586e-3),
    (-4.5263e2, 1.1161e3, -8.6749e2, 2.1773e2, -2.0467e1, 6.5372e-1),
)

# Photoabsorption by element: (from keV, coefficients of keV^j / E^j in cm^2/g).
# Source: Biggs and Lighthill, Sandia report SAND87-0070 (1990).
_PHOTOABSORPTION = {
    18: (
        (3.203, (-14.46, 435.9, 6.578e4, -7.284e4)),
        (20.0, (0.8786, -300.1, 7.682e4, -1.219e5)),
        (100.0, (0.06779, -26.95, 5.069e4, 5.281e5)),
        (500.0, (0.02598, 34.54, 1.059e4, 1.068e7)),
    ),
}


def pair_production(energy: Float[Tensor, "*#n"], material: Material) -> Float[Tensor, "*#n"]:
    """Pairs per cm of a photon's path, nuclei and electrons; energy in MeV. Valid 1.5 MeV to 100 GeV at 5 %."""
    k = energy.clamp(min=1.5)
    x = torch.log(k / ELECTRON_MASS)
    f1, f2, f3 = (sum(c * x**j for j, c in enumerate(row)) for row in _PAIR_FIT)
    sigma = torch.zeros_like(energy)
    for element in material.elements:
        Z, atoms = element.Z, AVOGADRO * material.density * element.mass_fraction / element.A
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


def photoelectric(energy: Float[Tensor, "*#n"], material: Material) -> Float[Tensor, "*#n"]:
    """Photoelectric absorptions per cm of a photon of energy (MeV), above the K edge.

    Raises:
        ValueError: If an element has no coefficients here.
    """
    mass_absorption = torch.zeros_like(energy)
    e = energy / keV
    for element in material.elements:
        if element.Z not in _PHOTOABSORPTION:
            known = sorted(_PHOTOABSORPTION)
            raise ValueError(f"no photoabsorption of Z = {element.Z}, known are Z = {known}; add its coefficients")
        part = torch.zeros_like(energy)
        for start, coefficients in _PHOTOABSORPTION[element.Z]:
            value = sum(c / e ** (j + 1) for j, c in enumerate(coefficients))
            part = torch.where(e >= start, value, part)
        mass_absorption = mass_absorption + element.mass_fraction * part
    return material.density * mass_absorption
