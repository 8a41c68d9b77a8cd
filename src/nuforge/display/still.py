"""A drawing on paper, with matplotlib."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap, LogNorm, Normalize, to_rgba_array
from matplotlib.figure import Figure
from mpl_toolkits.mplot3d.art3d import Line3DCollection
from mpl_toolkits.mplot3d.axes3d import Axes3D

from nuforge.display import style
from nuforge.display.drawing import (
    Bins,
    Coloring,
    Curve,
    Dots,
    Drawing,
    Image,
    Labelling,
    Panel,
    Part,
    Scale,
    Steps,
    Strokes,
)
from nuforge.display.frame import horizontal_view
from nuforge.display.limits import cubes_of, first_cube, plane_of
from nuforge.display.plots import new_figure

_CELLS = 900  # of a map along an axis
_NAMED = 12  # lines of a legend


def picture_of(drawing: Drawing, title: str = "") -> Figure:
    """The drawing as one picture, each panel in its first colouring."""
    n = len(drawing.panels)
    columns = min(drawing.columns, n)
    rows = -(-n // columns)
    size = 5.4 if columns < 3 else 4.2
    wide = 1.5 if columns == 1 and not any(p.is_space or p.equal for p in drawing.panels) else 1.1
    with style.styled():
        figure = new_figure(columns * size * wide, rows * size + 0.3)
        for k, panel in enumerate(drawing.panels):
            if panel.is_space:
                _draw_space(figure.add_subplot(rows, columns, k + 1, projection="3d", computed_zorder=False), panel)
            else:
                _draw_plane(figure.add_subplot(rows, columns, k + 1), panel)
        _bars(figure, drawing)
        if title:
            figure.suptitle(title, x=0.01, ha="left", fontsize=11, weight="bold")
    return figure


def _bars(figure: Figure, drawing: Drawing) -> None:
    """One bar for each scale, beside the panels that use it."""
    users: dict[Scale, list[Axes]] = {}
    for axes, panel in zip(list(figure.axes), drawing.panels, strict=True):
        for part in panel.parts:
            if (scale := _scale_of(part)) is not None and axes not in users.setdefault(scale, []):
                users[scale].append(axes)
    for scale, its in users.items():
        bar = figure.colorbar(ScalarMappable(norm_of(scale), map_of(scale)), ax=its, shrink=0.75, aspect=30, pad=0.03)
        bar.set_label(scale.title, fontsize=9.5)
        bar.outline.set_visible(False)
        bar.ax.tick_params(labelsize=8.5)


def _scale_of(part: object) -> Scale | None:
    if isinstance(part, Image):
        return part.scale
    if isinstance(part, Dots) and part.colorings and isinstance(part.colorings[0], Coloring):
        return part.colorings[0].scale
    return None


def norm_of(scale: Scale) -> Normalize:
    """Numbers to 0 ... 1."""
    return LogNorm(scale.low, scale.high, clip=True) if scale.log else Normalize(scale.low, scale.high, clip=True)


def map_of(scale: Scale) -> LinearSegmentedColormap:
    """0 ... 1 to colours."""
    return LinearSegmentedColormap.from_list(scale.palette, scale.colors)


def _colors(part: Dots) -> np.ndarray | str:
    """Colours of dots in their first colouring."""
    if not part.colorings:
        return part.color
    first = part.colorings[0]
    if isinstance(first, Labelling):
        return np.asarray(to_rgba_array(first.kinds.colors)[first.kinds.code])
    colors = map_of(first.scale)(norm_of(first.scale)(np.ma.masked_invalid(first.value)))
    return np.asarray(colors)


def _area(part: Dots) -> Any:  # noqa: ANN401
    """Pixels of a screen to points^2."""
    return (0.62 * np.asarray(part.size, dtype=float)) ** 2


_SYMBOLS = {"circle": "o", "square": "s", "diamond": "D", "cross": "P"}


def _first(panel: Panel) -> list[Part]:
    """The parts that are seen in the first colouring."""
    named = [part.coloring for part in panel.parts if isinstance(part, Image)]
    named += [part.colorings[0].name for part in panel.parts if isinstance(part, Dots) and part.colorings]
    first = next((name for name in named if name), "")
    return [
        part
        for part in panel.parts
        if not isinstance(part, Dots) or not part.colorings or part.colorings[0].name == first
    ]


def _draw_plane(axes: Axes, panel: Panel) -> None:
    for part in _first(panel):
        if isinstance(part, Dots) and len(part.position):
            axes.scatter(
                part.position[:, 0],
                part.position[:, 1],
                c=_colors(part),
                s=_area(part),
                marker=_SYMBOLS[part.symbol],
                linewidths=0,
            )
        elif isinstance(part, Strokes) and part.shown and len(part.ends):
            label = part.name if part.listed else None
            ends = list(part.ends)
            axes.add_collection(LineCollection(ends, colors=part.color, linewidths=0.5 * part.width, label=label))
            _mark(axes, part)
        elif isinstance(part, Image):
            _draw_image(axes, part)
        elif isinstance(part, Curve) and part.shown and len(part.value):
            x, y = envelope(part)
            axes.plot(x, y, color=part.color, linewidth=0.8, label=part.name)
        elif isinstance(part, Steps):
            axes.stairs(part.content, part.edges, color=part.color, label=part.name, linewidth=1.3)
            axes.stairs(part.content, part.edges, color=part.color, fill=True, alpha=0.14)
    _dress(axes, panel)


def _mark(axes: Axes, part: Strokes) -> None:
    if part.marked:
        at = part.ends[:, 0] if part.marked == "start" else part.ends[:, 1]
        axes.scatter(
            at[:, 0],
            at[:, 1],
            c=part.color,
            s=14,
            marker="o" if part.marked == "start" else "D",
            linewidths=0,
            zorder=5,
        )


def _dress(axes: Axes, panel: Panel) -> None:
    """Limits, titles, a legend."""
    (left, low), (right, high) = plane_of(panel)
    axes.set(xlim=(left, right), ylim=(low, high), xlabel=panel.x, ylabel=panel.y, title=panel.title)
    if panel.log_x:
        axes.set_xscale("log")
    if panel.equal:
        axes.set_aspect("equal")
    if panel.bare:
        axes.set_axis_off()
    if panel.ticks:
        axes.set_xticks(list(panel.ticks), list(panel.ticks.values()))
    handles, names = axes.get_legend_handles_labels()
    if names:
        axes.legend(handles[:_NAMED], names[:_NAMED], fontsize=8.5, loc="best")


def _draw_image(axes: Axes, part: Image) -> None:
    """A map, binned to what paper can show."""
    value, extent = binned(part)
    axes.imshow(
        value.T, origin="lower", extent=extent, aspect="auto", interpolation="nearest", cmap=map_of(part.scale),
        norm=norm_of(part.scale),
    )  # fmt: skip


def binned(part: Image, most: int = _CELLS) -> tuple[np.ma.MaskedArray, tuple[float, float, float, float]]:
    """The map with at most so many cells along an axis, and its extent; a bin has the value of largest size."""
    group = [max(1, -(-bins.n // most)) for bins in (part.x, part.y)]
    shape = (-(-part.x.n // group[0]), -(-part.y.n // group[1]))
    value = np.zeros(shape)
    order = np.argsort(np.abs(part.value), kind="stable")  # the largest is set last
    value[part.column[order] // group[0], part.row[order] // group[1]] = part.value[order]
    filled = np.zeros(shape, dtype=bool)
    filled[part.column // group[0], part.row // group[1]] = True
    return np.ma.masked_array(value, ~filled), (
        *_extent(part.x, shape[0] * group[0]),
        *_extent(part.y, shape[1] * group[1]),
    )


def _extent(bins: Bins, n: int) -> tuple[float, float]:
    return bins.first, bins.first + bins.step * n


def envelope(part: Curve, most: int = 2000) -> tuple[np.ndarray, np.ndarray]:
    """Samples as they are, or of each group the smallest and the largest, so that no pulse is lost."""
    value = part.value
    x = part.first + part.step * np.arange(len(value))
    if len(value) <= 2 * most:
        return x, value
    group = -(-len(value) // most)
    padded = np.pad(value, (0, -len(value) % group), mode="edge").reshape(-1, group)
    pair = np.sort(np.stack([padded.argmin(1), padded.argmax(1)], axis=1), axis=1)
    at = np.minimum((np.arange(len(padded))[:, None] * group + pair).reshape(-1), len(value) - 1)
    return x[at], value[at]


def _draw_space(axes: Axes3D, panel: Panel) -> None:
    order = _order(panel)
    for part in panel.parts:
        if isinstance(part, Dots) and len(part.position):
            look = {"marker": _SYMBOLS[part.symbol], "linewidths": 0, "depthshade": False}
            zorder = 1 if part.role == "detector" else 3
            axes.scatter(*part.position[:, order].T, c=_colors(part), s=_area(part), zorder=zorder, **look)
        elif isinstance(part, Strokes) and part.shown and len(part.ends):
            lines = Line3DCollection(part.ends[..., order], colors=part.color, linewidths=0.5 * part.width, zorder=4)
            axes.add_collection3d(lines)
            axes.plot([], [], [], color=part.color, label=part.name if part.listed else None)
            if part.marked:
                at = part.ends[:, 0] if part.marked == "start" else part.ends[:, 1]
                axes.scatter(*at[:, order].T, c=part.color, s=10, zorder=5, linewidths=0, depthshade=False)
    cubes = cubes_of(panel)
    cube = cubes[first_cube(cubes)][:, order]
    axes.set(xlim=cube[:, 0], ylim=cube[:, 1], zlim=cube[:, 2], title=panel.title)
    axes.set_box_aspect((1, 1, 1))
    axes.set_proj_type("ortho")
    points = panel.points(("readout",))
    view = horizontal_view(points[np.isfinite(points).all(1)], panel.up)[order]
    axes.view_init(elev=20, azim=float(np.degrees(np.arctan2(view[1], view[0]))))
    names = np.array([panel.x, panel.y, panel.z])[order]
    for axis, name in zip((axes.xaxis, axes.yaxis, axes.zaxis), names, strict=True):
        axis.set_pane_color((1, 1, 1, 0))
        axis.line.set_color(style.FAINT)
        axis.set_label_text(str(name), fontsize=8.5, color=style.SOFT)
        axis.set_tick_params(labelsize=7.5, labelcolor=style.SOFT)
    axes.locator_params(nbins=5)
    handles, labels = axes.get_legend_handles_labels()
    if labels:
        axes.legend(handles[:_NAMED], labels[:_NAMED], fontsize=8.5, loc="upper left")


def _order(panel: Panel) -> list[int]:
    """Our axes in the order of the picture's: cyclic, with what is up last."""
    up = int(np.argmax(np.abs(panel.up)))
    return [(up + 1) % 3, (up + 2) % 3, up]
