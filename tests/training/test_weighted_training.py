"""Training on events with weights: what fit multiplies, and what it refuses."""

import math

import pytest
import torch
from toy_run import CLASSES, Perceptron, batch_of, run

from nuforge.errors import InputError
from nuforge.events import Events
from nuforge.experiments.tuning import tune
from nuforge.tasks.segmentation import Segmentation
from nuforge.training.checkpoint import read_description
from nuforge.training.interrupt import Request
from nuforge.training.learner import Supervised
from nuforge.training.loop import Loop
from nuforge.training.options import FitOptions
from toy_weights import times, weighing


def learner():
    torch.manual_seed(1)
    model = Perceptron(4)
    return Supervised(model, [Segmentation(CLASSES, model.features)]).eval()


def stream(weights, scale=1.0):
    """Training batches from a step on, whose events have these weights."""

    def batches(start):
        while True:
            yield weighing(batch_of(start, len(weights)), [scale * w for w in weights])
            start += 1

    return batches


def trained(out, weights=None, scale=1.0, **more):
    """The parameters after ten steps."""
    if weights is not None:
        more["training_batches"] = stream(weights, scale)
    found, _ = run(out, steps=10, **more)
    return torch.cat([p.detach().flatten() for p in found.parameters()])


def test_equal_weights_train_to_the_same_bytes_as_none(tmp_path):
    plain = trained(tmp_path / "none")
    for i, weight in enumerate((1.0, 0.37)):
        assert torch.equal(trained(tmp_path / str(i), [weight] * 4, mean_weight=weight), plain)


def test_weights_train_otherwise_and_their_scale_does_not_matter(tmp_path):
    weights = [2.0, 0.0, 1.0, 1.0]
    found = trained(tmp_path / "a", weights)
    assert torch.equal(trained(tmp_path / "b", weights, 2.0**-130, mean_weight=2.0**-130), found)
    assert not torch.allclose(found, trained(tmp_path / "c"))


def looped(tmp_path, mean=1.0):
    return Loop(learner(), FitOptions(10), tmp_path, None, None, None, 0, 0, {}, Request(), mean)


def test_a_batch_counts_as_much_as_its_events_weigh(tmp_path):
    loop, events = looped(tmp_path), batch_of(0, 3)
    alone = [loop.training_step(event, 0) for event in events]
    numbers = [2.0, 0.5, 3.0]
    for event, loss, w in zip(events, alone, numbers, strict=True):
        torch.testing.assert_close(loop.training_step(weighing(event, [w]), 0), w * loss)
    want = sum(w * loss for w, loss in zip(numbers, alone, strict=True)) / 3  # as many voxels in each
    torch.testing.assert_close(loop.training_step(weighing(events, numbers), 0), want)


def test_in_validation_a_whole_weight_is_the_event_so_often(tmp_path):
    events, number = batch_of(7, 6), [2, 1, 0, 3, 1, 1]
    heavy, often = weighing(events, [float(n) for n in number]), events.select(times(number))
    found = []
    for i, batches in enumerate(([heavy[:2], heavy[2:]], [often[:3], often[3:]])):
        run(tmp_path / str(i), steps=10, validation_batches=lambda batches=batches: batches)
        metrics = read_description(tmp_path / str(i) / "checkpoint" / "last")["metrics"]
        found.append({name: value for name, value in metrics.items() if value is not None})
    assert found[0] == pytest.approx(found[1], rel=1e-5)


def test_what_is_chosen_on_validation_knows_weights():
    events, number = batch_of(3, 4), [0, 5, 1, 0]
    chosen = []
    for part in (weighing(events, [float(n) for n in number]), events.select(times(number)), events):
        one = learner()
        with torch.no_grad():
            one.tasks[0].weights.copy_(torch.tensor([0.2, 1.8]))
            one.tasks[0].head.weight.mul_(30)
        tune(one, lambda part=part: [part])
        chosen.append((float(one.tasks[0].correction), float(one.tasks[0].temperature)))
    assert chosen[0] == chosen[1]


@pytest.mark.parametrize(
    ("weights", "complaint"),
    [
        ([1.0, -0.25, 1.0, 1.0], "must not be negative in training, got -0.25 in 1 of 4 events"),
        ([1.0, math.nan, 1.0, 1.0], "must be finite, got nan in 1 of 4 events"),
    ],
)
def test_what_nothing_can_be_learned_from_is_refused(tmp_path, weights, complaint):
    with pytest.raises(InputError, match=complaint):
        trained(tmp_path / "a", weights)
    with pytest.raises(InputError, match=complaint):
        run(tmp_path / "b", steps=10, validation_batches=lambda: [weighing(batch_of(0), weights)])


def test_weights_reach_the_loss_through_augmentation(tmp_path):
    seen = []

    def augment(events: Events, generator: torch.Generator) -> Events:
        seen.append(events["event"]["weight"].tolist())
        return events

    trained(tmp_path, [4.0, 0.0, 2.0, 2.0], mean_weight=2.0, augment=augment)
    assert seen == [[2, 0, 1, 1]] * 10
