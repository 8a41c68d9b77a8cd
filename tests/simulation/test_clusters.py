"""What a perfect earlier stage hands on, the truth of clusters, primaries and identification."""

import pytest
import torch

from nuforge.detectors import lartpc_cube
from nuforge.events import Column, Events, Table
from nuforge.simulation.readout import read_out
from nuforge.simulation.sources import particle_bomb
from nuforge.simulation.transport import transport
from nuforge.simulation.truth import VoxelClass, cluster_truth, given_truth, identification, primary, prune

from .by_hand import one

SHOWER, TRACK, MICHEL, DELTA, LOW_ENERGY = VoxelClass
CUBE = lartpc_cube()


def by_hand(cluster=None):
    """A muon of two pieces, a photon of a pi0 of two pieces, a kaon, and a low-energy voxel of the photon."""
    particles = {
        "pdg": torch.tensor([13, 111, 22, 321]),
        "parent": torch.tensor([-1, -1, 1, -1]),
        "interaction": torch.tensor([1, 0, 0, 0]),
    }
    fragment = torch.tensor([0, 0, 0, 1, 2, 2, 3, 3, 3, 4, 4, -1, -1])
    fragments = {
        "label": torch.tensor([TRACK, TRACK, SHOWER, SHOWER, TRACK]),
        "particle": torch.tensor([0, 0, 2, 2, 3]),
        "start": torch.tensor([False, True, True, False, True]),
        "end": torch.tensor([True, False, False, False, False]),
        "first": torch.arange(15.0).reshape(5, 3),
        "last": torch.arange(15.0).reshape(5, 3) + 100,
    }
    voxels = {
        "fragment": fragment,
        "deposit": torch.tensor([0, 0, 0, 0, 2, 2, 2, 2, 2, 3, 3, 2, -1]),
        "label": torch.tensor([TRACK] * 4 + [SHOWER] * 5 + [TRACK] * 2 + [LOW_ENERGY, -1]),
    }
    if cluster is not None:
        voxels["cluster"] = torch.tensor(cluster)
    n = 0 if cluster is None else max(cluster) + 1
    return Events(
        {
            "particles": one(**particles),
            "interactions": one(time=torch.zeros(2, dtype=torch.float64)),
            "fragments": one(**fragments),
            "voxels": one(**voxels),
            "clusters": one(kind=torch.zeros(n, dtype=torch.int64)),
        }
    )


def test_clusters_of_fragments_are_the_fragments():
    events = by_hand()
    given = given_truth(events, of="fragments")
    assert torch.equal(given["voxels"]["cluster"], events["voxels"]["fragment"])
    assert given["voxels"]["kind"].tolist() == [TRACK] * 4 + [SHOWER] * 5 + [TRACK] * 2 + [LOW_ENERGY] * 2
    for column, source in (("kind", "label"), ("start", "first"), ("end", "last")):
        assert torch.equal(given["clusters"][column], events["fragments"][source])


def test_clusters_of_particles_join_the_fragments_of_a_deposit():
    given = given_truth(by_hand(), of="particles")
    assert given["voxels"]["cluster"].tolist() == [0] * 4 + [1] * 5 + [2] * 2 + [-1] * 2
    clusters = given["clusters"]
    assert clusters["kind"].tolist() == [TRACK, SHOWER, TRACK]
    assert clusters["start"][:, 0].tolist() == [3.0, 6.0, 12.0]
    assert clusters["end"][:, 0].tolist() == [100.0, 6.0, 12.0]


def test_a_model_receives_clusters_without_their_truth():
    readout = cluster_truth(given_truth(by_hand(), of="particles"), of="particles").readout()
    assert set(readout["clusters"]) == {"kind", "start", "end"}
    assert set(readout["voxels"]) == {"kind", "cluster"}
    assert dict(readout["voxels"].refers_to) == {"cluster": "clusters"}


def test_true_fragments_have_the_truth_of_their_deposit():
    clusters = cluster_truth(given_truth(by_hand(), of="fragments"), of="fragments")["clusters"]
    assert clusters["group"].tolist() == [0, 0, 2, 2, 3]
    assert clusters["primary"].tolist() == [0, 1, 1, 0, 1]
    assert clusters["pid"].tolist() == [2, 2, 0, 0, -1]


def test_true_particles_have_the_truth_of_their_interaction():
    clusters = cluster_truth(given_truth(by_hand(), of="particles"), of="particles")["clusters"]
    assert clusters["group"].tolist() == [1, 0, 0]
    assert clusters["primary"].tolist() == [1, 1, 1]
    assert clusters["pid"].tolist() == [2, 0, -1]


