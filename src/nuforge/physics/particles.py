"""Masses, lifetimes and decays of particles by PDG number. Source: Review of Particle Physics 2024."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from nuforge.physics import constants as c
from nuforge.physics.nuclei import nuclear_mass

MASSES = {
    11: c.ELECTRON_MASS,
    12: 0.0,
    13: c.MUON_MASS,
    14: 0.0,
    15: c.TAU_MASS,
    16: 0.0,
    22: 0.0,
    111: c.NEUTRAL_PION_MASS,
    130: c.NEUTRAL_KAON_MASS,
    211: c.PION_MASS,
    310: c.NEUTRAL_KAON_MASS,
    321: c.KAON_MASS,
    2112: c.NEUTRON_MASS,
    2212: c.PROTON_MASS,
    3122: c.LAMBDA_MASS,
}
"""Masses in MeV by the absolute PDG number; those of nuclei are `nuclei.nuclear_mass`."""

LIFETIMES = {
    13: c.MUON_LIFETIME,
    111: 0.0,
    130: c.LONG_KAON_LIFETIME,
    211: c.PION_LIFETIME,
    310: c.SHORT_KAON_LIFETIME,
    321: c.KAON_LIFETIME,
    3122: c.LAMBDA_LIFETIME,
}
"""Mean lives in ns, by the absolute PDG number, of what decays within a detector."""

DECAYS: dict[int, tuple[tuple[float, tuple[int, ...]], ...]] = {
    13: ((1.0, (11, 14, -12)),),
    111: ((0.98823, (22, 22)), (0.01177, (11, -11, 22))),
    130: (
        (0.4055, (211, 11, -12)),
        (0.2704, (211, 13, -14)),
        (0.1952, (111, 111, 111)),
        (0.1254, (211, -211, 111)),
    ),
    211: ((0.999877, (-13, 14)), (0.000123, (-11, 12))),
    310: ((0.6920, (211, -211)), (0.3069, (111, 111))),
    321: (
        (0.6356, (-13, 14)),
        (0.2067, (211, 111)),
        (0.05583, (211, 211, -211)),
        (0.0507, (111, -11, 12)),
        (0.03352, (111, -13, 14)),
        (0.01760, (211, 111, 111)),
    ),
    3122: ((0.641, (2212, -211)), (0.359, (2112, 111))),
}
"""Channels of decay, probability and products, of the particle of each number; its antiparticle makes theirs.

Channels of less than a thousandth (but of the pion) are left out; a K0_L makes both charges of its semileptonic
channels evenly.
"""

_CHARGES = {11: -1, 13: -1, 15: -1, 211: 1, 321: 1, 2212: 1}
_BARYONS = (2112, 2212, 3122)
_NUCLEI = 1_000_000_000
_NEUTRAL = (22, 111, 130, 310)  # their own antiparticles
_NEUTRINOS = (12, 14, 16)


def mass_of(pdg: Tensor) -> Tensor:
    """Masses (N,) in MeV, float64, of PDG numbers (N,), nuclei among them.

    Raises:
        ValueError: If a number is of no particle in `MASSES` and no nucleus.
    """
    numbers, masses = _sorted_masses()
    size = pdg.abs()
    at = torch.searchsorted(numbers, size).clamp(max=len(numbers) - 1)
    known = numbers[at] == size
    mass = torch.where(known, masses[at], 0.0)
    nucleus = is_nucleus(pdg)
    if bool((~known & ~nucleus).any()):
        raise ValueError(
            f"no mass of PDG number {int(pdg[~known & ~nucleus][0])}; known are {sorted(MASSES)} and nuclei"
        )
    if bool(nucleus.any()):
        mass = torch.where(nucleus, nuclear_mass(size // 10_000 % 1000, size // 10 % 1000), mass)
    return mass


def charge_of(pdg: Tensor) -> Tensor:
    """Charges (N,), int64, of PDG numbers (N,) of particles in `MASSES` and of nuclei."""
    charge = torch.where(is_nucleus(pdg), pdg // 10_000 % 1000, 0)
    for number, value in _CHARGES.items():
        charge = torch.where(pdg.abs() == number, value * pdg.sign(), charge)
    return charge


def baryon_number_of(pdg: Tensor) -> Tensor:
    """Baryon numbers (N,), int64, of PDG numbers (N,) of particles in `MASSES` and of nuclei."""
    baryon = torch.isin(pdg.abs(), torch.tensor(_BARYONS, device=pdg.device)) * pdg.sign()
    return torch.where(is_nucleus(pdg), pdg // 10 % 1000, baryon)


def is_nucleus(pdg: Tensor) -> Tensor:
    """Whether PDG numbers (N,) are of nuclei."""
    return pdg >= _NUCLEI


def is_neutrino(pdg: Tensor) -> Tensor:
    """Whether PDG numbers (N,) are of neutrinos or antineutrinos."""
    return torch.isin(pdg.abs(), torch.tensor(_NEUTRINOS, device=pdg.device))


def antiparticle(pdg: int) -> int:
    """The PDG number of the antiparticle."""
    return pdg if pdg in _NEUTRAL else -pdg


@cache
def _sorted_masses() -> tuple[Tensor, Tensor]:
    numbers = sorted(MASSES)
    return torch.tensor(numbers), torch.tensor([MASSES[n] for n in numbers], dtype=torch.float64)
