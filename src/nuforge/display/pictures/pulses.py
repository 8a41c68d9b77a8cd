"""Pulses: charge of the peaks of an event, sample by sample in time, and sensor by sensor."""

from __future__ import annotations

import numpy as np

from nuforge.display import style
from nuforge.display.drawing import Dots, Drawing, Panel, Strokes
from nuforge.display.pictures.picture import DrawnParts, Picture
from nuforge.display.quantity import Unit, title_of
from nuforge.display.seen import Seen, array, number_of
from nuforge.events import Events, Table


def pulse_tables(events: Events) -> list[str]:
    """Tables of samples or sensors of numbered peaks."""
    return [
        name
        for name, table in events.tables.items()
        if {"peak", "charge"} <= set(table) and "position" not in table and {"time", "sensor"} & set(table)
    ]


def _draw(seen: Seen) -> DrawnParts:
    names = pulse_tables(seen.event)
    panels = tuple(_panel(seen.event[name], name) for name in names)
    facts = tuple(f"{name.replace('_', ' ')}: {np.nansum(array(seen.event[name], 'charge')):.4g}" for name in names)
    return DrawnParts(Drawing(panels, 2 if len(panels) > 1 else 1, facts=facts))


def _panel(table: Table, name: str) -> Panel:
    """One table: its samples joined by lines, or a stem for each sensor."""
    charge, peak = array(table, "charge"), number_of(table, "peak")
    about = table.about["charge"]
    y = title_of("charge", about, Unit(1.0, about.unit), longest=0)
    named = f"{name.replace('_', ' ')}: {about.meaning}"
    if "time" in table:
        unit = Unit.of("ns", array(table, "time"))
        x, title = array(table, "time") / unit.size, unit.titled("time")
        point = np.stack([x, charge], axis=1)
        joined = np.flatnonzero(peak[1:] == peak[:-1]) if len(peak) else np.zeros(0, int)
        lines = np.stack([point[joined], point[joined + 1]], axis=1)
    else:
        x, title = array(table, "sensor"), "sensor"
        point = np.stack([x, charge], axis=1)
        lines = np.stack([np.stack([x, np.zeros_like(x)], axis=1), point], axis=1)
    dots = Dots(point, name, color=style.MODEL, size=4.0, hover={title: x, y: charge, "peak": peak})
    strokes = Strokes(lines, name, "readout", style.MODEL, width=1.4, listed=False)
    return Panel((strokes, dots), title, y, title=named)


PULSES = Picture("pulses", lambda events: bool(pulse_tables(events)), _draw)
