"""Conversion: events of a file in another format, by default the store, in bounded memory."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nuforge.detectors import from_description
from nuforge.errors import InputError
from nuforge.events import Events, Selection
from nuforge.events.store import DESCRIPTION, Store
from nuforge.events.write_store import bytes_of, write_store
from nuforge.experiments.progress import followed
from nuforge.formats import FORMATS, format_of, stream
from nuforge.formats.format import Write

_BATCH_BYTES = 1 << 24  # read together
_MOST = 1 << 14  # events read together
_SAMPLE = 64  # events whose size tells how many are read together


def convert(path: Path, out: Path, to: str = "store", select: str = "") -> str:
    """Writes the events of a file in a format; what to tell the user.

    Args:
        path: Any file that is read.
        out: What is made, whole or not at all.
        to: The store, or the name of a written format.
        select: Expression that events must fulfil (see `nuforge.events.selection`), all if empty.

    Raises:
        InputError: If the file cannot be read, the format not be written, or no event is left.
    """
    write = _writer(to)
    selection = Selection(select) if select else None
    found = format_of(path)
    if out.exists() or out.is_symlink():
        raise InputError(f"'{out}' is there already; remove it or give another name")
    if not out.parent.is_dir():
        raise InputError(f"no folder '{out.parent}' for '{out.name}'; make it or give another name")
    n = 0

    def read() -> Iterator[Events]:
        nonlocal n
        batches = followed(stream(path, batch_events_of(path)), "converting")
        for events in selection.over(batches) if selection else batches:
            n += len(events)
            yield events
        if not n:
            left = f"no event of '{path}' fulfils '{select}'" if selection else f"'{path}' has no events"
            raise InputError(f"{left}; '{out}' is not made")

    detector = _detector_of(path)
    if write is not None:
        write(out, read(), from_description(detector) if detector else None)
    else:
        provenance = {"file": str(path), "format": found.name, "select": select}
        with _whole_folder(out) as temporary:
            write_store(temporary, read(), detector=detector, provenance=provenance)
    return f"{n} events of {path} ({found.title}) in {out}"


def _writer(name: str) -> Write | None:
    """How a format is written, None for the store.

    Raises:
        InputError: If it is not written.
    """
    written = {each.name: each.write for each in FORMATS if each.write is not None}
    if name not in written and name != "store":
        raise InputError(f"no format '{name}' to write; there is {', '.join(['store', *sorted(written)])}")
    return written.get(name)


def batch_events_of(path: Path) -> int:
    """How many events of a file are read together: some million bytes, by the size of its first ones."""
    first = next(iter(stream(path, 1)), None)
    if first is None:
        return 1
    size = bytes_of(first)
    if size * _SAMPLE <= _BATCH_BYTES:
        some = next(iter(stream(path, _SAMPLE)))
        size = max(size, bytes_of(some) // len(some))
    return max(1, min(_MOST, _BATCH_BYTES // max(1, size)))


def _detector_of(path: Path) -> dict[str, Any] | None:
    """The description of the detector that a store names."""
    detector: dict[str, Any] | None = Store(path).description["detector"] if (path / DESCRIPTION).exists() else None
    return detector


@contextmanager
def _whole_folder(out: Path) -> Iterator[Path]:
    """A new folder, which becomes `out` when nothing failed; else nothing is left."""
    temporary = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    temporary.mkdir()
    try:
        yield temporary
        os.replace(temporary, out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
