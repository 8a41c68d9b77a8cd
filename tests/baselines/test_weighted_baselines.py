"""Baselines fitted on events with weights: none is no event, equal ones are none, negative ones are refused."""

import pytest
import torch

from nuforge.baselines.boosted_trees import BoostedTrees
from nuforge.baselines.event_trees import EventTrees
from nuforge.baselines.graph_trees import GraphTrees
from nuforge.baselines.particle_cuts import ParticleCuts
from nuforge.baselines.shower_merging import ShowerMerging
from nuforge.baselines.track_merging import TrackMerging
from nuforge.baselines.tuned import mean_recall
from nuforge.baselines.vertex_grouping import VertexGrouping
from nuforge.errors import InputError
from nuforge.events import Column, Table
from nuforge.nn.cluster_graph import Joining
from toy_clusters import random_events
from toy_weights import times, weighing

from .toy import toy_events

KIND = {"kind": Column("", "source", "truth")}


def kinds(n, seed=0):
    """Events of voxels of two kinds; those of kind 1 are brighter."""
    events, kind = toy_events(n, seed), torch.arange(n) % 2
    voxels = events["voxels"]
    events = events.with_table(
        "voxels", voxels.with_columns({"value": voxels["value"] * (1 + 0.2 * kind[voxels.batch])})
    )
    return events.with_table("event", Table({"kind": kind}, torch.arange(n + 1), about=KIND))


def clusters(n, seed=0):
    return random_events([6 + i % 3 for i in range(n)], seed)


CASES = {
    "voxels": (lambda: BoostedTrees(rounds=3, leaves=4, rows_per_class=10_000), lambda n: toy_events(n)),
    "events": (lambda: EventTrees("kind", rounds=5), kinds),
    "edges": (lambda: GraphTrees(Joining(longest=(300.0,) * 4), targets={"primary": 2}, rounds=4, leaves=4), clusters),
    "showers": (ShowerMerging, clusters),
    "tracks": (TrackMerging, clusters),
    "vertices": (VertexGrouping, clusters),
    "cuts": (ParticleCuts, clusters),
}
SIZE = {"voxels": 3, "events": 60}


@pytest.fixture(params=CASES, scope="module")
def case(request):
    build, events = CASES[request.param]
    return build, events(SIZE.get(request.param, 4))


def said(build, events, readout):
    """What a baseline fitted on events says of others, column by column."""
    baseline = build()
    baseline.fit([events])
    found = baseline.predict(readout)
    return {f"{name}.{column}": table[column] for name, table in found.items() for column in table}


def test_events_without_weight_teach_nothing_and_equal_weights_are_none(case):
    build, events = case
    readout, n = events.readout(), len(events)
    here = torch.arange(n) % 4 != 1
    none, plain = said(build, events[here], readout), said(build, events, readout)
    for name, values in said(build, weighing(events, here.double().tolist()), readout).items():
        assert torch.equal(values, none[name]), name
    for name, values in said(build, weighing(events, [0.5] * n), readout).items():
        assert torch.equal(values, plain[name]), name


def test_negative_weights_are_refused(case):
    build, events = case
    with pytest.raises(InputError, match="must not be negative in training, got -1"):
        build().fit([weighing(events, [-1.0] + [1.0] * (len(events) - 1))])


def test_a_heavier_class_is_more_probable():
    events = kinds(60)
    kind = events["event"]["kind"]
    build, readout = CASES["events"][0], events.readout()
    heavy = said(build, weighing(events, (1 + 8 * kind).double().tolist()), readout)["event.probability"]
    assert heavy[:, 1].mean() > said(build, events, readout)["event.probability"][:, 1].mean() + 0.1
    lighter = said(build, weighing(events, (1e-39 * (1 + 8 * kind)).double().tolist()), readout)["event.probability"]
    torch.testing.assert_close(lighter, heavy)


def test_a_mean_recall_knows_weights():
    label, found = torch.tensor([0, 0, 1, 1, 1, -1]), torch.tensor([0, 1, 1, 0, 1, 0])
    number = [3, 1, 0, 2, 1, 5]
    chosen = times(number)
    ones = torch.ones(len(chosen), dtype=torch.float64)
    want = mean_recall(label[chosen], found[chosen], 2, ones)
    assert mean_recall(label, found, 2, torch.tensor(number).double()) == want == pytest.approx((3 / 4 + 1 / 3) / 2)
