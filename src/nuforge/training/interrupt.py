"""Ctrl-C that ends a training between two steps."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


class Interrupted(Exception):
    """Training was stopped by Ctrl-C after writing a checkpoint; says how to resume."""


@dataclass
class Request:
    """Whether the user asked to stop."""

    made: bool = False


@contextmanager
def interruptible() -> Iterator[Request]:
    """Within, the first Ctrl-C is noted; the second one interrupts as usual."""
    request = Request()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    before = signal.getsignal(signal.SIGINT)

    def note(_signal: int, _frame: FrameType | None) -> None:
        request.made = True
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    try:
        yield request
    finally:
        signal.signal(signal.SIGINT, before)
