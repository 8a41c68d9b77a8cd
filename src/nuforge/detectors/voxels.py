"""Voxel numbers of positions, and positions of voxels."""

from typing import Protocol, TypeAlias, cast, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from nuforge.detectors.detector import Detector, Matter
from nuforge.shapes import Points


@runtime_checkable
class VoxelReadout(Protocol):
    """A readout in cubic voxels."""

    @property
    def voxel(self) -> float:
        """Side of a voxel in cm."""


VoxelDetector: TypeAlias = Detector[Matter, VoxelReadout]
"""A detector that is read in cubic voxels."""


def in_voxels(detector: Detector) -> VoxelDetector:
    """The same detector, if it is read in cubic voxels.

    Raises:
        ValueError: If it is read otherwise.
    """
    if not isinstance(detector.readout, VoxelReadout):
        kind = type(detector.readout).__name__
        raise ValueError(f"detector '{detector.name}' is read by {kind}, expected cubic voxels; give one that has them")
    return cast(VoxelDetector, detector)


def voxel_shape(detector: VoxelDetector) -> tuple[int, int, int]:
    """Number of voxels along x, y, z that cover all volumes from the origin."""
    size = detector.readout.voxel
    upper = (max(volume.upper[axis] for volume in detector.volumes) for axis in range(3))
    x, y, z = (round((high - low) / size) for high, low in zip(upper, detector.origin, strict=True))
    return x, y, z


def voxel_coordinate(position: Points, detector: VoxelDetector) -> Float[Tensor, "n 3"]:
    """Positions (N, 3) cm in units of voxels from the origin; its floor is the voxel number."""
    return (position - position.new_tensor(detector.origin)) / detector.readout.voxel


def voxel_index(position: Points, detector: VoxelDetector) -> Int[Tensor, "n 3"]:
    """Number (N, 3) int64 of the voxel that holds each position (N, 3) cm: floor((x - origin) / size).

    Computed in float64, since in float32 the middle of the detector falls below its voxel's face. Positions outside
    the detector give numbers outside `voxel_shape`.
    """
    return voxel_coordinate(position.double(), detector).floor().to(torch.int64)


def voxel_center(index: Int[Tensor, "n 3"], detector: VoxelDetector) -> Points:
    """Centre (N, 3) float32 cm of voxels: origin + (index + 0.5) size."""
    origin = torch.tensor(detector.origin, dtype=torch.float64, device=index.device)
    return (origin + (index + 0.5) * detector.readout.voxel).to(torch.float32)
