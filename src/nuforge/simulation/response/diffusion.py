"""Diffusion: the Gaussian cloud that a bunch of electrons becomes, and its share in each voxel."""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from nuforge.detectors.detector import Detector
from nuforge.shapes import Points, Scalars

REACH = 3.5
"""Standard deviations from a cloud's centre within which voxels are looked at; what is beyond (5e-4) goes to the last."""


def diffusion_variance(time: Scalars, detector: Detector) -> Points:
    """Variance (N, 3) cm^2 along x, y, z of electron clouds that drifted for a time (N,) ns: 2 D time."""
    medium = detector.medium
    constants: list = [medium.transverse_diffusion] * 3
    constants[detector.drift_axis] = medium.longitudinal_diffusion
    return torch.stack([2 * constant * time for constant in constants], dim=1)


def voxels_reached(width: float) -> int:
    """Number of voxels along an axis that hold a cloud of that standard deviation (in voxels), wherever it lies."""
    return math.ceil(2 * REACH * width) + 1


def gaussian_shares(
    center: Float[Tensor, " n"], width: Float[Tensor, " n"], reached: int
) -> tuple[Int[Tensor, " n"], Float[Tensor, "n k"]]:
    """First voxel (N,) that a Gaussian cloud reaches along one axis, and its shares (N, reached) from there on.

    Shares are differences of the normal distribution at the voxels' faces; the first and last voxel hold what is
    beyond them, so that shares add up to 1.

    Args:
        center: In voxels from the origin.
        width: Standard deviation in voxels, positive.
        reached: Number of voxels, from `voxels_reached`.
    """
    first = (center - (reached - 1) / 2).floor()
    inner = torch.arange(1, reached, device=center.device, dtype=center.dtype)
    scaled = ((first - center)[:, None] + inner) * (math.sqrt(0.5) / width)[:, None]
    below = 0.5 * (1 + torch.erf(scaled))
    edges = torch.cat([torch.zeros_like(below[:, :1]), below, torch.ones_like(below[:, :1])], dim=1)
    return first.to(torch.int64), edges.diff(dim=1)
