"""What a file, store, checkpoint or run holds, and a look at one of its events."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nuforge.errors import InputError
from nuforge.experiments.folder import RECORD, read_json
from nuforge.experiments.shipped import shipped

if TYPE_CHECKING:
    from nuforge.events import Events


def describe(path: Path) -> dict[str, Any]:
    """What stands at a path, as JSON has it.

    Raises:
        InputError: If there is nothing, or nothing that is known.
    """
    from nuforge.events.store import DESCRIPTION
    from nuforge.training import checkpoint

    if not path.exists():
        path = shipped().get(str(path), path)
    if not path.exists():
        raise InputError(f"no file or folder '{path}'; expected events, a store, a checkpoint or a run")
    if (path / RECORD).exists():
        record = read_json(path / RECORD)
        return {"kind": "run", **record["command"], "version": record["version"], "done": sorted(record["done"])}
    if (path / checkpoint.DESCRIPTION).exists():
        said = checkpoint.read_description(path)
        facts = {name: value for name, value in said.items() if name not in {"optimizer", "history", "block"}}
        return {"kind": "checkpoint", **facts, "detector": (said.get("detector") or {}).get("name")}
    if (path / DESCRIPTION).exists():
        return _store(path)
    return _file(path)


def _store(path: Path) -> dict[str, Any]:
    from nuforge.events.store import Store

    store = Store(path)
    description = store.description
    first = next(store.batches(1), None)
    if first is None:
        raise InputError(f"'{path}' is a store without events; make it again")
    return {
        "kind": "store",
        "events": len(store),
        "shards": description["shards"],
        "tables": description["tables"],
        "detector": (description["detector"] or {}).get("name"),
        "provenance": description["provenance"],
        "first event": _first_event(first),
    }


def _file(path: Path) -> dict[str, Any]:
    """What a file holds; it is read once, in bounded memory."""
    from nuforge.events.arrow import describe as describe_events
    from nuforge.experiments.convert import batch_events_of
    from nuforge.formats import format_of, stream

    found = format_of(path)
    first, n = None, 0
    rows: dict[str, int] = {}
    for events in stream(path, batch_events_of(path)):
        first = first if first is not None else events[:1]
        n += len(events)
        for name, table in events.tables.items():
            rows[name] = rows.get(name, 0) + len(table)
    if first is None:
        raise InputError(f"'{path}' has no events ({found.title})")
    return {
        "kind": "file",
        "format": found.name,
        "title": found.title + ("" if found.checked == "seen" else "; the reader was never tried on a real file"),
        "bytes": sum(each.stat().st_size for each in (path.rglob("*") if path.is_dir() else [path])),
        "events": n,
        "rows": rows,
        "detector": None,
        "first event": _first_event(first),
        "tables": describe_events(first),
    }


def _first_event(event: Events) -> dict[str, Any]:
    """The values of the table `event`, and how many rows the other tables have."""
    values = (
        {column: _plain(event["event"][column][0].tolist()) for column in event["event"]} if "event" in event else {}
    )
    return {**values, **{f"n_{name}": len(table) for name, table in event.tables.items() if name != "event"}}


def _plain(value: Any) -> Any:  # noqa: ANN401
    """A value as JSON has it: what is not finite is None."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def as_text(facts: Mapping[str, Any]) -> str:
    """Facts as text for people."""
    lines = []
    for key, value in facts.items():
        if key == "figures":
            lines += ["figures:", *(_figures(events, figures) for events, figures in value.items())]
        elif key == "tables":
            lines += ["tables:", *(_table(name, columns) for name, columns in value.items())]
        elif isinstance(value, Mapping):
            lines.append(f"{key}: " + ", ".join(_fact(k, v) for k, v in value.items()))
        else:
            lines.append(f"{key}: {'unknown' if value is None else value}")
    return "\n".join(lines)


def _fact(name: str, value: object) -> str:
    """A fact of a group: of what is nested further, only that it is there."""
    if isinstance(value, Mapping) or (isinstance(value, list) and len(value) > 4):
        return name
    return f"{name} {'unknown' if value is None else value}"


