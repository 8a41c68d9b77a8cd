"""Fragments and points: by hand, clause by clause; then properties of simulated events."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree

from nuforge.detectors import lartpc_cube
from nuforge.detectors.voxels import voxel_center
from nuforge.events import Events, Process, Table
from nuforge.events.connected import connected
from nuforge.formats.segments import read_segments
from nuforge.simulation.readout import read_out
from nuforge.simulation.response.lartpc import respond
from nuforge.simulation.sources import particle_bomb
from nuforge.simulation.transport import transport
from nuforge.simulation.truth import VoxelClass, label_fragments, label_points, label_voxels, prune

from .by_hand import Scene, line, one

SHOWER, TRACK, MICHEL, DELTA, LOW_ENERGY = VoxelClass
CUBE = lartpc_cube()
GEANT4 = Path(__file__).parents[2].parent / "shared" / "data" / "geant4_lar" / "particle_bomb_400.h5"
LONG = (0.1, 0.0, 0.0)  # cm, of a segment by hand


@dataclass
class Flight(Scene):
    """A scene whose particles leave a segment in each of their voxels, one after the other, from its centre on."""

    path: list = field(default_factory=list)

    def add(self, pdg, parent=-1, process=Process.PRIMARY, energy=100.0, voxels=(), gives=1.0):
        row = super().add(pdg, parent, process, energy, voxels, gives)
        self.path += [(row, voxel) for voxel in voxels]
        return row

    def deposited(self, moved=(0, 0, 0), time=None, order=None):
        """Its segments, moved by some voxels, at times of one's own, in another order of the file."""
        n = len(self.path)
        place = torch.tensor([v for _, v in self.path]).reshape(-1, 3) + torch.tensor(moved)
        start = voxel_center(place, CUBE)
        columns = {
            "start": start,
            "end": start + torch.tensor(LONG),
            "time": torch.arange(n).double() if time is None else torch.as_tensor(time).double(),
            "energy": torch.ones(n),
            "length": torch.full((n,), 0.1),
            "particle": torch.tensor([row for row, _ in self.path], dtype=torch.int64),
        }
        order = slice(None) if order is None else order
        return Events(
            {
                "particles": self.events()["particles"],
                "segments": one(**{name: values[order] for name, values in columns.items()}),
            }
        )

    def known(self, **more):
        labelled = label_fragments(label_voxels(self.events(), CUBE))
        return label_points(self.deposited(**more), labelled, CUBE)


def center(voxel):
    return voxel_center(torch.tensor([voxel]), CUBE)[0]


def the_points(events):
    """Class, head, whether an end, and position of each point, as a sorted list."""
    p = events["points"]
    rows = zip(p["label"].tolist(), p["particle"].tolist(), p["end"].tolist(), p["position"].tolist(), strict=True)
    return sorted((label, head, end, tuple(round(x, 3) for x in place)) for label, head, end, place in rows)


def place(voxel, is_end=False):
    at = center(voxel) + (torch.tensor(LONG) if is_end else 0.0)
    return tuple(round(x, 3) for x in at.tolist())


def stopping_muon():
    scene = Flight()
    muon = scene.add(-13, voxels=line((200, 200, 200), 30))
    scene.add(11, muon, Process.IONISATION, 9.0, line((210, 201, 200), 8, (0, 1, 0)))
    scene.add(-11, muon, Process.DECAY, 40.0, line((230, 201, 200), 12, (0, 1, 0)))
    return scene


def converted_photon():
    """A photon that scatters, then makes a pair, which radiates a photon into a large piece of its own."""
    scene = Flight()
    photon = scene.add(22)
    scene.add(11, photon, Process.COMPTON, 2.0, line((100, 100, 100), 4))
    pair = scene.add(11, photon, Process.PAIR_PRODUCTION, 50.0, line((150, 100, 100), 14))
    hard = scene.add(22, pair, Process.BREMSSTRAHLUNG, 30.0)
    scene.add(11, hard, Process.COMPTON, 30.0, line((180, 100, 100), 16))
    return scene


def test_tracks_have_two_points_and_deltas_and_michels_one():
    assert the_points(stopping_muon().known()) == [
        (TRACK, 0, False, place((200, 200, 200))),
        (TRACK, 0, True, place((229, 200, 200), is_end=True)),
        (MICHEL, 2, False, place((230, 201, 200))),
        (DELTA, 1, False, place((210, 201, 200))),
    ]


