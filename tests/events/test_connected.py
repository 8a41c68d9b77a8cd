"""Components of voxels against a dense reference."""

import numpy as np
import pytest
from scipy import ndimage

from nuforge.events.connected import (
    VoxelKeys,
    components,
    connected,
    joining_pairs,
    neighbour_of,
    neighbour_pairs,
)


def test_components_agree_with_a_dense_labelling_and_never_join_groups():
    random = np.random.default_rng(3)
    dense = random.random((2, 12, 9, 15)) < 0.06
    reference = [ndimage.label(part, structure=np.ones((3, 3, 3)))[0] for part in dense]
    group, *index = np.nonzero(dense)
    found = connected(group, np.stack(index, axis=1) - 5)
    truth = np.concatenate([r[p] + 1000 * g for g, (r, p) in enumerate(zip(reference, dense, strict=True))])
    pairs = np.unique(np.stack([found, truth]), axis=1).shape[1]
    assert pairs == len(np.unique(found)) == len(np.unique(truth))


def drawn(n, side=9, groups=2, seed=0):
    """Keys, groups and places of voxels in a small box, sorted, each once."""
    random = np.random.default_rng(seed)
    place = np.unique(np.c_[random.integers(0, groups, n), random.integers(0, side, (n, 3))], axis=0)
    return VoxelKeys.of(place[:, 0], place[:, 1:]), place


def test_neighbouring_pairs_are_all_there_are():
    voxels, place = drawn(200)
    first, second = neighbour_pairs(voxels.keys, voxels.step_x, voxels.step_y)
    apart = np.abs(place[:, None, 1:] - place[None, :, 1:]).max(axis=2)
    near = (apart <= 1) & (place[:, None, 0] == place[None, :, 0]) & np.tri(len(place), k=-1, dtype=bool).T
    assert sorted(zip(first, second, strict=True)) == sorted(zip(*np.nonzero(near), strict=True))


@pytest.mark.parametrize("n", [1, 2, 40, 150, 400])
def test_fewer_pairs_join_the_same_components(n):
    voxels, _ = drawn(n, seed=n)
    arguments = (voxels.keys, voxels.step_x, voxels.step_y)
    every, some = (find(*arguments) for find in (neighbour_pairs, joining_pairs))
    assert {*zip(*some, strict=True)} <= {*zip(*every, strict=True)}
    assert (components(*every, len(voxels.keys)) == components(*some, len(voxels.keys))).all()


def test_a_voxel_is_found_first_then_a_neighbour_of_its_group():
    voxels, place = drawn(120)
    own, asked = place[::2], place[1::2]
    order = voxels.keys[::2], voxels.keys[1::2]
    found = neighbour_of(order[0], np.concatenate(order), voxels.step_x, voxels.step_y)
    assert (found[: len(own)] == np.arange(len(own))).all()
    near = np.abs(own[None, :, 1:] - asked[:, None, 1:]).max(axis=2) <= 1
    near &= own[None, :, 0] == asked[:, None, 0]
    beside = found[len(own) :]
    assert ((beside >= 0) == near.any(axis=1)).all()
    assert near[np.arange(len(asked)), beside][beside >= 0].all()
    assert (neighbour_of(order[0][:0], order[1], voxels.step_x, voxels.step_y) == -1).all()


def test_no_voxels_have_no_components():
    assert connected(np.zeros(0, np.int64), np.zeros((0, 3), np.int64)).shape == (0,)


def test_an_extent_beyond_63_bits_is_refused():
    with pytest.raises(ValueError, match="63 bits"):
        VoxelKeys.of(np.array([0, 1]), np.array([[0, 0, 0], [2**22, 2**22, 2**22]]))
