"""Images: pixel maps by view, wires against time or planes against cells."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nuforge.display import style
from nuforge.display.drawing import Bins, Dots, Drawing, Image, Panel, Part, Scale, Strokes
from nuforge.display.labels import labellings
from nuforge.display.pictures.picture import DrawnParts, Picture
from nuforge.display.quantity import shown
from nuforge.display.seen import Seen, array, number_of
from nuforge.events import Events, Table

PANELS = 6
"""Maps that are drawn at most."""

_COLUMNS = {"view", "row", "column", "charge"}


def image_tables(events: Events) -> list[str]:
    """Tables of pixel maps."""
    return [name for name, table in events.tables.items() if set(table) >= _COLUMNS]


def _draw(seen: Seen) -> DrawnParts:
    names = image_tables(seen.event)
    panels: list[Panel] = []
    facts: list[str] = []
    for name in names:
        table = seen.event[name]
        views = np.unique(number_of(seen.events[name], "view")).tolist() or [0]
        values, title = shown(array(table, "charge"), table.about["charge"], "charge")
        scale = Scale.of(title, values)
        facts.append(f"{len(table):,} {name.replace('_', ' ')}, sum of charge {np.nansum(values):.4g}")
        panels += [_panel(seen, name, view, values, scale, len(names) > 1) for view in views]
    columns = 1 if len(panels) == 1 else 2 if len(panels) in (2, 4) else 3
    more = f"The first {PANELS} of {len(panels)} maps are drawn. " * (len(panels) > PANELS)
    note = more + "Zoomed in, every pixel is drawn; zoomed out, a dot has the value of largest size under it."
    return DrawnParts(Drawing(tuple(panels[:PANELS]), columns, note=note, facts=tuple(facts)))


def _panel(seen: Seen, name: str, view: int, values: np.ndarray, scale: Scale, named: bool) -> Panel:
    """One view of one table."""
    table = seen.event[name]
    of_view = np.flatnonzero(number_of(table, "view") == view)
    row, column = number_of(table, "row")[of_view], number_of(table, "column")[of_view]
    first, x_title = _along(seen, name, table)
    image = Image(
        row - _start(row),
        column - _start(column),
        values[of_view],
        Bins(first + _start(row) - 0.5, 1.0, int(row.max(initial=0)) - _start(row) + 1),
        Bins(_start(column) - 0.5, 1.0, int(column.max(initial=0)) - _start(column) + 1),
        scale,
    )
    parts: list[Part] = [image, *_masked(seen, name, first), *_labels(table, of_view, row + first, column)]
    if len(parts) > 1 and isinstance(parts[-1], Dots):
        parts[0] = replace(image, coloring="charge")
    about = table.about["column"]
    tick = array(seen.event["event"], "tick") if "event" in seen.event else np.zeros(0)
    y_title = about.meaning.split(";")[0]
    if len(tick) and np.isfinite(tick).all() and "tick" in about.meaning:
        y_title += f", {tick[0]:.4g} ns each"
    title = f"{name.replace('_', ' ')} " * named + _view_name(table, view)
    return Panel(tuple(parts), x_title, y_title, title=title.strip())


def _start(numbers: np.ndarray) -> int:
    return int(numbers.min()) if len(numbers) else 0


def _view_name(table: Table, view: int) -> str:
    """The name of a view, as the column's meaning has it."""
    names = table.about["view"].names
    if view < 0:
        return ""
    return f"view {names[view]}" if view < len(names) else f"view {view}"


def _along(seen: Seen, name: str, table: Table) -> tuple[float, str]:
    """The number of the first row, and the title of the axis: channels where rows are known to be consecutive."""
    about = table.about["row"]
    channels = name.replace("pixels", "channels")
    if channels in seen.event and "channel" in seen.event[channels] and len(seen.event[channels]):
        number = number_of(seen.event[channels], "channel")
        if (np.diff(number) == 1).all():
            return float(number[0]), "channel"
    return 0.0, about.meaning.split(";")[0]


def _masked(seen: Seen, name: str, first: float) -> list[Part]:
    """Channels that were masked."""
    if "masks" not in seen.event or name.replace("pixels", "channels") not in seen.event:
        return []
    masks, channels = seen.event["masks"], seen.event[name.replace("pixels", "channels")]
    row = {int(channel): r for r, channel in enumerate(number_of(channels, "channel").tolist())}
    kept = [m for m, channel in enumerate(number_of(masks, "channel").tolist()) if channel in row]
    if not kept:
        return []
    x = np.array([row[int(masks["channel"][m])] for m in kept], dtype=float) + first
    y = np.stack([array(masks, "begin")[kept], array(masks, "end")[kept]], axis=1)
    ends = np.stack([np.stack([x, x], axis=1), y], axis=2)
    return [Strokes(ends, "masked channels", "detector", style.FAINT, width=1.5)]


def _labels(table: Table, rows: np.ndarray, x: np.ndarray, y: np.ndarray) -> list[Part]:
    """Pixels by their class, true and predicted."""
    found = labellings(table, rows)
    position = np.stack([x, y], axis=1).astype(float)
    return [Dots(position, "pixels", colorings=tuple(found), size=4.0, symbol="square")] if found else []


IMAGES = Picture("images", lambda events: bool(image_tables(events)), _draw)
