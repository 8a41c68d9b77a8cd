"""Augmented clusters move with their voxels."""

import torch

from nuforge.training.augmentation import cluster_symmetries, generator_at, voxel_symmetries
from toy_clusters import random_events

SIDE, VOXEL, ORIGIN = 768, 0.3, -115.2


def centres(events):
    """Distance of each voxel from the start and the end of its cluster, cm."""
    voxels, clusters = events["voxels"], events["clusters"]
    place = (voxels["index"] + 0.5) * VOXEL + ORIGIN
    return torch.stack([(place - clusters[end][voxels["cluster"]]).norm(dim=1) for end in ("start", "end")])


def test_ends_of_clusters_move_with_their_voxels():
    events = random_events([5, 0, 4])
    for step in range(10):
        moved = cluster_symmetries(events, generator_at(0, step), SIDE)
        assert not torch.equal(moved["clusters"]["start"], events["clusters"]["start"])
        torch.testing.assert_close(centres(moved), centres(events), rtol=1e-4, atol=1e-3)


def test_voxels_move_as_without_clusters():
    events = random_events([5, 4])
    with_clusters = cluster_symmetries(events, generator_at(0, 1), SIDE)
    alone = voxel_symmetries(events, generator_at(0, 1), SIDE, axes=(0, 2), shift=4)
    assert torch.equal(with_clusters["voxels"]["index"], alone["voxels"]["index"])


def test_up_stays_up():
    events = random_events([5, 4])
    moved = cluster_symmetries(events, generator_at(0, 1), SIDE)
    torch.testing.assert_close(moved["clusters"]["start"][:, 1], events["clusters"]["start"][:, 1])
