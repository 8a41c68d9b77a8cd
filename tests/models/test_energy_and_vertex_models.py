"""Networks of energies and vertices: events alone and in batches, without prongs or pixels, and what they ignore."""

import pytest
import torch
from torch import nn

from nuforge.errors import InputError
from nuforge.models.backbone import Backbone
from nuforge.models.energy_cnn import EnergyCNN
from nuforge.models.energy_lstm import EnergyLSTM
from nuforge.models.prong_variables import (
    PRONG_VARIABLES,
    SLICE_VARIABLES,
    muon_prong,
    prong_of_most,
    prong_variables,
    slice_variables,
)
from nuforge.models.towers import Views
from nuforge.models.vertex_cvn import VertexCVN
from nuforge.nn.sequences import SequenceLSTM
from nuforge.nn.spatial_softmax import expected_place
from toy_slices import FAR, toy_slices


class Small(Backbone):
    """Two convolutions."""

    features = 6

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(1, 4, 5, 4), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 6, 3, 2))

    def maps(self, images):
        """Maps."""
        return self.layers(images).relu()


def energy_cnn():
    """An energy CNN of small towers."""
    return EnergyCNN(Views([Small(), Small()]), hidden=8)


def energy_lstm():
    """A narrow LSTM."""
    return EnergyLSTM(width=12, layers=2, units=5)


def vertex_cvn():
    """A VertexCVN of two levels."""
    return VertexCVN(FAR, depth=2, width=4, places=3, hidden=8)


PRONGS = [2, 0, 1, 3, 4, 1]


@pytest.fixture(params=[energy_cnn, energy_lstm, vertex_cvn], ids=lambda build: build.__name__)
def model(request):
    torch.manual_seed(0)
    model = request.param()
    model(toy_slices(12))  # running mean and variance of something
    return model.eval()


def test_an_event_alone_gets_the_same_features_as_in_a_batch(model):
    events = toy_slices(6, prongs=PRONGS).readout()
    together = model(events)["event"]
    assert together["features"].shape == (6, model.features)
    for i in range(6):
        alone = model(events.event(i))["event"]
        for name in together:
            torch.testing.assert_close(alone[name][0], together[name][i], rtol=1e-4, atol=1e-4)


def test_the_order_of_events_is_that_of_their_features(model):
    events = toy_slices(6, prongs=PRONGS).readout()
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    torch.testing.assert_close(
        model(events.select(order))["event"]["features"],
        model(events)["event"]["features"][order],
        rtol=1e-4,
        atol=1e-4,
    )


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("prongs", [[0], [0, 0], [0, 2], [1]])
def test_events_without_prongs_and_pixels_pass(model, training, prongs):
    table = model.train(training)(toy_slices(len(prongs), prongs=prongs).readout())["event"]
    assert all(column.isfinite().all() for column in table.columns.values())
    assert {about.role for about in table.about.values()} == {"prediction"}
    table["features"].square().sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


def test_every_parameter_learns(model):
    features = model.train()(toy_slices(12).readout())["event"]["features"]
    features.pow(3).sum().backward()
    idle = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert not idle, f"no gradient reached {idle}"


def test_the_state_of_a_list_is_that_of_the_library_without_padding():
    torch.manual_seed(0)
    reader = SequenceLSTM(3, 4)
    counts = torch.tensor([2, 0, 5, 1, 5])
    rows = torch.randn(13, 3)
    states = reader(rows, counts)
    assert torch.equal(states[1], torch.zeros(4))
    for i, part in enumerate(rows.split(counts.tolist())):
        if len(part):
            torch.testing.assert_close(states[i], reader.lstm(part.flip(0)[None])[1][0][0, 0])


def test_prongs_of_one_view_are_read_apart_from_those_of_both():
    model, events = energy_lstm().eval(), toy_slices(4, prongs=[1, 1, 1, 1])
    prongs = events["prongs"]
    lone = events.with_table("prongs", prongs.with_columns({"hits_y": torch.zeros_like(prongs["hits_y"])}))
    assert not torch.allclose(model(events)["event"]["features"], model(lone)["event"]["features"], atol=1e-4)


