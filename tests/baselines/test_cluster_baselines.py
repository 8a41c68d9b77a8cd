"""Classical grouping and identification of clusters, on geometries by hand."""

import json
import math
from dataclasses import replace

import pytest
import torch

from nuforge.baselines.cluster_pairs import complete_pairs, lowest
from nuforge.baselines.graph_trees import GraphTrees
from nuforge.baselines.particle_cuts import ELECTRON, MUON, PHOTON, PION, PROTON, ParticleCuts
from nuforge.baselines.residual_range import STEPS, disagreement, expected_loss
from nuforge.baselines.shower_merging import ShowerMerging
from nuforge.baselines.track_merging import TrackMerging
from nuforge.baselines.vertex_grouping import VertexGrouping
from nuforge.errors import InputError
from nuforge.nn.cluster_graph import Joining
from nuforge.physics.constants import MUON_MASS, PROTON_MASS
from nuforge.physics.material import LIQUID_ARGON
from nuforge.physics.ranges import energy_of_range
from nuforge.simulation.truth import VoxelClass
from toy_clusters import DELTA, MICHEL, SHOWER, TRACK, cluster_events, cone, line, random_events


def generator():
    return torch.Generator().manual_seed(0)


def groups(baseline, *events):
    return baseline.predict(cluster_events(*events).readout())["clusters"]["reco_group"].tolist()


def two_showers():
    """Fragments of two showers side by side, 30 cm apart: of each a large one, and two further on in its cone."""
    toys = []
    for group, y in ((0, 0.0), (1, 30.0)):
        for k, (x, n) in enumerate(((0.0, 80), (18.0, 30), (30.0, 12))):
            more = {"n": n, "group": group, "primary": int(k == 0)}
            toys.append(cone((x, y + 0.05 * x, 0.0), (1, 0, 0), 8, generator(), **more))
    return toys


def test_fragments_join_the_shower_whose_cone_holds_them():
    assert groups(ShowerMerging(), two_showers()) == [0, 0, 0, 1, 1, 1]


def test_a_fragment_beside_the_cone_stays_alone():
    aside = cone((10.0, 14.0, 0.0), (0, 1, 0), 5, generator(), n=12)
    assert groups(ShowerMerging(), [*two_showers()[:3], aside]) == [0, 0, 0, 1]


def test_fragments_of_different_classes_are_never_one_shower():
    michel = cone((18.0, 0.9, 0.0), (1, 0, 0), 8, generator(), n=30, kind=MICHEL)
    assert groups(ShowerMerging(), [two_showers()[0], michel]) == [0, 1]


def test_the_primary_fragment_is_the_most_upstream_large_one():
    toys = two_showers()
    tiny = cone((-2.0, 0.0, 0.0), (1, 0, 0), 1, generator(), n=2)
    events = cluster_events([toys[2], toys[0], tiny, toys[1]])
    primary = ShowerMerging(touch=5.0).predict(events.readout())["clusters"]["primary_probability"][:, 1]
    assert primary.argmax() == 1


def test_a_broken_track_is_one_and_a_crossing_track_another():
    broken = [line((x, 0, 0), (1, 0.2, 0), 10) for x in (0.0,)]
    broken.append(line((12.0, 2.4, 0), (1, 0.2, 0), 10))
    crossing = line((11.0, -10.0, 1.0), (0, 1, 0), 25)
    assert groups(TrackMerging(), [*broken, crossing]) == [0, 0, 1]


def test_parallel_tracks_and_tracks_across_a_long_gap_stay_apart():
    parallel = line((0, 0, 0), (1, 0, 0), 10), line((0, 2, 0), (1, 0, 0), 9)
    far = line((40, 0, 0), (1, 0, 0), 8)
    assert groups(TrackMerging(), [*parallel, far]) == [0, 1, 2]


def star(x, group=0):
    """Three tracks from one vertex, a photon that points back to it, and a delta on the first track."""
    tracks = [line((x, 0, 0), d, 20, group=group, primary=1) for d in ((1, 0.3, 0), (-0.2, 1, 0), (0, -0.4, 1))]
    photon = cone((x - 9, -9, -9), (-1, -1, -1), 10, generator(), group=group, primary=1)
    delta = line((x + 9.58, 2.87 + 0.3, 0), (0, 1, 0.5), 3, kind=DELTA, group=group, primary=0)
    return [*tracks, photon, delta]


def test_two_vertices_are_two_interactions_with_the_photons_that_point_to_them():
    assert groups(VertexGrouping(), [*star(-40.0), *star(40.0, group=1)]) == [0] * 5 + [1] * 5


def test_a_muon_from_above_is_alone_with_its_delta_though_it_passes_by_a_vertex():
    muon = line((-38.0, 115.0, 1.0), (0, -1, 0), 150, group=1)
    delta = line((-38.0 + 0.3, 80.0, 1.0), (1, 0, 0), 3, kind=DELTA, group=1)
    assert groups(VertexGrouping(), [*star(-40.0), muon, delta]) == [0] * 5 + [1] * 2


def test_expected_loss_of_steps_adds_up_to_the_energy_of_the_range():
    assert expected_loss(MUON_MASS)[STEPS - 1] < expected_loss(MUON_MASS)[1] < expected_loss(PROTON_MASS)[1]
    energy = energy_of_range(torch.tensor([10.0], dtype=torch.float64), PROTON_MASS, LIQUID_ARGON)
    assert float(expected_loss(PROTON_MASS)[:10].sum()) == pytest.approx(float(energy), rel=1e-4)


