"""Tank: a water Cherenkov detector unrolled, barrel in the middle, caps above and below."""

from __future__ import annotations

import numpy as np

from nuforge.display import style
from nuforge.display.cylinder import Cylinder
from nuforge.display.drawing import Dots, Drawing, Panel, Part, Strokes
from nuforge.display.overlays import told
from nuforge.display.pictures.picture import DrawnParts, Picture
from nuforge.display.pictures.sensors import hit_sensors, said_of_others, sensors_table, without_hit
from nuforge.display.quantity import Unit
from nuforge.display.seen import Seen, array, number_of
from nuforge.events import Events

_WIDE = 1000.0  # pixels of a screen for the whole width


def _tank(events: Events, sensors: np.ndarray | None = None) -> Cylinder | None:
    """The tank of the detector, or of all hits together."""
    name = sensors_table(events)
    if name is None:
        return None
    every = array(events[name], "position") if sensors is None else sensors
    return Cylinder.around(np.unique(every[np.isfinite(every).all(1)], axis=0))


def _draw(seen: Seen) -> DrawnParts:
    name, tank = sensors_table(seen.events) or "", _tank(seen.events, seen.sensors) or _tank(seen.events)
    if tank is None:
        raise ValueError("the hits of these events are not on the wall of a tank; show them as sensors")
    hit = hit_sensors(seen.event[name])
    rest = without_hit(seen, name, hit.position)
    unit = Unit.of("cm", np.array([tank.radius, tank.half]))
    size = _dot_size(len(hit.position) + len(rest), tank)
    time, charge = hit.colorings
    look = {"size": size, "hover": hit.hover}
    dots = Dots(tank.unrolled(hit.position) / unit.size, name, colorings=(charge, time), **look)  # type: ignore[arg-type]
    faint = Dots(tank.unrolled(rest) / unit.size, "without hit", "detector", color="#e4e7ec", size=size)
    frame = Strokes(tank.outline() / unit.size, "tank", "detector", style.FAINT, width=1.0, listed=False)
    parts: list[Part] = [faint, frame, dots, *_aims(seen, tank, unit)]
    panel = Panel(tuple(parts), unit.titled("around the barrel"), unit.titled("height"), equal=True)
    facts = [f"{len(seen.event[name]):,} {name} in {len(hit.position):,} sensors"]
    if hit.charge_title != "hits":
        facts.append(f"sum of {hit.charge_title}: {np.nansum(hit.charge):.4g}")
    note = "The wall is seen from inside; the caps touch the barrel at the middle. " + said_of_others(seen)
    return DrawnParts(Drawing((panel,), note=note, facts=tuple(facts)))


def _dot_size(n: int, tank: Cylinder) -> float:
    """Pixels of a sensor: so that they touch about, and are never invisible."""
    area = (2 * np.pi * tank.radius * 2 * tank.half + 2 * np.pi * tank.radius**2) / max(n, 1)
    return float(np.clip(0.75 * _WIDE * np.sqrt(area) / (2 * np.pi * tank.radius), 2.5, 9.0))


def _aims(seen: Seen, tank: Cylinder, unit: Unit) -> list[Part]:
    """Where primary particles would meet the wall."""
    if "particles" not in seen.event or "momentum" not in seen.event["particles"]:
        return []
    table = seen.event["particles"]
    rows = np.flatnonzero(number_of(table, "parent") < 0)
    start, momentum = array(table, "start")[rows], array(table, "momentum")[rows]
    size = np.linalg.norm(momentum, axis=1, keepdims=True)
    way = np.divide(momentum, size, out=np.full_like(momentum, np.nan), where=size > 0)
    place = tank.met(start, way)
    good = np.isfinite(place).all(1)
    texts = [f"true {text}, where it heads" for text in told("particles", table, rows[good], unit)]
    if not good.any():
        return []
    position = tank.unrolled(place[good]) / unit.size
    return [
        Dots(
            position,
            "where true particles head",
            "truth",
            color=style.GOOD,
            size=13.0,
            symbol="cross",
            texts=tuple(texts),
            listed=True,
        )
    ]


TANK = Picture("unrolled tank", lambda events: _tank(events) is not None, _draw)
