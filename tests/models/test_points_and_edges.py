"""The levels of the point proposal network, and the edges of Graph-SPICE."""

from itertools import pairwise

import pytest
import torch

from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.models.graph_spice import GraphSPICE
from nuforge.models.ppn import PPN
from nuforge.models.uresnet import UResNet
from nuforge.simulation.truth import VoxelClass


def cube(counts, side=6, seed=0):
    """Random voxels in a cube, in random order."""
    generator = torch.Generator().manual_seed(seed)
    place = torch.cat([torch.randperm(side**3, generator=generator)[:n] for n in counts])
    index = torch.stack([place // side**2, place // side % side, place % side], 1).int()
    columns = {
        "index": index,
        "value": torch.rand(len(place), generator=generator) + 0.05,
        "kind": torch.randint(0, 5, (len(place),), generator=generator),
        "near_point": torch.rand(len(place), generator=generator),
    }
    about = {name: Column("", "of an earlier stage", "readout") for name in ("kind", "near_point")}
    return Events({"voxels": Table.from_counts(columns, torch.tensor(counts), about=about)})


def test_every_level_names_the_voxels_of_the_next_that_hold_its_own():
    torch.manual_seed(0)
    tables = list(PPN(depth=3, width=4, point_width=4).eval()(cube([60, 0, 1, 90])).values())
    assert len(tables) == 3
    for fine, coarse in pairwise(tables):
        assert torch.equal(coarse["index"][fine["parent"]], fine["index"] >> 1)
        assert torch.equal(coarse.batch[fine["parent"]], fine.batch)
    assert "parent" not in tables[-1]


def test_masks_of_coarse_levels_take_no_gradient_from_what_they_let_through():
    torch.manual_seed(0)
    model = PPN(depth=3, width=4, point_width=4)
    model(cube([200]))["voxels"]["offset"].square().sum().backward()
    assert all(look.mask.weight.grad is None for look in model.looks)
    assert model.looks[-1].narrow.weight.grad.any()


def test_a_network_of_voxels_can_begin_as_the_backbone_of_points():
    torch.manual_seed(0)
    plain, points, events = UResNet(depth=3, width=4).eval(), PPN(depth=3, width=4).eval(), cube([100])
    points.backbone.load_state_dict(plain.state_dict())
    torch.testing.assert_close(points(events)["voxels"]["features"], plain(events)["voxels"]["features"])


def test_edges_join_all_neighbours_but_those_of_low_energy_once():
    torch.manual_seed(0)
    events = cube([120, 0, 1, 80])
    voxels = events["voxels"]
    edges = GraphSPICE(depth=2, width=4).eval()(events)["voxel_edges"]
    near = (voxels["index"][:, None] - voxels["index"][None]).abs().amax(2) <= 1
    both = (torch.maximum(voxels["kind"][:, None], voxels["kind"][None])) < VoxelClass.LOW_ENERGY
    wanted = (near & both & (voxels.batch[:, None] == voxels.batch[None])).triu(1).nonzero()
    found = torch.stack([edges["source"], edges["target"]], 1)
    assert torch.equal(found[(found[:, 0] * len(voxels) + found[:, 1]).argsort()], wanted)
    assert torch.equal(edges.batch, voxels.batch[edges["source"]])


def test_an_edge_does_not_care_which_of_its_voxels_is_named_first():
    torch.manual_seed(0)
    model = GraphSPICE(depth=2, width=4).eval()
    events = cube([150])
    turned = torch.arange(149, -1, -1)
    voxels = events["voxels"]
    mirrored = events.with_table("voxels", voxels.with_columns({k: v[turned] for k, v in voxels.columns.items()}))
    one, other = (model(e)["voxel_edges"] for e in (events, mirrored))
    first = one["source"] * 150 + one["target"]
    second = turned[other["target"]] * 150 + turned[other["source"]]
    torch.testing.assert_close(one["logit"][first.argsort()], other["logit"][second.argsort()], rtol=1e-4, atol=1e-5)


def test_numbers_that_make_no_network_are_refused():
    with pytest.raises(InputError, match="point_width and classes must be at least 1"):
        PPN(point_width=0)
    with pytest.raises(InputError, match="reach must be positive"):
        GraphSPICE(reach=0.0)
