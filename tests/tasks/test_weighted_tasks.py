"""A contract of every task: an event of weight 2 is the event twice, in its loss as in its figures."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules

import pytest
import torch
from torch import nn

import nuforge.tasks
from nuforge.events import Column, Events, Table
from nuforge.metrics.weights import weighted
from nuforge.models.graph_spice import GraphSPICE
from nuforge.models.ppn import PPN
from nuforge.simulation.truth import IDENTITIES
from nuforge.tasks.answer import predictions_of, with_predictions
from nuforge.tasks.classification import Classification
from nuforge.tasks.energy import Energy
from nuforge.tasks.fragments import Fragments
from nuforge.tasks.grouping import Grouping
from nuforge.tasks.instances import Instances
from nuforge.tasks.kinematics import Kinematics
from nuforge.tasks.particles import Particles
from nuforge.tasks.points import Points
from nuforge.tasks.rejection import Rejection
from nuforge.tasks.segmentation import Segmentation
from nuforge.tasks.selection import Selection
from nuforge.tasks.task import Measured, Task
from nuforge.tasks.vertex import Vertex
from nuforge.training.chain import Chain, Link
from nuforge.training.learner import Supervised
from toy_chain import ORIGIN, VOXEL, chain_events
from toy_clusters import random_events
from toy_weights import times, weighing

FEATURES = Column("", "features", "prediction")
LABEL = Column("", "label", "truth")


@dataclass
class Case:
    """A task, events without weights, and what a model says of some of them."""

    task: Task
    events: Events
    outputs: Callable[[Events], dict]
    scale_free: bool = True

    def answer(self, events):
        return self.task.predict(self.outputs(events))


class Said(Case):
    """A task that is only measured, whose answer lies beside its events."""

    def answer(self, events):
        return predictions_of(events)


def described(tables, events, refers):
    """Events with predicted tables, of which some columns are indices."""
    for name, table in tables.items():
        about = {c: Column("", c, "prediction", refers.get(c)) for c in table}
        tables[name] = Table(table.columns, table.offsets, about=about)
    return with_predictions(events, tables)


def of_events(task, **truth):
    """A task about whole events, of which four numbers and a place are seen."""
    g = torch.Generator().manual_seed(0)
    seen = {"seen": torch.randn(3, 4, generator=g), "place": torch.zeros(3, 3)}
    about = {**dict.fromkeys(truth, LABEL), **dict.fromkeys(seen, Column("", "seen", "readout"))}

    def outputs(events):
        rows = events["event"]
        features = {"features": rows["seen"], "place": rows["place"]}
        return task({"event": Table(features, rows.offsets, about=dict.fromkeys(features, FEATURES))})

    return Case(task, Events({"event": Table({**truth, **seen}, torch.arange(4), about=about)}), outputs)


def classification():
    return of_events(Classification(("a", "b", "c"), 4, "kind"), kind=torch.tensor([0, 1, -1]))


def selection():
    task = Selection(Classification(("a", "b", "c"), 4, "kind"), wanted=("a", "b"))
    return of_events(task, kind=torch.tensor([0, 1, 1]), expected=torch.tensor([0.5, 2.0, 3.0], dtype=torch.float64))


def rejection():
    classes, kind = Classification(("a", "b", "c"), 4, "kind"), torch.tensor([0, 0, 2])
    of_classes, task = of_events(classes, kind=kind), Rejection(classes, "c", left=0.5)
    return Said(task, described(classes.predict(of_classes.outputs(of_classes.events)), of_classes.events, {}), dict)


def energy():
    task = Energy("energy", 4, "true", 0, (100.0, 1000.0, 3000.0), flat=0)
    task.center.fill_(6.0)
    flavour, mode = torch.tensor([0, 0, 1]), torch.tensor([0, 2, 1])
    return of_events(task, true=torch.tensor([300.0, 1500.0, 800.0]), flavour=flavour, mode=mode)


def vertex():
    g = torch.Generator().manual_seed(1)
    flavour, mode = torch.tensor([0, 1, 4]), torch.tensor([0, 2, -1])
    return of_events(Vertex(4), true_vertex=100 * torch.randn(3, 3, generator=g), flavour=flavour, mode=mode)


def segmentation():
    g = torch.Generator().manual_seed(0)
    index = torch.randint(0, 9, (24, 3), generator=g, dtype=torch.int32)
    label = torch.randint(-1, 2, (24,), generator=g)
    events = Events({"voxels": Table.from_counts({"index": index, "label": label}, torch.tensor([5, 12, 7]))})
    task = Segmentation(("near", "far"), 3, weights=(0.5, 1.5))

    def outputs(events):
        rows = events["voxels"]
        return task({"voxels": Table({"features": rows["index"].float()}, rows.offsets, about={"features": FEATURES})})

    return Case(task, events, outputs)


def grouping():
    task = Grouping(1, by_number=2)

    def outputs(events):
        clusters = events["clusters"]
        batch, n = clusters.batch, len(clusters)
        source, target = torch.triu_indices(n, n, 1)
        inside = batch[source] == batch[target]
        source, target = source[inside], target[inside]
        apart = (clusters["start"][source] - clusters["start"][target]).norm(dim=1)
        columns = {"source": source, "target": target, "features": (1 - apart / 60)[:, None]}
        about = {c: Column("", c, "prediction", "clusters" if c != "features" else None) for c in columns}
        node = {"node": torch.ones(n, dtype=torch.bool)}
        return task(
            {
                "edges": Table.from_counts(columns, torch.bincount(batch[source], minlength=len(events)), about=about),
                "clusters": Table(node, clusters.offsets, about={"node": FEATURES}),
            }
        )

    return Case(task, random_events([4, 6, 5]), outputs)


def of_chain(model, task, scale_free=True):
    model.eval()
    task.model = model  # its parameters are looked at with the task's
    return Case(task, chain_events(3), lambda events: task(model(events.readout())), scale_free)


def fragments():
    torch.manual_seed(0)
    # an edge of weight 1 is added to its Dice coefficient, so the scale matters a little
    return of_chain(GraphSPICE(depth=2, width=4, blocks=1, value_mean=-1.0), Fragments(), scale_free=False)


def points():
    torch.manual_seed(0)
    return of_chain(PPN(depth=2, width=4, blocks=1, point_width=4), Points(VOXEL, ORIGIN, threshold=0.3, purity=0.0))


def particles():
    from tasks.test_particles import PID, answer, event

    events = Events.concat([event()] * 3)
    found = events["voxels"]["deposit"].clone()
    found[5:15], found[45:50] = 0, 5  # the first two events have voxels elsewhere
    said = answer(events, found, pid=torch.cat([PID, PID.flip(0), PID]))
    return Said(Particles(IDENTITIES), described(said, events, REFERS | {"interaction": "interactions"}), dict)


def kinematics():
    from tasks.test_kinematics import answer, truth

    parts = []
    for i in range(3):
        event = truth((20, 10 + i))
        said = answer(event["voxels"]["deposit"], energy=(200.0 + 20 * i, 80.0 - 9 * i), vertex=(0.4 * i, 0.1, 0.0))
        parts.append(described(said, event, REFERS | {"interaction": "reco_interactions"}))
    return Said(Kinematics(IDENTITIES), Events.concat(parts), dict)


def instances():
    from toy_instances import crossing_tracks

    events = crossing_tracks(3)
    found = events["hits"]["particle"][events["pixels"]["hit"]]
    found[:80:3], found[100:160:7] = 0, -1  # the first two events are answered differently
    about = {"reco_instance": Column("", "reco_instance", "prediction")}
    said = {"pixels": Table({"reco_instance": found}, events["pixels"].offsets, about=about)}
    return Said(Instances(), described(said, events, {}), dict)


REFERS = {"reco_particle": "reco_particles"}
LEARNING = (classification, selection, energy, vertex, segmentation, grouping, fragments, points)
CASES = (*LEARNING, rejection, particles, kinematics, instances)


@pytest.fixture(params=CASES, ids=lambda case: case.__name__)
def case(request):
    torch.manual_seed(1)
    return request.param()


@pytest.fixture(params=LEARNING, ids=lambda case: case.__name__)
def learning(request):
    torch.manual_seed(1)
    return request.param()


def loss(case, events):
    """The loss and its gradient in one vector."""
    case.task.zero_grad()
    value = case.task.loss(case.outputs(events), events)
    value.backward()
    gradient = [p.grad.flatten() for p in case.task.parameters() if p.grad is not None]
    return torch.cat([value.detach()[None], *gradient])


@torch.no_grad()
def figures(case, events):
    statistics = case.task.statistics(events, case.answer(events))
    weight = events["event"]["weight"] if "event" in events and "weight" in events["event"] else None
    sums = {k: (s if weight is None else weighted(s, weight)).sum(0, keepdim=True) for k, s in statistics.items()}
    return {name: float(value) for name, value in case.task.figures(sums).items()}


def test_there_is_a_case_for_every_task():
    for module in iter_modules(nuforge.tasks.__path__):
        import_module(f"nuforge.tasks.{module.name}")
    kinds, found = [Task], set()
    while kinds:
        kinds += (below := kinds.pop().__subclasses__())
        found |= {kind for kind in below if kind.__module__.startswith("nuforge.")}
    assert found - {Measured} == {type(build().task) for build in CASES}


@pytest.mark.parametrize("number", [[2, 1, 3], [0, 1, 2], [1, 0, 0]])
def test_in_the_loss_and_its_gradient_a_whole_weight_is_the_event_so_often(learning, number):
    ours = loss(learning, weighing(learning.events, [float(n) for n in number]))
    theirs = loss(learning, learning.events.select(times(number)))
    assert ours[1:].abs().max() > 0 or number == [1, 0, 0]
    torch.testing.assert_close(ours, theirs, rtol=2e-3, atol=1e-5)  # sums of float32 in another order


def test_the_scale_of_the_weights_does_not_matter_to_the_loss(learning):
    if not learning.scale_free:
        pytest.skip("it has a scale, which fit sets")
    ours, other = (loss(learning, weighing(learning.events, [s * w for w in (2, 1, 3)])) for s in (1, 0.01))
    torch.testing.assert_close(ours, other, rtol=2e-3, atol=1e-5)


def test_equal_weights_are_none(learning):
    torch.testing.assert_close(
        loss(learning, weighing(learning.events, [1.0] * 3)), loss(learning, learning.events), rtol=2e-3, atol=1e-5
    )


def test_weights_of_nothing_but_zero_make_no_loss(learning):
    assert loss(learning, weighing(learning.events, [0.0] * 3)).abs().max() == 0


@pytest.mark.parametrize("number", [[2, 1, 3], [0, 1, 2]])
def test_in_the_figures_a_whole_weight_is_the_event_so_often(case, number):
    ours = figures(case, weighing(case.events, [float(n) for n in number]))
    theirs = figures(case, case.events.select(times(number)))
    assert ours == pytest.approx(theirs, nan_ok=True)
    assert ours != pytest.approx(figures(case, case.events), nan_ok=True)


@pytest.mark.parametrize("name", ["surprise", "count"])
def test_what_is_summed_over_events_is_given_for_each(learning, name):
    events, task = learning.events, learning.task

    def of(events):
        if name == "count":
            return task.count(events)
        return task.surprise(learning.outputs(events), events) if task.temperatures else torch.zeros(len(events), 0)

    together = of(events)
    assert len(together) == len(events)
    for event, own in zip(events, together, strict=True):
        torch.testing.assert_close(of(event)[0], own, rtol=1e-5, atol=1e-6)


def test_a_chain_hands_weights_on():
    built = segmentation()
    model = nn.Module()
    model.forward = lambda readout: {
        "voxels": Table({"features": readout["voxels"]["index"].float()}, readout["voxels"].offsets,
                        about={"features": FEATURES})
    }  # fmt: skip
    links = {"only": Link(Supervised(model, [built.task]), lambda events: events, lambda events: events)}
    chain = Chain(links, [built.task], lambda events: events)
    number = [2, 1, 3]
    ours = chain.loss(weighing(built.events, [float(n) for n in number]))
    torch.testing.assert_close(ours, chain.loss(built.events.select(times(number))))