def test_a_photon_starts_where_it_first_makes_shower_voxels():
    events = converted_photon().known()
    assert the_points(events) == [(SHOWER, 0, False, place((150, 100, 100)))]
    assert events["voxels"]["deposit"].tolist() == [0] * 34
    assert events["voxels"]["fragment"].tolist() == [-1] * 4 + [0] * 14 + [1] * 16
    fragments = events["fragments"]
    assert fragments["start"].tolist() == [True, False]
    assert not fragments["end"].any()
    assert fragments["first"][1].tolist() == pytest.approx(center((180, 100, 100)).tolist())
    assert torch.equal(fragments["first"], fragments["last"])


def test_time_decides_and_then_the_order_of_the_file():
    scene = converted_photon()
    n = len(scene.path)
    mixed = torch.randperm(n, generator=torch.Generator().manual_seed(3))
    assert the_points(scene.known(order=mixed)) == the_points(scene.known())
    at_once = scene.known(time=[0.0] * n)
    assert the_points(at_once) == the_points(scene.known())
    backwards = scene.known(time=-torch.arange(n))
    assert the_points(backwards) == [(SHOWER, 0, False, place((195, 100, 100)))]
    assert backwards["fragments"]["start"].tolist() == [False, True]


def test_a_start_that_others_hide_moves_to_where_the_track_is_seen():
    scene = Flight()
    scene.add(13, voxels=line((200, 200, 200), 20), gives=5.0)
    scene.add(2212, voxels=[*line((200, 200, 200), 6), *line((206, 201, 200), 9, (0, 1, 0))])
    events = scene.known()
    beside = place((205, 200, 200))  # a neighbour of the first voxel of its own
    assert (TRACK, 1, False, beside) in the_points(events)


def test_a_vertex_that_another_track_names_is_still_the_start_of_both():
    scene = Flight()
    scene.add(13, voxels=line((200, 200, 200), 20), gives=5.0)
    scene.add(2212, voxels=line((200, 200, 200), 20, (0, 1, 0)))
    assert {(TRACK, row, False, place((200, 200, 200))) for row in (0, 1)} <= set(the_points(scene.known()))


def test_a_track_that_another_cuts_starts_in_one_piece_and_ends_in_the_other():
    scene = Flight()
    scene.add(2212, voxels=line((200, 200, 200), 20))
    scene.add(13, voxels=[(210 + x, 190 + y, 200) for y in range(20) for x in (0, 1)], gives=5.0)
    events = scene.known()
    fragments = events["fragments"]
    mine = fragments["particle"] == 0
    assert fragments["start"][mine].tolist() == [True, False]
    assert fragments["end"][mine].tolist() == [False, True]
    assert fragments["last"][mine][:, 0].tolist() == pytest.approx(
        [float(center((210, 200, 200))[0]) + 0.1, float(center((219, 200, 200))[0]) + 0.1], abs=1e-4
    )  # of the first piece in a neighbour of its last voxel
    assert (TRACK, 0, True, place((219, 200, 200), is_end=True)) in the_points(events)


def test_a_small_knock_on_electron_is_a_piece_of_its_track():
    scene = Flight()
    muon = scene.add(13, voxels=line((200, 200, 200), 30))
    scene.add(11, muon, Process.IONISATION, 4.0, line((210, 203, 200), 4, (0, 1, 0)))
    events = scene.known()
    assert set(events["voxels"]["deposit"].tolist()) == {muon}
    assert events["fragments"]["particle"].tolist() == [muon, muon]
    assert events["fragments"]["start"].tolist() == [True, False]
    assert events["fragments"]["end"].tolist() == [True, False]
    assert len(events["points"]) == 2


def test_the_end_is_that_of_the_track_particle_itself():
    scene = Flight()
    proton = scene.add(2212, scene.add(2112), Process.INELASTIC, 90.0, line((200, 200, 200), 12))
    scene.add(2212, proton, Process.ELASTIC, 30.0, line((212, 201, 200), 6, (0, 1, 0)))
    events = scene.known()
    assert set(events["voxels"]["deposit"].tolist()) == {proton}
    assert (TRACK, proton, True, place((211, 200, 200), is_end=True)) in the_points(events)


def test_two_voxels_are_a_fragment_without_points():
    scene = Flight()
    scene.add(2212, voxels=line((200, 200, 200), 2))
    events = scene.known()
    assert events["fragments"]["start"].tolist() == [True]
    assert len(events["points"]) == 0


def test_the_deposit_of_a_voxel_is_of_its_class_and_gave_most_of_it():
    scene = Flight()
    scene.add(13, voxels=[(0, 0, 0)], gives=0.2)
    scene.add(2212, voxels=[(0, 0, 0)], gives=0.3)
    scene.add(22, voxels=line((0, 0, 0), 12), gives=0.5)
    voxels = label_voxels(scene.events(), CUBE)["voxels"]
    assert voxels["label"][0] == TRACK
    assert voxels["particle"][0] == 2
    assert voxels["deposit"][:2].tolist() == [1, 2]


