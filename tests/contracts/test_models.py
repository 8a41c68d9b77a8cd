"""What every model keeps: one body over all models that give features of voxels."""

import pytest
import torch

from nuforge.events import Events, Table
from nuforge.models.uresnet import UResNet


def shallow_uresnet():
    """A UResNet of three levels."""
    return UResNet(depth=3, width=4)


MODELS = [shallow_uresnet]


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
    together = model(events)["voxels"]
    for i, event in enumerate(events):
        alone = model(event)["voxels"]["features"]
        rows = slice(int(together.offsets[i]), int(together.offsets[i + 1]))
        torch.testing.assert_close(alone, together["features"][rows], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("counts", [[0], [0, 0], [1], [0, 2]])
@pytest.mark.parametrize("training", [True, False])
def test_empty_events_and_single_voxels_pass(model, counts, training):
    features = model.train(training)(toy_events(counts))["voxels"]
    assert features["features"].shape == (sum(counts), model.features)
    assert features.counts.tolist() == counts
    assert features["features"].isfinite().all()


def test_every_parameter_learns(model):
    features = model.train()(toy_events([300, 500]))["voxels"]["features"]
    features.square().sum().backward()
    idle = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert not idle, f"no gradient reached {idle}"


def test_permuting_rows_permutes_the_features(model):
    events = toy_events([250])
    order = torch.randperm(250, generator=torch.Generator().manual_seed(1))
    voxels = events["voxels"]
    mixed = Events({"voxels": Table({k: v[order] for k, v in voxels.columns.items()}, voxels.offsets)})
    straight, permuted = (model(e)["voxels"]["features"] for e in (events, mixed))
    torch.testing.assert_close(permuted, straight[order], rtol=1e-4, atol=1e-5)


def test_features_are_a_prediction_and_survive_no_truth(model):
    events = toy_events([20])
    out = model(events.readout())["voxels"]
    assert out.about["features"].role == "prediction"


def test_the_default_uresnet_has_the_published_shape():
    model = UResNet()
    assert model.features == 16
    assert sum(p.numel() for p in model.parameters()) == pytest.approx(2.74e6, rel=2e-3)
