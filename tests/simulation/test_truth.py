"""The voxel classes, clause by clause, on events made by hand; then properties of the whole."""

import pytest
import torch

from nuforge.events import Events, Process, Table
from nuforge.simulation.truth import CLASSES, VoxelClass, label_voxels, prune

from .by_hand import Cube, Scene, line

SHOWER, TRACK, MICHEL, DELTA, LOW_ENERGY = VoxelClass
NUCLEUS = 1000180390


def labels(scene, voxels=None, detector=None):
    """The set of labels of some voxels of a scene, of all of them by default."""
    found = label_voxels(scene.events(), detector or Cube())["voxels"]["label"].tolist()
    of = dict(zip(scene.voxels(), found, strict=True))
    return {of[v] for v in (voxels or scene.voxels())}


def stopped_muon(scene, pdg=-13):
    return scene.add(pdg, voxels=line((0, 0, 0), 30))


@pytest.mark.parametrize("pdg", [13, -13, 211, -321, 2212, 1000020040])
def test_muons_charged_pions_kaons_protons_and_nuclei_are_tracks_of_any_size(pdg):
    scene = Scene()
    scene.add(pdg, voxels=line((0, 0, 0), 3))
    assert labels(scene) == {TRACK}


@pytest.mark.parametrize(("n", "expected"), [(9, LOW_ENERGY), (10, SHOWER)])
@pytest.mark.parametrize("pdg", [11, -11, 22])
def test_an_electromagnetic_deposit_is_a_shower_from_ten_connected_voxels(pdg, n, expected):
    scene = Scene()
    scene.add(pdg, voxels=line((0, 0, 0), n, (1, 1, -1)))
    assert labels(scene) == {expected}


def test_a_detached_piece_of_a_shower_is_low_energy():
    scene = Scene()
    electron = scene.add(11, voxels=line((0, 0, 0), 20))
    photon = scene.add(22, electron, Process.BREMSSTRAHLUNG, 2.0)
    scene.add(11, photon, Process.COMPTON, 1.5, line((0, 30, 0), 4))
    assert labels(scene, line((0, 0, 0), 20)) == {SHOWER}
    assert labels(scene, line((0, 30, 0), 4)) == {LOW_ENERGY}


def test_particles_of_one_shower_count_together_and_two_showers_do_not():
    scene = Scene()
    photon = scene.add(22)
    for pdg, y in ((11, 0), (-11, 1)):
        scene.add(pdg, photon, Process.PAIR_PRODUCTION, 20.0, line((0, y, 0), 6))
    assert labels(scene) == {SHOWER}
    scene = Scene()
    pion = scene.add(111)
    for y in (0, 1):
        scene.add(22, pion, Process.DECAY, 60.0, line((0, y, 0), 6))
    assert labels(scene) == {LOW_ENERGY}


def test_photons_of_a_neutral_pion_and_of_a_muon_are_showers():
    scene = Scene()
    pion, muon = scene.add(111), scene.add(13, energy=900.0)
    scene.add(22, pion, Process.DECAY, 100.0, line((0, 0, 0), 12))
    scene.add(22, muon, Process.BREMSSTRAHLUNG, 50.0, line((0, 9, 0), 12))
    scene.add(11, muon, Process.PAIR_PRODUCTION, 50.0, line((0, 20, 0), 12))
    assert labels(scene) == {SHOWER}


@pytest.mark.parametrize(("pdg", "process"), [(-13, Process.DECAY), (13, Process.CAPTURE), (13, Process.DECAY)])
def test_the_electron_of_a_muon_is_a_michel_whatever_its_size(pdg, process):
    scene = Scene()
    muon = stopped_muon(scene, pdg)
    scene.add(-11 if pdg < 0 else 11, muon, process, 35.0, line((30, 1, 0), 4))
    assert labels(scene, line((30, 1, 0), 4)) == {MICHEL}


def test_an_auger_electron_of_a_captured_muon_belongs_to_the_muon():
    scene = Scene()
    muon = stopped_muon(scene, 13)
    scene.add(11, muon, Process.CAPTURE, 0.6, [(30, 0, 0)])
    assert labels(scene) == {TRACK}


