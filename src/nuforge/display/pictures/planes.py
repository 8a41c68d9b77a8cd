"""Planes: hits on wires, each view its wires against time, as liquid-argon detectors show them."""

from __future__ import annotations

import numpy as np

from nuforge.display.drawing import Coloring, Dots, Drawing, Labelling, Panel, Scale
from nuforge.display.labels import labellings, particle_labelling
from nuforge.display.pictures.images import PANELS
from nuforge.display.pictures.picture import DrawnParts, Picture
from nuforge.display.quantity import shown
from nuforge.display.seen import Seen, array, number_of
from nuforge.events import Events, Table

_COLUMNS = {"wire", "tick", "charge"}


def wire_table(events: Events) -> str | None:
    """The table of hits on wires."""
    return next((name for name, table in events.tables.items() if set(table) >= _COLUMNS), None)


def _draw(seen: Seen) -> DrawnParts:
    name = wire_table(seen.event) or ""
    table = seen.event[name]
    of_all = _plane(seen.events[name])
    charge, title = shown(array(table, "charge"), table.about["charge"], "charge")
    scale = Scale.of(title, charge)
    planes = np.unique(of_all, axis=0) if len(of_all) else np.zeros((1, 2), int)
    several = len(np.unique(planes[:, 0])) > 1
    panels = [_panel(seen, name, plane, charge, scale, several) for plane in planes[:PANELS]]
    more = (f"The first {PANELS} of {len(planes)} planes are drawn.",) * (len(planes) > PANELS)
    facts = (f"{len(table):,} {name}", f"sum of {title}: {np.nansum(charge):.4g}", *more)
    return DrawnParts(Drawing(tuple(panels), min(3, len(panels)), facts=facts))


def _plane(table: Table) -> np.ndarray:
    """Volume and view of each row, (N, 2)."""
    return np.stack([number_of(table, "tpc"), number_of(table, "view")], axis=1)


def _panel(seen: Seen, name: str, plane: np.ndarray, charge: np.ndarray, scale: Scale, several: bool) -> Panel:
    """The hits of one plane."""
    table = seen.event[name]
    rows = np.flatnonzero((_plane(table) == plane).all(1))
    wire, tick = array(table, "wire")[rows], array(table, "tick")[rows]
    hover = {"wire": wire, "tick": tick, scale.title: charge[rows]}
    if "width" in table:
        hover["width"] = array(table, "width")[rows]
    labels = [*labellings(table, rows), *particle_labelling(seen.event, name, rows, charge[rows])]
    size = float(np.clip(120 / max(len(rows), 1) ** 0.5, 3.0, 7.0))
    colorings: tuple[Coloring | Labelling, ...] = (Coloring("charge", charge[rows], scale), *labels)
    dots = Dots(np.stack([wire, tick], axis=1), name, colorings=colorings, size=size, symbol="square", hover=hover)
    title = f"volume {plane[0]}, view {plane[1]}" if several else f"view {plane[1]}"
    return Panel((dots,), "wire", "time / ticks", title=title)


PLANES = Picture("wire planes", lambda events: wire_table(events) is not None, _draw)
