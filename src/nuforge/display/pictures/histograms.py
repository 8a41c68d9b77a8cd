"""Histograms: the columns of tables with a row or two an event, over all events that were read."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from nuforge.display import style
from nuforge.display.drawing import Drawing, Panel, Role, Steps
from nuforge.display.pictures.picture import DrawnParts, Picture
from nuforge.display.quantity import Unit, title_of
from nuforge.display.seen import Seen, array
from nuforge.events import Events, Table
from nuforge.events.columns import Column

PANELS = 9
"""Columns that are drawn at most: those with a unit first."""

_BINS = 60
_SHORT = 16  # letters of a meaning that fit under a small panel
_IDENTITY = {"source", "run", "subrun", "event", "variation", "number", "track"}
_RECORD = {"particles", "interactions"}  # of generators: many rows an event, and no readout
_ORDER = {"MeV": 0, "MeV2": 1, "rad": 2, "cm": 3, "ns": 4}


def _fits(events: Events) -> bool:
    for name, table in events.tables.items():
        many = len(table) > 2 * len(events)
        if (many and name not in _RECORD) or "adc" in table or name in ("voxels", "segments", "pixels", "hits"):
            return False
    return True


def _draw(seen: Seen) -> DrawnParts:
    events = seen.events
    columns = _columns(events)
    weight = array(events["event"], "weight") if "event" in events else np.ones(len(events))
    weighted = bool(np.isfinite(weight).all() and len(np.unique(weight)) > 1)
    panels = [_panel(name, found, weight if weighted else None) for name, found in columns[:PANELS]]
    n = len(panels)
    facts = [f"{len(events):,} events"]
    note = f"The first {PANELS} of {len(columns)} columns. " * (len(columns) > PANELS)
    note += "Events count with their weights. " * weighted
    note += "What lies beyond the first and last thousandth is left out of the axes."
    return DrawnParts(Drawing(tuple(panels), 1 if n == 1 else 2 if n in (2, 4) else 3, note=note, facts=tuple(facts)))


class _Found(NamedTuple):
    """Values, the event of each, what they are, and of which table."""

    values: np.ndarray
    event: np.ndarray
    about: Column
    table: str


def _columns(events: Events) -> list[tuple[str, list[_Found]]]:
    """Columns by name; those of one name and unit, as of truth and reconstruction, share a panel."""
    found: dict[tuple[str, str], list[_Found]] = {}
    spare: dict[tuple[str, str], list[_Found]] = {}
    for name, table in events.tables.items():
        if len(table) > 2 * len(events) or not len(table):
            continue
        for column in table:
            about = table.about[column]
            if column in _IDENTITY or column in table.refers_to:
                continue
            for title, values in _scalars(table, column):
                good = np.isfinite(values)
                if good.any():
                    says = len(np.unique(values[good])) > 1 and column != "weight"
                    entry = _Found(values[good], table.batch.numpy()[good], about, name)
                    (found if says else spare).setdefault((title, about.unit), []).append(entry)
    chosen = found or spare
    return sorted(((key[0], each) for key, each in chosen.items()), key=lambda item: _rank(item[1]))


def _rank(found: list[_Found]) -> tuple[int, int, int]:
    """Quantities in both truth and reconstruction first, then by unit, then numbers with more values."""
    values, about = found[0].values, found[0].about
    few = len(np.unique(values[:1000])) < 3
    return (-len({each.about.role for each in found}), _ORDER.get(about.unit, 5 if about.unit else 6), int(few))


def _scalars(table: Table, column: str) -> list[tuple[str, np.ndarray]]:
    """A column of numbers, or the components of one of vectors."""
    values = array(table, column)
    if values.ndim == 1:
        return [(column, values)]
    if values.ndim == 2 and values.shape[1] == 3 and table.about[column].role != "truth":
        return [(f"{column} {axis}", values[:, k]) for k, axis in enumerate("xyz")]
    return []


def _panel(name: str, found: list[_Found], weight: np.ndarray | None) -> Panel:
    """One quantity, in one histogram for each table that has it."""
    every = np.concatenate([each.values for each in found])
    about = found[0].about
    unit = Unit.of(about.unit, np.quantile(every, [0.02, 0.9]))
    edges, log = _edges(every / unit.size, about)
    parts = []
    for each in found:
        weights = None if weight is None else weight[each.event]
        content, _ = np.histogram(each.values / unit.size, edges, weights=weights)
        role = each.about.role
        called = _called(role, each.table, len(found) > 1)
        parts.append(Steps(edges, content.astype(float), called, _color(role), role))
    y = "events" if weight is None else "events, weighted"
    ticks = {float(k): text for k, text in enumerate(about.names) if text} if len(about.names) else {}
    return Panel(tuple(parts), title_of(name, about, unit, _SHORT), y, log_x=log, ticks=ticks)


def _called(role: Role, table: str, several: bool) -> str:
    word = {"truth": "true", "prediction": "reconstructed", "readout": "measured"}.get(role, "")
    return word if several else f"{word}, {table.replace('_', ' ')}"


def _color(role: Role) -> str:
    return {"truth": style.INK, "prediction": style.ROLES["prediction"]}.get(role, style.MODEL)


def _edges(values: np.ndarray, about: Column) -> tuple[np.ndarray, bool]:
    """Edges of bins, logarithmic where positive values are spread over decades."""
    distinct = np.unique(values)
    whole = bool((distinct == np.round(distinct)).all())
    if whole and distinct[-1] - distinct[0] < _BINS:
        return np.arange(distinct[0] - 0.5, distinct[-1] + 1.0), False
    low, high = np.quantile(values, [0.001, 0.999])
    if low > 0 and high > 50 * low and about.unit:
        return np.geomspace(low, high, _BINS + 1), True
    return np.linspace(low, high if high > low else low + 1.0, _BINS + 1), False


HISTOGRAMS = Picture("histograms", _fits, _draw, of_sample=True)
