"""Channels: hits of which only the channel is known, against time."""

from __future__ import annotations

import numpy as np

from nuforge.display.drawing import Coloring, Dots, Drawing, Panel, Scale
from nuforge.display.pictures.picture import DrawnParts, Picture
from nuforge.display.quantity import shown
from nuforge.display.seen import Seen, array, has_places, number_of
from nuforge.events import Events, Table


def channel_table(events: Events) -> str | None:
    """The table of hits with a number of their sensor, and without places."""
    for name, table in events.tables.items():
        known = {"sensor", "time", "charge"} <= set(table) and table.about["time"].role == "readout"
        if known and not has_places(table) and "peak" not in table:
            return name
    return None


def _draw(seen: Seen) -> DrawnParts:
    name = channel_table(seen.events) or ""
    table = seen.event[name]
    time, time_title = shown(array(table, "time"), table.about["time"], "time")
    charge, title = shown(array(table, "charge"), table.about["charge"], "charge")
    number, rank = np.unique(number_of(table, "sensor"), return_inverse=True)
    hover = {"sensor": number_of(table, "sensor"), **_parts_of(table), time_title: time, title: charge}
    position = np.stack([time, rank.reshape(-1).astype(float)], axis=1)
    size = float(np.clip(150 / max(len(table), 1) ** 0.5, 2.5, 9.0))
    coloring = Coloring("charge", charge, Scale.of(title, charge))
    dots = Dots(position, name, colorings=(coloring,), size=size, symbol="square", hover=hover)
    panel = Panel((dots,), time_title, "channel that was hit, in order of its number")
    note = "The file does not say where channels are"
    note += "; --geometry FILE does, if there is one." if "position" in table else "."
    facts = (f"{len(table):,} {name} in {len(number):,} channels", f"sum of {title}: {np.nansum(charge):.4g}")
    return DrawnParts(Drawing((panel,), note=note, facts=facts))


def _parts_of(table: Table) -> dict[str, np.ndarray]:
    """Further numbers of a channel, as of group and chip."""
    return {
        name.replace("_", " "): number_of(table, name)
        for name in table
        if table[name].ndim == 1
        and not table[name].dtype.is_floating_point
        and name not in ("sensor", *table.refers_to)
        and table.about[name].role == "readout"
    }


CHANNELS = Picture("channels", lambda events: channel_table(events) is not None, _draw)
