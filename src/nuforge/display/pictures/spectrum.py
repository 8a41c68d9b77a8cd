"""Spectrum: the content of bins."""

from __future__ import annotations

import numpy as np

from nuforge.display import style
from nuforge.display.drawing import Drawing, Panel, Steps
from nuforge.display.pictures.picture import DrawnParts, Picture
from nuforge.display.quantity import Unit, title_of
from nuforge.display.seen import Seen, array
from nuforge.events import Events, Table

_COLUMNS = {"low", "high", "content"}


def _bins(events: Events) -> str | None:
    return next((name for name, table in events.tables.items() if set(table) >= _COLUMNS), None)


def _draw(seen: Seen) -> DrawnParts:
    table = seen.event[_bins(seen.event) or ""]
    low, high, content = (array(table, name) for name in ("low", "high", "content"))
    unit = Unit.of(table.about["low"].unit, high)
    width = np.unique(np.round((high - low) / unit.size, 6))
    y = "content" + (f" of bins of {width[0]:.3g} {unit.name}" if len(width) == 1 else " of each bin")
    steps = Steps(np.append(low, high[-1:]) / unit.size, content, "spectrum", style.MODEL)
    x = unit.titled("energy") if table.about["low"].unit == "MeV" else title_of("low", table.about["low"], unit)
    facts = (f"{len(table)} bins", f"sum {np.nansum(content):.6g}", *_said(seen.event["event"]))
    return DrawnParts(Drawing((Panel((steps,), x, y),) if len(table) else (Panel((), x, y),), facts=facts))


def _said(event: Table) -> list[str]:
    """What else the event is, in words where its columns name their values."""
    out = []
    for name in event:
        about = event.about[name]
        value = event[name].tolist()
        if about.names and value and 0 <= int(value[0]) < len(about.names):
            out.append(f"{name} {about.names[int(value[0])]}")
        elif name in ("detector", "period", "background") and value:
            out.append(f"{name} {value[0]}")
    return out


SPECTRUM = Picture("spectrum", lambda events: _bins(events) is not None, _draw)