def test_knock_on_electrons_of_a_michel_are_michel_and_those_of_a_shower_shower():
    scene = Scene()
    michel = scene.add(-11, stopped_muon(scene), Process.DECAY, 40.0, line((30, 1, 0), 12))
    scene.add(11, michel, Process.IONISATION, 5.0, line((36, 2, 0), 3, (0, 1, 0)))
    electron = scene.add(11, voxels=line((0, 50, 0), 12))
    scene.add(11, electron, Process.IONISATION, 5.0, line((6, 51, 0), 6, (0, 1, 0)))
    assert labels(scene, line((36, 2, 0), 3, (0, 1, 0))) == {MICHEL}
    assert labels(scene, line((6, 51, 0), 6, (0, 1, 0))) == {SHOWER}


@pytest.mark.parametrize(("n", "expected"), [(9, LOW_ENERGY), (10, SHOWER)])
@pytest.mark.parametrize("process", [Process.BREMSSTRAHLUNG, Process.ANNIHILATION])
def test_photons_that_a_michel_radiates_are_shower_if_large_else_low_energy(process, n, expected):
    scene = Scene()
    michel = scene.add(-11, stopped_muon(scene), Process.DECAY, 40.0, line((30, 1, 0), 12))
    photon = scene.add(22, michel, process, 20.0)
    scene.add(11, photon, Process.COMPTON, 18.0, line((60, 0, 0), n))
    assert labels(scene, line((60, 0, 0), n)) == {expected}
    assert labels(scene, line((30, 1, 0), 12)) == {MICHEL}


@pytest.mark.parametrize(
    ("energy", "outside", "expected"), [(3.1, 5, DELTA), (2.9, 5, TRACK), (3.1, 4, TRACK), (30.0, 40, DELTA)]
)
def test_a_delta_has_three_mev_and_five_voxels_outside_its_parent(energy, outside, expected):
    scene = Scene()
    muon = stopped_muon(scene)
    scene.add(11, muon, Process.IONISATION, energy, [*line((10, 0, 0), 3), *line((12, 1, 0), outside, (0, 1, 0))])
    assert labels(scene, line((12, 1, 0), outside, (0, 1, 0))) == {expected}
    assert labels(scene, line((0, 0, 0), 30)) == {TRACK}


def test_voxels_of_smaller_knock_ons_count_as_the_parents():
    scene = Scene()
    muon = stopped_muon(scene)
    scene.add(11, muon, Process.IONISATION, 1.0, line((12, 1, 0), 2, (0, 1, 0)))
    scene.add(11, muon, Process.IONISATION, 4.0, line((12, 1, 0), 6, (0, 1, 0)))
    assert labels(scene) == {TRACK}


def test_an_electron_knocked_out_of_a_shower_is_no_delta_and_a_photon_of_a_delta_heads_a_shower():
    scene = Scene()
    muon = stopped_muon(scene)
    delta = scene.add(11, muon, Process.IONISATION, 40.0, line((10, 1, 0), 8, (0, 1, 0)))
    photon = scene.add(22, delta, Process.BREMSSTRAHLUNG, 15.0)
    scene.add(11, photon, Process.COMPTON, 14.0, line((10, 40, 0), 11))
    second = scene.add(22, delta, Process.BREMSSTRAHLUNG, 1.0)
    scene.add(11, second, Process.COMPTON, 1.0, line((10, 40, 20), 2))
    assert labels(scene, line((10, 40, 0), 11)) == {SHOWER}
    assert labels(scene, line((10, 40, 20), 2)) == {LOW_ENERGY}
    assert labels(scene, line((10, 1, 0), 8, (0, 1, 0))) == {DELTA}


@pytest.mark.parametrize(
    ("mother", "process"),
    [
        (2112, Process.INELASTIC),
        (2112, Process.NEUTRON_CAPTURE),
        (211, Process.INELASTIC),
        (13, Process.CAPTURE),
        (-211, Process.CAPTURE),
        (NUCLEUS, Process.DECAY),
        (NUCLEUS, Process.DEEXCITATION),
    ],
)
def test_nuclear_photons_are_low_energy_whatever_their_size(mother, process):
    scene = Scene()
    photon = scene.add(22, scene.add(mother), process, 8.0)
    scene.add(11, photon, Process.COMPTON, 7.0, line((0, 0, 0), 15))
    assert labels(scene) == {LOW_ENERGY}


