"""Segmentation: to which class does each row of a table belong?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.events.weights import row_weights
from nuforge.metrics.classification import iou, precision, recall
from nuforge.tasks.categorical import (
    TEMPERATURES,
    categorical_figures,
    categorical_statistics,
    categorical_surprise,
)
from nuforge.tasks.task import Task
from nuforge.tasks.weighing import checked_focusing, cross_entropy_sum


class Segmentation(Task):
    """A categorical distribution over classes for every row, and weighted cross entropy.

    Training with class weights w makes the softmax estimate w p(class), not p(class). With `correction` c the stated
    probability is proportional to softmax / w^c: 0 keeps rare classes favoured (best mean recall), 1 undoes the weights
    (calibrated; best IoU of rare classes). Then a temperature, chosen on validation too, makes probabilities honest.
    Weights, correction and temperature travel with the network's weights.

    Args:
        classes: Names of the classes, in the order of their numbers.
        features: Channels of the features it reads.
        table: Table whose rows are classified.
        target: Column of its labels, int64; -1 means unknown and is left out.
        weights: Weight of each class in the loss; all 1 if not given. See `class_weights`.
        correction: Power to which the weights are taken out of the stated probability; chosen on validation.
        balance: Power of the rows of a class that its weight falls with, where weights are counted from events.
        name: Of the question, where several are asked of the rows of one table: the column `probability` becomes
            `<name>_probability`, the statistic `confusion` `<name>_confusion`, the figure `accuracy` `<name> accuracy`.
        focusing: Power of the focal loss (`nuforge.tasks.weighing.cross_entropy_sum`); 0 is plain cross entropy.
    """

    choices = (0.0, 0.25, 0.5, 0.75, 1.0)
    temperatures = TEMPERATURES
    weights: Tensor
    correction: Tensor
    temperature: Tensor

    def __init__(
        self,
        classes: Sequence[str],
        features: int,
        table: str = "voxels",
        target: str = "label",
        weights: Sequence[float] | None = None,
        correction: float = 0.0,
        balance: float = 0.5,
        name: str = "",
        focusing: float = 0.0,
    ) -> None:
        super().__init__()
        chosen = torch.ones(len(classes)) if weights is None else torch.tensor(weights, dtype=torch.float32)
        if len(classes) < 2 or chosen.shape != (len(classes),) or not bool((chosen > 0).all()):
            raise InputError(
                f"a segmentation needs two classes or more and a positive weight for each, got {list(classes)} and "
                f"weights {chosen.tolist()}; count the labels of the training events and give class_weights(counts)"
            )
        self.classes, self.table, self.target, self.balance = tuple(classes), table, target, balance
        self.needs = (f"{table}.{target}",)
        self.name, self._prefix = name, f"{name}_" if name else ""
        self.focusing = checked_focusing(focusing)
        self.register_buffer("weights", chosen)
        self.register_buffer("correction", torch.tensor(float(correction)))
        self.register_buffer("temperature", torch.ones(()))
        self.head = nn.Linear(features, len(classes))

    def forward(self, features: Mapping[str, Table]) -> Mapping[str, Table]:
        """Logits of the classes (N, K), from the features of the table's rows."""
        rows = features[self.table]
        column = self._prefix + "logits"
        about = {column: Column("", "logits of the classes, as trained", "prediction")}
        return {self.table: Table({column: self.head(rows["features"])}, rows.offsets, about=about)}

    def loss(self, outputs: Mapping[str, Table], events: Events) -> Tensor:
        """Cross entropy, or the focal loss, a mean over rows of known label weighed by class; 0 if there is none."""
        label = events[self.table][self.target]
        logits = outputs[self.table][self._prefix + "logits"].to(self.weights.dtype)
        of_event = row_weights(events, events[self.table].batch)
        total = cross_entropy_sum(logits, label, of_event, self.weights, self.focusing)
        weight = torch.where(label >= 0, self.weights[label.clamp(min=0)], 0)
        whole = weight.sum() if of_event is None else (weight * of_event.to(weight)).sum()
        return total / whole.clamp(min=torch.finfo(torch.float32).tiny)

    def predict(self, outputs: Mapping[str, Table], choice: float | None = None) -> Mapping[str, Table]:
        """Probability of the classes (N, K); `choice` replaces the task's own correction."""
        rows = outputs[self.table]
        logits = self._corrected(outputs, choice) / self.temperature
        column = self._prefix + "probability"
        about = {column: Column("", f"probability of {', '.join(self.classes)}", "prediction")}
        return {self.table: Table({column: logits.softmax(1)}, rows.offsets, about=about)}

    def statistics(self, events: Events, prediction: Mapping[str, Table]) -> Mapping[str, Tensor]:
        """Per event: `confusion` (B, K, K), rows true and columns predicted; `reliability` (B, bins, 3)."""
        probability = prediction[self.table][self._prefix + "probability"]
        statistics = categorical_statistics(events[self.table], self.target, probability)
        return {self._prefix + name: values for name, values in statistics.items()}

    def figures(self, sums: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Figures of merit (R,) from statistics summed over events, (R, ...) for R resamplings.

        A class without rows is left out of the means.
        """
        own = {name: sums[self._prefix + name] for name in ("confusion", "reliability")}
        confusion = own["confusion"]
        per_class = {"recall": recall(confusion), "precision": precision(confusion), "IoU": iou(confusion)}
        figures = {
            "mean recall": per_class["recall"].nanmean(-1),
            "mean IoU": per_class["IoU"].nanmean(-1),
            **categorical_figures(own),
        }
        for name, values in per_class.items():
            figures |= {f"{name} of {c}": values[..., i] for i, c in enumerate(self.classes)}
        return {f"{self.name} {figure}".lstrip(): values for figure, values in figures.items()}

    def _corrected(self, outputs: Mapping[str, Table], choice: float | None = None) -> Tensor:
        """Logits (N, K) from which the weights of the loss are taken out again."""
        power = self.correction if choice is None else choice
        logits: Tensor = outputs[self.table][self._prefix + "logits"]
        return logits.to(self.weights.dtype) - power * self.weights.log()

    def surprise(self, outputs: Mapping[str, Table], events: Events) -> Tensor:
        """-ln of the probability of the labels with each temperature (B, T), summed over the rows of each event."""
        truth = events[self.table]
        return categorical_surprise(self._corrected(outputs), truth[self.target], truth.batch, len(events))

    def cool(self, temperature: float) -> None:
        """The temperature."""
        self.temperature.fill_(temperature)

    def count(self, events: Events) -> Tensor:
        """Rows of each class in each event (B, K)."""
        label, batch, k = events[self.table][self.target], events[self.table].batch, len(self.classes)
        known = label >= 0
        return torch.bincount(batch[known] * k + label[known], minlength=len(events) * k).view(-1, k)

    def meet(self, counts: Tensor) -> None:
        """Weights of the classes from the rows of each (K,)."""
        self.weights.copy_(torch.tensor(class_weights(counts.tolist(), self.balance)))

    def merit(self, figures: Mapping[str, Tensor]) -> Tensor:
        """Mean recall and mean IoU together.

        Weights in the loss favour rare classes: good for recall, bad for purity. The correction balances the two
        without training again.
        """
        return figures[f"{self.name} mean recall".lstrip()] + figures[f"{self.name} mean IoU".lstrip()]

    def choose(self, choice: float) -> None:
        """The correction."""
        self.correction.fill_(choice)


def class_weights(counts: Sequence[float | int], power: float = 0.5) -> tuple[float, ...]:
    """Weights that fall with a power of the rows of the class, with mean 1 over classes.

    Args:
        counts: Rows of each class in the training events (K,); an absent class counts as one row.
        power: 0 for even weights, 1 for classes that weigh the same together.
    """
    inverse = [max(count, 1.0) ** -power for count in counts]
    return tuple(len(inverse) * w / sum(inverse) for w in inverse)
