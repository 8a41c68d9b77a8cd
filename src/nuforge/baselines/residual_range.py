"""Energy loss against residual range: how well a track that stops goes with a muon, a pion or a proton."""

from __future__ import annotations

from functools import cache

import torch
from jaxtyping import Float, Int
from torch import Tensor

from nuforge.physics.constants import MUON_MASS, PION_MASS, PROTON_MASS
from nuforge.physics.material import LIQUID_ARGON, Material
from nuforge.physics.ranges import energy_of_range

MASSES = (MUON_MASS, PION_MASS, PROTON_MASS)
STEP = 1.0
"""cm of residual range whose energy is summed: longer than diffusion is wide."""
STEPS = 30
_SPREAD = 0.2
"""Relative fluctuation of the energy of a step around the mean of the formula: that of Landau over 1 cm of argon."""


def expected_loss(mass: float, material: Material = LIQUID_ARGON) -> Float[Tensor, " s"]:
    """Mean dE/dx (S,) in MeV/cm in steps of residual range: the energy of each step over its length.

    Args:
        mass: MeV.
        material: What it passes.
    """
    edge = torch.arange(1, STEPS + 1, dtype=torch.float64) * STEP
    energy = torch.nn.functional.pad(energy_of_range(edge, mass, material), (1, 0))
    return (energy.diff() / STEP).float()


@cache
def _expected() -> Float[Tensor, "m s"]:
    return torch.stack([expected_loss(mass) for mass in MASSES])


def disagreement(
    position: Float[Tensor, "v 3"], value: Float[Tensor, " v"], cluster: Int[Tensor, " v"], end: Float[Tensor, "c 3"]
) -> Float[Tensor, "c 3"]:
    """How badly clusters go with a stopping muon, pion and proton (C, 3): mean square of the pulls of their steps.

    The residual range of a voxel is its distance from the end. The step at the end and the last, unfinished one are
    left out; a cluster of no whole step has 0 for all.

    Args:
        position: Of voxels (V, 3), cm.
        value: Of voxels (V,), MeV.
        cluster: The cluster of each voxel (V,).
        end: Where each cluster ends (C, 3), cm.
    """
    n = len(end)
    step = ((position - end[cluster]).norm(dim=1) / STEP).long()
    last = torch.zeros(n, dtype=torch.int64).scatter_reduce(0, cluster, step, "amax")
    near = step < STEPS
    energy = torch.zeros(n * STEPS).index_add(0, (cluster * STEPS + step)[near], value[near].float())
    loss = energy.reshape(n, 1, STEPS) / STEP
    place = torch.arange(STEPS)
    counted = ((place > 0) & (place < last[:, None]))[:, None]
    expected = _expected()
    pull = (loss - expected) / (_SPREAD * expected)
    return torch.where(counted, pull.square(), 0.0).sum(2) / counted.sum(2).clamp(min=1)
