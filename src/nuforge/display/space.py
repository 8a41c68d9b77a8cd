"""Space: panels in three dimensions, and the projections of their points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from nuforge.display import style
from nuforge.display.drawing import Dots, Panel, Part, Strokes
from nuforge.display.frame import Frame
from nuforge.display.quantity import Unit

Up = tuple[float, float, float]


def space_panel(parts: Sequence[Part], unit: Unit, up: Up, frame: Frame, title: str = "") -> Panel:
    """Parts in space with the outline of the detector, if it is known."""
    titles = [unit.titled(axis) for axis in "xyz"]
    return Panel((*parts, *outline(frame, unit)), titles[0], titles[1], titles[2], title=title, up=up)


def outline(frame: Frame, unit: Unit) -> list[Part]:
    """The edges of the detector."""
    edges = frame.edges()
    lines = np.stack([edges[:-1], edges[1:]], axis=1) if len(edges) else np.zeros((0, 2, 3))
    lines = lines[np.isfinite(lines).all((1, 2))]
    look = {"role": "detector", "color": style.FAINT, "width": 1.5}
    return [Strokes(lines / unit.size, "detector", listed=False, **look)] if len(lines) else []  # type: ignore[arg-type]


def projections(dots: Dots, unit: Unit, up: Up) -> list[Panel]:
    """Points (N, 3) seen along the three axes, what is up upwards."""
    vertical = int(np.argmax(np.abs(up)))
    level = [axis for axis in range(3) if axis != vertical]
    pairs = [(level[1], vertical), (level[0], vertical), (level[1], level[0])]
    return [
        Panel(
            (flat(dots, pair),),
            unit.titled("xyz"[pair[0]]),
            unit.titled("xyz"[pair[1]]),
            title="along " + "xyz"[3 - sum(pair)],
            equal=True,
        )
        for pair in pairs
    ]


def flat(dots: Dots, pair: tuple[int, int]) -> Dots:
    """Dots in two of their coordinates."""
    return replace(dots, position=dots.position[:, list(pair)])
