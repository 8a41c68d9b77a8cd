"""What is chosen on validation events after training, for every task that leaves something to choose."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import torch

from nuforge.events import Events
from nuforge.events.weights import weights_to_learn
from nuforge.metrics.weights import weighted
from nuforge.tasks.task import Task
from nuforge.training.learner import Supervised


def tune(learner: Supervised, validation: Callable[[], Iterable[Events]]) -> None:
    """Each task takes the choice of the largest merit on validation events, then the temperature of least surprise.

    Events count with their weights.

    Args:
        learner: A trained model with its tasks.
        validation: Events with the truth that the tasks need; asked for once for choices, once for temperatures.
    """
    learner.eval()
    with torch.inference_mode():
        _choose(learner, [task for task in learner.asked if task.choices], validation)
        _cool(learner, [task for task in learner.asked if task.temperatures], validation)


def _choose(learner: Supervised, tasks: Sequence[Task], validation: Callable[[], Iterable[Events]]) -> None:
    if not tasks:
        return
    sums: list[dict[float, dict[str, torch.Tensor]]] = [{choice: {} for choice in task.choices} for task in tasks]
    for events in validation():
        features, weight = learner.model(events.readout()), weights_to_learn(events)
        for task, of_task in zip(tasks, sums, strict=True):
            outputs = task(features)
            for choice, total in of_task.items():
                for name, counts in task.statistics(events, task.predict(outputs, choice)).items():
                    total[name] = total.get(name, torch.zeros(())) + weighted(counts, weight).sum(0, keepdim=True)
    for task, of_task in zip(tasks, sums, strict=True):
        merits = {choice: float(task.merit(task.figures(total))) for choice, total in of_task.items() if total}
        if merits:
            task.choose(max(merits, key=lambda choice: merits[choice]))


def _cool(learner: Supervised, tasks: Sequence[Task], validation: Callable[[], Iterable[Events]]) -> None:
    if not tasks:
        return
    sums: list[torch.Tensor | int] = [0] * len(tasks)
    for events in validation():
        features, weight = learner.model(events.readout()), weights_to_learn(events)
        surprises = [weighted(task.surprise(task(features), events), weight).sum(0) for task in tasks]
        sums = [total + surprise for total, surprise in zip(sums, surprises, strict=True)]
    for task, total in zip(tasks, sums, strict=True):
        if isinstance(total, torch.Tensor):
            task.cool(task.temperatures[int(total.argmin())])
