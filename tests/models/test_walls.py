"""How near slices come to walls."""

import pytest
import torch

from nuforge.detectors import nova_far
from nuforge.events import Column, Events, Table
from nuforge.models.resnet18 import ResNet18
from nuforge.models.towers import EventTowers, Merge, Views
from nuforge.models.walls import Walls
from nuforge.simulation.cells.walls import ways_to_walls
from toy_maps import toy_maps

FAR = nova_far()
PLANES, CELLS = FAR.readout.planes, FAR.readout.cells
ABOUT = {name: Column("", name, "readout") for name in ("view", "plane", "cell")}


def hits_at(*events):
    """Events with hits at (plane, cell); even planes are of view X."""
    plane, cell = torch.tensor([hit for event in events for hit in event]).reshape(-1, 2).T
    columns = {"view": plane % 2, "plane": plane, "cell": cell}
    return Events({"hits": Table.from_counts(columns, torch.tensor([len(event) for event in events]), about=ABOUT)})


def test_a_hit_tells_the_ways_across_its_cell_and_along_the_beam():
    (ways,) = ways_to_walls(hits_at([(0, 0), (2, 9), (5, CELLS - 1)]), FAR)
    width, depth = FAR.readout.width, FAR.readout.depth
    expected = [0.5 * width, (CELLS - 9.5) * width, (CELLS - 0.5) * width, 0.5 * width, 0.5 * depth]
    assert ways.tolist() == pytest.approx([*expected, (PLANES - 5.5) * depth])


def test_what_no_hit_tells_is_infinite_and_counts_nothing():
    events = hits_at([], [(4, 7)])
    ways = ways_to_walls(events, FAR)
    assert ways[0].isinf().all()
    assert ways[1].isfinite().tolist() == [True, True, False, False, True, True]
    read = Walls(FAR)(events)
    assert (read[0] == 0).all()
    assert (read[1] > 0).tolist() == ways[1].isfinite().tolist()


def test_a_mirrored_detector_is_read_the_same():
    slices = [(4, 7), (6, 30)]
    mirrored = [(plane, CELLS - 1 - cell) for plane, cell in slices]
    a, b = Walls(FAR)(hits_at(slices, mirrored))
    torch.testing.assert_close(a, b)


def test_towers_with_walls_tell_the_same_maps_in_two_places_apart():
    torch.manual_seed(0)
    events, n = toy_maps([40, 50]), 90
    hits = {"view": torch.arange(n) % 2, "plane": torch.arange(n), "cell": torch.full((n,), 100)}
    there = events.with_table("hits", events["hits"].with_columns(hits, about=ABOUT))
    hits["cell"] = torch.full((n,), 3)
    aside = events.with_table("hits", events["hits"].with_columns(hits, about=ABOUT))
    views = Views([ResNet18(0.125)])
    model = EventTowers(views, Merge(views.features), Walls(FAR), hidden=16).eval()
    a, b = (model(e)["event"]["features"] for e in (there, aside))
    assert a.shape == (2, 16)
    assert (a - b).abs().max() > 1e-3
    assert model(there[:0])["event"]["features"].shape == (0, 16)
