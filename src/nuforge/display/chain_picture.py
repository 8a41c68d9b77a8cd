"""Picture of the stages of the liquid-argon chain that does not move: the truth above the prediction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from mpl_toolkits.mplot3d import proj3d
from mpl_toolkits.mplot3d.art3d import Line3DCollection
from mpl_toolkits.mplot3d.axes3d import Axes3D

from nuforge.display import style
from nuforge.display.chain3d import ARROW
from nuforge.display.frame import cube_around
from nuforge.display.marks import Marks
from nuforge.display.picture import axes_order, draw_voxels, handle_of
from nuforge.display.plots import new_figure
from nuforge.display.scene import Scene, thinned
from nuforge.display.stages import Side

WRITTEN = 6
"""Names in a panel."""

_LINE = 0.042  # height of a name in a panel
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
        figure = new_figure(width * n, 0.98 * width * len(rows) + 0.45)
        figure.set_layout_engine("none")
        foot = 0.45 / figure.get_figheight()
        high = (1 - foot) / len(rows)
        for j, which in enumerate(rows):
            low = foot + (len(rows) - 1 - j) * high
            for i, name in enumerate(stages):
                figure.text((i + 0.05) / n, low + 0.965 * high, f"{name}, {which}", weight="bold", va="center")
                if name in sides[which]:
                    axes = figure.add_axes((i / n, low, 1 / n, 0.94 * high), projection="3d", computed_zorder=False)
                    _panel(axes, scene, sides[which][name])
        _legend(figure, sides, len(rows), 0.4 * foot)
    return figure


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
    position = marks.position[:, order]
    if marks.symbol == "label":
        _write(axes, position[:WRITTEN], marks.texts[:WRITTEN])
        return
    symbol, size = _SYMBOLS[marks.symbol]
    look = {"c": list(marks.colors), "edgecolors": style.INK, "linewidths": 0.6, "depthshade": False}
    axes.scatter(*position.T, marker=symbol, s=size, zorder=5, **look)
    strokes = marks.strokes(length)
    if len(strokes):
        axes.add_collection3d(Line3DCollection(strokes[..., order], colors=style.INK, linewidths=0.8, zorder=4))
    if marks.symbol == "vertex":
        _write(axes, position[:WRITTEN], marks.texts[:WRITTEN])


def _write(axes: Axes3D, position: np.ndarray, texts: Sequence[str]) -> None:
    """Names at the nearer edge of a panel, at the height of their places where there is room, joined to them."""
    axes.apply_aspect()
    x, y, _ = proj3d.proj_transform(*position.T, axes.get_proj())
    to_panel = axes.transData + axes.transAxes.inverted()
    place = to_panel.transform(np.stack([x, y], axis=1))
    line = {"arrowstyle": "-", "color": style.SOFT, "linewidth": 0.5, "shrinkA": 1, "shrinkB": 0}
    box = {"boxstyle": "round,pad=0.12", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}
    for edge, side, there in ((0.01, "left", place[:, 0] < 0.5), (0.99, "right", place[:, 0] >= 0.5)):
        rows = np.flatnonzero(there)
        rows = rows[np.argsort(-place[rows, 1])]
        for k, height in zip(rows.tolist(), _apart(place[rows, 1]), strict=True):
            axes.annotate(
                *(texts[k], (x[k], y[k]), (edge, height), "data", "axes fraction", line),
                fontsize=7,
                ha=side,
                va="center",
                bbox=box,
                zorder=4.5,
                annotation_clip=False,
            )


def _apart(height: np.ndarray) -> list[float]:
    """Heights from top to bottom that leave room for a line of text each, near those wanted."""
    out: list[float] = []
    for i, wanted in enumerate(height):
        highest = out[-1] - _LINE if out else 0.97
        lowest = 0.03 + _LINE * (len(height) - 1 - i)
        out.append(float(max(min(wanted, highest), lowest)))
    return out


def _legend(figure: Figure, sides: dict[str, dict[str, Side]], n_rows: int, height: float) -> None:
    """The classes by colour, and what colours of clusters say."""
    handles: dict[str, Line2D] = {}
    for known in sides.values():
        if "classes" in known:
            kinds = known["classes"].kinds
            handles |= {kinds.names[k]: handle_of(kinds.colors[k]) for k in np.unique(kinds.code)}
    if n_rows > 1 and any(name != "classes" for name in sides["prediction"]):
        handles["cluster without a partner"] = handle_of(style.UNMATCHED[0])
    if handles:
        figure.legend(handles.values(), handles.keys(), loc="center", bbox_to_anchor=(0.5, height), ncols=8, fontsize=9)
