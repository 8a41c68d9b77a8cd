"""Cross sections of hadrons on nuclei, 1 MeV to 100 GeV: elastic, and all the rest ("inelastic").

Nucleons and pions are interpolated in Barashenkov's evaluation (`nucleon_tables`, `pion_tables`): linearly in kinetic
energy; in mass, both neighbouring elements are scaled by A^0.75 and averaged with weights linear in A. Below the tables
physics takes over: a Coulomb barrier for positive hadrons, the first excited level of the nucleus for nucleons, the 1/v
law for the absorption of pi-. Above the tables cross sections are constant. Kaons follow from the Glauber model.
Hydrogen is `hadron_proton`; elastic scattering of neutrons below the tables is `neutrons`.
"""

import math
from bisect import bisect_right
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from nuforge.physics import hadron_proton, neutrons, nucleon_tables, pion_tables
from nuforge.physics.constants import KAON_MASS, PION_MASS, PROTON_MASS

NUCLEONS = (2212, 2112)
PIONS = (211, -211)
KAONS = (321, -321, 130)

Rows = tuple[tuple[int, ...], ...]

_SCALING = 0.75  # power of A between neighbouring elements of the tables
_BARRIER_RADIUS = 1.3  # fm: the barrier stands at 1.3 (A^1/3 + 1) fm
_COULOMB = 1.43996  # MeV fm, e^2 / (4 pi epsilon_0)
_CURVATURE = 4.0  # MeV, h-bar omega of the barrier for a proton: Wong, Phys. Rev. Lett. 31 (1973) 766
_KAON_RADIUS = 1.24  # fm, over A^1/3: such that K+ of 1 GeV agree with Geant4's Glauber-Gribov cross sections at 3 %
_MB_PER_FM2 = 10.0


class _Evaluation(NamedTuple):
    """Table of one hadron: kinetic energies (MeV), mass (u) of the element of each row, cross sections (mb)."""

    energies: tuple[int, ...]
    masses: tuple[float, ...]
    total: Rows
    inelastic: Rows


_EVALUATIONS = {
    2212: _Evaluation(
        nucleon_tables.ENERGIES, nucleon_tables.MASSES, nucleon_tables.TOTAL, nucleon_tables.PROTON_INELASTIC
    ),
    2112: _Evaluation(
        nucleon_tables.ENERGIES, nucleon_tables.MASSES, nucleon_tables.TOTAL, nucleon_tables.NEUTRON_INELASTIC
    ),
    211: _Evaluation(
        pion_tables.ENERGIES, pion_tables.MASSES, pion_tables.POSITIVE_TOTAL, pion_tables.POSITIVE_INELASTIC
    ),
    -211: _Evaluation(
        pion_tables.ENERGIES, pion_tables.MASSES, pion_tables.NEGATIVE_TOTAL, pion_tables.NEGATIVE_INELASTIC
    ),
}
_MASSES = {2212: PROTON_MASS, 211: PION_MASS}  # of the hadrons that a Coulomb barrier holds off


def inelastic_cross_section(pdg: int, kinetic: Float[Tensor, " g"], Z: int, A: float) -> Float[Tensor, " g"]:
    """Cross section (mb) of everything but elastic scattering on the nucleus as a whole, at kinetic energies in MeV.

    Absorption, charge exchange and quasi-free scattering count as inelastic. On hydrogen: pion production and, for pi-
    and K-, charge exchange.

    Args:
        pdg: Code of the hadron: p, n, pi+, pi-, K+, K- or K0_L.
        kinetic: Kinetic energies in MeV.
        Z: Atomic number of the target.
        A: Its mass in u, natural mixture or isotope.
    """
    _check(pdg, Z, A)
    if Z == 1:
        return hadron_proton.inelastic(pdg, kinetic)
    if pdg in KAONS:
        return _kaon(pdg, kinetic, A)[1]
    table = _EVALUATIONS[pdg]
    lowest, slow = float(table.energies[0]), kinetic.clamp(max=table.energies[0])
    sigma = _interpolate(kinetic, A, table, table.inelastic) * _barrier_ratio(pdg, slow, lowest, Z, A)
    if pdg == -211:
        return sigma * torch.sqrt(lowest / slow)
    if pdg == 211:
        return sigma
    threshold = min(neutrons.first_level(Z) * (A + 1) / A, 0.9 * lowest)
    return sigma * (1 - threshold / slow).clamp(min=0) / (1 - threshold / lowest)