def _figures(events: str, figures: Mapping[str, Mapping[str, Any]]) -> str:
    """What a network reaches on some events, a line a figure."""
    rows = [
        f"    {name:40} {v['value']:.3f} [{v['low']:.3f}, {v['high']:.3f}] {v['unit']}" for name, v in figures.items()
    ]
    return "\n".join([f"  {events}", *(row.rstrip() for row in rows)])


def _table(name: str, columns: Mapping[str, Mapping[str, Any]]) -> str:
    return "\n".join(
        f"  {name + '.' + column:24} {about['role']:10} {about['dtype']:8} {about['unit'] or '-':6} {about['meaning']}"
        + (f" ({', '.join(each for each in about['names'] if each)})" if about.get("names") else "")
        for column, about in columns.items()
    )


SAMPLE = 100_000
"""Events that fill histograms at most, where single events have nothing that could be drawn."""


def show(path: Path, event: int, out: Path, n: int = 1, picture: str = "", geometry: Path | None = None) -> str:
    """Writes the page of some events of a file, a store or a run; what to tell the user.

    Args:
        path: Where they are.
        event: The first, counted from 0.
        out: The page; a name that ends in .png asks for a picture.
        n: How many at most.
        picture: The kind of picture that comes first, "" for the first that fits.
        geometry: A file that says where the detector's sensors are.

    Raises:
        InputError: If there is no such event, it has nothing to draw, or the page cannot be written.
    """
    from nuforge.detectors import from_description
    from nuforge.display.show import Choice
    from nuforge.display.show import show as write_page
    from nuforge.formats.geometry import read_sensors

    if not path.exists():
        raise InputError(f"no file or folder '{path}'; expected events, a store or a run")
    if n < 1:
        raise InputError(f"--events must be at least 1, got {n}; give the number of events that the page shows")
    sensors = read_sensors(geometry) if geometry else None
    events, first, description = _events_of(
        path / "predictions" if (path / RECORD).exists() else path, event, max(n, _CONTEXT)
    )
    detector = from_description(description) if description else None
    events = sensors.placed(events) if sensors else events
    choice = Choice(first, n, picture, sensors.position if sensors else None)
    try:
        write_page(events, event - first, out, detector, choice=choice)
    except OSError as error:
        raise InputError(f"cannot write '{out}': {error.strerror}; give --out a page that can be written") from None
    return f"{path}, from event {event} on: {out}"


def _events_of(path: Path, event: int, n: int) -> tuple[Events, int, Mapping[str, Any] | None]:
    """Events from one on, the number of the first of them, and the description of the detector if it is known.

    Where only many events together can be drawn, these are all of the file, up to `SAMPLE`.
    """
    from nuforge.display.pictures import fitting

    found, first, description = _stretch(path, event, n)
    if fitting(found) and fitting(found)[0].of_sample:
        found, first, description = _stretch(path, 0, max(event + 1, SAMPLE))
    return found, first, description


def _stretch(path: Path, event: int, n: int) -> tuple[Events, int, Mapping[str, Any] | None]:
    """At most n events from one on, read in parts."""
    from nuforge.events import Events
    from nuforge.events.store import DESCRIPTION, Store
    from nuforge.formats import stream

    is_store = (path / DESCRIPTION).exists()
    description = Store(path).description["detector"] if is_store else None
    parts, seen = [], 0
    size = Store(path).batches(_PART) if is_store else stream(path, min(n, _PART))
    for part in size:
        low, high = max(0, event - seen), min(len(part), event + n - seen)
        if event >= 0 and low < high:
            parts.append(part[low:high])
        seen += len(part)
        if event >= 0 and seen >= event + n:
            break
    if not parts:
        raise InputError(f"'{path}' has no event {event}, expected 0 to {seen - 1}; they are counted from 0")
    return Events.concat(parts), event, description


_PART = 4096  # events that are read together
_CONTEXT = 8  # events that are read at least: those that are not shown still say where sensors are
