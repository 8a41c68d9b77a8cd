"""The classification of events: loss, probabilities, statistics and figures."""

import pytest
import torch
from sklearn.metrics import roc_auc_score

from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.tasks.classification import Classification

KIND = Column("", "kind", "truth")
PREDICTION = Column("", "", "prediction")


def events_of(label):
    n = len(label)
    return Events({"event": Table({"kind": label}, torch.arange(n + 1), about={"kind": KIND})})


def predicted(probability):
    offsets = torch.arange(len(probability) + 1)
    return {"event": Table({"probability": probability}, offsets, about={"probability": PREDICTION})}


def toy(classes, n=300, seed=0):
    g = torch.Generator().manual_seed(seed)
    label = torch.randint(-1, classes, (n,), generator=g)
    logits = torch.randn(n, classes, generator=g) + torch.nn.functional.one_hot(label.clamp(min=0), classes)
    return events_of(label), predicted(logits.softmax(1))


def figures(task, events, prediction):
    sums = {name: s.sum(0, keepdim=True) for name, s in task.statistics(events, prediction).items()}
    return {name: float(value) for name, value in task.figures(sums).items()}


def test_the_auc_of_two_classes_is_that_of_their_scores():
    task = Classification(("a", "b"), 4, "kind")
    events, prediction = toy(2)
    label, p = events["event"]["kind"], prediction["event"]["probability"]
    found = figures(task, events, prediction)
    assert found["AUC"] == pytest.approx(roc_auc_score(label[label >= 0], p[label >= 0, 1]), abs=2e-3)
    assert found["accuracy"] == pytest.approx((p.argmax(1) == label)[label >= 0].double().mean())


def test_more_classes_are_each_set_against_the_rest():
    task = Classification(("a", "b", "c"), 4, "kind")
    events, prediction = toy(3)
    label, p = events["event"]["kind"], prediction["event"]["probability"]
    known, found = label >= 0, figures(task, events, prediction)
    want = [roc_auc_score(label[known] == i, p[known, i]) for i in range(3)]
    assert [found[f"AUC of {c}"] for c in "abc"] == pytest.approx(want, abs=2e-3)
    assert found["mean AUC"] == pytest.approx(sum(want) / 3, abs=2e-3)


def test_statistics_are_those_of_each_event_alone():
    task = Classification(("a", "b"), 4, "kind")
    events, prediction = toy(2, n=9)
    together = task.statistics(events, prediction)
    for i, event in enumerate(events):
        alone = task.statistics(event, predicted(prediction["event"]["probability"][i : i + 1]))
        assert all(torch.equal(alone[name][0], together[name][i]) for name in together)


def test_unknown_events_do_not_count():
    task = Classification(("a", "b"), 4, "kind")
    events = events_of(torch.tensor([-1, 0, 1, -1]))
    features = {"event": Table({"features": torch.randn(4, 4)}, torch.arange(5), about={"features": PREDICTION})}
    outputs = task(features)
    want = torch.nn.functional.cross_entropy(outputs["event"]["logits"][1:3], torch.tensor([0, 1]))
    torch.testing.assert_close(task.loss(outputs, events), want)
    assert task.statistics(events, task.predict(outputs))["scores"].sum() == 2
    assert task.loss(outputs, events_of(torch.full((4,), -1))) == 0


def test_certainty_has_finite_scores():
    task = Classification(("a", "b"), 4, "kind")
    found = figures(task, events_of(torch.tensor([0, 1])), predicted(torch.tensor([[1.0, 0.0], [0.0, 1.0]])))
    assert found["AUC"] == 1


def test_one_class_is_refused():
    with pytest.raises(InputError, match="two classes or more"):
        Classification(("a",), 4, "kind")