def test_a_hard_photon_of_a_pion_capture_is_a_shower():
    scene = Scene()
    photon = scene.add(22, scene.add(-211), Process.CAPTURE, 110.0)
    scene.add(11, photon, Process.PAIR_PRODUCTION, 60.0, line((0, 0, 0), 15))
    assert labels(scene) == {SHOWER}


def test_neutrons_and_nuclei_that_they_made_are_low_energy_and_other_nuclei_track():
    scene = Scene()
    proton = scene.add(2212, voxels=line((0, 0, 0), 12))
    scene.add(NUCLEUS, proton, Process.INELASTIC, 2.0, [(12, 0, 0)])
    neutron = scene.add(2112, proton, Process.INELASTIC, 30.0, [(40, 0, 0)])
    scene.add(NUCLEUS, neutron, Process.ELASTIC, 1.0, [(45, 0, 0)])
    assert labels(scene, [(12, 0, 0)]) == {TRACK}
    assert labels(scene, [(40, 0, 0), (45, 0, 0)]) == {LOW_ENERGY}


@pytest.mark.parametrize(("n", "expected"), [(9, LOW_ENERGY), (10, TRACK)])
def test_a_proton_that_a_neutron_knocked_out_is_a_track_from_ten_voxels(n, expected):
    scene = Scene()
    proton = scene.add(2212, scene.add(2112), Process.INELASTIC, 80.0, line((0, 0, 0), n - 2))
    scene.add(2212, proton, Process.ELASTIC, 20.0, line((n - 2, 1, 0), 2))
    assert labels(scene) == {expected}


def test_a_michel_far_down_a_neutrons_line_is_a_michel():
    scene = Scene()
    pion = scene.add(211, scene.add(2112), Process.INELASTIC, 80.0, line((0, 0, 0), 12))
    muon = scene.add(-13, pion, Process.DECAY, 4.1, [(12, 0, 0)])
    scene.add(-11, muon, Process.DECAY, 40.0, line((13, 1, 0), 12))
    assert labels(scene, line((13, 1, 0), 12)) == {MICHEL}


def test_priority_is_track_michel_shower_delta_low_energy_among_those_with_a_tenth():
    scene = Scene()
    muon = scene.add(13, voxels=[(0, 0, 0)], gives=0.12)
    michel = scene.add(11, muon, Process.CAPTURE, 40.0, [(0, 0, 0), (1, 0, 0)], gives=0.12)
    scene.add(22, voxels=[*line((0, 0, 0), 12)], gives=0.12)
    scene.add(11, muon, Process.IONISATION, 30.0, [*line((0, 0, 0), 4), *line((3, 1, 0), 6)], gives=0.12)
    scene.add(22, michel, Process.BREMSSTRAHLUNG, 1.0, line((0, 0, 0), 5), gives=0.5)
    expected = [TRACK, MICHEL, SHOWER, SHOWER, SHOWER]
    assert [labels(scene, [v]).pop() for v in line((0, 0, 0), 5)] == expected
    assert labels(scene, line((5, 1, 0), 4)) == {DELTA}


@pytest.mark.parametrize(("gives", "expected"), [(0.09, LOW_ENERGY), (0.11, TRACK)])
def test_less_than_a_tenth_of_a_voxel_does_not_name_it(gives, expected):
    scene = Scene()
    scene.add(13, voxels=[(0, 0, 0)], gives=gives)
    scene.add(22, voxels=[(0, 0, 0)], gives=1 - gives)
    assert labels(scene) == {expected}


def test_main_particle_gave_most_energy():
    scene = Scene()
    scene.add(13, voxels=[(0, 0, 0), (1, 0, 0)], gives=0.4)
    scene.add(22, voxels=[(0, 0, 0)], gives=0.6)
    assert label_voxels(scene.events(), Cube())["voxels"]["particle"].tolist() == [1, 0]


def test_a_voxel_without_a_link_is_unknown():
    scene = Scene()
    scene.add(13, voxels=line((0, 0, 0), 3))
    events = scene.events()
    cut = label_voxels(events.keep("truth_links", torch.tensor([True, False, True])), Cube())["voxels"]
    assert cut["label"].tolist() == [TRACK, -1, TRACK]
    assert cut["particle"].tolist() == [0, -1, 0]


