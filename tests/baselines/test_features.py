"""Features: what they are blind to, and known values."""

import numpy as np
import pytest
import torch

from nuforge.baselines.features import FEATURES, voxel_features
from nuforge.baselines.neighbourhood import blocks, principal_axis
from nuforge.events import Events, Table

from .toy import stopping_muon, toy_events


def of(events):
    return dict(zip(FEATURES, voxel_features(events).T, strict=True))


def changed(events, index):
    return events.with_table("voxels", events["voxels"].with_columns({"index": index.to(torch.int32)}))


def test_an_event_alone_has_the_features_it_has_among_others():
    events = toy_events(4, blank=True)
    together = voxel_features(events)
    for i in range(len(events)):
        rows = slice(int(events["voxels"].offsets[i]), int(events["voxels"].offsets[i + 1]))
        np.testing.assert_allclose(voxel_features(events.event(i)), together[rows], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "move",
    [
        lambda x: x + torch.tensor([500, -70, 3], dtype=torch.int32),
        lambda x: x * torch.tensor([1, -1, 1], dtype=torch.int32),
        lambda x: x[:, [2, 0, 1]],
    ],
    ids=["moved", "mirrored", "turned"],
)
def test_features_do_not_change_when_the_event_is_moved_mirrored_or_turned(move):
    events = toy_events(2)
    expected, got = voxel_features(events), voxel_features(changed(events, move(events["voxels"]["index"])))
    different = ~np.isclose(got, expected, rtol=1e-3, atol=1e-3)
    assert different.mean() < 1e-3  # the axis of a cluster of a few voxels, or which voxel is farthest, may be a tie


def test_features_follow_the_voxels_when_rows_change_order():
    events = toy_events(1)
    order = torch.randperm(len(events["voxels"]), generator=torch.Generator().manual_seed(0))
    columns = {name: column[order] for name, column in events["voxels"].columns.items()}
    mixed = Events({"voxels": Table(columns, events["voxels"].offsets)})
    np.testing.assert_allclose(voxel_features(mixed), voxel_features(events)[order.numpy()], rtol=1e-4, atol=1e-4)


def test_truth_is_not_looked_at():
    events = toy_events(2)
    np.testing.assert_array_equal(voxel_features(events.readout()), voxel_features(events))


def test_no_voxels_have_no_features():
    assert voxel_features(toy_events(1, blank=True)).shape == (0, len(FEATURES))


def test_features_of_a_single_voxel_are_finite():
    one = {"index": torch.tensor([[3, 4, 5]], dtype=torch.int32), "value": torch.tensor([0.7])}
    features = of(Events({"voxels": Table.from_counts(one, torch.tensor([1]))}))
    assert all(np.isfinite(column).all() for column in features.values())
    assert features["cluster_size"] == 1
    assert features["cluster_energy"] == pytest.approx(0.7)
    assert features["linearity_8"] == pytest.approx(0, abs=1e-4)


def test_a_straight_line_has_known_features():
    index = torch.stack([torch.arange(101), torch.zeros(101), torch.zeros(101)], dim=1).to(torch.int32)
    line = {"index": index, "value": torch.full((101,), 0.5)}
    features = of(Events({"voxels": Table.from_counts(line, torch.tensor([101]))}))
    middle, end = 50, 0
    assert features["count_8"][middle] == 17
    assert features["count_8"][end] == 9
    assert features["energy_4"][middle] == pytest.approx(4.5)
    assert features["linearity_16"][middle] == pytest.approx(1.0)
    assert features["one_sided_8"][end] == pytest.approx(0.5)
    assert features["across_8"] == pytest.approx(np.zeros(101), abs=1e-5)
    assert features["cluster_length"][middle] == pytest.approx(100.0)
    assert features["path_near"] == pytest.approx(np.minimum(np.arange(101), 100 - np.arange(101)), abs=1e-4)
    assert features["path_detour"] == pytest.approx(np.zeros(101), abs=1e-4)


def test_a_delta_takes_a_detour_and_a_michel_lies_beyond_the_bragg_peak():
    events = stopping_muon()
    label, features = events["voxels"]["label"].numpy(), of(events)
    assert features["path_detour"][label == 3].max() > 5
    assert features["path_beyond"][(label == 2)][10:].min() > 5
    assert features["path_beyond"][label == 1][:200].max() < 0


def test_principal_axes_agree_with_a_library():
    random = np.random.default_rng(0)
    a = random.normal(size=(200, 3, 3)) * random.uniform(0.01, 5, size=(200, 1, 3))
    a = a @ a.transpose(0, 2, 1)
    values, vectors = np.linalg.eigh(a)
    spread, axis = principal_axis(a[:, [0, 1, 2, 0, 0, 1], [0, 1, 2, 1, 2, 2]])
    np.testing.assert_allclose(spread, values[:, ::-1], rtol=1e-6, atol=1e-6 * values.max())
    np.testing.assert_allclose(np.abs(np.einsum("ni,ni->n", axis, vectors[:, :, 2])), 1.0, atol=1e-6)


def test_blocks_hold_every_event_once_and_never_cut_one():
    offsets = np.array([0, 5, 5, 30, 31, 100, 101])
    found = list(blocks(offsets, 20))
    assert [low for low, _ in found][1:] == [high for _, high in found][:-1]
    assert (found[0][0], found[-1][1]) == (0, 6)
