"""Picture: a kind of picture, which events it fits, and how it is drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import plotly.graph_objects as go
from matplotlib.figure import Figure

from nuforge.display.drawing import Drawing, Listing
from nuforge.display.interactive import figure_of
from nuforge.display.seen import Seen
from nuforge.display.still import picture_of
from nuforge.events import Events


class Drawn(Protocol):
    """A drawn event: interactive, on paper, and in words."""

    @property
    def note(self) -> str:
        """What one must know to read it."""

    @property
    def facts(self) -> tuple[str, ...]:
        """What the event holds, in a few words each."""

    @property
    def listing(self) -> Listing | None:
        """A table under it."""

    def interactive(self) -> go.Figure:
        """For a page."""

    def still(self, title: str) -> Figure:
        """For paper."""


@dataclass(frozen=True)
class DrawnParts:
    """A drawn event that consists of parts."""

    drawing: Drawing

    @property
    def note(self) -> str:
        """What one must know to read it."""
        return self.drawing.note

    @property
    def facts(self) -> tuple[str, ...]:
        """What the event holds, in a few words each."""
        return self.drawing.facts

    @property
    def listing(self) -> Listing | None:
        """A table under it."""
        return self.drawing.listing

    def interactive(self) -> go.Figure:
        """For a page."""
        return figure_of(self.drawing)

    def still(self, title: str) -> Figure:
        """For paper."""
        return picture_of(self.drawing, title)


@dataclass(frozen=True)
class Picture:
    """A kind of picture.

    Args:
        name: For its button, and for the command line.
        fits: Whether events have what it draws: tables, units and shapes of columns, never where they came from.
        draw: Draws one of them.
        of_sample: Whether it draws all events together and not one of them.
    """

    name: str
    fits: Callable[[Events], bool]
    draw: Callable[[Seen], Drawn]
    of_sample: bool = False
