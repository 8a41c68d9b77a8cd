"""What is chosen on validation events after training: how far a segmentation takes back its class weights."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from nuforge.events import Events
from nuforge.tasks.segmentation import Segmentation
from nuforge.training.learner import Supervised

POWERS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Corrections that are tried."""


def choose_correction(learner: Supervised, task: Segmentation, validation: Iterable[Events]) -> float:
    """The correction of `POWERS` with the largest sum of mean recall and mean IoU on validation events.

    Weights in the loss favour rare classes: good for recall, bad for purity. The correction balances the two without
    training again (`Segmentation.predict`).
    """
    learner.eval()
    sums: dict[float, dict[str, torch.Tensor]] = {power: {} for power in POWERS}
    with torch.inference_mode():
        for events in validation:
            outputs = task(learner.model(events.readout()))
            for power, total in sums.items():
                for name, counts in task.statistics(events, task.predict(outputs, power)).items():
                    total[name] = total.get(name, torch.zeros(())) + counts.sum(0, keepdim=True)

    def merit(power: float) -> float:
        figures = task.figures(sums[power])
        return float(figures["mean recall"] + figures["mean IoU"])

    return max(POWERS, key=merit)
