"""A drawing for plotly: it turns, zooms, and tells what a point is.

Maps and waveforms go into the page whole and compact; `templates/event.js` bins them for the part that is looked at, so
that zooming in shows every cell and sample. What the page's own buttons need stands in the `meta` of each trace: who
may know it (`role`) and which colouring it belongs to (`coloring`).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go

from nuforge.display import style
from nuforge.display.drawing import Coloring, Curve, Dots, Drawing, Image, Labelling, Panel, Part, Scale, Steps, Strokes
from nuforge.display.event3d import layout
from nuforge.display.limits import cubes_of, first_cube, plane_of
from nuforge.display.plotly_space import seen_from_the_side

_GAP, _TOP = 0.055, 0.045  # between panels, over them for titles
_BAR, _LEGEND = 0.9, 0.85  # where panels end beside a colour bar, beside a legend
_MANY = 2000  # points from which the graphics card draws
Trace = dict[str, Any]


def figure_of(drawing: Drawing) -> go.Figure:
    """The drawing as plotly has it."""
    traces: list[Trace] = []
    places: dict[str, Any] = {}
    captions: list[dict[str, Any]] = []
    barred: set[Scale] = set()
    parts = [part for panel in drawing.panels for part in panel.parts]
    beside = any(isinstance(part, Curve | Steps) for part in parts)
    right = _LEGEND if beside else _BAR if any(map(_scales, parts)) else 1.0
    for k, panel in enumerate(drawing.panels):
        domain = _domain(drawing, k, right)
        number = "" if k == 0 else str(k + 1)
        for part in panel.parts:
            for trace in _traces(part, panel):
                _place(trace, panel, number)
                traces.append(trace)
        places |= _space(panel, domain, number) if panel.is_space else _plane(panel, domain, number)
        if panel.title:
            captions.append(_caption(panel.title, domain))
    _name_once(traces)
    for trace in traces:
        scale = trace.pop("scale", None)
        if scale is not None:
            _color_bar(trace, scale, scale not in barred)
            if beside:
                trace["colorbar"] |= {
                    "len": 0.45,
                    "y": 0.0,
                    "yanchor": "bottom",
                    "x": _LEGEND + 0.02,
                    "xanchor": "left",
                }
            barred.add(scale)
    figure = go.Figure(data=traces, layout={**layout(), **places, "annotations": captions})
    figure.update_layout(
        meta=_zooms(drawing),
        margin={"l": 64, "r": 16, "t": 28, "b": 54},
        legend={"x": _LEGEND + 0.02 if beside else 0.005, "y": 0.995, "font": {"size": 12}},
        plot_bgcolor="white",
        barmode="overlay",
        hovermode="closest",
    )
    return figure


def _name_once(traces: list[Trace]) -> None:
    """Of traces of one name, as in several panels, the legend names the first and hides all together."""
    named: set[str] = set()
    for trace in traces:
        if trace.get("showlegend"):
            trace["showlegend"] = trace["name"] not in named
            trace.setdefault("legendgroup", trace["name"])
            named.add(trace["name"])


def _zooms(drawing: Drawing) -> dict[str, Any]:
    """For the page's buttons: how far each panel in space reaches if the event, or the detector, is looked at."""
    cubes = {
        f"scene{k + 1 if k else ''}": {name: cube.T.tolist() for name, cube in cubes_of(panel).items()}
        for k, panel in enumerate(drawing.panels)
        if panel.is_space
    }
    names = sorted({name for zooms in cubes.values() for name in zooms}, reverse=True)
    first = [first_cube(cubes_of(panel)) for panel in drawing.panels if panel.is_space]
    return {"zooms": cubes, "names": names, "first": first[0] if first else ""} if len(names) > 1 else {}


def _scales(part: Part) -> bool:
    return isinstance(part, Image) or (isinstance(part, Dots) and any(isinstance(c, Coloring) for c in part.colorings))


