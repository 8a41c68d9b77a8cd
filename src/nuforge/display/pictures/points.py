"""Points: charge with a place of its own, in space and along the three axes.

Hits of pixel readout, depositions that drift, hits of a time projection chamber.
"""

from __future__ import annotations

import numpy as np

from nuforge.display.cylinder import Cylinder
from nuforge.display.drawing import Coloring, Dots, Drawing, Part, Scale, Strokes
from nuforge.display.overlays import overlays
from nuforge.display.pictures.picture import DrawnParts, Picture
from nuforge.display.quantity import Unit, shown
from nuforge.display.seen import Seen, array, has_places
from nuforge.display.space import projections, space_panel
from nuforge.events import Events, Table

DRAWN = 40_000
"""Points that are drawn at most; of more, as many are chosen at random, always the same."""

FAR = 1e4
"""Hits that are further apart than so many cm are those of modules in water or ice, not of one vessel."""

_SHARED = 0.9  # of rows with different places: fewer are hits of sensors, which stay where they are


def is_sensors(table: Table) -> bool:
    """Whether places are those of sensors that are hit again and again, not of charge anywhere."""
    place = table["position"][table["position"].isfinite().all(1)]
    if "string" in table or "sensor" not in table or not len(place):
        return "string" in table
    if "charge" in table and not bool(table["charge"].isfinite().any()) and "energy" not in table:
        return True  # a hit without charge is a detection, not charge anywhere
    if float((place.max(0).values - place.min(0).values).max()) > FAR:
        return True
    places = np.unique(place.double().numpy(), axis=0)
    return 1 < len(places) < _SHARED * len(place) or Cylinder.around(places) is not None


def points_table(events: Events) -> str | None:
    """The table of charge with places."""
    for name, table in events.tables.items():
        charged = {"charge", "energy"} & set(table)
        if charged and has_places(table) and len(table) > len(events) and not is_sensors(table):
            return name
    return None


def _draw(seen: Seen) -> DrawnParts:
    name = points_table(seen.events) or ""
    table = seen.event[name]
    kept = np.flatnonzero(np.isfinite(array(table, "position")).all(1))
    placeless = len(table) - len(kept)
    if len(kept) > DRAWN:
        kept = np.sort(np.random.default_rng(0).choice(kept, DRAWN, replace=False))
    position = array(table, "position")[kept]
    unit = Unit.of("cm", position)
    dots = _dots(name, table, kept, position / unit.size)
    reach = 0.25 * float(np.ptp(position, axis=0).max()) if len(position) else 10.0
    over = [*overlays(seen.event, unit, reach, but=(name, "segments")), *_deposits(seen, unit)]
    panel = space_panel([dots, *over], unit, seen.frame.up, seen.frame)
    flat = projections(dots, unit, seen.frame.up)
    facts = [f"{len(table):,} {name}", *(_total(table, c) for c in ("charge", "energy") if c in table)]
    facts += [f"{len(kept):,} of them drawn"] * (len(table) - placeless > DRAWN)
    facts += [f"{placeless:,} without a place"] * (placeless > 0)
    return DrawnParts(Drawing((panel, *flat), columns=2, facts=tuple(facts)))


def _total(table: Table, column: str) -> str:
    values, title = shown(array(table, column), table.about[column], column)
    return f"sum of {title}: {np.nansum(values):.4g}"


def _dots(name: str, table: Table, kept: np.ndarray, position: np.ndarray) -> Dots:
    colorings, hover = [], {}
    for column in ("charge", "energy", "time"):
        if column in table:
            values, title = shown(array(table, column)[kept], table.about[column], column)
            if np.nanmax(values, initial=-1.0) <= 0 and np.nanmin(values, initial=0.0) < 0:
                values, title = -values, f"size of {title}"  # charge of electrons, which some write as negative
            hover[title] = values
            if np.isfinite(values).any():
                scale = Scale.of(title, values, "time" if column == "time" else "amount")
                colorings.append(Coloring(column, values, scale))
    size = float(np.clip(60 / max(len(kept), 1) ** 0.5, 2.0, 7.0))
    role = table.about["position"].role
    return Dots(position, name, "readout" if role == "truth" else role, tuple(colorings), size=size, hover=hover)


def _deposits(seen: Seen, unit: Unit) -> list[Part]:
    """True energy deposits behind the hits."""
    if "segments" not in seen.event or not len(seen.event["segments"]):
        return []
    table = seen.event["segments"]
    ends = np.stack([array(table, "start"), array(table, "end")], axis=1)
    middle = 0.5 * np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1) == 0
    ends[middle, 1] += 0.05  # a deposit at a point is still seen
    rows = np.arange(min(len(ends), DRAWN // 4))
    energy = array(table, "energy")
    texts = tuple(f"true deposit, {1000 * energy[r]:.3g} keV" for r in rows)
    return [Strokes(ends[rows] / unit.size, "true energy deposits", "truth", texts=texts, width=5.0)]


POINTS = Picture("points", lambda events: points_table(events) is not None, _draw)
