"""Picture of an event that does not move, for a page of paper: the same event in one colouring a panel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, to_rgba_array
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter
from mpl_toolkits.mplot3d.art3d import Line3DCollection
from mpl_toolkits.mplot3d.axes3d import Axes3D

from nuforge.display import style
from nuforge.display.frame import cube_around, horizontal_view
from nuforge.display.kinds import Kinds
from nuforge.display.plots import new_figure
from nuforge.display.scene import Scene, thinned


def event_picture(scene: Scene, colorings: Sequence[str] | None = None, width: float = 4.2) -> Figure:
    """Panels of one event from one point of view, with the detector's up direction upwards and equal aspect.

    Args:
        scene: The event.
        colorings: One panel each; by default energy, truth and prediction as far as they are known.
        width: Of a panel, in inches.

    Raises:
        ValueError: If the event cannot be coloured so.
    """
    colorings = colorings or [name for name in ("energy", "truth", "prediction") if name in scene.colorings]
    unknown = [name for name in colorings if name not in scene.colorings]
    if unknown:
        raise ValueError(f"this event has no {unknown}, it can be coloured by {list(scene.colorings)}")
    scene, n = thinned(scene), len(colorings)
    with style.styled():
        figure = new_figure(width * n, 1.05 * width)
        figure.set_layout_engine("none")
        for i, coloring in enumerate(colorings):
            axes = figure.add_axes((i / n, 0.1, 1 / n, 0.84), projection="3d", computed_zorder=False)
            draw_voxels(axes, scene, scene.kinds.get(coloring))
            figure.text((i + 0.06) / n, 0.95, coloring, fontsize=12, weight="bold", va="center")
        if "energy" in colorings:
            _energy_bar(figure, scene, (list(colorings).index("energy") + 0.28) / n, 0.44 / n)
        _legend(figure, scene, colorings)
    return figure


def _energy_bar(figure: Figure, scene: Scene, left: float, width: float) -> None:
    """The scale of energies under their panel."""
    axes = figure.add_axes((left, 0.05, width, 0.016))
    scale = ScalarMappable(LogNorm(*_energy_range(scene.energy)), style.energy_map)
    bar = figure.colorbar(scale, cax=axes, orientation="horizontal")
    bar.outline.set_visible(False)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(labelsize=8, labelcolor=style.SOFT, which="both", length=2, pad=1)
    axes.text(1.04, 0.5, "MeV", transform=axes.transAxes, fontsize=8.5, color=style.SOFT, va="center")


def _legend(figure: Figure, scene: Scene, colorings: Sequence[str]) -> None:
    """What the colours of all other panels mean, once each."""
    handles: dict[str, Line2D] = {}
    for coloring in colorings:
        if coloring in scene.kinds:
            kinds = scene.kinds[coloring]
            handles |= {kinds.names[k]: handle_of(kinds.colors[k]) for k in np.unique(kinds.code)}
    if handles:
        middle = (1 + ("energy" in colorings) / len(colorings)) / 2 if colorings[0] == "energy" else 0.5
        columns = min(len(handles), max(2, 3 * (len(colorings) - 1)))
        figure.legend(
            handles.values(), handles.keys(), loc="center", bbox_to_anchor=(middle, 0.045), ncols=columns, fontsize=9.5
        )


def draw_voxels(axes: Axes3D, scene: Scene, kinds: Kinds | None) -> None:
    """The event in one colouring, by energy without any, in a frame from one point of view."""
    order = axes_order(scene)
    position = scene.position[..., order]
    norm = LogNorm(*_energy_range(scene.energy))
    if kinds is None:
        colors = style.energy_map(norm(np.clip(scene.energy, *_energy_range(scene.energy))))
    else:
        colors = to_rgba_array(kinds.colors)[kinds.code]
    if scene.is_segments:
        axes.add_collection3d(Line3DCollection(position, colors=colors, linewidths=1.2, capstyle="round"))
    elif len(position):
        axes.scatter(*position.T, c=colors, marker="s", s=_marker(axes, scene), linewidths=0, depthshade=False)
    _frame(axes, scene, order)


def axes_order(scene: Scene) -> list[int]:
    """Our axes in the order of the picture's: cyclic, with `up` last."""
    up = int(np.argmax(np.abs(scene.frame.up)))
    return [(up + 1) % 3, (up + 2) % 3, up]


def _frame(axes: Axes3D, scene: Scene, order: list[int]) -> None:
    """Limits, faint panes and the names of the axes."""
    cube = cube_around(scene.points, margin=0.02)[:, order]
    axes.set(xlim=cube[:, 0], ylim=cube[:, 1], zlim=cube[:, 2])
    axes.set_box_aspect((1, 1, 1), zoom=1.06)
    axes.set_proj_type("ortho")
    view = horizontal_view(scene.points, scene.frame.up)[order]
    axes.view_init(elev=20, azim=float(np.degrees(np.arctan2(view[1], view[0]))))
    names = [f"{'xyz'[axis]} / {scene.frame.unit}" for axis in order]
    for axis, name in zip((axes.xaxis, axes.yaxis, axes.zaxis), names, strict=True):
        axis.set_pane_color((1, 1, 1, 0))
        axis.line.set_color(style.FAINT)
        axis.set_label_text(name, fontsize=8.5, color=style.SOFT)
        axis.set_tick_params(labelsize=7.5, labelcolor=style.SOFT, pad=-1)
        axis.labelpad = -2
    axes.grid(True)
    axes.locator_params(nbins=5)


def _marker(axes: Axes3D, scene: Scene) -> float:
    """Area in points^2 that makes a voxel about as large as it is, and never invisible."""
    side = float(np.ptp(cube_around(scene.points, margin=0.02)[:, 0]))
    panel = axes.get_position().width * axes.figure.get_figure(root=True).get_figwidth() * 72
    return float(np.clip(0.62 * panel * scene.frame.voxel / side, 1.9, 9.0) ** 2)


def _energy_range(energy: np.ndarray) -> tuple[float, float]:
    """From little to much, MeV, always two different positive numbers."""
    positive = energy[energy > 0]
    if not len(positive):
        return 0.1, 1.0
    low, high = np.quantile(positive, [0.01, 0.995])
    return float(low), float(max(high, 1.1 * low))


def handle_of(color: str) -> Line2D:
    """A square of a colour, for a legend."""
    return Line2D([], [], color=color, marker="s", linestyle="none", markersize=6)
