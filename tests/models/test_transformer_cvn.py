"""TransformerCVN: tokens of an event and its prongs, whichever front reads the maps."""

import pytest
import torch

from nuforge.errors import InputError
from nuforge.events import Events
from nuforge.models.densenet import DenseNet
from nuforge.models.towers import Views
from nuforge.models.transformer_cvn import DenseFront, SparseFront, TransformerCVN, brightest
from nuforge.tasks.classification import Classification
from nuforge.tasks.segmentation import Segmentation
from nuforge.training.learner import Supervised
from toy_maps import toy_maps


def dense():
    """A small DenseNet."""
    return DenseFront(Views([DenseNet(growth=4, blocks=(1, 2))]))


def sparse():
    """Sparse convolutions on two sizes of pixels."""
    return SparseFront(depth=2, width=4, hidden=6)


@pytest.fixture(params=[dense, sparse], ids=lambda front: front.__name__)
def model(request):
    torch.manual_seed(0)
    model = TransformerCVN(request.param(), request.param(), width=16, layers=2, heads=4, most=4)
    model(toy_maps([60, 80], [3, 2]))  # running mean and variance of something
    return model.eval()


def prongs_mixed(events: Events, order: torch.Tensor) -> Events:
    """Events whose prongs (P,) are in another order inside their events."""
    place = torch.empty_like(order)
    place[order] = torch.arange(len(order))
    prongs, hits = events["prongs"], events["hits"]
    moved = torch.where(hits["prong"] >= 0, place[hits["prong"]], -1)
    mixed = prongs.with_columns({name: column[order] for name, column in prongs.columns.items()})
    return events.with_table("prongs", mixed).with_table("hits", hits.with_columns({"prong": moved}))


def test_every_event_and_every_prong_has_features(model):
    tables = model(toy_maps([40, 30, 0, 50], [3, 0, 2, 6]).readout())
    assert tables["event"]["features"].shape == (4, 16)
    assert tables["prongs"]["features"].shape == (11, 16)
    assert tables["prongs"].counts.tolist() == [3, 0, 2, 6]
    assert {table.about["features"].role for table in tables.values()} == {"prediction"}


@pytest.mark.parametrize(("pixels", "prongs"), [([], []), ([0], [0]), ([0, 0], [1, 0]), ([5], [0]), ([1, 9], [0, 1])])
@pytest.mark.parametrize("training", [True, False])
def test_batches_with_nothing_or_next_to_nothing_pass(model, pixels, prongs, training):
    events = toy_maps(pixels, prongs) if pixels else toy_maps([3, 4])[:0]
    tables = model.train(training)(events)
    assert len(tables["event"]) == len(events)
    assert len(tables["prongs"]) == len(events["prongs"])
    total = sum(table["features"].square().sum() for table in tables.values())
    total.backward()
    assert total.isfinite()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


def test_an_event_alone_gets_the_same_features_as_beside_one_with_more_prongs(model):
    events = toy_maps([40, 30, 60], [1, 0, 4])
    together = model(events)
    for i, event in enumerate(events):
        alone = model(event)
        rows = slice(int(events["prongs"].offsets[i]), int(events["prongs"].offsets[i + 1]))
        torch.testing.assert_close(
            alone["event"]["features"][0], together["event"]["features"][i], rtol=1e-4, atol=1e-5
        )
        torch.testing.assert_close(
            alone["prongs"]["features"], together["prongs"]["features"][rows], rtol=1e-4, atol=1e-5
        )


