"""A look at some events of a file, a store or a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nuforge.errors import InputError
from nuforge.experiments.folder import RECORD

if TYPE_CHECKING:
    from nuforge.events import Events

SAMPLE = 100_000
"""Events that fill histograms at most, where single events have nothing that could be drawn."""
_PART = 4096  # events that are read together
_CONTEXT = 8  # events that are read at least: those that are not shown still say where sensors are


def show(path: Path, event: int, out: Path, n: int = 1, picture: str = "", geometry: Path | None = None) -> str:
    """Writes the page of some events of a file, a store or a run; what to tell the user.

    Args:
        path: Where they are; of a run or an evaluation those with predictions.
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
    from nuforge.events.store import DESCRIPTION
    from nuforge.formats.geometry import read_sensors

    if not path.exists():
        raise InputError(f"no file or folder '{path}'; expected events, a store or a run")
    if n < 1:
        raise InputError(f"--events must be at least 1, got {n}; give the number of events that the page shows")
    sensors = read_sensors(geometry) if geometry else None
    predicted = path / "predictions"  # of a run, or of an evaluation
    answered = (path / RECORD).exists() or (predicted / DESCRIPTION).exists()
    events, first, description = _events_of(predicted if answered else path, event, max(n, _CONTEXT))
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

    found, description = _stretch(path, event, n)
    pictures = fitting(found)
    if not pictures or not pictures[0].of_sample:
        return found, event, description
    found, description = _stretch(path, 0, max(event + 1, SAMPLE))
    return found, 0, description


def _stretch(path: Path, event: int, n: int) -> tuple[Events, Mapping[str, Any] | None]:
    """At most n events from one on, read in parts, and the description of the detector."""
    from nuforge.events import Events
    from nuforge.events.store import DESCRIPTION, Store
    from nuforge.formats import stream

    store = Store(path) if (path / DESCRIPTION).exists() else None
    parts, seen = [], 0
    for part in store.batches(_PART) if store else stream(path, min(n, _PART)):
        low, high = max(0, event - seen), min(len(part), event + n - seen)
        if event >= 0 and low < high:
            parts.append(part[low:high])
        seen += len(part)
        if event >= 0 and seen >= event + n:
            break
    if not parts:
        raise InputError(f"'{path}' has no event {event}, expected 0 to {seen - 1}; they are counted from 0")
    return Events.concat(parts), store.description["detector"] if store else None
