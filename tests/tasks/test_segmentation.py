"""The segmentation task: loss, corrected probabilities, statistics and figures."""

import pytest
import torch

from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.tasks.segmentation import Segmentation, class_weights

CLASSES = ("a", "b", "c")


def toy(counts=(5, 0, 7), seed=0):
    generator = torch.Generator().manual_seed(seed)
    n = sum(counts)
    columns = {"label": torch.randint(-1, 3, (n,), generator=generator)}
    events = Events({"voxels": Table.from_counts(columns, torch.tensor(counts))})
    features = torch.randn(n, 4, generator=generator)
    about = {"features": Column("", "features", "prediction")}
    return events, {"voxels": Table.from_counts({"features": features}, torch.tensor(counts), about=about)}


def statistics(task, events, features):
    return task.statistics(events, task.predict(task(features)))


def test_unknown_labels_do_not_count():
    events, features = toy()
    task = Segmentation(CLASSES, 4, weights=(1.0, 2.0, 3.0))
    outputs = task(features)
    loss = task.loss(outputs, events)
    known = events["voxels"]["label"] >= 0
    want = torch.nn.functional.cross_entropy(
        outputs["voxels"]["logits"][known], events["voxels"]["label"][known], task.weights
    )
    torch.testing.assert_close(loss, want)
    assert statistics(task, events, features)["confusion"].sum() == known.sum()


@pytest.mark.parametrize("counts", [(0,), (3,)])
def test_a_batch_without_known_labels_has_no_loss_and_finite_gradients(counts):
    events, features = toy(counts)
    voxels = events["voxels"]
    events = Events({"voxels": voxels.with_columns({"label": torch.full_like(voxels["label"], -1)})})
    task = Segmentation(CLASSES, 4)
    loss = task.loss(task(features), events)
    loss.backward()
    assert loss.item() == 0
    assert task.head.weight.grad.isfinite().all()


def test_full_correction_undoes_the_weights():
    weights = (1.0, 4.0, 0.5)
    natural = torch.tensor([0.7, 0.1, 0.2])
    as_trained = natural * torch.tensor(weights)  # what weighted cross entropy makes the softmax estimate
    about = {"logits": Column("", "logits", "prediction")}
    outputs = {"voxels": Table({"logits": as_trained.log()[None]}, torch.tensor([0, 1]), about=about)}
    task = Segmentation(CLASSES, 4, weights=weights)
    torch.testing.assert_close(task.predict(outputs, 1.0)["voxels"]["probability"][0], natural)
    assert not torch.allclose(task.predict(outputs)["voxels"]["probability"][0], natural)


def test_statistics_of_events_add_up_to_those_of_the_batch():
    events, features = toy()
    task = Segmentation(CLASSES, 4)
    together = statistics(task, events, features)
    one = Events({"voxels": Table(events["voxels"].columns, torch.tensor([0, 12]))})
    whole = statistics(
        task, one, {"voxels": Table(features["voxels"].columns, torch.tensor([0, 12]), about=features["voxels"].about)}
    )
    assert together["confusion"].shape == (3, 3, 3)
    assert together["reliability"].shape == (3, 15, 3)
    assert not together["confusion"][1].any()
    for name, sums in whole.items():
        torch.testing.assert_close(together[name].sum(0), sums[0])


def test_figures_of_a_known_confusion():
    confusion = torch.tensor([[8.0, 2, 0], [1, 9, 0], [0, 0, 0]])
    sums = {"confusion": confusion[None].repeat(2, 1, 1), "reliability": torch.tensor([[[10.0, 8.0, 9.0]]] * 2)}
    figures = Segmentation(CLASSES, 4).figures(sums)
    assert figures["recall of a"].tolist() == pytest.approx([0.8, 0.8])
    assert figures["IoU of b"][0].item() == pytest.approx(9 / 12)
    assert figures["mean recall"][0].item() == pytest.approx(0.85)
    assert figures["accuracy"][0].item() == pytest.approx(17 / 20)
    assert figures["expected calibration error"][0].item() == pytest.approx(0.1)
    assert figures["recall of c"][0].isnan()


def test_class_weights_fall_with_the_root_of_the_counts():
    weights = class_weights([100, 400, 0])
    assert weights[0] / weights[1] == pytest.approx(2.0)
    assert sum(weights) == pytest.approx(3.0)


def test_wrong_weights_are_refused():
    with pytest.raises(InputError, match="a positive weight for each"):
        Segmentation(CLASSES, 4, weights=(1.0, 0.0, 1.0))
