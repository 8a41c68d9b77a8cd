"""Classification: to which class does each event belong?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.events.weights import row_weights
from nuforge.metrics.classification import recall
from nuforge.metrics.ranking import area_under_curve, log_odds_bin, score_counts
from nuforge.tasks.categorical import (
    TEMPERATURES,
    categorical_figures,
    categorical_statistics,
    categorical_surprise,
    log_odds,
)
from nuforge.tasks.task import Task
from nuforge.tasks.weighing import checked_focusing, counted, cross_entropy_sum


class Classification(Task):
    """A categorical distribution over classes for every event, and cross entropy.

    Args:
        classes: Names of the classes, in the order of their numbers.
        features: Channels of the features it reads.
        target: Column of `event` with the labels, int64; -1 means unknown and is left out.
        table: Table whose rows are classified, one an event.
        focusing: Power of the focal loss (`nuforge.tasks.weighing.cross_entropy_sum`); 0 is plain cross entropy.
    """

    temperatures = TEMPERATURES
    temperature: Tensor

    def __init__(
        self, classes: Sequence[str], features: int, target: str, table: str = "event", focusing: float = 0.0
    ) -> None:
        super().__init__()
        if len(classes) < 2:
            raise InputError(f"a classification needs two classes or more, got {list(classes)}; name them all")
        self.classes, self.table, self.target = tuple(classes), table, target
        self.needs = (f"{table}.{target}",)
        self.focusing = checked_focusing(focusing)
        self.head = nn.Linear(features, len(classes))
        self.register_buffer("temperature", torch.ones(()))

    def forward(self, features: Mapping[str, Table]) -> Mapping[str, Table]:
        """Logits of the classes (B, K), from the features of events."""
        rows = features[self.table]
        about = {"logits": Column("", "logits of the classes", "prediction")}
        return {self.table: Table({"logits": self.head(rows["features"])}, rows.offsets, about=about)}

    def loss(self, outputs: Mapping[str, Table], events: Events) -> Tensor:
        """Cross entropy, or the focal loss, averaged over events of known label; 0 if there is none."""
        label, weight = events[self.table][self.target], row_weights(events, events[self.table].batch)
        total = cross_entropy_sum(outputs[self.table]["logits"].float(), label, weight, focusing=self.focusing)
        return total / counted(label >= 0, weight)

    def predict(self, outputs: Mapping[str, Table], choice: float | None = None) -> Mapping[str, Table]:
        """Probability of the classes (B, K); there is nothing to choose."""
        rows = outputs[self.table]
        about = {"probability": Column("", f"probability of {', '.join(self.classes)}", "prediction")}
        return {
            self.table: Table(
                {"probability": (rows["logits"].float() / self.temperature).softmax(1)}, rows.offsets, about=about
            )
        }

    def statistics(self, events: Events, prediction: Mapping[str, Table]) -> Mapping[str, Tensor]:
        """Per event: `confusion` (B, K, K), `reliability` (B, bins, 3) and `scores` (B, C, bins, 2).

        Scores are counts of log-odds (`nuforge.metrics.ranking`) of each class against the rest; of two classes, of the
        second alone (C = 1), for the first has the same area under the curve.
        """
        truth, probability = events[self.table], prediction[self.table]["probability"]
        known = truth[self.target] >= 0
        label, batch, odds = truth[self.target][known], truth.batch[known], log_odds(probability)[known]
        counts = [
            score_counts(log_odds_bin(odds[:, i]), label == i, batch, truth.n_events) for i in self._against_the_rest
        ]
        return categorical_statistics(truth, self.target, probability) | {"scores": torch.stack(counts, 1)}

    def figures(self, sums: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Figures of merit (R,) from statistics summed over events, (R, ...) for R resamplings.

        A class without events has no AUC and no recall (NaN) and is left out of the mean.
        """
        area = area_under_curve(sums["scores"])
        figures = {"AUC" if area.shape[-1] == 1 else "mean AUC": area.nanmean(-1), **categorical_figures(sums)}
        if area.shape[-1] > 1:
            figures |= {f"AUC of {c}": area[..., i] for i, c in enumerate(self.classes)}
        found = recall(sums["confusion"])
        return figures | {f"recall of {c}": found[..., i] for i, c in enumerate(self.classes)}

    def surprise(self, outputs: Mapping[str, Table], events: Events) -> Tensor:
        """-ln of the probability of the labels with each temperature, of each event (B, T)."""
        truth = events[self.table]
        return categorical_surprise(outputs[self.table]["logits"], truth[self.target], truth.batch, len(events))

    def cool(self, temperature: float) -> None:
        """The temperature."""
        self.temperature.fill_(temperature)

    @property
    def _against_the_rest(self) -> range:
        """Classes whose scores are counted."""
        return range(1, 2) if len(self.classes) == 2 else range(len(self.classes))
