"""Graphs: nodes at their places, in a plane or in space, and the edges between nodes of one kind."""

from __future__ import annotations

import numpy as np
import torch

from nuforge.display import style
from nuforge.display.drawing import Coloring, Dots, Drawing, Labelling, Panel, Part, Scale, Strokes
from nuforge.display.labels import labellings
from nuforge.display.pictures.images import PANELS
from nuforge.display.pictures.picture import DrawnParts, Picture
from nuforge.display.seen import Seen, array
from nuforge.display.space import Up
from nuforge.events import Events, Table

EDGES = 30_000
"""Edges that are drawn at most, the first."""


def _place(table: Table) -> str | None:
    """The column that says where nodes are: `pos`, else the first two of its features."""
    for name in ("pos", "x"):
        if name in table and table[name].ndim == 2 and table[name].dtype.is_floating_point and table[name].shape[1] > 1:
            return name
    return None


def _edges(events: Events, node: str) -> list[str]:
    """Tables of pairs of these nodes."""
    return [name for name, t in events.tables.items() if list(t.refers_to.values()).count(node) == 2]


def _nodes(events: Events) -> list[str]:
    """Tables of nodes: those with places between which some table has edges."""
    ends = {
        target for table in events.tables.values() if len(table.refers_to) == 2 for target in table.refers_to.values()
    }
    return [name for name, table in events.tables.items() if name in ends and _place(table)]


def _fits(events: Events) -> bool:
    return any(_edges(events, node) for node in _nodes(events))


def _draw(seen: Seen) -> DrawnParts:
    nodes = _nodes(seen.event)[:PANELS]
    panels = tuple(_panel(seen.event, name, seen.frame.up) for name in nodes)
    facts = tuple(f"{len(seen.event[name]):,} {name.replace('_', ' ')}" for name in nodes)
    edges = [name for node in nodes for name in _edges(seen.event, node)]
    facts += tuple(f"{len(seen.event[name]):,} edges of {name.removeprefix('graph_')}" for name in edges)
    note = "Edges between nodes of different kinds are left out."
    return DrawnParts(Drawing(panels, min(3, len(panels)), note=note, facts=facts))


def _panel(event: Events, name: str, up: Up) -> Panel:
    """Nodes of one kind with their edges."""
    table = event[name]
    column = _place(table) or "x"
    places = array(table, column)
    dimension = 3 if column == "pos" and places.shape[1] == 3 else 2
    position = places[:, :dimension]
    rows = np.arange(len(table))
    labels = tuple(labellings(table, rows)) or _numbers(table, column)
    hover = {f"{column} {k}": places[:, k] for k in range(min(places.shape[1], 8))}
    dots = Dots(position, name, colorings=labels, color=style.MODEL, size=5.0, hover=hover)
    parts: list[Part] = [_strokes(event[edges], position, edges) for edges in _edges(event, name)]
    axes = [f"{column} {k}" for k in range(dimension)]
    title = name.removeprefix("graph_")
    return Panel((*parts, dots), axes[0], axes[1], axes[2] if dimension == 3 else "", title=title, up=up)


def _numbers(table: Table, column: str) -> tuple[Coloring | Labelling, ...]:
    """The third feature as a colour, if there are no classes."""
    values = array(table, column)
    if column == "pos" or values.shape[1] < 3:
        return ()
    return (Coloring("x 2", values[:, 2], Scale.of("x 2", values[:, 2])),)


def _strokes(table: Table, position: np.ndarray, name: str) -> Strokes:
    """Edges as lines."""
    one, other = (table[column] for column in table.refers_to)
    pair = torch.stack([one, other], dim=1)[:EDGES].numpy()
    pair = pair[(pair >= 0).all(1)]
    return Strokes(position[pair], name.removeprefix("graph_"), "readout", style.RULE, width=1.0)


GRAPH = Picture("graph", _fits, _draw)
