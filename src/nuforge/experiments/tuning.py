"""What is chosen on validation events after training, for every task that leaves something to choose."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from nuforge.events import Events
from nuforge.training.learner import Supervised


def tune(learner: Supervised, validation: Iterable[Events]) -> None:
    """Each task takes the one of its choices that has the largest merit on validation events; the model is asked once.

    Args:
        learner: A trained model with its tasks.
        validation: Events with the truth that the tasks need.
    """
    tasks = [task for task in learner.asked if task.choices]
    if not tasks:
        return
    sums: list[dict[float, dict[str, torch.Tensor]]] = [{choice: {} for choice in task.choices} for task in tasks]
    learner.eval()
    with torch.inference_mode():
        for events in validation:
            features = learner.model(events.readout())
            for task, of_task in zip(tasks, sums, strict=True):
                outputs = task(features)
                for choice, total in of_task.items():
                    for name, counts in task.statistics(events, task.predict(outputs, choice)).items():
                        total[name] = total.get(name, torch.zeros(())) + counts.sum(0, keepdim=True)
    for task, of_task in zip(tasks, sums, strict=True):
        merits = {choice: float(task.merit(task.figures(total))) for choice, total in of_task.items() if total}
        if merits:
            task.choose(max(merits, key=lambda choice: merits[choice]))
