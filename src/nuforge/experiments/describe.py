"""What a file, store, checkpoint or run holds."""

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
