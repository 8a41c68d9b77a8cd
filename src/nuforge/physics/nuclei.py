"""Nuclei: masses, sizes, Fermi momenta, Coulomb barriers."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor

from nuforge.physics.constants import ELECTRON_MASS, FINE_STRUCTURE, HBAR_C, NEUTRON_MASS, PROTON_MASS

HBAR_C_FM = HBAR_C * 1e13
"""MeV fm."""
DIFFUSENESS = 0.54
"""fm, of the surface of a nucleus (Woods and Saxon's a)."""

_MOST_PROTONS, _MOST_NEUTRONS = 120, 180
_DEUTERON_MASS = 1875.612943  # MeV, of the nucleus


def nuclear_mass(z: Tensor, a: Tensor) -> Tensor:
    """Mass (N,) in MeV, float64, of nuclei (without electrons) in their ground states.

    Where no mass was ever measured the semi-empirical formula speaks: for nuclei far from stability, which only a
    cascade on its way passes.

    Args:
        z: Protons, int64 (N,), 0 or more.
        a: Nucleons, int64 (N,), at least z.

    Source: AME2020 (Wang et al., Chinese Physics C 45 (2021) 030003) in the tables of the `particle` package.
    """
    return mass_table()[z.clamp(0, _MOST_PROTONS), (a - z).clamp(0, _MOST_NEUTRONS)]


@cache
def mass_table() -> Tensor:
    """Masses (MeV) by protons and neutrons, float64; see `nuclear_mass`."""
    from particle import Particle

    z, n = np.meshgrid(np.arange(_MOST_PROTONS + 1), np.arange(_MOST_NEUTRONS + 1), indexing="ij")
    mass = z * PROTON_MASS + n * NEUTRON_MASS - _semi_empirical_binding(z.astype(float), n.astype(float))
    known = [(q.pdgid.abspid, q.mass) for q in Particle.all() if 1000000000 < int(q.pdgid) < 2000000000]
    code = np.array([number for number, _ in known], dtype=np.int64)
    listed = np.array([value if value is not None else np.nan for _, value in known], dtype=float)
    z_known, a_known = code // 10000 % 1000, code // 10 % 1000
    deuteron = listed[(z_known == 1) & (a_known == 2)][0]
    electrons = deuteron - _DEUTERON_MASS > 0.5 * ELECTRON_MASS  # the tables list masses of atoms
    listed = listed - np.where(a_known > 1, z_known * ELECTRON_MASS * electrons, 0.0)
    good = (code % 10 == 0) & np.isfinite(listed) & (z_known <= _MOST_PROTONS) & (a_known >= np.maximum(z_known, 1))
    good &= a_known - z_known <= _MOST_NEUTRONS
    mass[z_known[good], (a_known - z_known)[good]] = listed[good]
    mass[0, 1], mass[1, 0] = NEUTRON_MASS, PROTON_MASS
    mass[0, 0] = 0.0
    return torch.from_numpy(mass)


def _semi_empirical_binding(z: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Bethe and Weizsaecker's binding energy (MeV), never negative. Coefficients: Rohlf, Modern Physics (1994)."""
    a = np.maximum(z + n, 1.0)
    pairing = 12.0 / np.sqrt(a) * (0.5 * ((z % 2 == 0).astype(float) + (n % 2 == 0)) * 2 - 1)
    bound = 15.75 * a - 17.8 * a ** (2 / 3) - 0.711 * z * (z - 1) / a ** (1 / 3) - 23.7 * (n - z) ** 2 / a + pairing
    return np.where(z + n > 1, np.maximum(bound, 0.0), 0.0)


def half_density_radius(a: Tensor) -> Tensor:
    """Radius (fm) where the density is half of its value in the middle.

    Source: a fit to electron scattering, 1.18 A^1/3 - 0.48 fm (Elton, Nuclear Sizes, 1961), for A above 4.
    """
    return (1.18 * a.double() ** (1 / 3) - 0.48).clamp(min=0.9)


def nucleon_density(r: Tensor, radius: Tensor, a: Tensor) -> Tensor:
    """Nucleons per fm^3 at r (fm) of a nucleus of A nucleons (N,) with half-density radius (fm): Woods and Saxon."""
    share = 1 + (np.pi * DIFFUSENESS / radius) ** 2
    middle = 3 * a / (4 * np.pi * radius**3 * share)
    density: Tensor = middle / (1 + torch.exp((r - radius) / DIFFUSENESS))
    return density


def fermi_momentum(density: Tensor) -> Tensor:
    """Fermi momentum (MeV) of protons or of neutrons of a density per fm^3 (theirs alone)."""
    return HBAR_C_FM * (3 * np.pi**2 * density) ** (1 / 3)


def coulomb_barrier(z: Tensor | int, z_nucleus: Tensor, a: Tensor | int, a_nucleus: Tensor) -> Tensor:
    """Height (MeV) of the Coulomb barrier of touching spheres, Z z alpha / R with R = 1.22 (A^1/3 + a^1/3) fm + 1.4 fm.

    Negative charges have a negative one. The tunnelling below is not in it.
    """
    size = 1.22 * (a_nucleus.double() ** (1 / 3) + torch.as_tensor(a).double() ** (1 / 3)) + 1.4
    return z * z_nucleus * FINE_STRUCTURE * HBAR_C_FM / size
