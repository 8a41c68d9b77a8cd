"""Baseline: what a classical method is to those who fit it, ask it and keep it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol, Self, runtime_checkable

from nuforge.events import Events, Table


@runtime_checkable
class Baseline(Protocol):
    """A classical method: fitted on labelled events, asked on readout, kept in a folder."""

    def fit(self, batches: Iterable[Events]) -> None:
        """Learns what it needs from labelled events, each with its weight, of any scale.

        Raises:
            InputError: If a weight is not finite or negative.
        """

    def predict(self, readout: Events) -> Mapping[str, Table]:
        """The columns that the tasks of the network give, for the same rows."""

    def save(self, folder: Path) -> None:
        """Writes what was fitted into a folder."""

    def load(self, folder: Path) -> Self:
        """What `save` wrote; a class method, if all is in the folder."""


@runtime_checkable
class Choosing(Baseline, Protocol):
    """A classical method that leaves something, such as a cut, to be chosen on validation events."""

    def choose(self, batches: Iterable[Events]) -> None:
        """Chooses after `fit`, on labelled events that it was not fitted on."""
