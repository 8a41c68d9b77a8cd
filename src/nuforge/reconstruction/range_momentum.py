"""Momentum from range: what a particle had that stopped after a length."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from nuforge.physics.kinematics import momentum
from nuforge.physics.material import Material
from nuforge.physics.ranges import energy_of_range, range_straggling
from nuforge.physics.stopping import stopping_power
from nuforge.reconstruction.hypotheses import MASSES
from nuforge.shapes import Scalars


def momentum_of_range(
    length: Scalars, length_spread: Scalars | float, material: Material
) -> tuple[Float[Tensor, "n 4"], Float[Tensor, "n 4"]]:
    """Momenta (N, 4) in MeV of muons, pions, kaons and protons that stop after a length, and their uncertainty.

    p of T(R), the inverse of the range in the continuous-slowing-down approximation. The uncertainty is that of the
    length (straggling of the range and its measurement in quadrature) times dp/dR = (dT/dx) / beta.

    Args:
        length: (N,) cm; the result is NaN where it is NaN.
        length_spread: Standard deviation of the measured length in cm.
        material: What it stopped in.
    """
    known = torch.where(length.isfinite(), length, 1.0).double()
    values, errors = [], []
    for mass in MASSES:
        if not len(known):
            break
        kinetic = energy_of_range(known, mass, material)
        straggling = range_straggling(kinetic, mass, material)
        spread = torch.sqrt(straggling**2 + torch.as_tensor(length_spread) ** 2)
        p = momentum(kinetic, mass)
        beta = p / (kinetic + mass)
        values.append(p)
        errors.append(stopping_power(kinetic, mass, material) / beta * spread)
    if not values:
        return known.new_zeros(0, len(MASSES)), known.new_zeros(0, len(MASSES))
    unknown = ~length.isfinite()[:, None]
    return torch.stack(values, 1).masked_fill(unknown, torch.nan), torch.stack(errors, 1).masked_fill(
        unknown, torch.nan
    )