def test_a_track_with_the_loss_of_a_proton_goes_with_a_proton():
    for which, mass in ((0, MUON_MASS), (2, PROTON_MASS)):
        range_left = torch.arange(0.05, 20, 0.1)
        position = torch.stack([range_left, torch.zeros_like(range_left), torch.zeros_like(range_left)], 1)
        value = 0.1 * expected_loss(mass)[range_left.long()]
        pull = disagreement(position, value, torch.zeros(len(position), dtype=torch.int64), torch.zeros(1, 3))
        assert pull[0].argmin() == which
        assert pull[0, which] < 1e-6


def labels(cuts, toys, column="pid_probability"):
    return cuts.predict(cluster_events(toys).readout())["clusters"][column].argmax(1).tolist()


def test_identities_by_loss_length_and_gap():
    proton = line((0, 0, 0), (1, 0, 0), 12, value=float(0.3 * expected_loss(PROTON_MASS)[4]))
    muon = line((0, 0.9, 0), (0, 1, 0), 100, value=0.3 * 2.1)
    michel = line((0, 101.2, 0.3), (1, 0, 1), 6, kind=MICHEL, value=0.6)
    pion = line((0, 0, 0.9), (0, 0, 1), 25, value=0.3 * 2.3)
    scattered = line((0, 0.5, 26), (0, 1, 1), 15, value=0.3 * 2.4)
    electron = cone((0, 0, -0.9), (0, 0, -1), 10, generator(), value=0.1)
    photon = cone((-12, -1, 0), (-1, 0, 0), 10, generator(), value=0.5)
    got = labels(ParticleCuts(pair=1e6), [proton, muon, michel, pion, scattered, electron, photon])
    assert got == [PROTON, MUON, ELECTRON, PION, PION, ELECTRON, PHOTON]


def test_what_starts_at_the_vertex_or_points_to_it_is_primary():
    child = line((-40 + 19.15, 5.75 + 0.3, 0.3), (0, 1, 0), 15)
    got = labels(ParticleCuts(), [*star(-40.0), child], "primary_probability")
    assert got == [1, 1, 1, 1, 0, 0]


FITTED = {
    "showers": lambda: ShowerMerging(),
    "tracks": lambda: TrackMerging(),
    "vertices": lambda: VertexGrouping(),
    "cuts": lambda: ParticleCuts(),
    "trees": lambda: GraphTrees(Joining(longest=(300.0,) * 4), targets={"primary": 2, "pid": 5}, rounds=4, leaves=4),
}


@pytest.fixture(params=FITTED.values(), ids=FITTED.keys(), scope="module")
def fitted(request):
    baseline = request.param()
    baseline.fit([random_events([9, 0, 8, 9], seed=1)])
    return baseline


def test_an_event_alone_is_predicted_as_among_others(fitted):
    events = random_events([6, 0, 1, 7], seed=4).readout()
    together = fitted.predict(events)["clusters"]
    alone = [fitted.predict(event)["clusters"] for event in events]
    for name in together:
        torch.testing.assert_close(torch.cat([part[name] for part in alone]), together[name])


def test_saved_baselines_predict_the_same(fitted, tmp_path):
    fitted.save(tmp_path)
    events = random_events([8, 5], seed=5).readout()
    loaded = type(fitted).load(tmp_path).predict(events)
    for name, table in fitted.predict(events).items():
        for column in table:
            assert torch.equal(loaded[name][column], table[column])


def test_a_file_keeps_the_voxels_and_lengths_that_a_method_looks_at(tmp_path):
    joining = Joining((0, 3), (80.0,) * 4, voxel=0.4, origin=(1.0, 2.0, 3.0))
    ShowerMerging(joining).save(tmp_path)
    assert ShowerMerging.load(tmp_path).joining == joining
    numbers = json.loads((tmp_path / ShowerMerging.file).read_text())
    del numbers["longest"]
    (tmp_path / ShowerMerging.file).write_text(json.dumps(numbers))
    assert ShowerMerging.load(tmp_path).joining == replace(joining, longest=ShowerMerging().joining.longest)


def test_batches_without_clusters_pass(fitted):
    for counts in ([0], [0, 0], [1]):
        tables = fitted.predict(random_events(counts).readout())
        assert len(tables["clusters"]) == sum(counts)


def test_trees_learn_groups_and_kinds():
    trees = FITTED["trees"]()
    trees.rounds = 30
    trees.fit([random_events([9] * 30, seed=7)])
    events = random_events([9] * 10, seed=8)
    found = trees.predict(events.readout())["clusters"]
    assert (found["pid_probability"].argmax(1) == events["clusters"]["pid"]).float().mean() > 0.95
    assert (found["reco_group"] == events["clusters"]["group"]).float().mean() > 0.9


def test_a_folder_without_numbers_and_trees_that_were_not_grown_are_refused(tmp_path):
    with pytest.raises(InputError, match="no shower merging in"):
        ShowerMerging.load(tmp_path)
    with pytest.raises(ValueError, match="have no trees yet"):
        GraphTrees().predict(random_events([2]).readout())
    with pytest.raises(ValueError, match="need at least two answers"):
        GraphTrees().fit([random_events([1])])


def test_pairs_of_groups_and_lowest_costs():
    first, second = complete_pairs(torch.tensor([3, 1, 0, 2]))
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == [(0, 1), (0, 2), (1, 2), (4, 5)]
    cost = torch.tensor([3.0, 1.0, math.inf, 1.0, 2.0])
    assert lowest(cost, torch.tensor([1, 0, 2, 0, 1])).tolist() == [1, 4]


def test_kinds_of_the_toys_are_those_of_the_simulation():
    assert (SHOWER, TRACK, MICHEL, DELTA) == (VoxelClass.SHOWER, VoxelClass.TRACK, VoxelClass.MICHEL, VoxelClass.DELTA)
