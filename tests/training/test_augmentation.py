"""Augmented events are the same events seen another way."""

import torch
from toy_run import SIDE, batch_of

from nuforge.events import Column, Table
from nuforge.training.augmentation import generator_at, voxel_symmetries


def distances(index):
    """Sorted squared distances of all pairs of voxels."""
    d = index.long()[:, None] - index.long()[None]
    return d.square().sum(-1).flatten().sort()[0]


def test_distances_between_voxels_stay():
    events = batch_of(3)
    seen = voxel_symmetries(events, generator_at(0, 0), side=SIDE)
    assert not torch.equal(seen["voxels"]["index"], events["voxels"]["index"])
    for before, after in zip(events, seen, strict=True):
        assert torch.equal(distances(before["voxels"]["index"]), distances(after["voxels"]["index"]))


def test_without_shifts_voxels_stay_in_the_cube():
    events = batch_of(4)
    for step in range(20):
        index = voxel_symmetries(events, generator_at(0, step), side=SIDE, shift=0)["voxels"]["index"]
        assert index.min() >= 0
        assert index.max() < SIDE


def test_axes_that_are_not_alike_stay():
    events = batch_of(5)
    seen = voxel_symmetries(events, generator_at(0, 1), side=SIDE, axes=(1, 2))
    assert torch.equal(seen["voxels"]["index"][:, 0], events["voxels"]["index"][:, 0])
    assert not torch.equal(seen["voxels"]["index"][:, 1:], events["voxels"]["index"][:, 1:])


def test_labels_and_other_columns_stay():
    events = batch_of(6)
    seen = voxel_symmetries(events, generator_at(0, 2), side=SIDE)
    assert torch.equal(seen["voxels"]["label"], events["voxels"]["label"])


def test_every_orientation_of_the_cube_comes_up():
    one = batch_of(0, n_events=1, n=3)
    seen = {
        tuple(voxel_symmetries(one, generator_at(0, k), side=SIDE, shift=0)["voxels"]["index"].flatten().tolist())
        for k in range(600)
    }
    assert len(seen) == 48  # 6 orders of axes times 8 mirrors; missing one in 600 draws: 48 exp(-12.5) = 2e-4


def test_the_choice_depends_on_seed_step_and_rank_alone():
    def numbers(*key):
        return torch.rand(4, generator=generator_at(*key)).tolist()

    assert numbers(1, 2, 0) == numbers(1, 2, 0)
    assert len({tuple(numbers(*key)) for key in [(1, 2, 0), (1, 3, 0), (2, 2, 0), (1, 2, 1)]}) == 4


def test_named_positions_move_with_the_voxels_they_lie_in():
    events = batch_of(7)
    voxels, voxel, origin = events["voxels"], 0.3, (-4.0, 2.0, 0.5)
    place = (voxels["index"] + 0.5) * voxel + torch.tensor(origin)
    about = {name: Column("cm", "the centre of a voxel", "truth") for name in ("position", "other")}
    points = Table({"position": place, "other": place}, voxels.offsets, about=about)
    where = {"positions": ("points.position", "points.start", "clusters.end"), "voxel": voxel, "origin": origin}
    seen = voxel_symmetries(events.with_table("points", points), generator_at(0, 5), side=SIDE, **where)
    moved = (seen["voxels"]["index"] + 0.5) * voxel + torch.tensor(origin)
    torch.testing.assert_close(seen["points"]["position"], moved)
    assert torch.equal(seen["points"]["other"], place)
    assert seen["points"]["position"].dtype == place.dtype
