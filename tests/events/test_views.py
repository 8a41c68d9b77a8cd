import torch
from toys import event_table, toy_events

from nuforge.events import Events, Table
from nuforge.events.views import point_view, voxel_view


def voxel_events():
    voxels = {"index": torch.arange(15, dtype=torch.int32).reshape(5, 3), "value": torch.arange(5.0)}
    return Events({"event": event_table(3), "voxels": Table.from_counts(voxels, torch.tensor([2, 0, 3]))})


def test_voxel_coordinates_begin_with_the_event():
    coordinates, features = voxel_view(voxel_events())
    assert coordinates.dtype == torch.int64
    assert coordinates[:, 0].tolist() == [0, 0, 2, 2, 2]
    assert coordinates[4].tolist() == [2, 12, 13, 14]
    assert features.tolist() == [[0.0], [1.0], [2.0], [3.0], [4.0]]


def test_the_view_of_a_batch_is_that_of_its_events():
    events = toy_events([3, 0, 5], seed=3)
    together = point_view(events)
    for i in range(3):
        alone = point_view(events.event(i))
        rows = together[2] == i
        assert torch.equal(together[0][rows], alone[0])
        assert torch.equal(together[1][rows], alone[1])


def test_times_begin_with_the_first_of_the_event():
    _, features, batch = point_view(toy_events([3, 0, 5]), columns=("time",))
    assert features.dtype == torch.float32
    for i in (0, 2):
        assert features[batch == i].min() == 0


def test_a_shift_of_all_times_changes_no_view():
    events = toy_events([3, 4])
    hits = events["hits"]
    late = events.with_table("hits", hits.with_columns({"time": hits["time"] + 1024.0}))
    torch.testing.assert_close(point_view(late)[1], point_view(events)[1])


def test_features_of_voxels_keep_their_precision():
    events = voxel_events()
    voxels = events["voxels"]
    events = events.with_table("voxels", voxels.with_columns({"value": voxels["value"].double() + 1e-12}))
    features = voxel_view(events)[1]
    assert features.dtype == torch.float64
    assert torch.equal(features[:, 0], events["voxels"]["value"])


def test_a_vector_column_gives_a_feature_for_each_component():
    _, features = voxel_view(voxel_events(), columns=("value", "index"))
    assert features.shape == (5, 4)
    assert voxel_view(voxel_events(), columns=())[1].shape == (5, 0)
