"""Weights of events: one column, 1 where there is none, and refused where they mean nothing."""

import math

import pytest
import torch

from nuforge.errors import InputError
from nuforge.events import Events, Table
from nuforge.events.weights import has_weights, mean_weight, over_mean, row_weights, weights_of, without_weights
from toy_weights import weighing


def hits(counts=(2, 0, 1)):
    n = sum(counts)
    return Events({"hits": Table.from_counts({"charge": torch.ones(n)}, torch.tensor(counts))})


def test_events_without_weights_count_one_each():
    assert not has_weights(hits())
    assert weights_of(hits()).tolist() == [1, 1, 1]
    assert row_weights(hits(), hits()["hits"].batch) is None
    assert over_mean(hits(), 2.0)["hits"] is not None


def test_a_row_counts_as_its_event():
    events = weighing(hits(), [3.0, 5.0, 0.5])
    assert row_weights(events, events["hits"].batch).tolist() == [3, 3, 0.5]
    assert weights_of(events).tolist() == [3, 5, 0.5]


def test_no_model_sees_a_weight():
    assert "event" not in weighing(hits(), [3.0, 5.0, 0.5]).readout()


def test_over_their_mean_weights_have_mean_one_and_equal_ones_are_gone():
    events = weighing(hits(), [3.0, 5.0, 1.0])
    assert weights_of(over_mean(events, mean_weight(weights_of(events)))).mean() == pytest.approx(1)
    for weight in (0.1, 0.37, 1e-39):  # a sum of these over their number is not always exact
        alike = weighing(hits([1] * 9), [weight] * 9)
        assert not has_weights(over_mean(alike, mean_weight(weights_of(alike))))


@pytest.mark.parametrize(
    ("weights", "complaint"),
    [
        ([1.0, math.nan, math.inf], "must be finite, got nan in 2 of 3 events"),
        ([1.0, -0.5, 1.0], "must not be negative in training, got -0.5 in 1 of 3 events"),
        ([0.0, 0.0, 0.0], "weights of 3 events to learn from add up to 0.0"),
    ],
)
def test_what_nothing_can_be_learned_from_is_refused_in_one_line(weights, complaint):
    with pytest.raises(InputError, match=complaint) as error:
        mean_weight(torch.tensor(weights))
    assert "\n" not in str(error.value)


def test_several_weights_an_event_are_refused():
    events = hits().with_table("event", Table({"weight": torch.ones(3, 2)}, torch.arange(4)))
    with pytest.raises(InputError, match=r"one number an event, got the shape \(3, 2\)"):
        weights_of(events)


def test_what_does_not_know_weights_says_so():
    assert without_weights(weighing(hits(), [2.0] * 3), "spectra")
    with pytest.raises(InputError, match="spectra are of events that count alike, got weights from 1 to 2"):
        without_weights(weighing(hits(), [2.0, 1.0, 2.0]), "spectra")
