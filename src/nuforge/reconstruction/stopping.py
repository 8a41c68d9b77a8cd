"""Which particle stopped here? dE/dx against residual range, compared with muon, pion, kaon and proton.

For a step of a path between two residual ranges each hypothesis says the mean loss, T(R1) - T(R2), and Vavilov's
distribution says how far the most probable loss is from the mean and how wide the distribution is.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from nuforge.physics.fluctuations import collision_scale, vavilov_density
from nuforge.physics.kinematics import beta_squared
from nuforge.physics.material import Material
from nuforge.physics.ranges import energy_of_range
from nuforge.physics.stopping import maximum_transfer
from nuforge.reconstruction.clusters import totals
from nuforge.reconstruction.hypotheses import MASSES
from nuforge.reconstruction.profiles import Profiles
from nuforge.shapes import Rows, Scalars

FARTHEST = 26.0
"""cm, residual range up to which steps count: muons and pions are minimum ionising beyond."""
FEWEST_STEPS = 3
RESOLUTION = 0.12
"""Relative spread of dE/dx in a step from charge sharing between steps, path and recombination; of simulated protons,
whose loss fluctuates less than this."""
_WORST = 25.0  # the most that one step adds: a delta ray or another particle's voxel decides nothing


def stopping_chi2(profiles: Profiles, n: int, material: Material) -> tuple[Float[Tensor, "n 4"], Rows]:
    """Chi^2 per step (C, 4) of muon, pion, kaon and proton that stop at the end of each track, and the steps (C,).

    Steps within `FARTHEST` of the end count, but not the last. The chi^2 takes the most probable loss and half the
    central 68 % of Vavilov's distribution as width, `RESOLUTION` in quadrature. NaN below `FEWEST_STEPS` steps.
    """
    used = (profiles.residual_range <= FARTHEST) & ~profiles.is_last
    cluster, width = profiles.cluster[used], profiles.width[used]
    far, near = (profiles.residual_range[used] + sign * 0.5 * width for sign in (1, -1))
    loss = profiles.stopping_power[used] * width
    steps = torch.bincount(cluster, minlength=n)
    known = steps >= FEWEST_STEPS
    columns = []
    for mass in MASSES:
        likely, spread = expected_loss(near, far, mass, material)
        pull = (loss - likely) / torch.sqrt(spread**2 + (RESOLUTION * likely) ** 2)
        chi2 = totals(pull.square().clamp(max=_WORST), cluster, n) / steps.clamp(min=1)
        columns.append(torch.where(known, chi2, torch.nan))
    return torch.stack(columns, dim=1), steps


def expected_loss(near: Scalars, far: Scalars, mass: float, material: Material) -> tuple[Scalars, Scalars]:
    """Most probable loss (N,) MeV between two residual ranges (N,) cm, and its spread: half the central 68 %."""
    if not len(near):
        return near, near
    ends = [energy_of_range(r.clamp(min=1e-3), mass, material) for r in (near, far)]
    middle = 0.5 * (ends[0] + ends[1])
    b2 = beta_squared(middle, mass)
    scale = collision_scale(far - near, b2, material)
    kappa = scale / maximum_transfer(middle, mass)
    deviation = scale * torch.sqrt((1 - 0.5 * b2) / kappa)
    grid, mode, half = _vavilov_shape()
    log = kappa.log().numpy()
    shift, part = (torch.from_numpy(np.interp(log, grid, column)) for column in (mode, half))
    return ends[1] - ends[0] + shift * deviation, part * deviation


@cache
def _vavilov_shape() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """ln kappa, and of Vavilov's distribution mode less mean and half the central 68 %, in standard deviations."""
    kappas = np.logspace(-3.5, 1.5, 26)
    mode, half = [], []
    for kappa in kappas:
        z, density = vavilov_density(float(kappa), 0.5)
        cumulative = np.cumsum(density) / density.sum()
        mode.append(float(z[density.argmax()]))
        low, high = np.interp([0.16, 0.84], cumulative, z)
        half.append(0.5 * float(high - low))
    return np.log(kappas), np.array(mode), np.array(half)
