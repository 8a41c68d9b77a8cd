"""Gradient-boosted trees on summaries of events: the classical classifier of whole events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from nuforge.baselines.event_summaries import SUMMARIES, event_summaries
from nuforge.baselines.forest import grow, sample_weight
from nuforge.baselines.forest_files import Grown
from nuforge.baselines.prediction import event_prediction_table
from nuforge.events import Events, Table
from nuforge.events.weights import weights_to_learn


@dataclass
class EventTrees(Grown):
    """Histogram gradient boosting (scikit-learn) on `event_summaries`.

    Trees are small and learn slowly, because events are few: a thousand rows where voxels give a million.

    Args:
        target: Column of `event` with the labels.
        classes: Number of classes; labels outside 0 to classes - 1 are not looked at.
        rounds: Rounds of boosting, one tree per class each.
        leaves: Leaves of a tree.
        learning_rate: What part of each tree is taken.
        seed: Of scikit-learn.
    """

    target: str
    classes: int = 2
    rounds: int = 150
    leaves: int = 8
    learning_rate: float = 0.05
    seed: int = 0
    features: ClassVar[Sequence[str]] = SUMMARIES

    def fit(self, batches: Iterable[Events]) -> None:
        """Grow the trees from batches with labels; only summaries are kept of the events.

        Raises:
            ValueError: If the batches hold fewer than two classes.
        """
        parts = [
            (event_summaries(batch.readout()), batch["event"][self.target].cpu().numpy(), weights_to_learn(batch).cpu())
            for batch in batches
        ]
        summaries = np.concatenate([np.zeros((0, len(SUMMARIES)), np.float32), *(part[0] for part in parts)])
        label = np.concatenate([np.zeros(0, np.int64), *(part[1] for part in parts)])
        weight = np.concatenate([np.zeros(0), *(part[2].numpy() for part in parts)])
        known = (label >= 0) & (label < self.classes) & (weight > 0)
        seen = np.bincount(label[known], minlength=self.classes)
        if (seen > 0).sum() < 2:
            raise ValueError(
                f"boosted trees need events of at least two classes, got counts {seen.tolist()}; give labelled events "
                "of more than one class"
            )
        self.forest = grow(
            summaries[known],
            label[known],
            self.classes,
            rounds=self.rounds,
            leaves=self.leaves,
            learning_rate=self.learning_rate,
            seed=self.seed,
            weight=sample_weight(weight[known]),
        )

    def predict(self, readout: Events) -> Mapping[str, Table]:
        """`event.probability` (B, classes).

        Raises:
            ValueError: If nothing was fitted or loaded.
        """
        probability = torch.from_numpy(self.grown().probability(event_summaries(readout))).to(torch.float32)
        return {"event": event_prediction_table(readout, probability)}
