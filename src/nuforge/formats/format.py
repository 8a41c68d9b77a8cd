"""Format: how one third-party format is recognised, read and, where others want it, written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from nuforge.detectors import Detector
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
