"""Domain tests: what tells two sources of events apart."""

import math

import pytest
import torch

from nuforge.baselines.event_summaries import SUMMARIES
from nuforge.errors import InputError
from nuforge.evaluation.domain import NOTHING, occlusions, separations, what_tells_apart
from nuforge.events import Column, Events, Table
from nuforge.tasks.classification import Classification

PARTS = ("line", "cloud")
SOURCE = Column("", "source", "truth")
PREDICTION = Column("", "", "prediction")


def toy_events(n=60, seed=0):
    """Two sources: of the second the cloud is three times as bright; lines are alike."""
    g = torch.Generator().manual_seed(seed)
    source = torch.arange(n) % 2
    line = torch.stack([torch.arange(12), torch.zeros(12), torch.zeros(12)], 1)
    cloud = torch.stack([torch.arange(8), torch.full((8,), 9), torch.arange(8) * 3], 1)
    index = torch.cat([line, cloud]).to(torch.int32).repeat(n, 1)
    label = torch.tensor([0] * 12 + [1] * 8).repeat(n)
    batch = torch.arange(n).repeat_interleave(20)
    value = 0.2 + 0.05 * torch.rand(20 * n, generator=g)
    value = torch.where((label == 1) & (source[batch] == 1), 3 * value, value)
    voxels = Table({"index": index, "value": value, "label": label}, torch.arange(n + 1) * 20)
    event = Table({"source": source}, torch.arange(n + 1), about={"source": SOURCE})
    return Events({"voxels": voxels, "event": event})


def brightest(readout):
    """Probability of the second source from the brightest voxel alone, as a network might have it."""
    voxels = readout["voxels"]
    most = torch.zeros(len(readout)).scatter_reduce(0, voxels.batch, voxels["value"], "amax")
    p = torch.sigmoid(20 * (most - 0.4))
    columns = {"probability": torch.stack([1 - p, p], 1)}
    return {"event": Table(columns, torch.arange(len(readout) + 1), about={"probability": PREDICTION})}


@pytest.fixture(scope="module")
def tables():
    events = toy_events()
    task = Classification(("one", "other"), 4, "source")
    return what_tells_apart(task, brightest, [events[:25], events[25:]], PARTS)


def test_the_summaries_that_differ_come_first(tables):
    rows = tables["separation"]["rows"]
    assert {row["name"] for row in rows} == set(SUMMARIES)
    assert rows[0]["area"].value == pytest.approx(1)
    distance = [abs(row["area"].value - 0.5) for row in rows]
    assert distance == sorted(distance, reverse=True)
    energy = next(row for row in rows if row["name"] == "energy")
    assert energy["means"][1] > energy["means"][0]
    assert next(row for row in rows if row["name"] == "voxels")["area"].value == 0.5


def test_what_carries_the_difference_takes_it_away(tables):
    rows = {row["removed"]: row for row in tables["occlusion"]["rows"]}
    assert list(rows) == [NOTHING, *PARTS]
    assert rows[NOTHING]["area"].value == pytest.approx(1)
    assert rows["line"]["area"].value == pytest.approx(1)
    assert rows["cloud"]["area"].contains(0.5)
    first, second = rows["cloud"]["changes"]
    assert second.high < -5 < first.value
    assert rows["line"]["changes"][1].value == pytest.approx(0)
    assert math.isnan(rows[NOTHING]["changes"][0].value)


def test_a_change_is_a_mean_over_the_events_that_had_some():
    odds = torch.tensor([[0.0, -1.0], [0.0, 5.0], [0.0, -3.0], [0.0, 0.0]])
    has = torch.tensor([[False, True], [False, True], [False, True], [False, False]])
    second = torch.tensor([True, False, True, False])
    first, other = occlusions(odds, has, (NOTHING, "part"), second)[1].changes
    assert (first.value, other.value) == (5.0, -2.0)


def test_two_normal_distributions_have_the_area_that_the_formula_has():
    g = torch.Generator().manual_seed(0)
    second = torch.arange(4000) % 2 == 1
    values = torch.stack([torch.randn(4000, generator=g), torch.randn(4000, generator=g) + 0.5 * second], 1)
    best, worst = separations(values, ("same", "moved"), second)
    assert (best.name, worst.name) == ("moved", "same")
    want = 0.5 * (1 + math.erf(0.5 / 2))  # Phi(d / sqrt 2)
    assert best.area.contains(want)
    assert worst.area.contains(0.5)


def test_three_sources_are_refused():
    task = Classification(("a", "b", "c"), 4, "source")
    with pytest.raises(InputError, match="tells two sources apart"):
        what_tells_apart(task, brightest, [], PARTS)