def test_descendants_of_one_deposit_count_together_for_a_voxel():
    scene = Flight()
    scene.add(13, voxels=[(0, 0, 0)], gives=0.4)
    photon = scene.add(22)
    for pdg in (11, -11):
        scene.add(pdg, photon, Process.PAIR_PRODUCTION, 50.0, line((0, 0, 0), 12), gives=0.3)
    voxels = label_voxels(scene.events(), CUBE)["voxels"]
    assert voxels["deposit"][1] == photon
    both = Flight()
    neutron = both.add(2112)
    recoil = both.add(2212, neutron, Process.INELASTIC, 90.0, line((0, 0, 0), 12), gives=0.3)
    both.add(2212, recoil, Process.ELASTIC, 30.0, line((0, 0, 0), 12), gives=0.3)
    both.add(13, voxels=[(0, 0, 0)], gives=0.4)
    assert label_voxels(both.events(), CUBE)["voxels"]["deposit"][0] == recoil


def test_what_diffused_away_begins_at_its_voxel_nearest_to_the_deposit():
    scene = Flight()
    scene.add(13, voxels=line((200, 200, 200), 10))
    events = scene.known(moved=(-4, 4, 0))
    assert events["fragments"]["start"].tolist() == [True]
    assert the_points(events) == [(TRACK, 0, False, place((200, 200, 200)))]
    opposite = the_points(scene.known(moved=(14, 4, 0)))
    assert opposite == [(TRACK, 0, False, place((209, 200, 200)))]


def test_points_lie_in_the_volume_and_deposits_outside_it_do_not_count():
    scene = Flight()
    scene.add(13, voxels=line((760, 200, 200), 8))
    deposited = scene.deposited()
    segments = deposited["segments"]
    columns = {name: torch.cat([c, c[-1:]]) for name, c in segments.columns.items()}
    columns["end"][-2, 0] = 115.25  # through the face
    columns["start"][-1, 0], columns["end"][-1, 0] = 115.3, 115.9  # beyond
    deposited = deposited.with_table("segments", one(**columns))
    events = label_points(deposited, label_fragments(label_voxels(scene.events(), CUBE)), CUBE)
    assert float(events["points"]["position"][-1, 0]) == pytest.approx(115.2)


def test_other_particles_are_refused():
    scene = stopping_muon()
    labelled = label_fragments(label_voxels(scene.events(), CUBE))
    fewer = labelled.keep("particles", torch.tensor([True, False, True]))
    with pytest.raises(ValueError, match="particles must be the same before and after the response, got 3 and 2"):
        label_points(scene.deposited(), fewer, CUBE)


def test_events_without_voxels_segments_or_particles_have_empty_tables():
    scene = stopping_muon()
    dark = scene.events().keep("voxels", torch.zeros(len(scene.given), dtype=torch.bool))
    events = label_points(scene.deposited(), label_fragments(label_voxels(dark, CUBE)), CUBE)
    assert len(events["fragments"]) == len(events["points"]) == 0
    assert events["points"]["position"].shape == (0, 3)
    nobody = Events({n: Table({k: c[:0] for k, c in t.columns.items()}, t.offsets * 0) for n, t in dark.tables.items()})
    segments = scene.deposited()["segments"]
    nothing = Table({k: c[:0] for k, c in segments.columns.items()}, segments.offsets * 0)
    labelled = label_fragments(label_voxels(nobody, CUBE))
    events = label_points(nobody.with_table("segments", nothing), labelled, CUBE)
    assert len(events["fragments"]) == len(events["points"]) == 0


def test_fragments_and_points_follow_the_rows_when_voxels_and_particles_change_order():
    scene = stopping_muon()
    events, deposited = scene.events(), scene.deposited()
    generator = torch.Generator().manual_seed(5)
    rows, who = (torch.randperm(len(events[n]), generator=generator) for n in ("voxels", "particles"))
    place_of, name_of = rows.argsort(), who.argsort()
    particles = {k: v[who] for k, v in events["particles"].columns.items()}
    particles["parent"] = torch.where(particles["parent"] < 0, -1, name_of[particles["parent"]])
    links = dict(events["truth_links"].columns)
    links |= {"row": place_of[links["row"]], "particle": name_of[links["particle"]]}
    segments = dict(deposited["segments"].columns)
    segments["particle"] = name_of[segments["particle"]]
    mixed = Events(
        {
            "particles": one(**particles),
            "voxels": one(**{k: v[rows] for k, v in events["voxels"].columns.items()}),
            "truth_links": one(**links),
        }
    )
    flown = Events({"particles": mixed["particles"], "segments": one(**segments)})
    got = label_points(flown, label_fragments(label_voxels(mixed, CUBE)), CUBE)
    expected = scene.known()
    assert torch.equal(who[got["voxels"]["deposit"]], expected["voxels"]["deposit"][rows])
    pairs = set(zip(got["voxels"]["fragment"].tolist(), expected["voxels"]["fragment"][rows].tolist(), strict=True))
    assert len(pairs) == len(expected["fragments"])
    renamed = [(label, int(who[head]), end, where) for label, head, end, where in the_points(got)]
    assert sorted(renamed) == the_points(expected)


