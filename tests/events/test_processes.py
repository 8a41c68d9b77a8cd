"""Events travel between processes."""

import pickle

import torch

from nuforge.events import Column, Events, Table


def test_events_survive_a_journey_to_another_process():
    about = {"label": Column("", "class", "truth"), "next": Column("", "the next voxel", "truth", "voxels")}
    columns = {"value": torch.ones(3), "label": torch.arange(3), "next": torch.tensor([1, 2, -1])}
    events = Events({"voxels": Table.from_counts(columns, torch.tensor([2, 0, 1]), about=about)})
    back = pickle.loads(pickle.dumps(events))
    voxels = back["voxels"]
    assert voxels.about == events["voxels"].about
    assert dict(voxels.refers_to) == {"next": "voxels"}
    assert torch.equal(voxels.offsets, events["voxels"].offsets)
    assert all(torch.equal(voxels[name], column) for name, column in columns.items())
