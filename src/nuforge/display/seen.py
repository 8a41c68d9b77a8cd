"""Seen: one event to draw among those that were read with it, and what is known of the detector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from nuforge.display.frame import Frame
from nuforge.events import Events, Table
from nuforge.simulation.truth import CLASSES


@dataclass(frozen=True)
class Seen:
    """One event among others.

    Args:
        events: All that were read.
        i: Which of them is drawn.
        frame: Where voxels are, and the outline of the detector.
        classes: Names of the classes of voxels.
        sensors: Positions in cm of all sensors of the detector (S, 3), where a file with them was given.
    """

    events: Events
    i: int = 0
    frame: Frame = field(default_factory=Frame)
    classes: Sequence[str] = CLASSES
    sensors: np.ndarray | None = None

    @cached_property
    def event(self) -> Events:
        """The event."""
        return self.events.event(self.i).to("cpu")

    def at(self, i: int) -> Seen:
        """Another event of the same."""
        return replace(self, i=i)


def array(table: Table, column: str) -> np.ndarray:
    """A column as float64, NaN where the table does not have it."""
    if column not in table:
        return np.full(len(table), np.nan)
    return np.asarray(table[column].detach().double().numpy())


def vectors_of(table: Table, unit: str) -> list[str]:
    """Columns (N, 3) of a unit."""
    return [name for name in table if table[name].shape[1:] == (3,) and table.about[name].unit == unit]


def has_places(table: Table, column: str = "position") -> bool:
    """Whether rows have a position in cm, one of them at least."""
    return column in vectors_of(table, "cm") and bool(table[column].isfinite().all(1).any())


def number_of(table: Table, column: str) -> np.ndarray:
    """An integer column, -1 where the table does not have it."""
    return np.asarray(table[column].numpy()) if column in table else np.full(len(table), -1)
