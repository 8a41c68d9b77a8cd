"""Points and fragments by hand: end points of clusters, and voxels that touch."""

import numpy as np
import pytest
import torch

from nuforge.baselines import end_points
from nuforge.baselines.branches import Branches
from nuforge.baselines.clusters import ClusterShapes
from nuforge.baselines.dbscan_fragments import DBSCANFragments
from nuforge.baselines.end_points import EndPoints
from nuforge.baselines.neighbourhood import Pairs
from nuforge.baselines.prediction import prediction_table
from nuforge.baselines.rules import Rules
from nuforge.detectors import lartpc_cube
from nuforge.errors import InputError
from nuforge.events.connected import connected
from nuforge.tasks.points import ABOUT, Points
from toy_chain import ORIGIN, VOXEL, chain_events, emptied

from .toy import simulated_muons


@pytest.fixture
def by_truth(monkeypatch):
    """Voxels classified by their label in place of the rules; the events whose points are asked are to be given."""

    def use(events):
        label = events["voxels"]["label"]
        table = prediction_table(events, torch.nn.functional.one_hot(label, 5).float())
        monkeypatch.setattr(
            end_points, "Rules", lambda: type("Known", (), {"predict": lambda _, __: {"voxels": table}})()
        )
        return EndPoints(VOXEL, ORIGIN)

    return use


def clusters_of(place):
    """Clusters, and the graph of their neighbours, of voxels that touch."""
    place = np.asarray(place, dtype=np.float64)
    of = connected(np.zeros(len(place), np.int64), place.astype(np.int64))
    return ClusterShapes.of_voxels(of, place, np.ones(len(place))), Pairs.within(place, of, 1.9).graph()


def test_vertices_and_ends_of_tracks_and_starts_of_showers_are_found(by_truth):
    events = chain_events(6)
    found = by_truth(events).predict(events.readout())
    task = Points(VOXEL, ORIGIN)
    sums = {k: v.sum(0, keepdim=True) for k, v in task.statistics(events, found).items()}
    figures = task.figures(sums)
    assert figures["point efficiency of track"] > 0.9
    assert figures["point purity within 3 voxels"] > 0.6
    assert figures["point class accuracy"] > 0.9
    assert figures["start or end accuracy"] > 0.8


def test_end_points_are_the_columns_of_the_task_and_those_of_an_event_alone(by_truth):
    events = chain_events(3)
    together = by_truth(events).predict(events.readout())["reco_points"]
    assert set(together) == set(ABOUT)
    torch.testing.assert_close(together["probability"].sum(1), torch.ones(len(together)))
    for i, event in enumerate(events):
        alone = by_truth(event).predict(event.readout())["reco_points"]
        own = together["position"][int(together.offsets[i]) : int(together.offsets[i + 1])]
        torch.testing.assert_close(alone["position"], own, rtol=1e-4, atol=1e-3)


def test_a_simulated_muon_starts_and_ends_where_it_does():
    events, detector = simulated_muons(8, 350.0), lartpc_cube()
    found = EndPoints(detector.readout.voxel, detector.origin).predict(events.readout())["reco_points"]
    begin = torch.tensor([20.0, 80.0, 0.0])
    near = (found["position"] - begin).norm(dim=1) < 3 * 0.3
    assert len(found.batch[near].unique()) >= 6  # of eight; a delta at the start may hide it
    assert (found["end"][near] == 0).float().mean() > 0.8  # the Bragg peak is at the other end


@pytest.mark.parametrize("keep", [(0, 0), (1, 0), (2, 30)])
def test_events_without_voxels_pass(keep):
    events = emptied(chain_events(2), keep)
    for baseline, name in ((EndPoints(VOXEL, ORIGIN), "reco_points"), (DBSCANFragments(), "voxels")):
        table = baseline.predict(events.readout())[name]
        assert table.n_events == 2
        assert all(column.isfinite().all() for column in table.columns.values())


def test_a_branch_leaves_the_way_from_end_to_end_where_it_does():
    trunk = [(k, 0, 0) for k in range(40)]
    twig = [(25, k, 0) for k in range(1, 15)]
    stub = [(10, k, 0) for k in range(1, 5)]
    clusters, graph = clusters_of(trunk + twig + stub)
    place = np.array(trunk + twig + stub, dtype=np.float64)
    found = Branches.of(place, graph, clusters, 8.0, 4, 0.9)
    assert sorted(place[found.ends[0]].tolist()) == [[0, 0, 0], [39, 0, 0]]
    assert place[found.tips].tolist() == [[25, 14, 0]]
    assert abs(place[found.joins] - [25, 0, 0]).max() <= 2
    assert found.kinks.tolist() == [-1]


def test_a_way_that_turns_has_a_kink_and_a_bent_one_has_none():
    elbow = [(k, 0, 0) for k in range(30)] + [(29, k, 0) for k in range(1, 25)]
    arc = [(k, k * k // 300, 50) for k in range(60)]  # 23 degrees from end to end
    place = np.array(elbow + arc, dtype=np.float64)
    clusters, graph = clusters_of(place)
    found = Branches.of(place, graph, clusters, 8.0, 4, 0.9)
    assert place[found.kinks[0]].tolist() == [29, 0, 0]
    assert found.kinks[1] == -1


def test_dbscan_fragments_are_the_voxels_of_a_class_that_touch():
    events = chain_events(4)
    voxels = events["voxels"]
    found = DBSCANFragments(least=1).predict(events.readout())["voxels"]["reco_fragment"]
    assert torch.equal(found < 0, voxels["kind"] == 4)
    kept = found >= 0
    group = (voxels.batch * 5 + voxels["kind"])[kept]
    touching = connected(group.numpy(), voxels["index"][kept].numpy())
    pairs = torch.stack([voxels.batch[kept], found[kept], torch.from_numpy(touching)], 1).unique(dim=0)
    assert len(pairs) == len(pairs[:, 2].unique()) == len(pairs[:, :2].unique(dim=0))


def test_small_dbscan_fragments_join_others_of_their_class():
    events = chain_events(4)
    found = DBSCANFragments().predict(events.readout())["voxels"]
    size = torch.bincount(
        found.batch[found["reco_fragment"] >= 0] * 1000
        + found["reco_fragment"].clamp(min=0)[found["reco_fragment"] >= 0]
    )
    assert size[size > 0].min() >= 3


@pytest.mark.parametrize(
    "made", [EndPoints(0.4, (1.0, 2.0, 3.0), gap=2.0), DBSCANFragments(radius=2.5), Rules(long=99.0)]
)
def test_numbers_come_back(made, tmp_path):
    made.fit([])
    made.save(tmp_path)
    loaded = type(made).load(tmp_path)
    readout = chain_events(1).readout()
    (name,) = made.predict(readout)
    one, other = (b.predict(readout)[name] for b in (made, loaded))
    assert all(torch.equal(one[column], other[column]) for column in one)
    with pytest.raises(InputError, match=r"expected .*\.json"):
        type(made).load(tmp_path / "nowhere")
