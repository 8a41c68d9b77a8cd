"""Gradient-boosted trees on summaries of events: the classical classifier of whole events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingClassifier

from nuforge.baselines.event_summaries import SUMMARIES, event_summaries
from nuforge.baselines.forest import Forest
from nuforge.baselines.forest_files import read_forest, write_forest
from nuforge.baselines.prediction import event_prediction_table
from nuforge.events import Events, Table


@dataclass
class EventTrees:
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
    forest: Forest | None = None

    def fit(self, batches: Iterable[Events]) -> None:
        """Grow the trees from batches with labels; only summaries are kept of the events.

        Raises:
            ValueError: If the batches hold fewer than two classes.
        """
        parts = [(event_summaries(batch.readout()), batch["event"][self.target].cpu().numpy()) for batch in batches]
        summaries = np.concatenate([np.zeros((0, len(SUMMARIES)), np.float32), *(part[0] for part in parts)])
        label = np.concatenate([np.zeros(0, np.int64), *(part[1] for part in parts)])
        known = (label >= 0) & (label < self.classes)
        seen = np.bincount(label[known], minlength=self.classes)
        if (seen > 0).sum() < 2:
            raise ValueError(
                f"boosted trees need events of at least two classes, got counts {seen.tolist()}; give labelled events "
                "of more than one class"
            )
        model = HistGradientBoostingClassifier(
            max_iter=self.rounds,
            max_leaf_nodes=self.leaves,
            learning_rate=self.learning_rate,
            l2_regularization=1.0,
            early_stopping=False,
            random_state=self.seed,
        )
        self.forest = Forest.of_scikit_learn(model.fit(summaries[known], label[known]), self.classes)

    def predict(self, readout: Events) -> Mapping[str, Table]:
        """`event.probability` (B, classes).

        Raises:
            ValueError: If nothing was fitted or loaded.
        """
        if self.forest is None:
            raise ValueError("boosted trees have no trees yet; call fit(batches) or EventTrees.load(folder) first")
        probability = torch.from_numpy(self.forest.probability(event_summaries(readout))).to(torch.float32)
        return {"event": event_prediction_table(readout, probability)}

    def save(self, folder: Path) -> None:
        """Write the trees as safetensors and their description as JSON into a folder.

        Raises:
            ValueError: If nothing was fitted.
        """
        if self.forest is None:
            raise ValueError("boosted trees have no trees to save; call fit(batches) first")
        options = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "forest"}
        write_forest(folder, self.forest, SUMMARIES, options)

    @classmethod
    def load(cls, folder: Path) -> EventTrees:
        """The trees that `save` wrote.

        Raises:
            ValueError: If the folder holds none, or they were grown on other summaries or by a newer format.
        """
        forest, options = read_forest(folder, SUMMARIES)
        return cls(**options, forest=forest)
