"""Augmented clusters move with their voxels."""

import torch

from nuforge.training.augmentation import generator_at, voxel_symmetries
from toy_clusters import random_events

SIDE, VOXEL, ORIGIN = 768, 0.3, -115.2
ENDS = ("clusters.start", "clusters.end")


def centres(events):
    """Distance of each voxel from the start and the end of its cluster, cm."""
    voxels, clusters = events["voxels"], events["clusters"]
    place = (voxels["index"] + 0.5) * VOXEL + ORIGIN
    return torch.stack([(place - clusters[end][voxels["cluster"]]).norm(dim=1) for end in ("start", "end")])


def moved_clusters(events, step):
    return voxel_symmetries(
        events, generator_at(0, step), SIDE, positions=ENDS, voxel=VOXEL, origin=(ORIGIN, ORIGIN, ORIGIN)
    )


def test_ends_of_clusters_move_with_their_voxels():
    events = random_events([5, 0, 4])
    for step in range(10):
        moved = moved_clusters(events, step)
        assert not torch.equal(moved["clusters"]["start"], events["clusters"]["start"])
        torch.testing.assert_close(centres(moved), centres(events), rtol=1e-4, atol=1e-3)


def test_voxels_move_as_without_clusters():
    events = random_events([5, 4])
    with_clusters = moved_clusters(events, 1)
    alone = voxel_symmetries(events, generator_at(0, 1), SIDE)
    assert torch.equal(with_clusters["voxels"]["index"], alone["voxels"]["index"])
