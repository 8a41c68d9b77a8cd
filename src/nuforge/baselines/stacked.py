"""Several classifiers of events as one: small trees on what each of them says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from nuforge.baselines.baseline import Baseline
from nuforge.baselines.forest import Forest
from nuforge.baselines.forest_files import read_forest, write_forest
from nuforge.baselines.gathering import gathered, halves
from nuforge.baselines.prediction import event_prediction_table
from nuforge.baselines.slice_trees import Growth, probability_of
from nuforge.errors import InputError
from nuforge.events import Events, Table
from nuforge.tasks.categorical import log_odds


class Classifier(Baseline, Protocol):
    """A baseline that gives `event.probability`."""

    def probability(self, readout: Events) -> Float[Tensor, "b k"]:
        """Probability of each class (B, K)."""


@dataclass
class Stacked:
    """What an analysis of several selections does: an electron identifier and a muon identifier, say, side by side.

    The parts are fitted on one half of the training events and the trees that weigh them on the other; then the parts
    are fitted again on all.

    Args:
        parts: The classifiers, by name.
        target: Column of `event` with the labels.
        classes: Number of classes.
        growth: How the trees grow.
        forest: None until they are grown.
    """

    parts: Mapping[str, Classifier]
    target: str = "flavour"
    classes: int = 5
    growth: Growth = field(default_factory=lambda: Growth(rounds=80, leaves=6))
    forest: Forest | None = field(default=None, repr=False)

    def fit(self, batches: Iterable[Events]) -> None:
        """Fits parts and trees; the events are kept in memory meanwhile."""
        kept = list(batches)
        sides = [_some(kept, half) for half in (False, True)]
        if all(sides):
            for part in self.parts.values():
                part.fit(sides[0])
        rows = gathered(sides[1], lambda readout: {"x": self._said(readout)}, self.target, self.classes)
        self.forest = self.growth.forest(rows.features["x"], rows, self.classes)
        for part in self.parts.values():
            part.fit(kept)

    def predict(self, readout: Events) -> Mapping[str, Table]:
        """`event.probability` (B, classes)."""
        return {"event": event_prediction_table(readout, self.probability(readout))}

    def probability(self, readout: Events) -> Float[Tensor, "b k"]:
        """Probability of each class (B, K)."""
        return probability_of(self.forest, self._said(readout))

    def save(self, folder: Path) -> None:
        """Writes each part into a folder of its own, and the trees."""
        if self.forest is None:
            raise InputError("stacked baselines have nothing to save; call fit(batches) first")
        for name, part in self.parts.items():
            part.save(folder / name)
        write_forest(folder, self.forest, self._features(), {"target": self.target})

    def load(self, folder: Path) -> Stacked:
        """What `save` wrote."""
        forest, _ = read_forest(folder, self._features())
        return replace(self, parts={name: part.load(folder / name) for name, part in self.parts.items()}, forest=forest)

    def _said(self, readout: Events) -> Float[Tensor, "b f"]:
        """Log-odds of every class by every part."""
        return torch.cat([log_odds(part.probability(readout)).float() for part in self.parts.values()], 1)

    def _features(self) -> Sequence[str]:
        return [f"class {i} by {name}" for name in self.parts for i in range(self.classes)]


def _some(batches: Iterable[Events], half: bool) -> list[Events]:
    """The events of one half, batch by batch; batches that have none are left out."""
    parts = [(events, halves(events) == half) for events in batches]
    return [events.select(mask) for events, mask in parts if bool(mask.any())]
