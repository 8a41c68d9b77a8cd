"""Interactive 3D display of an event, with plotly: turn it, colour it anew, ask a voxel what it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from nuforge.display import style
from nuforge.display.frame import cube_around
from nuforge.display.kinds import Kinds
from nuforge.display.plotly_space import seen_from_the_side
from nuforge.display.scene import Scene, thinned

FONT = "Inter, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif"
CONFIG: dict[str, Any] = {"displaylogo": False, "responsive": True, "modeBarButtonsToRemove": ["resetCameraLastSave3d"]}
"""How plotly shows a figure: without its logo."""

_PIXELS = 300  # of a scene on a usual screen, for the size of a voxel


def event_figure(scene: Scene) -> go.Figure:
    """One event with a row of buttons that colours it by energy, truth, prediction or particle; thinned if large."""
    scene = thinned(scene)
    figure = go.Figure()
    owner: list[str] = []  # the colouring of each trace, "" for what is always drawn
    for coloring in scene.colorings:
        traces = _traces(scene, coloring, "scene")
        figure.add_traces(traces)
        owner += [coloring] * len(traces)
    fixed = _surroundings(scene, "scene")
    figure.add_traces(fixed)
    owner += [""] * len(fixed)
    first = "truth" if "truth" in scene.kinds else "energy"
    for trace, name in zip(figure.data, owner, strict=True):
        trace.visible = name in (first, "")
    figure.update_layout(layout(), scene=axes_of(scene), height=680)
    figure.update_layout(
        updatemenus=[_coloring_buttons(scene, owner, first), *_view_buttons(scene)],
        margin={"l": 0, "r": 0, "t": 52, "b": 0},
    )
    return figure


def pair_figure(scene: Scene, left: str = "truth", right: str = "prediction") -> go.Figure:
    """One event twice, coloured in two ways side by side; thinned if large.

    Raises:
        ValueError: If the event cannot be coloured so.
    """
    for coloring in (left, right):
        if coloring not in scene.colorings:
            raise ValueError(f"this event has no '{coloring}', it can be coloured by {list(scene.colorings)}")
    scene = thinned(scene)
    figure = go.Figure()
    for place, coloring in (("scene", left), ("scene2", right)):
        traces = _traces(scene, coloring, place)
        if place == "scene2":
            for trace in traces:
                trace.showlegend = False
        figure.add_traces(traces)
        figure.add_traces(_surroundings(scene, place, legend=place == "scene"))
    figure.update_layout(layout(), **halves(scene))
    figure.update_layout(
        height=520,
        margin={"l": 0, "r": 0, "t": 34, "b": 0},
        legend={"orientation": "h", "x": 0.5, "xanchor": "center", "y": -0.02, "yanchor": "top"},
        annotations=[caption(left, 0.005), caption(right, 0.51)],
    )
    return figure


def _traces(scene: Scene, coloring: str, place: str) -> list[go.Scatter3d]:
    """The event in one colouring: one trace, or one for each kind so that the legend can hide it."""
    if coloring == "energy":
        return [energy_trace(scene, place)]
    kinds = scene.kinds[coloring]
    present = [k for k in range(len(kinds.names)) if (kinds.code == k).any()]
    return [_kind_trace(scene, coloring, kinds, k, place) for k in present]


def energy_trace(scene: Scene, place: str) -> go.Scatter3d:
    """All rows coloured by the logarithm of their energy."""
    energy = np.maximum(scene.energy, 1e-6)
    low, high = np.log10(np.quantile(energy, [0.01, 0.995])) if len(energy) else (-1.0, 1.0)
    ticks = [t for t in (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100) if low <= np.log10(t) <= high]
    color = {
        "color": np.log10(energy).astype(np.float32),
        "colorscale": [[i / (len(style.ENERGY) - 1), c] for i, c in enumerate(style.ENERGY)],
        "cmin": float(low),
        "cmax": float(max(high, low + 0.1)),
    }
    bar = {
        "title": {"text": "MeV", "side": "top"},
        "thickness": 11,
        "len": 0.55,
        "x": 0.98,
        "outlinewidth": 0,
        "tickvals": [float(np.log10(t)) for t in ticks],
        "ticktext": [f"{t:g}" for t in ticks],
    }
    rows = np.arange(len(energy))
    if scene.is_segments:
        color["color"] = np.repeat(color["color"], 3)
        return _trace(scene, rows, place, name="energy", line={**color, "colorbar": bar, "width": 4}, showlegend=False)
    return _trace(scene, rows, place, name="energy", marker={**color, "colorbar": bar}, showlegend=False)


def _kind_trace(scene: Scene, coloring: str, kinds: Kinds, k: int, place: str) -> go.Scatter3d:
    """The rows of one kind."""
    rows = np.flatnonzero(kinds.code == k)
    paint = (
        {"line": {"color": kinds.colors[k], "width": 4}}
        if scene.is_segments
        else {"marker": {"color": kinds.colors[k]}}
    )
    return _trace(scene, rows, place, name=kinds.names[k], legendgroup=f"{coloring} {k}", showlegend=True, **paint)


def _trace(scene: Scene, rows: np.ndarray, place: str, **look: Any) -> go.Scatter3d:  # noqa: ANN401
    """Voxels as squares or segments as lines, with what hovering tells."""
    position, text = scene.position[rows], _hover(scene, rows)
    if scene.is_segments:
        gap = np.full((len(rows), 1, 3), np.nan)
        position = np.concatenate([position, gap], axis=1).reshape(-1, 3)
        text = [line for line in text for _ in range(3)]
        look["mode"] = "lines"
        if not np.ptp(scene.position[rows], axis=1).any(1).all():  # deposits at a point
            look["mode"] = "lines+markers"
            look["marker"] = {**look["line"], "size": 3, "showscale": False}
            look["marker"].pop("width", None)
    else:
        look["mode"] = "markers"
        look["marker"] = {**square(scene), **look["marker"]}
    x, y, z = position.T.astype(np.float32)
    return go.Scatter3d(x=x, y=y, z=z, text=text, hovertemplate="%{text}<extra></extra>", scene=place, **look)


def square(scene: Scene) -> dict[str, Any]:
    """The mark of a voxel: about as large as it is, and never invisible."""
    side = float(np.ptp(cube_around(scene.points)[:, 0]))
    size = float(np.clip(_PIXELS * scene.frame.voxel / side, 1.6, 6.0))
    return {"size": size, "symbol": "square", "line": {"width": 0}}


def _hover(scene: Scene, rows: np.ndarray) -> list[str]:
    """What is known of each row: energy, then each colouring that says something."""
    text = np.array([f"{value:.3g} MeV" for value in scene.energy[rows]], dtype=object)
    for coloring, word in (("truth", "true "), ("prediction", "predicted "), ("particle", "")):
        if coloring in scene.kinds:
            text = text + (f"<br>{word}" + scene.kinds[coloring].of_rows()[rows])
    return [str(line) for line in text]


def _surroundings(scene: Scene, place: str, legend: bool = True) -> list[go.Scatter3d]:
    """The outline of the detector and where particles start."""
    traces = outline(scene, place)
    if len(scene.starts):
        x, y, z = scene.starts.T.astype(np.float32)
        marker = {"symbol": "diamond-open", "size": 5, "color": style.INK, "line": {"width": 1.5}}
        hover = {"text": list(scene.start_names), "hovertemplate": "start of %{text}<extra></extra>"}
        shown = {"mode": "markers", "marker": marker, "name": "start of a particle", "legendgroup": "starts"}
        traces.append(go.Scatter3d(x=x, y=y, z=z, scene=place, showlegend=legend, **shown, **hover))
    return traces


def outline(scene: Scene, place: str) -> list[go.Scatter3d]:
    """The edges of the detector, if it is known."""
    edges = scene.frame.edges()
    if not len(edges):
        return []
    x, y, z = edges.T
    line = {"color": style.FAINT, "width": 2}
    box = {"mode": "lines", "line": line, "hoverinfo": "skip", "name": "detector", "showlegend": False}
    return [go.Scatter3d(x=x, y=y, z=z, scene=place, **box)]


def layout() -> dict[str, Any]:
    """What all figures have in common."""
    return {
        "template": go.layout.Template(),
        "paper_bgcolor": "white",
        "modebar": {"orientation": "v", "bgcolor": "rgba(255,255,255,0)", "color": style.FAINT},
        "font": {"family": FONT, "size": 13, "color": style.INK},
        "legend": {"itemsizing": "constant", "x": 0.01, "y": 0.99, "bgcolor": "rgba(255,255,255,0.75)"},
        "hoverlabel": {"bgcolor": "white", "bordercolor": style.RULE, "font": {"family": FONT, "color": style.INK}},
        "uirevision": "kept",  # the camera stays when the colouring changes
    }


def halves(scene: Scene) -> dict[str, Any]:
    """Two scenes side by side, seen from one side."""
    domains = {"scene": {"x": [0, 0.495], "y": [0, 1]}, "scene2": {"x": [0.505, 1], "y": [0, 1]}}
    return {place: {**axes_of(scene), "domain": domain} for place, domain in domains.items()}


def axes_of(scene: Scene) -> dict[str, Any]:
    """A scene of equal aspect, zoomed on the event."""
    titles = [f"{axis} / {scene.frame.unit}" for axis in "xyz"]
    return seen_from_the_side(scene.points, cube_around(scene.points), titles, scene.frame.up, 1.45)


def _limits(cube: np.ndarray) -> dict[str, list[float]]:
    return {name: [float(cube[0, axis]), float(cube[1, axis])] for axis, name in enumerate("xyz")}


def _coloring_buttons(scene: Scene, owner: list[str], first: str) -> dict[str, Any]:
    """Buttons that show the traces of one colouring."""
    buttons = [
        {"label": coloring, "method": "restyle", "args": [{"visible": [name in (coloring, "") for name in owner]}]}
        for coloring in scene.colorings
    ]
    return {**BUTTONS, "buttons": buttons, "x": 0.01, "xanchor": "left", "active": scene.colorings.index(first)}


def _view_buttons(scene: Scene) -> list[dict[str, Any]]:
    """Buttons that zoom on the event or on the whole detector; none without an outline."""
    whole = scene.frame.cube()
    if whole is None:
        return []
    views = {"event": cube_around(scene.points), "detector": whole}
    buttons = [
        {
            "label": label,
            "method": "relayout",
            "args": [{f"scene.{name}axis.range": limits for name, limits in _limits(cube).items()}],
        }
        for label, cube in views.items()
    ]
    return [{**BUTTONS, "buttons": buttons, "x": 0.99, "xanchor": "right", "y": 0.02}]


BUTTONS: dict[str, Any] = {
    "type": "buttons",
    "direction": "right",
    "y": 1.0,
    "yanchor": "bottom",
    "pad": {"t": 4, "b": 8},
    "showactive": True,
    "bgcolor": "white",
    "bordercolor": style.RULE,
    "font": {"size": 12},
}


def caption(text: str, x: float) -> dict[str, Any]:
    """A heading over one half of a figure."""
    where = {"xref": "paper", "yref": "paper", "x": x, "y": 1.0, "xanchor": "left", "yanchor": "bottom"}
    return {**where, "text": f"<b>{text}</b>", "showarrow": False, "font": {"size": 14}}
