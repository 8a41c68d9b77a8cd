"""What is chosen on validation events is the best of what is tried."""

import torch

from nuforge.experiments.tuning import tune
from nuforge.models.graph_spice import GraphSPICE
from nuforge.models.ppn import PPN
from nuforge.tasks.fragments import Fragments
from nuforge.tasks.points import Points
from nuforge.training.learner import Supervised
from toy_chain import ORIGIN, VOXEL, chain_events


def test_the_threshold_of_fragments_has_the_best_index():
    torch.manual_seed(0)
    task, events = Fragments(), chain_events(2)
    learner = Supervised(GraphSPICE(depth=2, width=4), [task])
    tune(learner, lambda: [events[:1], events[1:]])
    outputs = task(learner.model(events.readout()))

    def index(threshold):
        sums = task.statistics(events, task.predict(outputs, threshold))
        return task.figures({k: v.sum(0) for k, v in sums.items()})["fragment ARI"].item()

    assert index(task.threshold.item()) == max(index(threshold) for threshold in task.choices)


def test_the_threshold_of_points_finds_most_of_those_that_are_half_pure():
    torch.manual_seed(0)
    task, events = Points(VOXEL, ORIGIN, purity=0.0), chain_events(2)
    learner = Supervised(PPN(depth=2, width=4), [task])
    tune(learner, lambda: [events])
    outputs = task(learner.model(events.readout()))

    def merit(threshold):
        sums = task.statistics(events, task.predict(outputs, threshold))
        found = task.figures({k: v.sum(0) for k, v in sums.items()})
        e, p = (found[f"point {name} within 3 voxels"].nan_to_num().item() for name in ("efficiency", "purity"))
        return e if p >= 0.5 else p - 1

    assert abs(merit(task.threshold.item()) - max(merit(threshold) for threshold in task.choices)) < 1e-9
