"""What networks of several towers keep."""

import pytest
import torch

from nuforge.errors import InputError
from nuforge.models.googlenet import GoogLeNet
from nuforge.models.mobilenetv2 import MobileNetV2
from nuforge.models.resnet18 import ResNet18
from nuforge.models.towers import EventTowers, Merge, ProngTowers, Views
from nuforge.tasks.classification import Classification
from nuforge.tasks.segmentation import Segmentation
from nuforge.training.learner import Supervised
from toy_maps import toy_maps

WIDTH = 0.125


def event_googlenet():
    """Two towers and an inception module."""
    views = Views([GoogLeNet(WIDTH), GoogLeNet(WIDTH)])
    return EventTowers(views, Merge(views.features, mixed=WIDTH))


def event_mobilenet():
    """Two towers side by side."""
    views = Views([MobileNetV2(WIDTH), MobileNetV2(WIDTH)])
    return EventTowers(views, Merge(views.features))


def event_siamese():
    """One tower for both views."""
    views = Views([ResNet18(WIDTH)])
    return EventTowers(views, Merge(views.features))


def prongs_alone():
    """One tower for both views of a prong."""
    views = Views([GoogLeNet(WIDTH)])
    return ProngTowers(views, Merge(views.features, mixed=WIDTH))


def prongs_in_context():
    """One tower for prongs and one for slices, gated."""
    views, context = Views([GoogLeNet(WIDTH)]), Views([GoogLeNet(WIDTH)])
    return ProngTowers(views, Merge(views.features + context.features, mixed=WIDTH, gated=True), context)


MODELS = [event_googlenet, event_mobilenet, event_siamese, prongs_alone, prongs_in_context]


def answer(model, events):
    """The only table that a model gives."""
    (table,) = model(events).values()
    return table


@pytest.fixture(params=MODELS, ids=lambda build: build.__name__)
def model(request):
    torch.manual_seed(0)
    model = request.param()
    model(toy_maps([60, 80, 70, 50]))  # running mean and variance of something
    return model.eval()


def test_every_row_of_its_table_has_features(model):
    events = toy_maps([60, 0, 1, 80], [3, 0, 1, 2])
    ((name, table),) = model(events).items()
    assert table.offsets.tolist() == events[name].offsets.tolist()
    assert table["features"].shape == (len(events[name]), model.features)
    assert table.about["features"].role == "prediction"


def test_an_event_alone_gets_the_same_features_as_in_a_batch(model):
    events = toy_maps([60, 0, 1, 80], [3, 0, 1, 2])
    together = answer(model, events)
    for i, event in enumerate(events):
        rows = slice(int(together.offsets[i]), int(together.offsets[i + 1]))
        torch.testing.assert_close(answer(model, event)["features"], together["features"][rows], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("pixels", "prongs"), [([0], [0]), ([0, 0], [1, 0]), ([1], [1]), ([0, 2], [0, 1]), ([3], [0])])
@pytest.mark.parametrize("training", [True, False])
def test_empty_events_empty_prongs_and_single_pixels_pass(model, pixels, prongs, training):
    features = answer(model.train(training), toy_maps(pixels, prongs))["features"]
    assert features.isfinite().all()
    if features.requires_grad:
        features.square().sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())
    assert all(b.isfinite().all() for b in model.buffers())


def test_no_events_pass(model):
    assert answer(model, toy_maps([3, 3])[:0])["features"].shape == (0, model.features)


def test_every_parameter_learns(model):
    answer(model.train(), toy_maps([60, 80]))["features"].square().sum().backward()
    idle = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert not idle, f"no gradient reached {idle}"


def test_a_few_steps_lower_the_loss(model):
    events = toy_maps([60] * 8)
    kind = Classification if isinstance(model, EventTowers) else Segmentation
    task = Classification("ab", model.features, "kind") if kind is Classification else prong_task(model)
    learner = Supervised(model.train(), [task])
    optimizer = torch.optim.AdamW(learner.parameters(), 3e-3)
    losses = []
    for _ in range(4):
        losses.append(learner.loss(events))
        optimizer.zero_grad()
        losses[-1].backward()
        optimizer.step()
    assert losses[-1] < losses[0]


def prong_task(model):
    return Segmentation("ab", model.features, "prongs", "pid")


def test_views_are_told_apart():
    torch.manual_seed(0)
    events = toy_maps([60])
    pixels = events["pixels"]
    exchanged = events.with_table("pixels", pixels.with_columns({"view": 1 - pixels["view"]}))
    views = Views([GoogLeNet(WIDTH)])
    siamese = EventTowers(views, Merge(views.features)).eval()
    a, b = (answer(siamese, e)["features"] for e in (events, exchanged))
    half = siamese.features // 2
    torch.testing.assert_close(a, torch.cat([b[:, half:], b[:, :half]], 1))
    assert (a - b).abs().max() > 1e-3


def test_a_prong_has_the_context_of_its_own_event():
    torch.manual_seed(0)
    model = prongs_in_context().eval()
    events = toy_maps([40, 50], [2, 3])
    pixels = events["pixels"]
    last = pixels["charge"].clone()
    last[40:][pixels["hit"][40:] % 5 == 0] += 1  # anything in the second event alone
    changed = events.with_table("pixels", pixels.with_columns({"charge": last}))
    a, b = (answer(model, e)["features"] for e in (events, changed))
    torch.testing.assert_close(a[:2], b[:2])
    assert (a[2:] - b[2:]).abs().sum(1).gt(0).all()


def test_towers_that_fit_no_view_are_refused():
    with pytest.raises(InputError, match="1 tower or one for each of 2 views, got 3"):
        Views([GoogLeNet(WIDTH)] * 3)