@pytest.fixture(scope="module")
def flown():
    generator = torch.Generator().manual_seed(2)
    return transport(particle_bomb(4, CUBE, generator), CUBE, generator)


@pytest.fixture(scope="module")
def seen(flown):
    return read_out(flown, CUBE, torch.Generator().manual_seed(3))


def check(events):
    """What holds of the truth of any event."""
    voxels, fragments, points = events["voxels"], events["fragments"], events["points"]
    label, deposit, fragment = (voxels[name].numpy() for name in ("label", "deposit", "fragment"))
    assert ((deposit < 0) == (label < 0)).all()
    assert ((fragment < 0) == ((label < 0) | (label == LOW_ENERGY))).all()
    named = fragment >= 0
    assert (fragments["label"].numpy()[fragment[named]] == label[named]).all()
    assert (fragments["particle"].numpy()[fragment[named]] == deposit[named]).all()
    index = voxels["index"].numpy()[named]
    pieces = connected(fragment[named], index).max() + 1
    code = deposit[named] * len(VoxelClass) + label[named]
    apart = connected(np.unique(code, return_inverse=True)[1], index).max() + 1
    assert pieces == apart == len(fragments)  # each fragment is in one piece, and no two of a deposit touch

    codes = (fragments["particle"] * len(VoxelClass) + fragments["label"]).numpy()
    assert sorted(codes[fragments["start"].numpy()]) == sorted(set(codes))
    of_point = (points["particle"] * len(VoxelClass) + points["label"]).numpy()
    sizes = dict(zip(*np.unique(code, return_counts=True), strict=True))
    is_end = points["end"].numpy()
    assert sorted(of_point[~is_end]) == sorted(c for c, n in sizes.items() if n >= 3)
    assert len(set(of_point[is_end])) == is_end.sum()
    assert (points["label"].numpy()[is_end] == TRACK).all()
    assert (fragments["label"][fragments["end"]] == TRACK).all()

    far = 1e4 * np.searchsorted(sorted(sizes), code)  # other deposits are far away
    tree = cKDTree(np.c_[index + 0.5, far])
    at = (points["position"].numpy() + 115.2) / 0.3
    distance = tree.query(np.c_[at, 1e4 * np.searchsorted(sorted(sizes), of_point)])[0]
    assert distance.max() < 1.5 * 3**0.5 + 0.5  # a neighbouring voxel and half a segment


def test_pieces_are_connected_and_points_are_near_their_deposit(seen):
    check(seen)
    assert len(seen["points"]) > 20


@pytest.mark.skipif(not GEANT4.exists(), reason="needs ../shared/data/geant4_lar/particle_bomb_400.h5")
def test_events_of_a_geant4_program_have_the_same_truth():
    deposited = next(iter(read_segments(GEANT4, batch_events=2)))
    check(read_out(deposited, CUBE, torch.Generator().manual_seed(1)))


def test_tracks_start_at_their_particle(seen):
    points, particles = seen["points"], seen["particles"]
    starts = (points["label"] == TRACK) & ~points["end"]
    away = (points["position"] - particles["start"][points["particle"]]).norm(dim=1)[starts]
    assert float(away.median()) < 0.01
    cosmic = starts & (particles["start"][points["particle"]][:, 1] > 115.1)
    assert cosmic.any()
    assert (points["position"][cosmic][:, 1] > 115.0).all()


def test_events_together_have_the_truth_of_each_alone(flown):
    order = torch.tensor([2, 0, 3])
    voxels = respond(flown, CUBE, torch.Generator().manual_seed(3))
    together = label_points(flown, label_fragments(label_voxels(voxels, CUBE)), CUBE)
    chosen = label_points(flown[order], label_fragments(label_voxels(voxels[order], CUBE)), CUBE)
    for name in ("voxels", "fragments", "points"):
        for column in chosen[name]:
            assert torch.equal(chosen[name][column], together[order][name][column]), f"{name}.{column}"


def test_pruning_keeps_what_fragments_and_points_name(seen):
    pruned = prune(seen)
    assert len(pruned["particles"]) < len(seen["particles"])
    for name, column in (("voxels", "deposit"), ("fragments", "particle"), ("points", "particle")):
        before, after = (e["particles"]["momentum"][e[name][column]] for e in (seen, pruned))
        assert torch.equal(before, after)
