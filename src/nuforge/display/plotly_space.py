"""Three axes of equal scale and the camera that looks at them, as plotly has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nuforge.display import style
from nuforge.display.frame import horizontal_view

_AXIS = {
    "showbackground": False,
    "gridcolor": style.RULE,
    "zeroline": False,
    "showspikes": False,
    "nticks": 6,
    "tickfont": {"size": 10, "color": style.SOFT},
    "exponentformat": "power",
}
_ABOVE = 0.35  # of the camera over the horizon, in plotly's units


def seen_from_the_side(
    points: np.ndarray, cube: np.ndarray, titles: Sequence[str], up: Sequence[float], size: float, away: float = 1.0
) -> dict[str, Any]:
    """The scene of a cube, seen across the widest side of points.

    Args:
        points: (N, 3), finite, that the camera shall see spread out.
        cube: Its lower and upper corner (2, 3), in the unit of the titles.
        titles: Of the three axes.
        up: Unit vector (3,) that points upwards.
        size: Of the cube, in plotly's units: the page is full at about 1.4.
        away: Of the camera, in plotly's units.
    """
    axes = {
        f"{axis}axis": {**_AXIS, "title": {"text": title, "font": {"size": 11}}, "range": cube[:, k].tolist()}
        for k, (axis, title) in enumerate(zip("xyz", titles, strict=True))
    }
    upwards = np.asarray(up, dtype=float)
    eye = away * horizontal_view(points, (up[0], up[1], up[2])) + _ABOVE * upwards
    camera = {"up": _named(upwards), "eye": _named(eye), "projection": {"type": "orthographic"}}
    return {**axes, "aspectmode": "manual", "aspectratio": dict.fromkeys("xyz", size), "camera": camera}


def _named(vector: np.ndarray) -> dict[str, float]:
    return dict(zip("xyz", vector.tolist(), strict=True))