def test_prongs_have_no_order(model):
    events = toy_maps([60, 40], [4, 3])
    order = torch.tensor([2, 0, 3, 1, 6, 4, 5])
    straight, mixed = model(events), model(prongs_mixed(events, order))
    torch.testing.assert_close(mixed["event"]["features"], straight["event"]["features"], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(mixed["prongs"]["features"], straight["prongs"]["features"][order], rtol=1e-4, atol=1e-5)


def test_a_prong_that_gets_brighter_changes_the_other_prongs_of_its_event_and_no_other_event(model):
    events = toy_maps([60, 40], [3, 3])
    pixels = events["pixels"]
    mine = events["hits"]["prong"][pixels["hit"]] == 0
    brighter = torch.where(mine, 255, pixels["charge"].int()).to(torch.uint8)
    other = events.with_table("pixels", pixels.with_columns({"charge": brighter}))
    before, after = (model(e)["prongs"]["features"] for e in (events, other))
    changed = (before - after).abs().amax(1) > 1e-6
    assert changed.tolist() == [True] * 3 + [False] * 3


def test_prongs_beyond_the_brightest_get_features_of_nothing_and_change_nothing(model):
    events = toy_maps([70], [6])
    kept, place = brightest(events["prongs"], 4)
    energy = events["prongs"]["energy"]
    assert energy[kept].tolist() == sorted(energy.tolist(), reverse=True)[:4]
    assert place.tolist() == [1, 2, 3, 4]
    left = torch.ones(6, dtype=torch.bool)
    left[kept] = False
    features = model(events)["prongs"]["features"]
    assert features[left].abs().max() == 0
    assert (features[kept].abs().amax(1) > 0).all()


def test_what_is_said_of_a_prong_beyond_the_brightest_is_a_probability(model):
    task = Segmentation(("a", "b"), 16, "prongs", "pid", name="prong")
    said = Supervised(model, [task]).predict(toy_maps([70], [6]).readout())["prongs"]["prong_probability"]
    torch.testing.assert_close(said.sum(1), torch.ones(6))


def test_attention_is_shared_out_among_the_tokens_of_an_event_alone(model):
    events = toy_maps([60, 40, 20], [3, 1, 0])
    seen = model.attention(events)
    assert seen.weights.shape == (2, 3, 4, 4, 4)
    torch.testing.assert_close(seen.weights.sum(4), torch.ones(2, 3, 4, 4))
    assert seen.valid.sum(1).tolist() == [4, 2, 1]
    padding = ~seen.valid[None, :, None, None, :].expand_as(seen.weights)
    assert seen.weights[padding].abs().max() == 0
    assert sorted(seen.rows[seen.rows >= 0].tolist()) == list(range(4))
    assert (seen.rows[:, 0] == -1).all()


def test_every_parameter_learns_from_both_questions(model):
    tasks = [Classification(("early", "late"), 16, "kind", focusing=1.0), Segmentation(("a", "b"), 16, "prongs", "pid",
             balance=0.0, name="prong", focusing=1.0)]  # fmt: skip
    learner = Supervised(model, tasks, shares=(0.9, 0.1)).train()
    learner.loss(toy_maps([90, 80, 70], [3, 2, 2])).backward()
    idle = [name for name, p in learner.named_parameters() if p.grad is None or not p.grad.any()]
    assert not idle, f"no gradient reached {idle}"


def test_the_sparse_front_learns_where_the_pixels_are():
    torch.manual_seed(0)
    model = TransformerCVN(sparse(), sparse(), width=16, layers=1, heads=4)
    learner = Supervised(model, [Classification(("early", "late"), 16, "kind")])
    optimizer = torch.optim.Adam(learner.parameters(), 3e-3)
    for step in range(30):
        optimizer.zero_grad()
        learner.loss(toy_maps([40] * 16, seed=step)).backward()
        optimizer.step()
    events = toy_maps([40] * 64, seed=99)
    said = learner.eval().predict(events.readout())["event"]["probability"].argmax(1)
    assert (said == events["event"]["kind"]).double().mean() > 0.8


def test_the_default_has_the_published_encoder():
    model = TransformerCVN(sparse(), sparse())
    assert (model.features, len(model.encoder.layers), model.encoder.layers[0].heads, model.most) == (128, 6, 8, 20)


def test_impossible_networks_are_refused():
    with pytest.raises(InputError, match="most must be 1 prong or more, got 0"):
        TransformerCVN(sparse(), sparse(), most=0)
    with pytest.raises(InputError, match="heads must divide the width, got width 10, 4 heads"):
        TransformerCVN(sparse(), sparse(), width=10, heads=4)
    with pytest.raises(InputError, match="growth, views and the layers of blocks must be at least 1"):
        DenseNet(blocks=())


def test_an_image_alone_gets_the_same_features_from_a_densenet_as_in_a_batch():
    torch.manual_seed(0)
    backbone, images = DenseNet(growth=4, blocks=(1, 2)), torch.rand(4, 1, 100, 80)
    backbone(images)
    together = backbone.eval()(images)
    assert together.shape == (4, backbone.features)
    for i in range(4):
        torch.testing.assert_close(backbone(images[i : i + 1])[0], together[i], rtol=1e-4, atol=1e-5)
