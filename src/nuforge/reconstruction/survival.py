"""How often does a particle end before its range? Interactions with nuclei and decays in flight."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from nuforge.physics.constants import SPEED_OF_LIGHT
from nuforge.physics.hadron_nucleus import KAONS, NUCLEONS, PIONS, inelastic_cross_section
from nuforge.physics.kinematics import momentum
from nuforge.physics.material import Material
from nuforge.physics.particles import LIFETIMES
from nuforge.physics.ranges import energy_of_range
from nuforge.reconstruction.hypotheses import MASSES, PDG
from nuforge.shapes import Scalars

BROKEN = 1e-4
"""1/cm: tracks whose voxels end, for no reason of their own, once in 100 m. It leaves room for a muon that stops where
dE/dx says that nothing stopped."""
_MB = 1e-27  # cm^2
_SHORTEST, _LONGEST, _POINTS = 1e-3, 1e5, 800  # cm, residual ranges of the table


def end_rates(residual: Tensor, hypothesis: int, material: Material) -> Tensor:
    """Rate (...) per cm at which a particle ends at residual ranges (...) in cm, other than by stopping."""
    ranges, rate, _ = _table(hypothesis, material)
    return _at(residual, ranges, rate)


def expected_ends(residual: Tensor, hypothesis: int, material: Material) -> Tensor:
    """Mean number (...) of such ends on the last `residual` (...) cm of a particle's range.

    The chance to fly from a residual range R to r without one is exp(expected_ends(r) - expected_ends(R)).
    """
    ranges, _, expected = _table(hypothesis, material)
    return _at(residual, ranges, expected)


def _at(residual: Tensor, ranges: Scalars, values: Scalars) -> Tensor:
    return torch.from_numpy(np.interp(residual.numpy(), ranges.numpy(), values.numpy()))


@lru_cache(maxsize=64)
def _table(hypothesis: int, material: Material) -> tuple[Scalars, Scalars, Scalars]:
    """Residual ranges (R,) cm, rates (R,) per cm, and their integral from zero (R,)."""
    ranges = torch.logspace(np.log10(_SHORTEST), np.log10(_LONGEST), _POINTS, dtype=torch.float64)
    kinetic = energy_of_range(ranges, MASSES[hypothesis], material)
    rate = sum((_rate(pdg, kinetic, MASSES[hypothesis], material) for pdg in PDG[hypothesis]), torch.zeros_like(ranges))
    rate = rate / len(PDG[hypothesis]) + BROKEN
    steps = 0.5 * (rate[1:] + rate[:-1]) * ranges.diff()
    first = rate[:1] * ranges[:1]
    return ranges, rate, torch.cat([first, first + steps.cumsum(0)])


def _rate(pdg: int, kinetic: Scalars, mass: float, material: Material) -> Scalars:
    """Rate (R,) per cm of inelastic interactions and decays in flight."""
    rate = torch.zeros_like(kinetic)
    if pdg in NUCLEONS + PIONS + KAONS:
        for element, density in zip(material.elements, material.number_densities, strict=True):
            rate = rate + density * _MB * inelastic_cross_section(pdg, kinetic.clamp(min=1.0), element.Z, element.A)
    if abs(pdg) in LIFETIMES:
        rate = rate + mass / (momentum(kinetic, mass) * SPEED_OF_LIGHT * LIFETIMES[abs(pdg)])
    return rate
