"""Gradient-boosted trees on summaries of slices: what the same readout tells without images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from nuforge.baselines.forest import Forest, grow, sample_weight
from nuforge.baselines.forest_files import read_forest, write_forest
from nuforge.baselines.gathering import gathered
from nuforge.baselines.prediction import event_prediction_table
from nuforge.baselines.slice_summaries import SLICE_SUMMARIES, slice_summaries
from nuforge.detectors.nova import SegmentedDetector
from nuforge.errors import InputError
from nuforge.events import Events, Table
from nuforge.shapes import Rows, Scalars


@dataclass(frozen=True)
class Growth:
    """How trees for tables of thousands of rows grow; see `nuforge.baselines.forest.grow`."""

    rounds: int = 150
    leaves: int = 8
    learning_rate: float = 0.05
    seed: int = 0

    def forest(self, features: Float[Tensor, "n f"], label: Rows, weight: Scalars, classes: int) -> Forest:
        """The trees for features (N, F), labels (N,) from 0 to classes - 1 and weights (N,) of rows."""
        return grow(
            features.numpy().astype(np.float32),
            label.numpy(),
            classes,
            rounds=self.rounds,
            leaves=self.leaves,
            learning_rate=self.learning_rate,
            seed=self.seed,
            weight=sample_weight(weight.numpy()),
        )


def probability_of(forest: Forest | None, features: Float[Tensor, "b f"]) -> Float[Tensor, "b k"]:
    """Probability (B, K) by a forest.

    Raises:
        InputError: If there is none yet.
    """
    if forest is None:
        raise InputError("this baseline has no trees yet; call fit(batches), or load(folder), first")
    return torch.from_numpy(forest.probability(features.numpy().astype(np.float32))).float()


@dataclass
class SliceTrees:
    """Histogram gradient boosting (scikit-learn) on `slice_summaries`.

    Args:
        detector: Says where cells and walls are.
        target: Column of `event` with the labels.
        classes: Number of classes; labels outside 0 to classes - 1 are not looked at.
        growth: How the trees grow.
        forest: The trees; None until they are grown.
    """

    detector: SegmentedDetector
    target: str = "flavour"
    classes: int = 5
    growth: Growth = field(default_factory=Growth)
    forest: Forest | None = None

    def fit(self, batches: Iterable[Events]) -> None:
        """Grows the trees; only summaries are kept of the events."""
        rows = gathered(batches, lambda e: {"x": slice_summaries(e, self.detector)}, self.target, self.classes)
        self.forest = self.growth.forest(rows.features["x"], rows.label, rows.weight, self.classes)

    def predict(self, readout: Events) -> Mapping[str, Table]:
        """`event.probability` (B, classes)."""
        return {"event": event_prediction_table(readout, self.probability(readout))}

    def probability(self, readout: Events) -> Float[Tensor, "b k"]:
        """Probability of each class (B, K)."""
        return probability_of(self.forest, slice_summaries(readout, self.detector))

    def save(self, folder: Path) -> None:
        """Writes the trees into a folder."""
        if self.forest is None:
            raise InputError("slice trees have nothing to save; call fit(batches) first")
        options = {"target": self.target, "classes": self.classes, **asdict(self.growth)}
        write_forest(folder, self.forest, SLICE_SUMMARIES, options)

    def load(self, folder: Path) -> SliceTrees:
        """The trees that `save` wrote, with this one's detector."""
        forest, _ = read_forest(folder, SLICE_SUMMARIES)
        return replace(self, forest=forest)
