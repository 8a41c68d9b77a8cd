import numpy as np
import pytest
import torch
from clouds import clouds, squares
from hypothesis import given
from hypothesis import strategies as st
from sklearn.cluster import DBSCAN

from nuforge.errors import InputError
from nuforge.nn.points import dbscan, farthest_points


def same_partition(a, b):
    return torch.equal(a[:, None] == a[None], b[:, None] == b[None])


@given(clouds(largest=20), st.sampled_from([0.5, 1.0, 1.3]), st.integers(1, 5))
def test_clusters_are_those_of_scikit_learn_up_to_where_border_points_go(cloud, radius, min_points):
    position, batch, offsets = cloud
    label = dbscan(position, batch, radius, min_points)
    near = squares(position, batch) <= radius**2
    core = near.sum(1) >= min_points
    for low, high in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
        if low == high:
            continue
        one = slice(low, high)
        peer = DBSCAN(eps=radius, min_samples=min_points, algorithm="brute").fit(position[one].numpy())
        theirs = torch.from_numpy(peer.labels_.astype(np.int64))
        assert np.array_equal(np.flatnonzero(core[one]), peer.core_sample_indices_)
        assert torch.equal(theirs < 0, label[one] < 0)
        assert same_partition(theirs[core[one]], label[one][core[one]])


@given(clouds(largest=20), st.sampled_from([0.5, 1.0, 1.3]), st.integers(2, 5))
def test_border_points_go_to_their_nearest_core_point_and_clusters_are_numbered_in_order(cloud, radius, min_points):
    position, batch, _ = cloud
    label = dbscan(position, batch, radius, min_points)
    square = squares(position, batch)
    core = (square <= radius**2).sum(1) >= min_points
    first = [int((core & (label == c)).nonzero()[0, 0]) for c in range(int(label.max()) + 1 if len(label) else 0)]
    assert first == sorted(first)
    for i in ((label >= 0) & ~core).nonzero()[:, 0].tolist():
        of_core = torch.where(core, square[i], torch.inf)
        assert label[i] == label[(of_core == of_core.min()).nonzero()[:, 0]].min()


@given(clouds(largest=20), st.integers(0, 2**31))
def test_the_order_of_points_changes_no_cluster(cloud, seed):
    position, batch, _ = cloud
    position = position + 1e-6 * torch.rand(position.shape, generator=torch.Generator().manual_seed(seed)).double()
    order = torch.randperm(len(batch), generator=torch.Generator().manual_seed(seed))
    straight, mixed = dbscan(position, batch, 1.0, 3), dbscan(position[order], batch[order], 1.0, 3)
    assert same_partition(straight[order], mixed)
    assert torch.equal(straight[order] < 0, mixed < 0)


def farthest_by_hand(position, n):
    chosen = [0]
    while len(chosen) < min(n, len(position)):
        away = (position[:, None] - position[chosen][None]).square().sum(2).amin(1)
        away[chosen] = -1
        chosen.append(int(away.argmax()))
    return chosen


@given(clouds(), st.integers(1, 15))
def test_every_further_point_is_the_farthest_from_those_before_it(cloud, n):
    position, _, offsets = cloud
    expected = []
    for low, high in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
        if high > low:
            expected += [low + i for i in farthest_by_hand(position[low:high], n)]
    assert farthest_points(position, offsets, n).tolist() == expected


def test_an_event_alone_has_the_points_that_it_has_among_others():
    generator = torch.Generator().manual_seed(0)
    counts = torch.tensor([40, 0, 900, 1, 43])
    offsets = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
    position = torch.rand(int(offsets[-1]), 3, generator=generator)
    together = farthest_points(position, offsets, 16).split(counts.clamp(max=16).tolist())
    for i, count in enumerate(counts.tolist()):
        alone = farthest_points(position[offsets[i] : offsets[i + 1]], torch.tensor([0, count]), 16)
        assert torch.equal(alone + offsets[i], together[i])


def test_bad_arguments_are_refused_in_one_line():
    points, events = torch.zeros(3, 2), torch.zeros(3, dtype=torch.int64)
    with pytest.raises(InputError, match="radius must be positive"):
        dbscan(points, events, -1.0, 3)
    with pytest.raises(InputError, match="min_points must be at least 1, got 0"):
        dbscan(points, events, 1.0, 0)
    with pytest.raises(InputError, match="n must be at least 1"):
        farthest_points(points, torch.tensor([0, 3]), 0)
    with pytest.raises(InputError, match="offsets must rise from 0 to the 3 rows"):
        farthest_points(points, torch.tensor([0, 2]), 1)