def _domain(drawing: Drawing, k: int, right: float) -> dict[str, list[float]]:
    """Where panel k is."""
    columns = min(drawing.columns, len(drawing.panels))
    rows = -(-len(drawing.panels) // columns)
    row, column = divmod(k, columns)
    width, height = right / columns, 1.0 / rows
    space = drawing.panels[k].is_space
    x = [column * width + (_GAP * 0.6 * (column > 0) * (not space)), (column + 1) * width - _GAP * 0.4 * (columns > 1)]
    low = 1 - (row + 1) * height
    y = [low + (0.0 if row == rows - 1 else 2.0 * _GAP), low + height - (_TOP if drawing.panels[k].title else 0.0)]
    return {"x": [round(v, 4) for v in x], "y": [round(v, 4) for v in y]}


def _caption(text: str, domain: Mapping[str, list[float]]) -> dict[str, Any]:
    where = {"xref": "paper", "yref": "paper", "x": domain["x"][0], "y": domain["y"][1]}
    font = {"size": 13}
    return {
        **where,
        "text": f"<b>{text}</b>",
        "showarrow": False,
        "xanchor": "left",
        "yanchor": "bottom",
        "font": font,
    }


def _place(trace: Trace, panel: Panel, number: str) -> None:
    if panel.is_space:
        trace["scene"] = f"scene{number}"
    else:
        trace |= {"xaxis": f"x{number}", "yaxis": f"y{number}"}


def _plane(panel: Panel, domain: dict[str, list[float]], number: str) -> dict[str, Any]:
    """A pair of axes."""
    (left, low), (right, high) = plane_of(panel)
    axis = {
        "gridcolor": style.RULE,
        "zeroline": False,
        "linecolor": style.SOFT,
        "ticks": "outside",
        "tickcolor": style.SOFT,
        "showgrid": not any(isinstance(part, Image) for part in panel.parts),
        "visible": not panel.bare,
        "exponentformat": "power",
        "minexponent": 5,
    }
    x = {**axis, "domain": domain["x"], "anchor": f"y{number}", "title": {"text": panel.x, "font": {"size": 12}}}
    y = {**axis, "domain": domain["y"], "anchor": f"x{number}", "title": {"text": panel.y, "font": {"size": 12}}}
    x |= {"type": "log", "range": [float(np.log10(left)), float(np.log10(right))]} if panel.log_x else {}
    x |= {} if panel.log_x else {"range": [float(left), float(right)]}
    y["range"] = [float(low), float(high)]
    if panel.ticks:
        x |= {"tickvals": list(panel.ticks), "ticktext": list(panel.ticks.values())}
    if panel.equal:
        y |= {"scaleanchor": f"x{number}", "scaleratio": 1, "constrain": "domain"}
        x["constrain"] = "domain"
    return {f"xaxis{number}": x, f"yaxis{number}": y}


def _space(panel: Panel, domain: dict[str, list[float]], number: str) -> dict[str, Any]:
    """Three axes of equal scale, seen from the side."""
    cubes = cubes_of(panel)
    cube = cubes[first_cube(cubes)]
    points = panel.points(("readout",))
    points = points[np.isfinite(points).all(1)]
    titles = (panel.x, panel.y, panel.z)
    return {f"scene{number}": {**seen_from_the_side(points, cube, titles, panel.up, 1.25, 1.1), "domain": domain}}


def _traces(part: Part, panel: Panel) -> list[Trace]:
    if isinstance(part, Dots):
        return _dots(part, panel)
    if isinstance(part, Strokes):
        return _strokes(part, panel)
    if isinstance(part, Image):
        return [_image(part, panel)]
    if isinstance(part, Curve):
        return [_curve(part)]
    return [_steps(part)]


def _dots(part: Dots, panel: Panel) -> list[Trace]:
    """One trace for each colouring, and for each kind of a labelling."""
    base = {"size": part.size, "symbol": part.symbol, "line": {"width": 0}}
    every = np.arange(len(part.position))
    if not part.colorings:
        marker = {**base, "color": part.color, "opacity": 0.7 if part.role == "detector" else 1.0}
        return [_scatter(part, panel, every, marker, part.name, "")]
    traces = []
    for coloring in part.colorings:
        if isinstance(coloring, Coloring):
            marker = {**base, "color": coloring.scale.stretched(coloring.value).astype(np.float32)}
            trace = _scatter(part, panel, every, marker, part.name, coloring.name)
            traces.append({**trace, "scale": coloring.scale})
        else:
            traces += _labelled(part, panel, base, coloring)
    return traces


def _labelled(part: Dots, panel: Panel, base: dict[str, Any], labelling: Labelling) -> list[Trace]:
    """A trace for each kind, which the legend names and hides."""
    kinds, traces = labelling.kinds, []
    for k in np.unique(kinds.code).tolist():
        marker = {**base, "color": kinds.colors[k]}
        trace = _scatter(part, panel, np.flatnonzero(kinds.code == k), marker, kinds.names[k], labelling.name)
        traces.append({**trace, "showlegend": True, "legendgroup": f"{labelling.name} {k}"})
    return traces


def _scatter(part: Dots, panel: Panel, rows: np.ndarray, marker: dict[str, Any], name: str, coloring: str) -> Trace:
    """Some rows of the dots."""
    if not isinstance(part.size, float | int):
        marker = {**marker, "size": np.asarray(part.size, dtype=np.float32)[rows]}
    hover = [f"{title}: %{{customdata[{k}]:.5~g}}" for k, title in enumerate(part.hover)]
    trace: Trace = {**_axes(part.position[rows]), "mode": "markers", "marker": marker, "name": name}
    trace |= {"meta": {"role": part.role, "coloring": coloring}, "showlegend": part.listed}
    if part.hover:
        values = np.stack([np.asarray(column, dtype=float)[rows] for column in part.hover.values()], axis=1)
        exact = (values == np.round(values)) & (np.abs(values) > 2**24)
        trace["customdata"] = values if exact.any() else values.astype(np.float32)
    if part.texts:
        trace["text"] = [part.texts[row] for row in rows]
        hover.insert(0, "%{text}")
    trace |= {"hovertemplate": "<br>".join(hover) + "<extra></extra>"} if hover else {"hoverinfo": "skip"}
    return {**trace, "type": _kind(panel)}


def _axes(position: np.ndarray) -> dict[str, np.ndarray]:
    return {name: position[:, k].astype(np.float32) for k, name in enumerate("xyz"[: position.shape[1]])}


def _kind(panel: Panel) -> str:
    """How plotly draws points and lines: all of a panel in one way, else what is drawn last may be hidden."""
    many = max((len(part.position) for part in panel.parts if isinstance(part, Dots)), default=0) > _MANY
    return "scatter3d" if panel.is_space else "scattergl" if many else "scatter"


def _strokes(part: Strokes, panel: Panel) -> list[Trace]:
    """Lines, and the marks at their ends."""
    gap = np.full((len(part.ends), 1, part.ends.shape[-1]), np.nan)
    path = np.concatenate([part.ends, gap], axis=1).reshape(-1, part.ends.shape[-1])
    meta = {"role": part.role, "coloring": ""}
    common = {"meta": meta, "name": part.name, "legendgroup": part.name, "type": _kind(panel)}
    common |= {} if part.shown else {"visible": "legendonly"}
    line = {"color": part.color, "width": part.width}
    told: Trace = {"hoverinfo": "skip"}
    if part.texts:
        told = {"hovertemplate": "%{text}<extra></extra>"}
    lines = {**common, **_axes(path), "mode": "lines", "line": line, "showlegend": part.listed, **told}
    if part.texts:
        lines["text"] = [text for text in part.texts for _ in range(3)]
    if not part.marked:
        return [lines]
    at = part.ends[:, 0] if part.marked == "start" else part.ends[:, 1]
    symbol = "circle" if part.marked == "start" else "diamond"
    marker = {"color": part.color, "size": 5, "symbol": symbol}
    marks = {**common, **_axes(at), "mode": "markers", "marker": marker, "showlegend": False, **told}
    return [lines, {**marks, "text": list(part.texts)} if part.texts else marks]


def _image(part: Image, panel: Panel) -> Trace:
    """A map whose cells the page bins."""
    cells = {
        "x": {"first": part.x.first, "step": part.x.step, "n": part.x.n},
        "y": {"first": part.y.first, "step": part.y.step, "n": part.y.n},
        "column": packed(part.column),
        "row": packed(part.row),
        "value": packed(part.value.astype(np.float32)),
        "log": part.scale.log,
    }
    hover = (
        f"{panel.x}: %{{x:.6~g}}<br>{panel.y}: %{{y:.6~g}}<br>{part.scale.title}: %{{customdata:.5~g}}<extra></extra>"
    )
    meta = {"role": part.role, "coloring": part.coloring, "cells": cells}
    look = {"type": "heatmap", "hoverongaps": False, "zsmooth": False, "hovertemplate": hover}
    return {**look, "name": part.name, "meta": meta, "scale": part.scale}


def _curve(part: Curve) -> Trace:
    """Samples that the page thins to the smallest and largest of each pixel."""
    whole = bool(np.all(part.value == np.round(part.value))) and float(np.abs(part.value).max(initial=0)) < 2**31
    samples = part.value.astype(np.int32) if whole else part.value.astype(np.float32)
    detail = {"first": part.first, "step": part.step, "value": packed(samples)}
    meta = {"role": part.role, "coloring": "", "samples": detail}
    hover = "%{fullData.name}<br>%{x:.7~g}, %{y:.6~g}<extra></extra>"
    look = {"type": "scattergl", "mode": "lines", "line": {"color": part.color, "width": 1.2}, "hovertemplate": hover}
    return {
        **look,
        "name": part.name,
        "meta": meta,
        "showlegend": True,
        "visible": True if part.shown else "legendonly",
    }


def _steps(part: Steps) -> Trace:
    """A histogram as an outline with a pale filling."""
    x = np.repeat(part.edges, 2)
    y = np.concatenate([[0.0], np.repeat(part.content, 2), [0.0]])
    trace: Trace = {"type": "scatter", "mode": "lines", "x": x, "y": y, "name": part.name}
    trace |= {"line": {"color": part.color, "width": 1.6, "shape": "linear"}, "fill": "tozeroy"}
    trace |= {"fillcolor": _pale(part.color), "hovertemplate": part.name + "<br>%{x:.5~g}: %{y:.6~g}<extra></extra>"}
    return {**trace, "meta": {"role": part.role, "coloring": ""}, "showlegend": True, "legendgroup": part.name}


def _pale(color: str) -> str:
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.14)"


