"""Changes under a systematic shift: on the same events, whatever their order, and with their weights."""

import pytest
import torch
from toy_reports import ToyTask, toy_batch

from nuforge.evaluation.comparison import Comparison
from nuforge.evaluation.shifts import shifted
from nuforge.events import Events
from nuforge.samples.prepare import with_identity

SKILL = {"model": 3.0, "rules": 2.0}
N = 60


def identified(n=N, seed=0, skill=SKILL):
    events, predictions = toy_batch(n, skill, torch.Generator().manual_seed(seed))
    return with_identity(events, 7, 0), predictions


def comparison(events, predictions, rows=None):
    rows = slice(None) if rows is None else rows
    out = Comparison(ToyTask(), list(predictions))
    out.add(events[rows], {name: {"voxels": Events(p)[rows]["voxels"]} for name, p in predictions.items()})
    return out


def test_events_that_look_the_same_change_nothing():
    events, predictions = identified()
    found = shifted(comparison(events, predictions), comparison(events, predictions), replicas=50)
    assert (found.paired, found.events) == (True, N)
    for part in (found.changes, found.excess):
        for figures in part.values():
            assert all((i.value, i.low, i.high) == (0.0, 0.0, 0.0) for i in figures.values())


def test_copies_in_another_order_and_with_some_missing_are_compared_with_their_own_events():
    events, predictions = identified()
    order = torch.randperm(N, generator=torch.Generator().manual_seed(1))[: N - 20]
    found = shifted(comparison(events, predictions), comparison(events, predictions, order), replicas=50)
    assert (found.paired, found.events) == (True, N - 20)
    assert all(i.value == 0 == i.high for i in found.changes["model"].values())
    alone = comparison(events, predictions, order).figures(replicas=50)
    assert found.values["model"]["accuracy"].value == pytest.approx(alone.metrics["accuracy"].value)


def test_the_change_is_shifted_minus_nominal_and_the_excess_that_of_the_sizes():
    events, predictions = identified()
    _, worse = identified(skill={"model": 0.0, "rules": 1.9})
    found = shifted(comparison(events, predictions), comparison(events, worse), replicas=200)
    before, after = (comparison(events, p).figures(replicas=2) for p in (predictions, worse))
    change = found.changes["model"]["accuracy"]
    assert change.value == pytest.approx(after.metrics["accuracy"].value - before.metrics["accuracy"].value)
    assert change.high < -0.5
    other = found.changes["rules"]["accuracy"]
    excess = found.excess["rules"]["accuracy"]
    assert excess.value == pytest.approx(abs(change.value) - abs(other.value))
    assert excess.low > 0


def test_changes_of_the_same_events_are_known_better_than_those_of_other_events():
    events, predictions = identified(200)
    same = shifted(comparison(events, predictions), comparison(*identified(200, skill={"model": 2.9, "rules": 2.0})))
    others, theirs = identified(200, seed=5)
    elsewhere = with_identity(others, 8, 0)
    apart = shifted(comparison(events, predictions), comparison(elsewhere, theirs))
    assert not apart.paired
    assert "unpaired" in apart.changes["model"]["accuracy"].method
    widths = [i.high - i.low for i in (found.changes["model"]["accuracy"] for found in (same, apart))]
    assert 0 < widths[0] < widths[1]


def test_an_event_of_weight_two_is_the_same_event_twice_in_a_change():
    events, predictions = identified(6)
    _, moved = identified(6, skill={"model": 1.0, "rules": 2.0})
    weight = torch.tensor([2.0, 1.0, 0.0, 2.0, 1.0, 1.0], dtype=torch.float64)
    weighed = events.with_table("event", events["event"].with_columns({"weight": weight}))
    rows = [0, 0, 1, 3, 3, 4, 5]
    found = shifted(comparison(weighed, predictions), comparison(weighed, moved), replicas=20)
    a, b = (comparison(with_identity(repeated(events, rows), 7, 0), rowed(p, rows)) for p in (predictions, moved))
    twice = shifted(a, b, replicas=20)
    for figure, interval in found.changes["model"].items():
        assert interval.value == pytest.approx(twice.changes["model"][figure].value, nan_ok=True)
    assert found.changes["model"]["accuracy"].effective == pytest.approx(49 / 11)
    assert found.changes["model"]["accuracy"].n == 5


def repeated(events, rows):
    return Events.concat([events.event(row) for row in rows])


def rowed(predictions, rows):
    return {name: repeated(Events(p), rows).tables for name, p in predictions.items()}


def test_events_that_do_not_say_who_they_are_are_other_events():
    events, predictions = identified()
    nameless = events.without("event")
    assert not shifted(comparison(nameless, predictions), comparison(nameless, predictions), replicas=5).paired
