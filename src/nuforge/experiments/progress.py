"""How far a pass over events has come, on standard error: number, rate and time left."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from nuforge.events import Events


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.3g} events/s" if task.speed else "")


def followed(batches: Iterable[Events], what: str, total: int | None = None) -> Iterator[Events]:
    """The same batches, with a progress bar where a terminal shows it.

    Args:
        batches: Batches of events.
        what: What is done with them.
        total: Number of events, if it is known.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(what, total=total)
        for events in batches:
            yield events
            bar.advance(task, len(events))


def say(what: str) -> None:
    """A line of progress."""
    print(f"nuforge: {what}", file=sys.stderr, flush=True)
