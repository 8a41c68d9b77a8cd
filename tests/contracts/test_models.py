"""What every model keeps: one body over all models that give features of voxels or of events."""

import pytest
import torch

from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.models.graph_spice import GraphSPICE
from nuforge.models.ppn import PPN
from nuforge.models.sparse_encoder import SparseEncoder
from nuforge.models.uresnet import UResNet


def shallow_uresnet():
    """A UResNet of three levels."""
    return UResNet(depth=3, width=4)


def shallow_encoder():
    """A sparse encoder of three levels."""
    return SparseEncoder(depth=3, width=4, hidden=6)


def shallow_ppn():
    """A point proposal network of three levels."""
    return PPN(depth=3, width=4, point_width=5)


def shallow_graph_spice():
    """A Graph-SPICE of three levels."""
    return GraphSPICE(depth=3, width=4)


MODELS = [shallow_uresnet, shallow_encoder, shallow_ppn, shallow_graph_spice]


def answer(model, events):
    """The table that a model gives features for."""
    (table,) = (table for table in model(events).values() if "features" in table)
    return table


def of_voxels(table, name):
    """Whether a column holds something for each voxel, and no number of a row."""
    return table[name].is_floating_point()


def toy_events(voxels_per_event, seed=0):
    """Random voxels in a cube of 12, without duplicates, in random order."""
    generator = torch.Generator().manual_seed(seed)
    places = [torch.randperm(12**3, generator=generator)[:n] for n in voxels_per_event]
    place = torch.cat(places)
    index = torch.stack([place // 144, place // 12 % 12, place % 12], 1).int()
    value = torch.rand(len(place), generator=generator) * 3 + 0.05
    kind, near = torch.randint(0, 5, (len(place),), generator=generator), torch.rand(len(place), generator=generator)
    columns = {"index": index, "value": value, "kind": kind, "near_point": near}
    about = {name: Column("", "of an earlier stage", "readout") for name in ("kind", "near_point")}
    return Events({"voxels": Table.from_counts(columns, torch.tensor(voxels_per_event), about=about)})


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
        alone = answer(model, event)
        rows = slice(int(together.offsets[i]), int(together.offsets[i + 1]))
        for name in filter(lambda name: of_voxels(together, name), together):
            torch.testing.assert_close(alone[name], together[name][rows], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("counts", [[0], [0, 0], [1], [0, 2]])
@pytest.mark.parametrize("training", [True, False])
def test_empty_events_and_single_voxels_pass(model, counts, training):
    tables = model.train(training)(toy_events(counts))
    assert {table.n_events for table in tables.values()} == {len(counts)}
    (features,) = (table for table in tables.values() if "features" in table)
    of_events = [1] * len(counts)
    assert features.counts.tolist() == (of_events if isinstance(model, SparseEncoder) else counts)
    assert features["features"].shape == (len(features), model.features)
    columns = [column for table in tables.values() for column in table.columns.values() if column.is_floating_point()]
    assert all(column.isfinite().all() for column in columns)
    sum(column.square().sum() for column in columns).backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


def test_every_parameter_learns(model):
    tables = model.train()(toy_events([300, 500]))
    columns = [column for table in tables.values() for column in table.columns.values()]
    sum(column.square().sum() for column in columns if column.is_floating_point()).backward()
    idle = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert not idle, f"no gradient reached {idle}"


def test_permuting_voxels_permutes_their_features_and_leaves_those_of_events(model):
    events = toy_events([250])
    order = torch.randperm(250, generator=torch.Generator().manual_seed(1))
    voxels = events["voxels"]
    mixed = events.with_table("voxels", voxels.with_columns({k: v[order] for k, v in voxels.columns.items()}))
    straight, permuted = (answer(model, e) for e in (events, mixed))
    for name in filter(lambda name: of_voxels(straight, name), straight):
        expected = straight[name] if isinstance(model, SparseEncoder) else straight[name][order]
        torch.testing.assert_close(permuted[name], expected, rtol=1e-4, atol=1e-5)


def test_features_are_a_prediction_and_survive_no_truth(model):
    events = toy_events([20])
    out = answer(model, events.readout())
    assert out.about["features"].role == "prediction"


def test_the_default_uresnet_has_the_published_shape():
    model = UResNet()
    assert model.features == 16
    assert sum(p.numel() for p in model.parameters()) == pytest.approx(2.74e6, rel=2e-3)


def test_no_model_cares_where_an_event_is_on_its_coarsest_grid(model):
    events = toy_events([200, 30])
    voxels = events["voxels"]
    moved = events.with_table("voxels", voxels.with_columns({"index": voxels["index"] + 4 * 5}))
    here, there = answer(model, events), answer(model, moved)
    for name in filter(lambda name: of_voxels(here, name), here):
        torch.testing.assert_close(there[name], here[name], rtol=1e-4, atol=1e-5)


def test_an_encoder_of_no_levels_is_refused():
    with pytest.raises(InputError, match="depth, width, blocks and hidden must be at least 1"):
        SparseEncoder(depth=0)
