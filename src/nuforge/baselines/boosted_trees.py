"""Gradient-boosted trees on features of voxels: the classical classifier that learns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from nuforge.baselines.features import FEATURES, voxel_features
from nuforge.baselines.forest import grow
from nuforge.baselines.forest_files import Grown
from nuforge.baselines.prediction import prediction_table
from nuforge.events import Events, Table
from nuforge.events.weights import weights_to_learn


@dataclass
class BoostedTrees(Grown):
    """Histogram gradient boosting (scikit-learn) on `voxel_features`.

    Args:
        classes: Number of classes; labels outside 0 to classes - 1 are not looked at.
        rounds: Rounds of boosting, one tree per class each.
        leaves: Leaves of a tree.
        learning_rate: What part of each tree is taken.
        rows_per_class: At most so many voxels of each class are kept for the fit, drawn evenly from all batches.
        prior_power: A class of frequency f weighs f ** (1 - prior_power) in all: 0 gives best accuracy, 1 gives all
            classes the same weight and best mean recall, 0.5 is between, good for mean intersection over union.
        seed: Seeds the draw of voxels.
    """

    classes: int = 5
    rounds: int = 80
    leaves: int = 31
    learning_rate: float = 0.12
    rows_per_class: int = 40_000
    prior_power: float = 0.5
    seed: int = 0
    features: ClassVar[Sequence[str]] = FEATURES

    def fit(self, batches: Iterable[Events]) -> None:
        """Grow the trees from batches with `voxels.label`; a pass over them, in bounded memory.

        Raises:
            ValueError: If the batches hold fewer than two classes.
        """
        sample = _Sample.of_batches(batches, self.classes, self.rows_per_class, self.seed)
        seen = sample.seen > 0
        if seen.sum() < 2:
            raise ValueError(
                f"boosted trees need voxels of at least two classes, got counts {sample.seen.tolist()}; give labelled "
                "events with more than one kind of particle"
            )
        frequency = sample.weighed / sample.weighed.sum()
        kept = np.bincount(sample.label, sample.weight, self.classes)
        weight = np.where(seen, frequency ** (1.0 - self.prior_power), 0.0) / np.where(kept > 0, kept, 1)
        rows = weight[sample.label] * sample.weight
        self.forest = grow(
            sample.features,
            sample.label,
            self.classes,
            rounds=self.rounds,
            leaves=self.leaves,
            learning_rate=self.learning_rate,
            seed=self.seed,
            depth=8,
            weight=rows / rows.mean(),
        )

    def predict(self, readout: Events) -> Mapping[str, Table]:
        """`voxels.probability` (N, classes).

        Raises:
            ValueError: If nothing was fitted or loaded.
        """
        probability = torch.from_numpy(self.grown().probability(voxel_features(readout))).to(torch.float32)
        return {"voxels": prediction_table(readout, probability)}


@dataclass(frozen=True)
class _Sample:
    """Voxels drawn evenly for each class, and how many there were.

    Args:
        features: (n, F) float32.
        label: (n,) int64.
        ticket: (n,) a random number each, whatever its weight; the smallest of a class stay.
        weight: (n,) that of its event.
        seen: (K,) number of voxels of each class looked at, those of events that do not count left out.
        weighed: (K,) their weight.
    """

    features: NDArray[np.float32]
    label: NDArray[np.int64]
    ticket: NDArray[np.float64]
    weight: NDArray[np.float64]
    seen: NDArray[np.int64]
    weighed: NDArray[np.float64]

    @classmethod
    def of_batches(cls, batches: Iterable[Events], classes: int, per_class: int, seed: int) -> _Sample:
        generator = torch.Generator().manual_seed(seed)
        sample = cls(
            np.zeros((0, len(FEATURES)), np.float32),
            np.zeros(0, np.int64),
            np.zeros(0),
            np.zeros(0),
            np.zeros(classes, np.int64),
            np.zeros(classes),
        )
        for batch in batches:
            label = batch["voxels"]["label"].cpu().numpy()
            ticket = torch.rand(len(label), generator=generator, dtype=torch.float64).numpy()
            weight = weights_to_learn(batch)[batch["voxels"].batch].cpu().numpy()
            known = (label >= 0) & (label < classes) & (weight > 0)
            features = voxel_features(batch.readout())[known]
            sample = sample._with(features, label[known], ticket[known], weight[known], per_class)
        return sample

    def _with(
        self,
        features: NDArray[np.float32],
        label: NDArray[np.int64],
        ticket: NDArray[np.float64],
        weight: NDArray[np.float64],
        per_class: int,
    ) -> _Sample:
        """This sample with more voxels, cut to the `per_class` smallest tickets of each class."""
        every_label, every_ticket = np.concatenate([self.label, label]), np.concatenate([self.ticket, ticket])
        order = np.lexsort((every_ticket, every_label))
        ordered = every_label[order]
        rank = np.arange(len(order)) - np.searchsorted(ordered, ordered)
        stay = np.sort(order[rank < per_class])
        old, new = stay[stay < len(self.label)], stay[stay >= len(self.label)] - len(self.label)
        return _Sample(
            np.concatenate([self.features[old], features[new]]),
            every_label[stay],
            every_ticket[stay],
            np.concatenate([self.weight, weight])[stay],
            self.seen + np.bincount(label, minlength=len(self.seen)),
            self.weighed + np.bincount(label, weight, len(self.seen)),
        )
