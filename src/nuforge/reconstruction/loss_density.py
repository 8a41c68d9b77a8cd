"""How probable is a dE/dx at a residual range? The density of what a step of a track shows, for each hypothesis.

The loss in a step fluctuates as Vavilov says about the mean loss there; threshold, knock-on electrons in clusters of
their own and the sharing of charge between steps shift and smear it. The density is tabulated once for a material, in
the logarithm of the residual range and in dE/dx over its most probable value, and interpolated between.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from nuforge.physics.fluctuations import collision_scale, vavilov_quantiles
from nuforge.physics.kinematics import beta_squared
from nuforge.physics.material import Material
from nuforge.physics.ranges import energy_of_range
from nuforge.physics.stopping import maximum_transfer
from nuforge.reconstruction.profiles import STEP
from nuforge.reconstruction.stopping import RESOLUTION
from nuforge.shapes import Scalars

SHOWN = (0.97, 0.08)
"""dE/dx that steps show over the true one, a - b beta^2: voxels below threshold and knock-on electrons, which reach
farther the faster the particle is, take the rest. Of simulated muons, pions and protons, to 2 % at every residual
range."""
OUTLIERS = 0.03
"""Share of steps that say nothing: overlaps, kinks, decays in flight."""
_BROAD = 0.6  # their spread in ln dE/dx
_SHORTEST, _LONGEST, _RANGES = 0.3, 1e4, 90  # cm, residual ranges of the table
_HIGHEST, _POINTS = 5.0, 201  # dE/dx over the mean
_NODES, _KAPPAS = 300, 26  # equally probable losses that make up the density, and values of kappa at which they are


class LossDensity(NamedTuple):
    """Table of a hypothesis.

    Args:
        mean: (R,) MeV/cm, mean dE/dx that is shown at each residual range.
        log: (R, U) log of the density of dE/dx / mean.
    """

    mean: Tensor
    log: Tensor


def log_density(
    stopping_power: Float[Tensor, "*#n"], residual: Float[Tensor, "*#n"], mass: float, material: Material
) -> Float[Tensor, "*#n"]:
    """Log of the density, per MeV/cm, of dE/dx (MeV/cm) of a step at a residual range (cm) from its middle.

    Outside of 0.3 cm to 100 m it is that at the nearer end.
    """
    table = _table(mass, material)
    place = (residual.clamp(_SHORTEST, _LONGEST) / _SHORTEST).log() * ((_RANGES - 1) / np.log(_LONGEST / _SHORTEST))
    i = place.long().clamp(max=_RANGES - 2)
    part = place - i
    mean = torch.lerp(table.mean[i], table.mean[i + 1], part)
    at = (stopping_power / mean).clamp(0, _HIGHEST) * ((_POINTS - 1) / _HIGHEST)
    j = at.long().clamp(max=_POINTS - 2)
    rest = at - j
    flat, k = table.log.flatten(), i * _POINTS + j
    near = torch.lerp(flat[k], flat[k + 1], rest)
    far = torch.lerp(flat[k + _POINTS], flat[k + _POINTS + 1], rest)
    return torch.lerp(near, far, part) - mean.log()


@lru_cache(maxsize=64)
def _table(mass: float, material: Material) -> LossDensity:
    """The table of a hypothesis, made once."""
    ranges = torch.logspace(np.log10(_SHORTEST), np.log10(_LONGEST), _RANGES, dtype=torch.float64)
    near, far = ((ranges + sign * 0.5 * STEP).clamp(min=1e-3) for sign in (-1, 1))
    ends = [energy_of_range(r, mass, material) for r in (near, far)]
    middle, mean = 0.5 * (ends[0] + ends[1]), (ends[1] - ends[0]) / (far - near)
    b2 = beta_squared(middle, mass)
    scale = collision_scale(far - near, b2, material)
    kappa = scale / maximum_transfer(middle, mass)
    deviation = scale * torch.sqrt((1 - 0.5 * b2) / kappa) / (ends[1] - ends[0])  # relative to the mean loss
    nodes = 1 + deviation[:, None] * _standard_losses(kappa)
    u = torch.linspace(0, _HIGHEST, _POINTS, dtype=torch.float64)
    body = torch.stack([_smeared(u, node) for node in nodes])
    spread = u.clamp(min=1e-3)
    broad = torch.exp(-0.5 * (spread.log() / _BROAD) ** 2) / (spread * _BROAD * (2 * np.pi) ** 0.5)
    density = (1 - OUTLIERS) * body + OUTLIERS * broad.clamp(min=1e-3)
    return LossDensity((SHOWN[0] - SHOWN[1] * b2) * mean, density.log())


def _standard_losses(kappa: Scalars) -> Float[Tensor, "r j"]:
    """Equally probable losses (R, J) less the mean in standard deviations, between those of tabulated kappas."""
    log, table = _quantiles()
    place = ((kappa.log() - log[0]) / (log[1] - log[0])).clamp(0, _KAPPAS - 1)
    i = place.long().clamp(max=_KAPPAS - 2)
    return torch.lerp(table[i], table[i + 1], (place - i)[:, None])


@cache
def _quantiles() -> tuple[Scalars, Float[Tensor, "k j"]]:
    """ln kappa (K,) and equally probable values (K, J) of Vavilov's distribution."""
    kappas = np.logspace(-3.5, 1.5, _KAPPAS)
    share = (torch.arange(_NODES, dtype=torch.float64) + 0.5) / _NODES
    return torch.from_numpy(np.log(kappas)), vavilov_quantiles(kappas, torch.special.ndtri(share).numpy(), 0.5)


def _smeared(u: Float[Tensor, " u"], nodes: Float[Tensor, " j"]) -> Float[Tensor, " u"]:
    """Density (U,) of equally probable values (J,), each smeared by a Gaussian of its relative `RESOLUTION`."""
    width = RESOLUTION * nodes.clamp(min=0.2)
    pull = (u[:, None] - nodes) / width
    density: Tensor = (torch.exp(-0.5 * pull**2) / width).mean(1) / (2 * np.pi) ** 0.5
    return density
