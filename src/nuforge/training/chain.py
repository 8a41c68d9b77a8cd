"""Chain: learners one after another, each handed what those before it predicted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from nuforge.errors import InputError
from nuforge.events import Events
from nuforge.tasks.answer import predictions_of, with_predictions
from nuforge.tasks.task import Tables, Task
from nuforge.training.learner import Learner, Supervised


@dataclass(frozen=True)
class Link:
    """One stage of a chain.

    Args:
        learner: The model with its tasks.
        given: From events with all predictions so far to what this stage reads, in columns of role readout.
        labelled: Adds the truth that its tasks need, where the events have truth.
    """

    learner: Supervised
    given: Callable[[Events], Events]
    labelled: Callable[[Events], Events]

    def answered(self, events: Events) -> Events:
        """What the stage was given, with its predictions."""
        return with_predictions(events, self.learner.predict(events.readout()))


class Chain(Learner):
    """Stages in a row. Training is on the sum of their losses, each stage on what the stages before it say now.

    Gradients stay inside a stage: what is handed on are decisions.

    Args:
        links: The stages by name, in their order.
        tasks: What the chain is asked as a whole: they look at the truth and at its answer, and learn nothing.
        finish: From events with the predictions of all stages to the events that the chain answers with.
    """

    def __init__(self, links: Mapping[str, Link], tasks: Sequence[Task], finish: Callable[[Events], Events]) -> None:
        super().__init__()
        if not links:
            raise InputError("a chain needs at least one stage, got none; give its stages by name")
        self.links = dict(links)
        self.learners = nn.ModuleDict({name: link.learner for name, link in links.items()})
        self._tasks, self._finish = tuple(tasks), finish  # what they know travels with the learners

    @property
    def asked(self) -> Sequence[Task]:
        """What the chain is asked as a whole."""
        return self._tasks

    def loss(self, events: Events) -> Tensor:
        """Sum of the losses of all stages."""
        total = torch.zeros((), device=events.device)
        for link in self.links.values():
            with torch.no_grad():
                events = link.labelled(link.given(events))
            outputs = link.learner(events.readout())
            total = total + link.learner.loss_of(outputs, events)
            with torch.no_grad():
                events = with_predictions(events, link.learner.predict_of(outputs))
        return total

    def handed(self, events: Events, name: str) -> Events:
        """What a stage reads, from events that no stage has seen; truth stays beside, if it is there."""
        for other, link in self.links.items():
            events = link.given(events)
            if other == name:
                return events
            events = link.answered(events)
        raise InputError(f"a chain has the stages {list(self.links)}, got '{name}'; name one of them")

    def predict(self, readout: Events) -> Tables:
        """The columns of role prediction that the chain answers with."""
        events = readout
        for link in self.links.values():
            events = link.answered(link.given(events))
        return predictions_of(self._finish(events))
