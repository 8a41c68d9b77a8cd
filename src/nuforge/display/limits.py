"""Limits: how much of space a panel shows."""

from __future__ import annotations

import numpy as np

from nuforge.display.drawing import Bins, Curve, Image, Panel, Steps
from nuforge.display.frame import cube_around

_BEYOND = 1.5  # truth and prediction further out than so many half sides do not widen a panel


def cube_of(panel: Panel) -> np.ndarray:
    """Lower and upper corner (2, 3) of the cube that a panel shows: what was read out, and what else is near it."""
    seen = _finite(panel.points(("readout", "detector")))
    rest = _finite(panel.points(("truth", "prediction")))
    if not len(seen):
        return cube_around(rest)
    low, high = cube_around(seen, margin=_BEYOND / 2 - 0.5)
    near = rest[((rest >= low) & (rest <= high)).all(1)]
    return cube_around(np.concatenate([seen, near]))


def plane_of(panel: Panel) -> np.ndarray:
    """Lower and upper corner (2, 2) of what a flat panel shows."""
    corners = [_finite(panel.points(("readout", "detector", "truth", "prediction")))]
    for part in panel.parts:
        if isinstance(part, Image):
            corners.append(np.stack([_span(part.x), _span(part.y)], axis=1))
        elif isinstance(part, Curve) and part.shown and len(part.value):
            end = part.first + part.step * (len(part.value) - 1)
            corners.append(np.array([[part.first, part.value.min()], [end, part.value.max()]], dtype=float))
        elif isinstance(part, Steps) and len(part.content):
            corners.append(np.array([[part.edges[0], 0.0], [part.edges[-1], part.content.max()]], dtype=float))
    points = np.concatenate(corners)
    if not len(points):
        return np.array([[0.0, 0.0], [1.0, 1.0]])
    low, high = points.min(0), points.max(0)
    only_images = all(isinstance(part, Image) for part in panel.parts)
    margin = np.where(high > low, 0.0 if only_images else 0.03 * (high - low), 0.5)
    return np.stack([low - margin, high + margin])


def _span(bins: Bins) -> np.ndarray:
    return np.array([bins.first, bins.first + bins.step * bins.n])


def _finite(points: np.ndarray) -> np.ndarray:
    return np.asarray(points[np.isfinite(points).all(1)])
