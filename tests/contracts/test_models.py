"""What every model keeps: one body over all models that give features of voxels or of events."""

import pytest
import torch

from nuforge.errors import InputError
from nuforge.events import Events, Table
from nuforge.models.sparse_encoder import SparseEncoder
from nuforge.models.uresnet import UResNet


def shallow_uresnet():
    """A UResNet of three levels."""
    return UResNet(depth=3, width=4)


def shallow_encoder():
    """A sparse encoder of three levels."""
    return SparseEncoder(depth=3, width=4, hidden=6)


MODELS = [shallow_uresnet, shallow_encoder]


def answer(model, events):
    """The table that a model gives features for."""
    (table,) = model(events).values()
    return table


def toy_events(voxels_per_event, seed=0):
    """Random voxels in a cube of 12, without duplicates, in random order."""
    generator = torch.Generator().manual_seed(seed)
    places = [torch.randperm(12**3, generator=generator)[:n] for n in voxels_per_event]
    place = torch.cat(places)
    index = torch.stack([place // 144, place // 12 % 12, place % 12], 1).int()
    value = torch.rand(len(place), generator=generator) * 3 + 0.05
    return Events({"voxels": Table.from_counts({"index": index, "value": value}, torch.tensor(voxels_per_event))})


@pytest.fixture(params=MODELS, ids=lambda build: build.__name__)
def model(request):
    torch.manual_seed(0)
    model = request.param()
    model(toy_events([300, 400]))  # running mean and variance of something
    return model.eval()


def test_an_event_alone_gets_the_same_features_as_in_a_batch(model):
    events = toy_events([60, 0, 1, 200])
    together = answer(model, events)
    for i, event in enumerate(events):
        alone = answer(model, event)["features"]
        rows = slice(int(together.offsets[i]), int(together.offsets[i + 1]))
        torch.testing.assert_close(alone, together["features"][rows], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("counts", [[0], [0, 0], [1], [0, 2]])
@pytest.mark.parametrize("training", [True, False])
def test_empty_events_and_single_voxels_pass(model, counts, training):
    features = answer(model.train(training), toy_events(counts))
    of_events = [1] * len(counts)
    assert features.counts.tolist() == (of_events if isinstance(model, SparseEncoder) else counts)
    assert features["features"].shape == (len(features), model.features)
    assert features["features"].isfinite().all()


def test_every_parameter_learns(model):
    features = answer(model.train(), toy_events([300, 500]))["features"]
    features.square().sum().backward()
    idle = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert not idle, f"no gradient reached {idle}"


def test_permuting_voxels_permutes_their_features_and_leaves_those_of_events(model):
    events = toy_events([250])
    order = torch.randperm(250, generator=torch.Generator().manual_seed(1))
    voxels = events["voxels"]
    mixed = Events({"voxels": Table({k: v[order] for k, v in voxels.columns.items()}, voxels.offsets)})
    straight, permuted = (answer(model, e)["features"] for e in (events, mixed))
    expected = straight if isinstance(model, SparseEncoder) else straight[order]
    torch.testing.assert_close(permuted, expected, rtol=1e-4, atol=1e-5)


def test_features_are_a_prediction_and_survive_no_truth(model):
    events = toy_events([20])
    out = answer(model, events.readout())
    assert out.about["features"].role == "prediction"


def test_the_default_uresnet_has_the_published_shape():
    model = UResNet()
    assert model.features == 16
    assert sum(p.numel() for p in model.parameters()) == pytest.approx(2.74e6, rel=2e-3)


def test_an_encoder_does_not_care_where_an_event_is_on_its_coarsest_grid():
    torch.manual_seed(0)
    model, events = shallow_encoder().eval(), toy_events([200])
    voxels = events["voxels"]
    moved = events.with_table("voxels", voxels.with_columns({"index": voxels["index"] + 4 * 5}))
    torch.testing.assert_close(answer(model, moved)["features"], answer(model, events)["features"])


def test_an_encoder_of_no_levels_is_refused():
    with pytest.raises(InputError, match="depth, width, blocks and hidden must be at least 1"):
        SparseEncoder(depth=0)
