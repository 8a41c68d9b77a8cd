"""Format: how one third-party format is recognised, read and, where others want it, written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from nuforge.detectors import Detector
from nuforge.errors import InputError
from nuforge.events import Events
from nuforge.formats.glimpse import Glimpse

Write = Callable[[Path, Iterable[Events], Detector | None], None]
"""Events, some at a time, into a new file, whole or not at all."""


@dataclass(frozen=True)
class Format:
    """One format.

    Args:
        name: In lower case with hyphens, as the command line has it.
        title: What it is, in a few words.
        checked: Whether the reader was tried on files that others wrote, or on files made from the documentation.
        recognises: Whether a file is of this format.
        stream: Its events in order, so many at a time, in bounded memory. Raises `InputError` in one line.
        write: How it is written; none if it is only read.
    """

    name: str
    title: str
    checked: Literal["seen", "doc"]
    recognises: Callable[[Glimpse], bool]
    stream: Callable[[Path, int], Iterator[Events]]
    write: Write | None = None

    def events(self, path: Path, batch_events: int) -> Iterator[Events]:
        """The events of a file in order, so many at a time.

        Raises:
            InputError: If it cannot be read, whatever the library below made of it.
        """
        if batch_events < 1:
            raise ValueError(f"batch_events must be 1 event at least, got {batch_events}")
        with one_line(path, self.title):
            yield from self.stream(path, batch_events)


@contextmanager
def one_line(path: Path, title: str) -> Iterator[None]:
    """Turns what libraries raise on damaged files into one line; the cause stays attached.

    Readers check what they can name. No list of checks covers all that a flipped byte does inside a library.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        reason = (str(error).splitlines() or [""])[0][:200]
        raise InputError(
            f"{path} cannot be read as {title} ({type(error).__name__}: {reason}); "
            "it is damaged or of another version, copy or write it again"
        ) from error