def test_clusters_that_mix_follow_the_majority_of_what_is_known():
    mixed = by_hand([0, 0, 0, 1, 0, 0, 1, 1, 2, 2, 2, 1, 3])
    clusters = cluster_truth(mixed, of="fragments")["clusters"]
    assert clusters["group"].tolist() == [0, 2, 3, -1]
    assert clusters["primary"].tolist() == [0, 0, 1, -1]
    assert clusters["pid"].tolist() == [2, 0, -1, -1]  # of the kaon as an other kind, of nobody unknown
    clusters = cluster_truth(mixed, of="particles")["clusters"]
    assert clusters["group"].tolist() == [1, 0, 0, -1]


def test_of_equally_frequent_values_it_is_the_lowest_and_a_cluster_of_nothing_is_unknown():
    clusters = cluster_truth(by_hand([1, -1, -1, -1, 1] + [-1] * 8), of="fragments")["clusters"]
    assert clusters["group"].tolist() == [-1, 0]
    assert clusters["pid"].tolist() == [-1, 0]


@pytest.mark.parametrize("of", ["fragments", "particles"])
def test_events_together_have_the_clusters_of_each_alone(of):
    parts = [by_hand(), by_hand().keep("voxels", torch.zeros(13, dtype=torch.bool)), by_hand()]
    together = cluster_truth(given_truth(Events.concat(parts), of), of)
    for i, part in enumerate(parts):
        alone, inside = cluster_truth(given_truth(part, of), of), together.event(i)
        for name in ("voxels", "clusters"):
            for column in alone[name]:
                assert torch.equal(alone[name][column], inside[name][column]), column


@pytest.mark.parametrize("of", ["fragments", "particles"])
def test_events_without_anything_have_no_clusters(of):
    whole = by_hand()
    nothing = {n: Table({k: c[:0] for k, c in t.columns.items()}, t.offsets * 0) for n, t in whole.tables.items()}
    clusters = cluster_truth(given_truth(Events(nothing), of), of)["clusters"]
    assert len(clusters) == 0
    assert clusters["start"].shape == (0, 3)


@pytest.mark.parametrize("of", ["fragments", "particles"])
def test_simulated_spills_hand_on_groups_of_their_deposits_and_interactions(of):
    generator = torch.Generator().manual_seed(4)
    flying = particle_bomb(2, CUBE, generator, fewest_vertices=2, most_vertices=3)
    events = prune(read_out(transport(flying, CUBE, generator), CUBE, generator))
    known = cluster_truth(given_truth(events, of), of)
    clusters, voxels = known["clusters"], known["voxels"]
    assert (clusters["group"] >= 0).all()
    assert (clusters["kind"] != LOW_ENERGY).all()
    assert torch.equal(voxels["cluster"] < 0, (voxels["label"] < 0) | (voxels["label"] == LOW_ENERGY))
    whole = known["particles" if of == "fragments" else "interactions"]
    assert (clusters["group"] < whole.counts[clusters.batch]).all()
    heads = torch.unique(clusters["group"] + whole.offsets[clusters.batch])
    if of == "fragments":
        assert torch.equal(heads, torch.unique(known["fragments"]["particle"]))
        starts = known["fragments"]["start"]
        assert torch.equal(clusters["primary"] == 1, starts)
    else:
        assert (known["interactions"].counts >= 2).all()
        assert len(clusters) == len(torch.unique(known["fragments"]["particle"]))


def particles(*rows):
    pdg, parent = zip(*rows, strict=True) if rows else ((), ())
    described = {"parent": Column("", "its parent", "truth", "particles")}
    columns = {"pdg": torch.tensor(pdg, dtype=torch.int64), "parent": torch.tensor(parent, dtype=torch.int64)}
    return Table.from_counts(columns, torch.tensor([len(rows)]), about=described)


def test_primaries_are_what_an_interaction_made_and_the_photons_of_its_neutral_pions():
    table = particles((13, -1), (111, -1), (22, 1), (22, 1), (11, 2), (211, -1), (111, 5), (22, 6), (-11, 0))
    assert primary(table).tolist() == [True, True, True, True, False, True, False, False, False]
    assert primary(particles()).tolist() == []


def test_identification_knows_five_kinds_whatever_their_charge():
    pdg = [22, 11, -11, 13, -13, 211, -211, 2212, -2212, 321, 111, 2112, 1000020040]
    expected = [0, 1, 1, 2, 2, 3, 3, 4, -1, -1, -1, -1, -1]
    assert identification(particles(*((p, -1) for p in pdg))).tolist() == expected


def test_michel_and_delta_electrons_are_electrons_and_no_primaries():
    table = particles((13, -1), (11, 0), (11, 0))
    assert identification(table).tolist() == [2, 1, 1]
    assert primary(table).tolist() == [True, False, False]
