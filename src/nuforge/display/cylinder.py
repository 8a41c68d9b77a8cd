"""Cylinder: whether sensors stand on the wall of a tank, and the wall unrolled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_FEWEST = 40  # sensors that can show the form of a tank
_NEAR_BARREL = 0.12  # of the radius: as near to the barrel a sensor belongs to it, in a second layer too
_NEAR_CAP = 0.04  # of the radius: as near to the height of a cap
_RIM = 0.985  # of half the height: below, what is at the radius of the barrel is on the barrel
_ON = 0.97  # of the sensors must be on the wall
_APART = 0.06  # between barrel and caps, of the radius


@dataclass(frozen=True)
class Cylinder:
    """A tank.

    Args:
        axis: Along which it stands: 0, 1 or 2.
        middle: Its centre, cm.
        radius: cm.
        half: Half its height, cm.
    """

    axis: int
    middle: np.ndarray
    radius: float
    half: float

    @classmethod
    def around(cls, position: np.ndarray) -> Cylinder | None:
        """The tank on whose barrel and caps sensors (S, 3) stand, if there is one; a vertical one first."""
        if len(position) < _FEWEST:
            return None
        middle = (position.min(0) + position.max(0)) / 2
        for axis in (2, 1, 0):
            along, around = _split(position - middle, axis)
            half = float(np.abs(along).max())
            radius = float(np.linalg.norm(around, axis=1).max())
            tank = cls(axis, middle, radius, half)
            cap, barrel = tank.on_cap(position), tank.on_barrel(position)
            inner = np.linalg.norm(around[cap], axis=1) < 0.8 * radius
            if (cap | barrel).mean() > _ON and (barrel & ~cap).mean() > 0.1 and inner.sum() >= _FEWEST // 10:
                return tank
        return None

    def on_cap(self, position: np.ndarray) -> np.ndarray:
        """Which sensors stand on one of the caps, (S,)."""
        along, _ = _split(position - self.middle, self.axis)
        return np.asarray(np.abs(along) > self.half - _NEAR_CAP * self.radius)

    def on_barrel(self, position: np.ndarray) -> np.ndarray:
        """Which sensors stand at the radius of the barrel, (S,)."""
        _, around = _split(position - self.middle, self.axis)
        return np.asarray(np.linalg.norm(around, axis=1) > (1 - _NEAR_BARREL) * self.radius)

    def unrolled(self, position: np.ndarray) -> np.ndarray:
        """Places (S, 2) in cm on the unrolled wall, seen from inside: barrel in the middle, caps above and below.

        The caps touch the barrel where the paper would be folded: at the azimuth that is in the middle of the picture.
        """
        along, around = _split(position - self.middle, self.axis)
        azimuth = np.arctan2(around[:, 1], around[:, 0])
        out = np.stack([-self.radius * azimuth, along], axis=1)  # from inside, the azimuth grows to the left
        cap = self.on_cap(position) & ~(self.on_barrel(position) & (np.abs(along) < _RIM * self.half))
        side = np.sign(along[cap])
        r = np.linalg.norm(around[cap], axis=1)
        out[cap, 0] = -r * np.sin(azimuth[cap])
        center = self.half + (1 + _APART) * self.radius
        out[cap, 1] = side * (center - r * np.cos(azimuth[cap]))
        return out

    def outline(self) -> np.ndarray:
        """The edges of barrel and caps, strokes (n, 2, 2) in cm."""
        width, half = np.pi * self.radius, self.half
        box = np.array([[-width, -half], [width, -half], [width, half], [-width, half], [-width, -half]])
        turn = np.linspace(0, 2 * np.pi, 73)
        ring = self.radius * np.stack([np.cos(turn), np.sin(turn)], axis=1)
        center = np.array([0.0, half + (1 + _APART) * self.radius])
        paths = (box, ring + center, ring - center)
        return np.concatenate([np.stack([path[:-1], path[1:]], axis=1) for path in paths])

    def met(self, start: np.ndarray, direction: np.ndarray) -> np.ndarray:
        """Where rays (n, 3) from inside meet the wall, (n, 3); NaN if they start outside or have no direction."""
        along, around = _split(start - self.middle, self.axis)
        pace, way = _split(direction, self.axis)
        with np.errstate(divide="ignore", invalid="ignore"):
            to_cap = (np.sign(pace) * self.half - along) / pace
            a, b = (way**2).sum(1), (way * around).sum(1)
            c = (around**2).sum(1) - self.radius**2
            to_barrel = (-b + np.sqrt(b**2 - a * c)) / a
        far = np.fmin(np.where(to_cap > 0, to_cap, np.nan), np.where(to_barrel > 0, to_barrel, np.nan))
        inside = (np.abs(along) < self.half) & (c < 0)
        return np.asarray(np.where(inside[:, None], start + far[:, None] * direction, np.nan))


def _split(vector: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Components along the axis (S,), and the two around it (S, 2), right-handed."""
    return vector[:, axis], vector[:, [(axis + 1) % 3, (axis + 2) % 3]]