def test_counts_follow_the_voxel_size():
    scene = Scene()
    scene.add(22, voxels=line((0, 0, 0), 6))
    coarse = type("Coarse", (), {"readout": type("R", (), {"voxel": 0.6})()})()
    assert labels(scene, detector=coarse) == {SHOWER}


def busy_scene():
    scene = Scene()
    muon = stopped_muon(scene)
    michel = scene.add(-11, muon, Process.DECAY, 40.0, line((30, 1, 0), 12))
    scene.add(22, michel, Process.BREMSSTRAHLUNG, 10.0, line((60, 0, 0), 11))
    scene.add(11, muon, Process.IONISATION, 9.0, line((10, 0, 0), 9, (0, 1, 1)))
    neutron = scene.add(2112, muon, Process.INELASTIC)
    scene.add(2212, neutron, Process.INELASTIC, 80.0, line((0, 40, 0), 11))
    scene.add(2112, neutron, Process.INELASTIC)  # leaves nothing
    scene.add(22, scene.add(111), Process.DECAY, 90.0, line((5, -5, 0), 20, (0, 1, 0)))
    scene.add(22, michel, Process.ANNIHILATION, 0.5, [(90, 0, 0)])
    return scene


def empty():
    return busy_scene().events().keep("voxels", torch.zeros(len(busy_scene().given), dtype=torch.bool))


def test_events_together_get_the_labels_of_each_alone():
    parts = [busy_scene().events(), empty(), Scene(particles=busy_scene().particles, given=line_of_muon()).events()]
    together = label_voxels(Events.concat(parts), Cube())
    for i, part in enumerate(parts):
        alone, inside = label_voxels(part, Cube())["voxels"], together.event(i)["voxels"]
        assert torch.equal(alone["label"], inside["label"])
        assert torch.equal(alone["particle"], inside["particle"])


def line_of_muon():
    return {v: {0: 1.0} for v in line((0, 0, 0), 7)}


def test_labels_follow_the_rows_when_voxels_links_and_particles_change_order():
    events = busy_scene().events()
    expected = label_voxels(events, Cube())["voxels"]
    shuffle = torch.Generator().manual_seed(1)
    order = {name: torch.randperm(len(table), generator=shuffle) for name, table in events.tables.items()}
    back = {name: torch.argsort(o) for name, o in order.items()}
    tables = {n: {k: v[order[n]] for k, v in t.columns.items()} for n, t in events.tables.items()}
    parent = tables["particles"]["parent"]
    tables["particles"]["parent"] = torch.where(parent < 0, parent, back["particles"][parent])
    tables["truth_links"]["row"] = back["voxels"][tables["truth_links"]["row"]]
    tables["truth_links"]["particle"] = back["particles"][tables["truth_links"]["particle"]]
    mixed = Events({name: Table(columns, events[name].offsets) for name, columns in tables.items()})
    got = label_voxels(mixed, Cube())["voxels"]
    assert torch.equal(got["label"], expected["label"][order["voxels"]])
    assert torch.equal(order["particles"][got["particle"]], expected["particle"][order["voxels"]])


def test_all_classes_occur_in_the_busy_event():
    assert labels(busy_scene()) == set(range(len(CLASSES)))


def test_pruning_drops_what_left_no_trace_and_keeps_labels_primaries_and_parents():
    events = label_voxels(busy_scene().events(), Cube())
    pruned = prune(events)
    dropped = len(events["particles"]) - len(pruned["particles"])
    assert dropped == 1  # the second neutron; the first has a proton that is seen, the pi0 a photon
    assert torch.equal(label_voxels(pruned, Cube())["voxels"]["label"], events["voxels"]["label"])
    mother = pruned["particles"]["parent"]
    assert int((mother < 0).sum()) == int((events["particles"]["parent"] < 0).sum())
    assert torch.equal(prune(pruned)["particles"]["pdg"], pruned["particles"]["pdg"])


def test_a_circle_of_parents_is_refused():
    scene = Scene()
    for mother in (1, 2, 0):
        scene.add(11, mother, Process.IONISATION, 1.0, [(mother, 0, 0)])
    with pytest.raises(ValueError, match="circle of parents"):
        label_voxels(scene.events(), Cube())
