"""Interactive display of the liquid-argon chain: each stage's truth beside its prediction, chosen by buttons."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from nuforge.display import style
from nuforge.display.event3d import BUTTONS, caption, energy_trace, halves, layout, outline, square
from nuforge.display.frame import cube_around
from nuforge.display.kinds import Kinds
from nuforge.display.marks import Marks
from nuforge.display.scene import Scene, thinned
from nuforge.display.stages import Side

ARROW = 0.09
"""Length of an arrow, in sides of the cube around the event."""

# plotly draws "x" as a letter that some machines have no font for
_SYMBOLS = {"start": ("circle", 5), "end": ("diamond", 5), "vertex": ("cross", 8)}
_AROUND = ("top center", "bottom center", "middle right", "middle left")  # names of one place stand apart
_HALVES = {"scene": ("truth", 0.005, "legend"), "scene2": ("prediction", 0.51, "legend2")}


def chain_figure(scene: Scene) -> go.Figure:
    """One event twice, the truth left and the prediction right, with a row of buttons for the stage; thinned if large.

    Clusters of a prediction have the colours of their true partners, those without one are red. A side of which nothing
    is known shows energies.

    Raises:
        ValueError: If nothing is known of any stage.
    """
    if not scene.stages:
        raise ValueError("this event has nothing of the chain; expected classes or clusters; show it by its energy")
    scene = thinned(scene)
    figure, owner = go.Figure(), []  # the stage of each trace, "" for what is always drawn
    for place, (which, _, legend) in _HALVES.items():
        sides = {name: getattr(stage, which) for name, stage in scene.stages.items()}
        for name, side in sides.items():
            traces = _side_traces(scene, side, place, legend) if side is not None else []
            figure.add_traces(traces)
            owner += [name] * len(traces)
        bare = [name for name, side in sides.items() if side is None]
        energies = [_energies(scene, place)] if bare else []
        fixed = outline(scene, place)
        figure.add_traces([*energies, *fixed])
        owner += [" ".join(bare)] * len(energies) + [""] * len(fixed)
    stages = list(scene.stages)
    for trace, name in zip(figure.data, owner, strict=True):
        trace.visible = _is_shown(name, stages[0])
    figure.update_layout(layout(), **halves(scene), height=640, margin={"l": 0, "r": 0, "t": 78, "b": 0})
    figure.update_layout(
        updatemenus=[{**BUTTONS, "buttons": _buttons(scene, owner), "x": 0.005, "xanchor": "left", "pad": {"b": 32}}],
        annotations=_captions(scene, stages[0]),
        **{legend: _legend(x) for _, x, legend in _HALVES.values()},
    )
    return figure


def _energies(scene: Scene, place: str) -> go.Scatter3d:
    """The half of which nothing else is known, its scale at its right edge."""
    trace = energy_trace(scene, place)
    trace.marker.colorbar.x = 0.98 if place == "scene2" else 0.47
    return trace


def _is_shown(owner: str, stage: str) -> bool:
    """Whether a trace belongs to a stage; energies belong to all stages of which a side says nothing."""
    return not owner or stage in owner.split(" ")


def _buttons(scene: Scene, owner: list[str]) -> list[dict[str, Any]]:
    """A button for each stage."""
    return [
        {
            "label": name,
            "method": "update",
            "args": [{"visible": [_is_shown(o, name) for o in owner]}, {"annotations": _captions(scene, name)}],
        }
        for name in scene.stages
    ]


def _captions(scene: Scene, stage: str) -> list[dict[str, Any]]:
    """What the two halves show."""
    sides = scene.stages[stage]
    known = {"truth": sides.truth, "prediction": sides.prediction}
    return [
        caption(f"{stage}, {which}" if known[which] is not None else f"energy ({which} unknown)", x)
        for which, x, _ in _HALVES.values()
    ]


def _legend(x: float) -> dict[str, Any]:
    """The legend of one half, over its upper left corner."""
    return {"x": x, "y": 0.99, "itemsizing": "constant", "bgcolor": "rgba(255,255,255,0.35)", "font": {"size": 11}}


def _side_traces(scene: Scene, side: Side, place: str, legend: str) -> list[go.Scatter3d]:
    """One side of one stage: voxels by kind, then its marks."""
    kinds = side.kinds
    single = [k for k in np.unique(kinds.code).tolist() if k not in kinds.crowd]
    traces = [_kind_trace(scene, kinds, k, place) for k in single]
    crowd = np.isin(kinds.code, np.array(kinds.crowd, dtype=int))
    if crowd.any():
        traces.insert(len(single) - (len(kinds.names) - 1 in single), _crowd_trace(scene, kinds, crowd, place))
    length = ARROW * float(np.ptp(cube_around(scene.points)[:, 0]))
    for marks in side.marks:
        traces += _mark_traces(marks, length, place)
    for trace in traces:
        trace.legend = legend
    return traces


def _kind_trace(scene: Scene, kinds: Kinds, k: int, place: str) -> go.Scatter3d:
    """The voxels of one kind."""
    rows = np.flatnonzero(kinds.code == k)
    hover = "%{customdata:.3g} MeV<br>" + kinds.names[k] + "<extra></extra>"
    marker = {**square(scene), "color": kinds.colors[k]}
    return _voxels(scene, rows, place, name=kinds.names[k], marker=marker, hovertemplate=hover)


def _crowd_trace(scene: Scene, kinds: Kinds, crowd: np.ndarray, place: str) -> go.Scatter3d:
    """The voxels of the kinds that share a line of the legend, each kind in its colour."""
    rows = np.flatnonzero(crowd)
    palette = sorted({kinds.colors[k] for k in kinds.crowd})
    number = np.array([palette.index(color) if color in palette else 0 for color in kinds.colors])
    steps = len(palette)
    scale = [[edge / steps, color] for i, color in enumerate(palette) for edge in (i, i + 1)]
    marker = {**square(scene), "color": number[kinds.code[rows]] + 0.5, "colorscale": scale, "cmin": 0, "cmax": steps}
    name = f"{len(kinds.crowd)} smaller ones"
    text = [str(kinds.names[k]) for k in kinds.code[rows]]
    hover = "%{customdata:.3g} MeV<br>%{text}<extra></extra>"
    return _voxels(scene, rows, place, name=name, marker=marker, text=text, hovertemplate=hover)


def _voxels(scene: Scene, rows: np.ndarray, place: str, **look: Any) -> go.Scatter3d:  # noqa: ANN401
    """Some voxels, with their energies to be told."""
    x, y, z = scene.position[rows].T.astype(np.float32)
    energy = scene.energy[rows].astype(np.float32)
    return go.Scatter3d(x=x, y=y, z=z, customdata=energy, mode="markers", scene=place, **look)


def _mark_traces(marks: Marks, length: float, place: str) -> list[go.Scatter3d]:
    """Points, arrows and labels."""
    x, y, z = marks.position.T.astype(np.float32)
    if marks.symbol == "label":
        font = {"size": 11, "color": style.INK}
        around = [_AROUND[i % len(_AROUND)] for i in range(len(marks.texts))]
        look = {"mode": "text", "text": list(marks.texts), "textfont": font, "textposition": around}
        return [go.Scatter3d(x=x, y=y, z=z, scene=place, name="names", hoverinfo="skip", **look)]
    symbol, size = _SYMBOLS[marks.symbol]
    marker = {"symbol": symbol, "size": size, "color": list(marks.colors), "line": {"color": style.INK, "width": 1.5}}
    look = {"mode": "markers", "marker": marker, "text": list(marks.texts), "name": marks.name}
    traces = [go.Scatter3d(x=x, y=y, z=z, scene=place, hovertemplate="%{text}<extra></extra>", **look)]
    strokes = marks.strokes(length)
    if len(strokes):
        gap = np.full((len(strokes), 1, 3), np.nan)
        x, y, z = np.concatenate([strokes, gap], axis=1).reshape(-1, 3).T.astype(np.float32)
        line = {"color": style.INK, "width": 4}
        look = {"mode": "lines", "line": line, "hoverinfo": "skip", "name": "direction"}
        traces.append(go.Scatter3d(x=x, y=y, z=z, scene=place, **look))
    return traces
