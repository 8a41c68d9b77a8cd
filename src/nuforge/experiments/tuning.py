"""What is chosen on validation events after training, for every task that leaves something to choose."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

import torch

from nuforge.events import Events
from nuforge.events.weights import weights_to_learn
from nuforge.metrics.weights import weighted
from nuforge.tasks.task import Task
from nuforge.training.chain import Chain
from nuforge.training.detection import Detection
from nuforge.training.learner import Learner, Supervised


def tune(learner: Learner, validation: Callable[[], Iterable[Events]]) -> None:
    """Each task takes the choice of the largest merit on validation events, then the temperature of least surprise.

    Last a task may settle what is best of all probabilities, as a cut is.

    The stages of a chain choose in turn, each on what the stages before it, which have chosen, hand it. Other learners
    than models with tasks and chains of them have nothing to choose. Events count with their weights.

    Args:
        learner: What was trained.
        validation: Events with the truth that the tasks need; asked for once for choices, once for temperatures and
            once for what is settled, by each stage of a chain anew.
    """
    if isinstance(learner, Supervised | Detection):
        _tune_tasks(learner.eval(), validation)
    elif isinstance(learner, Chain):
        learner.eval()
        for name, link in learner.links.items():
            _tune_tasks(link.learner, partial(_handed, learner, name, validation))


def _handed(chain: Chain, stage: str, validation: Callable[[], Iterable[Events]]) -> Iterator[Events]:
    """What a chain hands to a stage, with its labels, made as it is asked for."""
    for events in validation():
        yield chain.links[stage].labelled(chain.handed(events, stage))


def _tune_tasks(learner: Supervised | Detection, validation: Callable[[], Iterable[Events]]) -> None:
    with torch.inference_mode():
        _choose(learner, [task for task in learner.asked if task.choices], validation)
        _cool(learner, [task for task in learner.asked if task.temperatures], validation)
        _settle(learner, [task for task in learner.asked if task.settles], validation)


def _choose(learner: Supervised | Detection, tasks: Sequence[Task], validation: Callable[[], Iterable[Events]]) -> None:
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


def _cool(learner: Supervised | Detection, tasks: Sequence[Task], validation: Callable[[], Iterable[Events]]) -> None:
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


def _settle(learner: Supervised | Detection, tasks: Sequence[Task], validation: Callable[[], Iterable[Events]]) -> None:
    if not tasks:
        return
    sums: list[dict[str, torch.Tensor]] = [{} for _ in tasks]
    for events in validation():
        prediction, weight = learner.predict(events.readout()), weights_to_learn(events)
        for task, total in zip(tasks, sums, strict=True):
            for name, counts in task.statistics(events, prediction).items():
                total[name] = total.get(name, torch.zeros(())) + weighted(counts, weight).sum(0)
    for task, total in zip(tasks, sums, strict=True):
        if total:
            task.settle(total)
