"""Task: a question asked of a model's features."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from nuforge.events import Events, Table

Tables = Mapping[str, Table]


class Task(nn.Module, ABC):
    """Target, loss, prediction and figures of merit of one question.

    An event counts with its weight, `event.weight` (see `nuforge.events.weights`). What a task gives of each event
    (`statistics`, `surprise`, `count`) is of the event alone, and weighed by whoever sums it; of a loss, which is one
    number for all, the task itself weighs the rows.

    What a task knows of the training events (weights of classes) and what is chosen for it on validation events (a
    threshold) are buffers: they travel with the network's weights.
    """

    name: str = ""
    """Of the question, where several are asked of the rows of one table: it stands before columns and figures."""
    classes: tuple[str, ...] = ()
    """Names of what it tells apart, in the order of their numbers; none if it is no such question."""
    needs: tuple[str, ...] = ()
    """The truth that loss and statistics look at, as table.column."""
    choices: tuple[float, ...] = ()
    """Values of which `choose` takes one after training, in their order; none if there is nothing to choose."""
    temperatures: tuple[float, ...] = ()
    """Temperatures of which `cool` takes one, after the choice; none if the task states no probability."""
    settles: bool = False
    """Whether `settle` takes something from validation events, after choice and temperature."""
    lower_is_better: tuple[str, ...] = ()
    """Figures of which the lower is the better."""
    neutral: tuple[str, ...] = ()
    """Figures that describe and do not compete, such as a bias or a coverage."""
    units: Mapping[str, str] = {}
    """Unit of figures that have one."""

    @abstractmethod
    def forward(self, features: Tables) -> Tables:
        """Parameters of a distribution for the rows of tables."""

    @abstractmethod
    def loss(self, outputs: Tables, events: Events) -> Tensor:
        """Loss of the outputs, a scalar; 0 where nothing is known.

        A mean over rows, each with the weight of its event (`nuforge.tasks.weighing`): an event of weight 2 is the same
        event twice.
        """

    @abstractmethod
    def predict(self, outputs: Tables, choice: float | None = None) -> Tables:
        """Columns of role prediction; `choice`, one of `choices`, replaces what was chosen."""

    @abstractmethod
    def statistics(self, events: Events, prediction: Tables) -> Mapping[str, Tensor]:
        """Per-event statistics (B, ...) that add up over events."""

    @abstractmethod
    def figures(self, sums: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Figures of merit (R,) from statistics summed over events, (R, ...) for R resamplings."""

    def count(self, events: Events) -> Tensor:
        """What each training event is counted for (B, ...), nothing by default."""
        return torch.zeros(len(events), 0)

    def meet(self, counts: Tensor) -> None:
        """Take notice of what `count` found in all training events together, (...): sums over events."""

    def merit(self, figures: Mapping[str, Tensor]) -> Tensor:
        """What the choice on validation events is to make largest, of their figures."""
        raise NotImplementedError(f"{type(self).__name__} has nothing to choose; give choices and a merit")

    def choose(self, choice: float) -> None:
        """Take one of `choices`."""

    def settle(self, sums: Mapping[str, Tensor]) -> None:
        """Take what is best by statistics summed over validation events, (...), of the final probabilities."""

    def surprise(self, outputs: Tables, events: Events) -> Tensor:
        """-ln of the probability of the truth with each of `temperatures` (B, T), summed over rows of events."""
        raise NotImplementedError(f"{type(self).__name__} has no temperature; give temperatures and a surprise")

    def cool(self, temperature: float) -> None:
        """Take one of `temperatures`: logits are divided by it, which changes no decision."""


class Measured(Task):
    """A question that is only measured: what answers it was learned elsewhere."""

    def forward(self, features: Tables) -> Tables:
        """Nothing."""
        return {}

    def loss(self, outputs: Tables, events: Events) -> Tensor:
        """None."""
        return torch.zeros((), device=events.device)

    def predict(self, outputs: Tables, choice: float | None = None) -> Tables:
        """Nothing."""
        return {}