def elastic_cross_section(pdg: int, kinetic: Float[Tensor, " g"], Z: int, A: float) -> Float[Tensor, " g"]:
    """Cross section (mb) of elastic nuclear scattering on the nucleus as a whole, without its Coulomb part.

    Arguments as for `inelastic_cross_section`; for neutrons also below 1 MeV, down to thermal energies.
    """
    _check(pdg, Z, A)
    if Z == 1:
        return hadron_proton.elastic(pdg, kinetic)
    if pdg in KAONS:
        total, inelastic = _kaon(pdg, kinetic, A)
        return total - inelastic
    table = _EVALUATIONS[pdg]
    lowest, slow = float(table.energies[0]), kinetic.clamp(max=table.energies[0])
    sigma = _interpolate(kinetic, A, table, table.total) - _interpolate(kinetic, A, table, table.inelastic)
    if pdg == 2112:  # below the table, sigma is its value at the lowest energy
        return torch.where(kinetic < lowest, neutrons.slow_elastic(kinetic, Z, A, lowest, sigma), sigma)
    return sigma * _barrier_ratio(pdg, slow, lowest, Z, A)


def _check(pdg: int, Z: int, A: float) -> None:
    if pdg not in NUCLEONS + PIONS + KAONS:
        raise ValueError(f"cross sections exist for {NUCLEONS + PIONS + KAONS}, got {pdg}; take one of these codes")
    if Z < 1 or A < Z:
        raise ValueError(f"expected a nucleus with Z >= 1 and A >= Z, got Z={Z}, A={A}; check the element")


def _interpolate(kinetic: Float[Tensor, " g"], A: float, table: _Evaluation, rows: Rows) -> Float[Tensor, " g"]:
    """Value (mb) between the rows of a table: linear in T; A^0.75 and linear weights in A; constant outside."""
    masses = table.masses
    high = min(max(bisect_right(masses, A), 1), len(masses) - 1)
    low = high - 1
    weight = min(max((A - masses[low]) / (masses[high] - masses[low]), 0.0), 1.0)
    scaled = [torch.tensor(rows[k], dtype=kinetic.dtype) * (A / masses[k]) ** _SCALING for k in (low, high)]
    row = torch.lerp(scaled[0], scaled[1], weight)
    grid = torch.tensor(table.energies, dtype=kinetic.dtype)
    x = kinetic.clamp(grid[0], grid[-1])
    k = torch.searchsorted(grid, x, right=True).clamp(1, len(grid) - 1)
    return torch.lerp(row[k - 1], row[k], (x - grid[k - 1]) / (grid[k] - grid[k - 1]))


def _barrier_ratio(
    pdg: int, kinetic: Float[Tensor, " g"], lowest: float, Z: int, A: float
) -> Float[Tensor, " g"] | float:
    """What the Coulomb barrier of the nucleus leaves of the value at the lowest energy of a table; 1 without charge."""
    if pdg not in _MASSES:
        return 1.0
    at_lowest = _barrier(torch.tensor(lowest, dtype=kinetic.dtype), Z, A, _MASSES[pdg])
    return _barrier(kinetic, Z, A, _MASSES[pdg]) / at_lowest


def _barrier(kinetic: Float[Tensor, "*g"], Z: int, A: float, mass: float) -> Float[Tensor, "*g"]:
    """Share of the geometric cross section that a Coulomb barrier leaves to a positive hadron of mass (MeV).

    The barrier is a parabola whose curvature scales with 1 / sqrt(mass). Source: Wong, Phys. Rev. Lett. 31 (1973) 766.
    """
    height = _COULOMB * Z / (_BARRIER_RADIUS * (A ** (1 / 3) + 1))
    steepness = 2 * math.pi / (_CURVATURE * math.sqrt(PROTON_MASS / mass))
    return torch.nn.functional.softplus((kinetic - height) * steepness) / (steepness * kinetic)


def _kaon(pdg: int, kinetic: Float[Tensor, " g"], A: float) -> tuple[Float[Tensor, " g"], Float[Tensor, " g"]]:
    """Total and inelastic cross section (mb) of a kaon on a nucleus, from those on a nucleon.

    Glauber model with a Gaussian nucleus: x = A sigma / (pi R^2), total = 2 pi R^2 ln(1 + x / 2),
    inelastic = pi R^2 ln(1 + x). Source: Grichine, Eur. Phys. J. C 62 (2009) 399; NIM B 267 (2009) 2460.
    """
    momentum = torch.sqrt(kinetic * (kinetic + 2 * KAON_MASS))
    sigma = hadron_proton.kaon_nucleon(pdg, momentum)
    area = math.pi * (_KAON_RADIUS * A ** (1 / 3)) ** 2 * _MB_PER_FM2
    x = A * sigma / area
    return 2 * area * torch.log1p(x / 2), area * torch.log1p(x)
