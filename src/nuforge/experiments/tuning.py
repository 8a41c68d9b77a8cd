"""What is chosen on validation events after training: how far class weights are taken back, where scores are cut."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import torch

from nuforge.events import Events
from nuforge.tasks.fragments import Fragments
from nuforge.tasks.points import Points
from nuforge.tasks.segmentation import Segmentation
from nuforge.training.learner import Supervised, Tables

POWERS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Corrections that are tried."""

THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98)
"""Scores above which voxels propose points, and probabilities above which edges are cut, that are tried."""


def choose_correction(learner: Supervised, task: Segmentation, validation: Iterable[Events]) -> float:
    """The correction of `POWERS` with the largest sum of mean recall and mean IoU on validation events.

    Weights in the loss favour rare classes: good for recall, bad for purity. The correction balances the two without
    training again (`Segmentation.predict`).
    """

    def predict(outputs: Tables, power: float) -> Tables:
        return task.predict(outputs, power)

    def merit(figures: Mapping[str, torch.Tensor]) -> float:
        return float(figures["mean recall"] + figures["mean IoU"])

    return _best(POWERS, predict, merit, learner, task, validation)


def choose_score(learner: Supervised, task: Points, validation: Iterable[Events]) -> float:
    """The threshold of `THRESHOLDS` with the largest harmonic mean of efficiency and purity of points within 3 voxels.

    A threshold at which no point is found has purity 0.
    """

    def predict(outputs: Tables, threshold: float) -> Tables:
        return task.predict(outputs, threshold)

    def merit(figures: Mapping[str, torch.Tensor]) -> float:
        parts = torch.cat([figures[f"point {name} within 3 voxels"] for name in ("efficiency", "purity")]).nan_to_num()
        return float(2 * parts.prod() / parts.sum().clamp(min=1e-9))

    return _best(THRESHOLDS, predict, merit, learner, task, validation)


def choose_threshold(learner: Supervised, task: Fragments, validation: Iterable[Events]) -> float:
    """The threshold of `THRESHOLDS` with the largest mean adjusted Rand index of fragments on validation events."""

    def predict(outputs: Tables, threshold: float) -> Tables:
        return task.predict(outputs, threshold)

    def merit(figures: Mapping[str, torch.Tensor]) -> float:
        return float(figures["fragment ARI"])

    return _best(THRESHOLDS, predict, merit, learner, task, validation)


def _best(
    choices: Sequence[float],
    predict: Callable[[Tables, float], Tables],
    merit: Callable[[Mapping[str, torch.Tensor]], float],
    learner: Supervised,
    task: Segmentation | Points | Fragments,
    validation: Iterable[Events],
) -> float:
    """The choice whose predictions have the largest merit on validation events; the network is asked once."""
    learner.eval()
    sums: dict[float, dict[str, torch.Tensor]] = {choice: {} for choice in choices}
    with torch.inference_mode():
        for events in validation:
            outputs = task(learner.model(events.readout()))
            for choice, total in sums.items():
                for name, counts in task.statistics(events, predict(outputs, choice)).items():
                    total[name] = total.get(name, torch.zeros(())) + counts.sum(0, keepdim=True)
    return max(choices, key=lambda choice: merit(task.figures(sums[choice])))
