"""Ways: vertices and directions in space where there is no readout, as of showers in ice."""

from __future__ import annotations

import numpy as np

from nuforge.display.drawing import Drawing, Strokes
from nuforge.display.overlays import overlays, ways_of
from nuforge.display.pictures.picture import DrawnParts, Picture
from nuforge.display.pictures.sensors import up_of
from nuforge.display.quantity import Unit
from nuforge.display.seen import Seen, array, vectors_of
from nuforge.display.space import space_panel
from nuforge.events import Events

_OTHERWISE = {"hits", "voxels", "segments", "pixels", "particles"}


def _fits(events: Events) -> bool:
    return not _OTHERWISE & set(events.tables) and any(ways_of(table) for table in events.tables.values())


def _draw(seen: Seen) -> DrawnParts:
    every = [array(t, c) for t in seen.events.tables.values() for c in vectors_of(t, "cm")]
    places = np.concatenate(every)
    places = places[np.isfinite(places).all(1)]
    unit = Unit.of("cm", places)
    reach = 0.2 * float(np.ptp(places, axis=0).max(initial=0.0)) or 100.0
    parts = overlays(seen.event, unit, reach)
    n = sum(len(part.ends) for part in parts if isinstance(part, Strokes))
    panel = space_panel(parts, unit, up_of(places, seen.frame.up), seen.frame)
    return DrawnParts(
        Drawing((panel,), note="Arrows begin where it began and point where it travels.", facts=(f"{n} drawn",))
    )


WAYS = Picture("in space", _fits, _draw)