def test_variables_have_their_names_and_the_prong_of_a_muon_is_the_longest_that_looks_like_one():
    events = toy_slices(5, prongs=[0, 1, 4, 3, 2])
    assert prong_variables(events).shape == (10, len(PRONG_VARIABLES))
    assert slice_variables(events).shape == (5, len(SLICE_VARIABLES))
    prongs = events["prongs"]
    length = torch.tensor([5.0, 1, 2, 3, 9, 1, 1, 7, 4, 4])
    seen = torch.tensor([1, 1, 1, 1, 0, 0, 0, 0, 1, 1])
    columns = {"length": length, "hits_x": torch.ones(10).long(), "hits_y": seen}
    assert muon_prong(prongs.with_columns(columns)).tolist() == [-1, 0, 3, -1, 8]
    columns["mean_loss"] = torch.tensor([5.0, 1.5, 1.5, 0.2, 1.5, 1.5, 1.5, 1.5, 1.5, 2.0])
    columns["longest_gap"] = torch.tensor([0.0, 0, 0, 0, 0, 0, 0, 0, 90, 0])
    prongs = prongs.with_columns(columns)
    assert muon_prong(prongs).tolist() == [-1, -1, 2, -1, 9]
    assert prong_of_most(prongs, length).tolist() == [-1, 0, 4, 7, 8]


def test_a_map_points_where_its_score_is_and_moves_with_it():
    scores = torch.randn(2, 3, 20, 16, generator=torch.Generator().manual_seed(0))
    scores[:, :, 5:] = scores[:, :, :, 5:] = -torch.inf
    torch.testing.assert_close(
        expected_place(scores.roll((4, 7), (2, 3))), expected_place(scores) + torch.tensor([4.0, 7.0])
    )
    sure = torch.full((1, 1, 20, 16), -100.0)
    sure[0, 0, 3, 9] = 100.0
    assert expected_place(sure).flatten().tolist() == [3.5, 9.5]


def test_places_of_maps_are_where_the_cells_are():
    model, events = vertex_cvn(), toy_slices(3)
    place = torch.tensor([2.5, 40.5]).expand(3, 1, 2)  # the middle of row 2, column 40
    cell = events["event"]["first_cell"].float() + 40.5
    for view in (0, 1):
        metres = model._metres(place, view)[:, 0]
        at = model.corner(events)[:, [2, view]] + 100 * metres
        plane = events["event"]["first_plane"].float() + 2 * 2 + view + 0.5
        want = torch.stack([plane * FAR.readout.depth, cell[:, view] * FAR.readout.width + FAR.origin[view]], 1)
        torch.testing.assert_close(at, want, rtol=1e-5, atol=0.01)


def moved(events, rows, cells, planes):
    """Events whose pixels are elsewhere in the map, or whose map is elsewhere in the detector."""
    pixels, event = events["pixels"], events["event"]
    places = {"row": pixels["row"] + rows, "column": pixels["column"] + cells}
    corner = {"first_plane": event["first_plane"] + planes}
    events = events.with_table("pixels", pixels.with_columns(places))
    return events.with_table("event", event.with_columns(corner))


def test_a_map_elsewhere_in_the_detector_has_the_same_features_at_another_place():
    torch.manual_seed(0)
    model, events = vertex_cvn().eval(), toy_slices(4)
    here, there = (model(e)["event"] for e in (events, moved(events, 0, 0, 10)))
    torch.testing.assert_close(here["features"], there["features"])
    torch.testing.assert_close(there["place"] - here["place"], torch.tensor([0.0, 0.0, 66.0]).expand(4, 3))


def test_energy_that_is_lost_to_the_map_is_seen_in_the_sums():
    torch.manual_seed(0)
    model, events = energy_cnn().eval(), toy_slices(4)
    event = events["event"]
    more = events.with_table("event", event.with_columns({"energy_x": event["energy_x"] + 100}))
    a, b = (model(e)["event"]["features"][:, -4:] for e in (events, more))
    assert (b[:, 0] > a[:, 0]).all()
    assert torch.equal(a[:, 1:], b[:, 1:])


def test_sizes_of_nothing_are_refused():
    with pytest.raises(InputError, match="hidden must be at least 1 channel, got 0"):
        EnergyCNN(Views([Small()]), hidden=0)
    with pytest.raises(InputError, match="width, layers and units must be at least 1, got 0"):
        EnergyLSTM(width=0)
    with pytest.raises(InputError, match="depth, width, places and hidden must be at least 1"):
        VertexCVN(FAR, depth=0)
