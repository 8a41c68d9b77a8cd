"""Sensors: modules and photomultipliers in space, coloured by the time of their first hit, as large as their charge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nuforge.display.drawing import Coloring, Dots, Drawing, Labelling, Part, Scale
from nuforge.display.labels import particle_labelling
from nuforge.display.overlays import overlays
from nuforge.display.pictures.picture import DrawnParts, Picture
from nuforge.display.pictures.points import FAR, is_sensors
from nuforge.display.quantity import Unit, shown
from nuforge.display.seen import Seen, array, has_places, number_of
from nuforge.display.space import Up, space_panel
from nuforge.events import Events, Table
from nuforge.events.columns import Column

DRAWN = 40_000
"""Sensors without a hit that are drawn at most."""

_SMALL, _LARGE = 3.0, 16.0  # pixels of the sensor of least and most charge


@dataclass(frozen=True)
class Hit:
    """The sensors of an event that were hit, S of them.

    Args:
        position: Where they are, (S, 3) cm.
        first: Their first hit's time, (S,), with `time_title`.
        charge: The sum of their charges, or where charges are not known the number of their hits, (S,).
        n: How many hits each has, (S,).
        row: A hit of each, its first.
        number: Of the sensor, -1 where the file does not say.
    """

    position: np.ndarray
    first: np.ndarray
    time_title: str
    charge: np.ndarray
    charge_title: str
    n: np.ndarray
    row: np.ndarray
    number: np.ndarray

    @property
    def hover(self) -> dict[str, np.ndarray]:
        """What is told of each."""
        known = {"sensor": self.number} if (self.number >= 0).any() else {}
        return {**known, self.time_title: self.first, self.charge_title: self.charge, "hits": self.n}

    @property
    def colorings(self) -> tuple[Coloring, ...]:
        """By time and by charge."""
        return (
            Coloring("time", self.first, Scale.of(f"first {self.time_title}", self.first, "time")),
            Coloring("charge", self.charge, Scale.of(self.charge_title, self.charge)),
        )


def hit_sensors(table: Table) -> Hit:
    """The hits of one event, put together by place."""
    kept = np.flatnonzero(np.isfinite(array(table, "position")).all(1))
    kept = kept[np.argsort(array(table, "time")[kept], kind="stable")]  # so that the first of a sensor is its earliest
    place, row, which = np.unique(array(table, "position")[kept], axis=0, return_index=True, return_inverse=True)
    which = which.reshape(-1)
    n = np.bincount(which, minlength=len(place))
    first, time_title = shown(array(table, "time")[kept][row], table.about["time"], "time")
    charge = array(table, "charge")[kept]
    if np.isfinite(charge).any():
        total, title = shown(
            np.bincount(which, weights=np.nan_to_num(charge), minlength=len(place)), table.about["charge"], "charge"
        )
    else:
        total, title = n.astype(float), "hits"
    return Hit(place, first, time_title, total, title, n, kept[row], number_of(table, "sensor")[kept][row])


def sensors_table(events: Events) -> str | None:
    """The table of hits whose places are those of sensors."""
    for name, table in events.tables.items():
        if {"position", "time"} <= set(table) and has_places(table) and is_sensors(table):
            return name
    return None


def without_hit(seen: Seen, table: str, position: np.ndarray) -> np.ndarray:
    """Places (S, 3) in cm of the other sensors that are known: of the detector, else of the other events' hits."""
    if seen.sensors is not None:
        known = seen.sensors
    else:
        every = array(seen.events[table], "position")
        known = np.unique(every[np.isfinite(every).all(1)], axis=0)
    hit = {tuple(place) for place in np.round(position, 1).tolist()}
    rest = np.array([tuple(place) not in hit for place in np.round(known, 1).tolist()], dtype=bool)
    return np.asarray(known[rest][:DRAWN]) if len(known) else known.reshape(0, 3)


def said_of_others(seen: Seen) -> str:
    """What grey sensors are."""
    if seen.sensors is not None:
        return "Grey: sensors without a hit."
    return "Grey: sensors that only other events of this page hit; all of them with --geometry FILE."


def size_of(charge: np.ndarray) -> np.ndarray:
    """Sizes in pixels that grow with the logarithm of the charge."""
    positive = np.maximum(np.nan_to_num(charge), 0.0)
    middle = float(np.median(positive[positive > 0])) if (positive > 0).any() else 1.0
    stretched = np.log1p(positive / middle)
    most = max(float(stretched.max(initial=0.0)), 1.0)
    return np.asarray(_SMALL + (_LARGE - _SMALL) * stretched / most)


def _draw(seen: Seen) -> DrawnParts:
    name = sensors_table(seen.events) or ""
    table = seen.event[name]
    hit = hit_sensors(table)
    rest = without_hit(seen, name, hit.position)
    every = np.concatenate([hit.position, rest])
    unit = Unit.of("cm", every)
    labels: tuple[Labelling, ...] = tuple(particle_labelling(seen.event, name, hit.row, hit.charge))
    dots = Dots(
        hit.position / unit.size, name, colorings=(*hit.colorings, *labels), size=size_of(hit.charge), hover=hit.hover
    )
    faint = Dots(rest / unit.size, "without hit", "detector", color="#c3cad4", size=2.0)
    reach = 0.4 * float(np.ptp(every, axis=0).max()) if len(every) else 100.0
    parts: list[Part] = [faint] * bool(len(rest)) + [dots, *overlays(seen.event, unit, reach, but=(name,))]
    panel = space_panel(parts, unit, up_of(every, seen.frame.up), seen.frame)
    sensors = "sensors" if len(hit.position) != 1 else "sensor"
    facts = (f"{len(table):,} {name} in {len(hit.position):,} {sensors}", _sum(hit, table))
    note = "The larger a sensor is drawn, the more charge it has. " + said_of_others(seen) * bool(len(rest))
    return DrawnParts(Drawing((panel,), note=note.strip(), facts=tuple(fact for fact in facts if fact)))


def _sum(hit: Hit, table: Table) -> str:
    """All charge, if it is known."""
    if hit.charge_title == "hits":
        return ""
    about: Column = table.about["charge"]
    return f"sum of {hit.charge_title}: {np.nansum(hit.charge):.4g}" if about.unit != "ns" else ""


def up_of(position: np.ndarray, usual: Up) -> Up:
    """What is up: z in water and ice, else what the detector says."""
    return (0.0, 0.0, 1.0) if len(position) and float(np.ptp(position, axis=0).max()) > FAR else usual


SENSORS = Picture("sensors", lambda events: sensors_table(events) is not None, _draw)