def _color_bar(trace: Trace, scale: Scale, is_first: bool) -> None:
    """The colours of a trace; the first of each scale has the bar."""
    low, high = (float(v) for v in scale.stretched(np.array([scale.low, scale.high])))
    colors = scale.colors
    look: dict[str, Any] = {
        "colorscale": [[i / (len(colors) - 1), color] for i, color in enumerate(colors)],
        "showscale": is_first,
        "colorbar": {
            "title": {"text": scale.title, "side": "right", "font": {"size": 12}},
            "thickness": 12,
            "len": 0.8,
            "x": 1.0,
            "xanchor": "right",
            "outlinewidth": 0,
            "exponentformat": "power",
            **({"tickvals": [float(np.log10(t)) for t in ticks(scale)]} if scale.log else {}),
            **({"ticktext": [f"{t:g}" for t in ticks(scale)]} if scale.log else {}),
        },
    }
    if trace["type"] == "heatmap":
        trace |= {**look, "zmin": low, "zmax": high}
    else:
        trace["marker"] = {**trace["marker"], **look, "cmin": low, "cmax": high}


def ticks(scale: Scale) -> list[float]:
    """Round numbers along a logarithmic scale."""
    decades = range(int(np.floor(np.log10(scale.low))), int(np.ceil(np.log10(scale.high))) + 1)
    steps = (1, 2, 5) if len(decades) < 4 else (1, 3) if len(decades) < 6 else (1,)
    return [step * 10.0**d for d in decades for step in steps if scale.low <= step * 10.0**d <= scale.high]


def packed(values: np.ndarray) -> dict[str, str]:
    """Numbers as bytes in base64, in the smallest type that holds them, as plotly names types."""
    if values.dtype.kind in "iu" and len(values):
        low, high = int(values.min()), int(values.max())
        kinds = ("u1", "u2", "u4") if low >= 0 else ("i1", "i2", "i4")
        values = values.astype(next(k for k in kinds if np.iinfo(k).min <= low and high <= np.iinfo(k).max))
    elif values.dtype.kind in "iu":
        values = values.astype("u1")
    kind = values.dtype.str[1:]
    return {"dtype": kind, "bdata": base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()}
