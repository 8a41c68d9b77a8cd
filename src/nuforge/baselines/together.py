"""Several baselines that answer one question each, as one that answers them all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from nuforge.baselines.baseline import Baseline
from nuforge.events import Events, Table
from nuforge.tasks.answer import merged


@dataclass(frozen=True)
class Together:
    """Baselines that each give columns of their own.

    Args:
        parts: The baselines. Each kind once: their files lie in one folder.
    """

    parts: tuple[Baseline, ...]

    def fit(self, batches: Iterable[Events]) -> None:
        """Fits each on the same events, which are kept in memory."""
        kept = list(batches)
        for part in self.parts:
            part.fit(kept)

    def predict(self, readout: Events) -> Mapping[str, Table]:
        """The columns of all; of a table that several speak of, those of each."""
        return merged(part.predict(readout) for part in self.parts)

    def save(self, folder: Path) -> None:
        """Writes all into one folder."""
        for part in self.parts:
            part.save(folder / type(part).__name__)

    def load(self, folder: Path) -> Together:
        """What `save` wrote."""
        return Together(tuple(part.load(folder / type(part).__name__) for part in self.parts))
