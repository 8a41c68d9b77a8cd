"""Overlays: what is true and what was reconstructed, drawn over hits in space: vertices, directions, tracks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nuforge.display import style
from nuforge.display.drawing import Part, Role, Strokes
from nuforge.display.names import particle_name
from nuforge.display.quantity import Unit
from nuforge.display.seen import array, number_of, vectors_of
from nuforge.events import Events, Table

ARROWED = 20
"""Particles and tracks of a table that are drawn at most, those with most momentum, or the first."""

_STARTS, _WAYS = ("vertex", "start"), ("direction", "start_direction", "momentum")


def overlays(event: Events, unit: Unit, reach: float, but: Sequence[str] = ()) -> list[Part]:
    """Everything of an event that has a place and a way: an arrow, or a line where its end is known.

    Args:
        event: One event.
        unit: Of lengths in the picture.
        reach: Length of an arrow whose end is not known, cm.
        but: Tables that are drawn otherwise.
    """
    parts: list[Part] = []
    for name, table in event.tables.items():
        lines = _lines(name, table, reach) if name not in but and len(table) else None
        if lines is not None:
            rows, ends, role = lines
            texts = tuple(f"{_word(role)}{text}" for text in told(name, table, rows, unit))
            label = f"{_word(role)}{name.replace('reco_', '').replace('_', ' ')}"
            color = style.ROLES[role] if name != "particles" else style.GOOD
            parts.append(Strokes(ends / unit.size, label, role, color, texts, marked="start"))
    return parts


def ways_of(table: Table) -> bool:
    """Whether a table has places with directions or ends."""
    return _lines("", table, 1.0) is not None


def _word(role: Role) -> str:
    return {"truth": "true ", "prediction": "reconstructed "}.get(role, "")


def _lines(name: str, table: Table, reach: float) -> tuple[np.ndarray, np.ndarray, Role] | None:
    """Rows, ends (n, 2, 3) in cm and role of what can be drawn."""
    places, ways = vectors_of(table, "cm"), (*vectors_of(table, ""), *vectors_of(table, "MeV"))
    start = next((column for column in _STARTS if column in places), None)
    way = next((column for column in _WAYS if column in ways), None)
    if start is None or (way is None and "end" not in places):
        return None
    begin = array(table, start)
    end = array(table, "end") if "end" in places else np.full_like(begin, np.nan)
    if way is not None:
        vector = array(table, way)
        size = np.linalg.norm(vector, axis=1, keepdims=True)
        unit_vector = np.divide(vector, size, out=np.full_like(vector, np.nan), where=size > 0)
        end = np.where(np.isfinite(end).all(1, keepdims=True), end, begin + reach * unit_vector)
    rows = _chosen(table, np.isfinite(begin).all(1) & np.isfinite(end).all(1))
    if not len(rows):
        return None
    return rows, np.stack([begin, end], axis=1)[rows], table.about[start].role


def _chosen(table: Table, drawable: np.ndarray) -> np.ndarray:
    """Primaries where parents are known, final ones where their status is; the best fit where there are several."""
    chosen = drawable
    if "parent" in table:
        chosen = chosen & (number_of(table, "parent") < 0)
    if "status" in table:
        chosen = drawable & (number_of(table, "status") == 1)
    rows = np.flatnonzero(chosen)
    if "likelihood" in table:
        likelihood = np.nan_to_num(array(table, "likelihood")[rows], nan=-np.inf)
        return rows[np.argsort(-likelihood, kind="stable")][:1]
    if "momentum" in table and table["momentum"].shape[1:] == (3,):
        size = np.nan_to_num(np.linalg.norm(array(table, "momentum")[rows], axis=1))
        return rows[np.argsort(-size, kind="stable")][:ARROWED]
    return rows[:ARROWED]


def told(name: str, table: Table, rows: np.ndarray, unit: Unit) -> list[str]:
    """What hovering tells of rows: who, with which energy, how long."""
    pdg = number_of(table, "pdg") if "pdg" in table else number_of(table, "neutrino")
    who = [particle_name(int(p)) if p not in (-1, 0) else name.rstrip("s").replace("_", " ") for p in pdg[rows]]
    energy, length = array(table, "energy")[rows], array(table, "length")[rows]
    if "momentum" in table and table["momentum"].shape[1:] == (3,):
        size = np.linalg.norm(array(table, "momentum")[rows], axis=1)
        who = [f"{w}, {spoken(p, 'MeV')}/c" if np.isfinite(p) else w for w, p in zip(who, size, strict=True)]
    who = [f"{w}, {spoken(e, 'MeV')}" if np.isfinite(e) else w for w, e in zip(who, energy, strict=True)]
    return [
        f"{w}, {float(x) / unit.size:.3g} {unit.name} long" if np.isfinite(x) else w
        for w, x in zip(who, length, strict=True)
    ]


def spoken(value: float, unit: str) -> str:
    """A value with its unit, three digits."""
    shown = Unit.of(unit, np.array([value]))
    return f"{value / shown.size:.3g} {shown.name}".strip()
