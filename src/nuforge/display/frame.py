"""Frame: where voxels are in space, and the outline of the detector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

Corner = tuple[float, float, float]


@runtime_checkable
class _Readout(Protocol):
    @property
    def voxel(self) -> float: ...


@runtime_checkable
class _Volume(Protocol):
    @property
    def lower(self) -> Corner: ...
    @property
    def upper(self) -> Corner: ...


@runtime_checkable
class Geometry(Protocol):
    """What a display needs to know of a detector; every `nuforge.detectors.Detector` does."""

    @property
    def origin(self) -> Corner: ...
    @property
    def up(self) -> Corner: ...
    @property
    def readout(self) -> object: ...
    @property
    def volumes(self) -> Sequence[_Volume]: ...


@dataclass(frozen=True)
class Frame:
    """Where a display puts things.

    Args:
        origin: Corner of voxel (0, 0, 0) in cm.
        voxel: Size of a voxel in cm.
        boxes: Lower and upper corners in cm of the volumes to outline.
        up: Unit vector away from the Earth.
        unit: Unit of the axes.
    """

    origin: Corner = (0.0, 0.0, 0.0)
    voxel: float = 1.0
    boxes: tuple[tuple[Corner, Corner], ...] = ()
    up: Corner = (0.0, 1.0, 0.0)
    unit: str = "voxels"

    @classmethod
    def of(cls, detector: Geometry | None) -> Frame:
        """The frame of a detector, in cm; without one, axes count voxels and there is no outline.

        Of a detector without voxels a voxel is 1 cm.
        """
        if detector is None:
            return cls()
        boxes = tuple((volume.lower, volume.upper) for volume in detector.volumes)
        voxel = detector.readout.voxel if isinstance(detector.readout, _Readout) else cls.voxel
        return cls(detector.origin, voxel, boxes, detector.up, "cm")

    def centers(self, index: np.ndarray) -> np.ndarray:
        """Centres (N, 3) of voxels with numbers (N, 3)."""
        return np.asarray(self.origin) + (index + 0.5) * self.voxel

    def edges(self) -> np.ndarray:
        """The edges of all boxes as one broken line (M, 3), NaN between strokes."""
        ring = [
            (0, 0, 0),
            (1, 0, 0),
            (1, 1, 0),
            (0, 1, 0),
            (0, 0, 0),
            (0, 0, 1),
            (1, 0, 1),
            (1, 1, 1),
            (0, 1, 1),
            (0, 0, 1),
        ]
        posts = [((1, 0, 0), (1, 0, 1)), ((1, 1, 0), (1, 1, 1)), ((0, 1, 0), (0, 1, 1))]
        gap = np.full((1, 3), np.nan)
        strokes = [np.array(stroke, dtype=float) for stroke in (ring, *posts)]
        parts = []
        for lower, upper in self.boxes:
            low, extent = np.asarray(lower), np.subtract(upper, lower)
            parts += [part for stroke in strokes for part in (low + stroke * extent, gap)]
        return np.concatenate(parts) if parts else np.zeros((0, 3))

    def cube(self) -> np.ndarray | None:
        """Lower and upper corner (2, 3) of a cube around all boxes; none without boxes."""
        return cube_around(np.array(self.boxes).reshape(-1, 3)) if self.boxes else None


def cube_around(points: np.ndarray, margin: float = 0.06) -> np.ndarray:
    """Lower and upper corner (2, 3) of a cube around points (N, 3), so that equal lengths look equal."""
    low, high = (points.min(0), points.max(0)) if len(points) else (np.zeros(3), np.ones(3))
    half = max(float((high - low).max()) / 2, 1.0) * (1 + 2 * margin)
    middle = (low + high) / 2
    return np.stack([middle - half, middle + half])


def horizontal_view(points: np.ndarray, up: Corner) -> np.ndarray:
    """The horizontal unit vector (3,) along which points (N, 3) are seen at their widest.

    It is the short principal axis of the points' shadow on the ground, so a track is seen from its side.
    """
    vertical = np.asarray(up, dtype=float)
    aside = np.roll(np.eye(3)[int(np.argmax(np.abs(vertical)))], 1)
    first = np.cross(vertical, aside)
    ground = np.stack([first / np.linalg.norm(first), np.cross(first, vertical) / np.linalg.norm(first)])
    shadow = (points - points.mean(0) if len(points) else np.zeros((0, 3))) @ ground.T
    _, axes = np.linalg.eigh(shadow.T @ shadow)
    view = axes[:, 0] @ ground
    return np.asarray(view if view.sum() >= 0 else -view)
