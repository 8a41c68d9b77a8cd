"""Picture of the stages of the liquid-argon chain that does not move: the truth above the prediction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from mpl_toolkits.mplot3d.art3d import Line3DCollection
from mpl_toolkits.mplot3d.axes3d import Axes3D

from nuforge.display import style
from nuforge.display.chain3d import ARROW
from nuforge.display.frame import cube_around
from nuforge.display.kinds import Kinds
from nuforge.display.marks import Marks
from nuforge.display.picture import axes_order, draw_voxels, handle_of
from nuforge.display.plots import new_figure
from nuforge.display.scene import Scene, thinned
from nuforge.display.stages import Side

LINES = 3
"""Lines of names under a panel, of the clusters with most energy; one to three to a line, as they are long."""

_NAMES, _NOTE = 0.62, 0.32  # inches, of the names under a panel and of the note under all
_SYMBOLS = {"start": ("o", 13), "end": ("D", 10), "vertex": ("P", 55)}


def chain_picture(scene: Scene, stages: Sequence[str] | None = None, width: float = 3.9) -> Figure:
    """Panels of the stages, the truth above the prediction as far as they are known, all from one point of view.

    Args:
        scene: The event; thinned if large.
        stages: A column each; by default all that anything is known of.
        width: Of a panel, in inches.

    Raises:
        ValueError: If nothing is known of a stage.
    """
    stages = list(scene.stages) if stages is None else list(stages)
    unknown = [name for name in stages if name not in scene.stages]
    if unknown or not stages:
        raise ValueError(f"this event has no stages {unknown}, it has {list(scene.stages)}; name some of those")
    scene, n = thinned(scene), len(stages)
    sides = {
        which: {name: side for name in stages if (side := getattr(scene.stages[name], which)) is not None}
        for which in ("truth", "prediction")
    }
    rows = [which for which, known in sides.items() if known]
    with style.styled():
        figure = new_figure(width * n, len(rows) * (width + _NAMES) + _NOTE)
        figure.set_layout_engine("none")
        inch = 1 / figure.get_figheight()
        for j, which in enumerate(rows):
            low = (_NOTE + (len(rows) - 1 - j) * (width + _NAMES)) * inch
            for i, name in enumerate(stages):
                _title(figure, f"{name}, {which}", (i + 0.04) / n, low + (_NAMES + 0.97 * width) * inch)
                if name in sides[which]:
                    place = (i / n, low + _NAMES * inch, 1 / n, 0.94 * width * inch)
                    axes = figure.add_axes(place, projection="3d", computed_zorder=False)
                    _panel(axes, scene, sides[which][name])
                    _names(figure, sides[which][name].kinds, (i + 0.5) / n, low + _NAMES * inch)
        figure.text(
            0.5, 0.5 * _NOTE * inch, chain_note(scene), fontsize=8.5, color=style.SOFT, ha="center", va="center"
        )
    return figure


def _title(figure: Figure, text: str, x: float, y: float) -> None:
    figure.text(x, y, text, fontsize=12, weight="bold", va="center")


def chain_note(scene: Scene) -> str:
    """What the colours and marks of a chain's display mean."""
    partner = (
        "A predicted cluster has the colour of the true one with which it shares most energy, if that holds both ways; "
        "clusters without such a partner are red. "
    )
    compared = any(stage.truth and stage.prediction for name, stage in scene.stages.items() if name != "classes")
    rest = "Grey is in none. Circles are starts, diamonds ends, crosses vertices, arrows directions of travel."
    return partner * compared + rest


def _panel(axes: Axes3D, scene: Scene, side: Side) -> None:
    """One side of one stage."""
    draw_voxels(axes, scene, side.kinds)
    length = ARROW * float(np.ptp(cube_around(scene.points)[:, 0]))
    for marks in side.marks:
        _draw(axes, marks, length, axes_order(scene))


def _draw(axes: Axes3D, marks: Marks, length: float, order: list[int]) -> None:
    """Points, arrows or labels."""
    if marks.symbol == "label":  # names are under the panel
        return
    symbol, size = _SYMBOLS[marks.symbol]
    look = {"c": list(marks.colors), "edgecolors": style.INK, "linewidths": 0.6, "depthshade": False}
    axes.scatter(*marks.position[:, order].T, marker=symbol, s=size, zorder=5, **look)
    strokes = marks.strokes(length)
    if len(strokes):
        axes.add_collection3d(Line3DCollection(strokes[..., order], colors=style.INK, linewidths=0.8, zorder=4))


def _names(figure: Figure, kinds: Kinds, x: float, y: float) -> None:
    """What the colours of a panel mean, under it."""
    names = {k: kinds.names[k] for k in np.unique(kinds.code).tolist()}
    longest = max((len(name) for name in names.values()), default=0)
    columns = 3 if longest < 14 else 2 if longest < 31 else 1
    shown = list(names)[: LINES * columns]
    if not shown:
        return
    handles = {k: handle_of(kinds.colors[k]) for k in shown}
    figure.legend(
        handles.values(),
        [names[k] for k in shown],
        loc="upper center",
        bbox_to_anchor=(x, y),
        ncols=columns,
        fontsize=8,
        handletextpad=0.2,
        columnspacing=1.2,
        labelspacing=0.35,
        borderpad=0.2,
    )
