"""Limits: how much of space a panel shows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from nuforge.display.drawing import Bins, Curve, Image, Panel, Steps
from nuforge.display.frame import cube_around

_BEYOND = 1.5  # truth and prediction further out than so many half sides do not widen a panel
_SMALL = 0.4  # of the detector's side: a smaller event is looked at alone


def cubes_of(panel: Panel) -> dict[str, np.ndarray]:
    """Cubes, lower and upper corner (2, 3) each: around the event, and around the detector where it is known.

    The event is what was read out, and of truth and reconstruction what is near it.
    """
    seen, detector = _finite(panel.points(("readout",))), _finite(panel.points(("detector",)))
    rest = _finite(panel.points(("truth", "prediction")))
    if not len(seen):
        around = rest
    else:
        low, high = cube_around(seen, margin=_BEYOND / 2 - 0.5)
        around = np.concatenate([seen, rest[((rest >= low) & (rest <= high)).all(1)]])
    cubes = {"event": cube_around(around)} if len(around) or not len(detector) else {}
    return {**cubes, "detector": cube_around(np.concatenate([detector, seen]))} if len(detector) else cubes


def first_cube(cubes: Mapping[str, np.ndarray]) -> str:
    """The cube that is seen at first: the detector, unless the event would be small in it."""
    if set(cubes) == {"event", "detector"}:
        event, detector = (float(np.ptp(cubes[name][:, 0])) for name in ("event", "detector"))
        return "event" if event < _SMALL * detector else "detector"
    return next(iter(cubes))


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
    if panel.equal and not panel.bare:  # as wide as high, so that panels are of one size
        middle, half = (low + high) / 2, max(float((high - low).max()) / 2, 1e-6)
        low, high = middle - half, middle + half
    only_images = all(isinstance(part, Image) for part in panel.parts)
    if panel.log_x:
        return np.stack([low, high * np.array([1.0, 1.03])])
    margin = np.where(high > low, 0.0 if only_images else 0.03 * (high - low), 0.5)
    return np.stack([low - margin, high + margin])


def _span(bins: Bins) -> np.ndarray:
    return np.array([bins.first, bins.first + bins.step * bins.n])


def _finite(points: np.ndarray) -> np.ndarray:
    return np.asarray(points[np.isfinite(points).all(1)])
