"""Diffusion: the Gaussian cloud that a bunch of electrons becomes, and its share in each voxel."""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from nuforge.detectors.lartpc import TimeProjectionChamber
from nuforge.shapes import Points, Scalars

REACH = 3.5
"""Standard deviations around a cloud's centre that are looked at; what is beyond (5e-4) goes to the last voxel."""

_FAR = 1e6
"""As good as infinity, in voxels."""


def diffusion_variance(time: Scalars, detector: TimeProjectionChamber) -> Points:
    """Variance (N, 3) cm^2 along x, y, z of electron clouds that drifted for a time (N,) ns: 2 D time."""
    medium = detector.medium
    constants: list = [medium.transverse_diffusion] * 3
    constants[detector.readout.axis] = medium.longitudinal_diffusion
    return torch.stack([2 * constant * time for constant in constants], dim=1)


def voxels_reached(width: float, size: int) -> int:
    """Number of voxels, of a row of `size`, that hold a cloud of a standard deviation (in voxels) wherever it lies."""
    return min(math.ceil(2 * REACH * width) + 1, size)


def gaussian_shares(
    center: Float[Tensor, " n"], width: Float[Tensor, " n"], reached: int, size: int
) -> tuple[Int[Tensor, " n"], Float[Tensor, "n k"]]:
    """First voxel (N,) that a Gaussian cloud reaches along one axis, and its shares (N, reached) from there on.

    Shares are differences of the normal distribution at the voxels' faces; the first and last voxel hold what is
    beyond them, so that shares add up to 1: what would diffuse out of the row of voxels stays at its end.

    Args:
        center: In voxels from the origin.
        width: Standard deviation in voxels, positive.
        reached: Number of voxels, from `voxels_reached`.
        size: Length of the row of voxels.
    """
    first = (center - (reached - 1) / 2).floor().clamp(0, size - reached)
    faces = torch.arange(reached + 1, device=center.device, dtype=center.dtype)
    faces[0], faces[-1] = -_FAR, _FAR
    scaled = ((first - center)[:, None] + faces) * (math.sqrt(0.5) / width)[:, None]
    below = torch.erf(scaled)
    return first.to(torch.int64), 0.5 * (below[:, 1:] - below[:, :-1])
