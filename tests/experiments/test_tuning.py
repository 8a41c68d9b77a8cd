"""What is chosen on validation events is the best of what is tried."""

import torch
from torch import nn

from nuforge.events import Column, Events, Table
from nuforge.experiments.tuning import tune
from nuforge.models.graph_spice import GraphSPICE
from nuforge.models.ppn import PPN
from nuforge.tasks.fragments import Fragments
from nuforge.tasks.points import Points
from nuforge.tasks.task import Measured
from nuforge.training.chain import Chain, Link
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


class Height(Measured):
    """What a stage is given, raised by a choice; the best is as high as it wants."""

    choices = (0.0, 1.0, 2.0, 3.0)

    def __init__(self, wanted):
        super().__init__()
        self.wanted = wanted
        self.register_buffer("raised", torch.zeros(()))

    def forward(self, features):
        return features

    def predict(self, outputs, choice=None):
        height = outputs["event"]["height"] + (self.raised if choice is None else choice)
        return {"event": Table({"reached": height}, outputs["event"].offsets, about=REACHED)}

    def statistics(self, events, prediction):
        assert "wanted" in events["event"]
        return {"miss": (prediction["event"]["reached"] - self.wanted).abs()}

    def figures(self, sums):
        return {"miss": sums["miss"]}

    def merit(self, figures):
        return -figures["miss"]

    def choose(self, choice):
        self.raised.fill_(choice)


REACHED = {"reached": Column("", "", "prediction")}
READ, TRUE = Column("", "", "readout"), Column("", "", "truth")


def on_top(events):
    """Events as the next stage reads them: it stands where the one before it reached."""
    event = events["event"]
    height = event["reached"] if "reached" in event else torch.zeros(len(event))
    return events.with_table("event", event.with_columns({"height": height}, {"height": READ}))


def told(events):
    """Events with labels."""
    wanted = torch.zeros(len(events))
    return events.with_table("event", events["event"].with_columns({"wanted": wanted}, {"wanted": TRUE}))


def test_the_stages_of_a_chain_choose_in_turn_on_what_those_before_hand_them():
    heights = {"first": Height(2.0), "second": Height(3.0), "third": Height(6.0)}
    links = {name: Link(Supervised(nn.Identity(), [task]), on_top, told) for name, task in heights.items()}
    tune(Chain(links, list(heights.values()), on_top), lambda: [floors(2), floors(1)])
    assert [task.raised.item() for task in heights.values()] == [2.0, 1.0, 3.0]


def floors(n):
    """So many events, with nothing in them."""
    return Events({"event": Table({"floor": torch.arange(n)}, torch.arange(n + 1), about={"floor": READ})})
