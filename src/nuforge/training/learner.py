"""Learners: what `fit` trains."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from nuforge.errors import InputError
from nuforge.events import Events
from nuforge.tasks.answer import merged
from nuforge.tasks.task import Tables, Task


class Learner(nn.Module, ABC):
    """A training scheme: a loss over events, and a prediction from their readout with its figures of merit."""

    @property
    @abstractmethod
    def asked(self) -> Sequence[Task]:
        """The questions that it answers."""

    @abstractmethod
    def loss(self, events: Events) -> Tensor:
        """Loss of a batch, a scalar: a mean in which events count with their weights, of any scale."""

    @abstractmethod
    def predict(self, readout: Events) -> Tables:
        """Prediction from readout alone."""

    def statistics(self, events: Events, prediction: Tables) -> Mapping[str, Tensor]:
        """Per-event statistics (B, ...) of all questions, that add up over events, times their weights."""
        return _joined([task.statistics(events, prediction) for task in self.asked])

    def figures(self, sums: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Figures of merit (R,) of all questions, from summed statistics (R, ...)."""
        return _joined([task.figures(sums) for task in self.asked])

    def evaluate(self, events: Events) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Loss and statistics of a batch; a learner that can share work between them replaces it."""
        return self.loss(events), self.statistics(events, self.predict(events.readout()))


class Supervised(Learner):
    """A model and the tasks asked of it; the loss is the sum of the tasks', each times its share.

    Args:
        model: Readout to features of tables.
        tasks: The questions. Two tasks may not give a column, statistic or figure of the same name.
        shares: What the loss of each task counts for, 1 each if not given.
    """

    def __init__(self, model: nn.Module, tasks: Sequence[Task], shares: Sequence[float] | None = None) -> None:
        super().__init__()
        if not tasks:
            raise InputError("supervised learning needs at least one task, got none; give what the model should answer")
        self.shares = tuple(shares) if shares is not None else (1.0,) * len(tasks)
        if len(self.shares) != len(tasks) or not all(share >= 0 for share in self.shares):
            raise InputError(
                f"shares must be a number of 0 or more for each of {len(tasks)} tasks, got {list(self.shares)}; "
                "leave them out to count all tasks alike"
            )
        self.model = model
        self.tasks = nn.ModuleList(tasks)

    def forward(self, readout: Events) -> list[Tables]:
        """Outputs of each task."""
        features = self.model(readout)
        return [task(features) for task in self.asked]

    @property
    def asked(self) -> Sequence[Task]:
        """The tasks."""
        return list(self.tasks)  # type: ignore[arg-type]

    def loss(self, events: Events) -> Tensor:
        """Sum of the losses of the tasks, each times its share."""
        return self.loss_of(self(events.readout()), events)

    def predict(self, readout: Events) -> Tables:
        """Predictions of all tasks, on the tables they are about."""
        return self.predict_of(self(readout))

    def evaluate(self, events: Events) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Loss and statistics of a batch from one pass."""
        outputs = self(events.readout())
        return self.loss_of(outputs, events), self.statistics(events, self.predict_of(outputs))

    def loss_of(self, outputs: list[Tables], events: Events) -> Tensor:
        """Sum of the losses of the tasks, each times its share, from their outputs."""
        losses = [
            task.loss(out, events) if share == 1 else share * task.loss(out, events)
            for task, out, share in zip(self.asked, outputs, self.shares, strict=True)
        ]
        total = losses[0]
        for other in losses[1:]:
            total = total + other
        return total

    def predict_of(self, outputs: list[Tables]) -> Tables:
        """Predictions of all tasks, from their outputs."""
        return merged(task.predict(out) for task, out in zip(self.asked, outputs, strict=True))


def _joined(parts: list[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """One mapping of all; a name of two tasks is refused."""
    out: dict[str, Tensor] = {}
    for part in parts:
        twice = sorted(set(out) & set(part))
        if twice:
            raise InputError(f"two tasks give '{twice[0]}'; give each task names of its own")
        out |= part
    return out
