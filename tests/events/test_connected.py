"""Components of voxels against a dense reference."""

import numpy as np
import pytest
from scipy import ndimage

from nuforge.events.connected import VoxelKeys, connected


def test_components_agree_with_a_dense_labelling_and_never_join_groups():
    random = np.random.default_rng(3)
    dense = random.random((2, 12, 9, 15)) < 0.06
    reference = [ndimage.label(part, structure=np.ones((3, 3, 3)))[0] for part in dense]
    group, *index = np.nonzero(dense)
    found = connected(group, np.stack(index, axis=1) - 5)
    truth = np.concatenate([r[p] + 1000 * g for g, (r, p) in enumerate(zip(reference, dense, strict=True))])
    pairs = np.unique(np.stack([found, truth]), axis=1).shape[1]
    assert pairs == len(np.unique(found)) == len(np.unique(truth))


def test_no_voxels_have_no_components():
    assert connected(np.zeros(0, np.int64), np.zeros((0, 3), np.int64)).shape == (0,)


def test_an_extent_beyond_63_bits_is_refused():
    with pytest.raises(ValueError, match="63 bits"):
        VoxelKeys.of(np.array([0, 1]), np.array([[0, 0, 0], [2**22, 2**22, 2**22]]))
