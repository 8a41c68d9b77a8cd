from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from nuforge.errors import InputError
from nuforge.events import Events, Process
from nuforge.formats import decoded, read
from nuforge.formats.ancestry import inherited
from nuforge.formats.segments import read_segments

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
GEANT4 = SHARED / "geant4_lar" / "particle_bomb_400.h5"
EDEPSIM = SHARED / "larndsim" / "edepsim-output.h5"


def needs(path):
    return pytest.mark.skipif(not path.exists(), reason=f"{path} is not there")


SEGMENTS = np.dtype(
    [(n, "u4") for n in ("event_id",)]
    + [(n, "i4") for n in ("traj_id", "pdg_id")]
    + [(n, "f4") for n in ("x_start", "y_start", "z_start", "x_end", "y_end", "z_end", "dE", "dx", "t")]
)
TRAJECTORIES = np.dtype(
    [("event_id", "u4"), ("traj_id", "i4"), ("parent_id", "i4"), ("pdg_id", "i4"), ("start_process", "S16")]
    + [(n, "f4") for n in ("ke_start", "x_start", "y_start", "z_start", "dir_x", "dir_y", "dir_z")]
)
PRIMARIES = np.dtype(
    [("event_id", "u4"), ("traj_id", "i4"), ("interaction_id", "i4"), ("pdg_id", "i4")]
    + [(n, "f4") for n in ("ke", "x", "y", "z", "dir_x", "dir_y", "dir_z")]
)


def toy_arrays():
    """Five events. Event 0: a muon (id 40), its delta ray (id 7), its decay electron (id 90). Event 2: a photon.

    Event 3: a proton. Events 1 and 4 are empty. Neither ids nor rows are in order.
    """
    trajectories = np.array(
        [
            (3, 5, 0, 2212, b"primary", 100, 1, 1, 1, 1, 0, 0),
            (0, 90, 7, 11, b"Decay", 20, 5, 0, 0, 0, 0, 1),
            (0, 40, 0, 13, b"primary", 300, 1, 2, 3, 0, 1, 0),
            (0, 7, 40, 11, b"muIoni", 4, 2, 0, 0, 0, 1, 0),
        ],
        TRAJECTORIES,
    )
    segments = np.array(
        [
            (3, 5, 2212, 1, 1, 1, 2, 1, 1, 7, 1, 2),
            (0, 90, 11, 5, 0, 0, 5, 0, 1, 1, 1, 2000),
            (0, 40, 13, 1, 2, 3, 1, 3, 3, 2, 1.5, 0.5),
            (0, 7, 11, 2, 0, 0, 2, 3, 4, 3, 1, 1),
        ],
        SEGMENTS,
    )
    primaries = np.array(
        [
            (0, 40, 2, 13, 300, 1, 2, 3, 0, 1, 0),
            (2, 1, 0, 22, 50, 9, 9, 9, 0, 0, 1),
            (3, 5, 0, 2212, 100, 1, 1, 1, 1, 0, 0),
        ],
        PRIMARIES,
    )
    return {"segments": segments, "trajectories": trajectories, "primaries": primaries}


def write(path, arrays, **attributes):
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array)
        file.attrs.update({"units": "cm, MeV, ns", "events": 5, **attributes})
    return path


@pytest.fixture
def toy(tmp_path):
    return write(tmp_path / "toy.h5", toy_arrays())


def test_events_without_deposits_are_events(toy):
    events = read(toy)
    assert events["event"]["event"].tolist() == [0, 1, 2, 3, 4]
    assert events["segments"].counts.tolist() == [3, 0, 0, 1, 0]
    assert events["particles"].counts.tolist() == [3, 0, 1, 1, 0]
    assert events["interactions"].counts.tolist() == [1, 0, 1, 1, 0]


def test_numbers_of_the_file_become_rows(toy):
    particles = read(toy)["particles"]
    assert particles["pdg"].tolist() == [11, 13, 11, 22, 2212]
    assert particles["parent"].tolist() == [2, -1, 1, -1, -1]
    segments = read(toy)["segments"]
    assert particles["pdg"][segments["particle"]].tolist() == [11, 13, 11, 2212]


def test_descendants_inherit_the_interaction(toy):
    events = read(toy)
    assert events["particles"]["interaction"].tolist() == [0, 0, 0, 1, 2]
    assert events["interactions"]["vertex"].tolist() == [[1, 2, 3], [9, 9, 9], [1, 1, 1]]


def test_momentum_comes_from_kinetic_energy_mass_and_direction(toy):
    momentum = read(toy)["particles"]["momentum"]
    assert momentum[1].tolist() == pytest.approx([0, (300 * (300 + 2 * 105.6583755)) ** 0.5, 0])
    assert momentum[3].tolist() == pytest.approx([0, 0, 50])


def test_processes_are_codes(toy):
    codes = [Process.DECAY, Process.PRIMARY, Process.IONISATION, Process.PRIMARY, Process.PRIMARY]
    assert read(toy)["particles"]["process"].tolist() == codes


def test_a_segment_is_not_shorter_than_its_ends_are_apart(toy):
    assert read(toy)["segments"]["length"].tolist() == [1, 1.5, 5, 1]


def test_units_of_the_file_are_converted(tmp_path, toy):
    other = read(write(tmp_path / "mm.h5", toy_arrays(), units="mm, GeV, us"))
    events = read(toy)
    torch.testing.assert_close(other["segments"]["start"] * 10, events["segments"]["start"])
    torch.testing.assert_close(other["segments"]["energy"] / 1000, events["segments"]["energy"])
    torch.testing.assert_close(other["segments"]["time"] / 1000, events["segments"]["time"])


def test_without_units_times_are_microseconds(tmp_path, toy):
    path = write(tmp_path / "edep.h5", toy_arrays())
    with h5py.File(path, "a") as file:
        del file.attrs["units"]
    torch.testing.assert_close(read(path)["segments"]["time"], read(toy)["segments"]["time"] * 1000)


def test_units_that_are_unknown_are_refused(tmp_path):
    with pytest.raises(
        InputError, match=r"'units' of .* must name a length, an energy and a time, got 'inch, MeV, ns'"
    ):
        read(write(tmp_path / "toy.h5", toy_arrays(), units="inch, MeV, ns"))


@pytest.mark.parametrize("batch", [1, 2, 100])
def test_batches_are_the_whole_and_blocks_leave_no_trace(toy, batch, monkeypatch):
    whole = Events.concat(list(read_segments(toy)))
    monkeypatch.setattr(decoded, "BLOCK", 2)
    monkeypatch.setattr(decoded, "KEPT", 0)
    parts = list(read_segments(toy, batch))
    assert [len(part) for part in parts] == [min(batch, 5 - i) for i in range(0, 5, batch)]
    again = Events.concat(parts)
    for name, table in whole.tables.items():
        for column in table:
            torch.testing.assert_close(again[name][column], table[column], equal_nan=True, rtol=0, atol=0)


def test_the_order_of_rows_in_the_file_does_not_matter(tmp_path, toy):
    arrays = {name: array[::-1] for name, array in toy_arrays().items()}
    one, other = read(toy), read(write(tmp_path / "reversed.h5", arrays))
    for a, b in zip(one, other, strict=True):
        for name in ("segments", "particles"):
            key = "energy" if name == "segments" else "pdg"
            assert sorted(a[name][key].tolist()) == sorted(b[name][key].tolist())
        assert family(a) == family(b)
        assert sorted(deposits(a)) == sorted(deposits(b))


def family(events):
    """Each particle with its parent."""
    particles = events["particles"]
    pdg = [*particles["pdg"].tolist(), None]
    return sorted((pdg[i], pdg[parent] or 0) for i, parent in enumerate(particles["parent"].tolist()))


def deposits(events):
    """Each deposit with the particle that left it."""
    pdg = events["particles"]["pdg"][events["segments"]["particle"]]
    return zip(events["segments"]["energy"].tolist(), pdg.tolist(), strict=True)


def test_identity_is_of_the_content_and_not_of_the_name(tmp_path, toy):
    copy = tmp_path / "copy.h5"
    copy.write_bytes(toy.read_bytes())
    assert torch.equal(read(copy)["event"]["source"], read(toy)["event"]["source"])
    arrays = toy_arrays()
    arrays["segments"]["dE"][0] = 8
    other = read(write(tmp_path / "other.h5", arrays))
    assert not torch.equal(other["event"]["source"], read(toy)["event"]["source"])


def test_older_names_and_files_of_segments_alone_are_read(tmp_path):
    old = {"event_id": "eventID", "traj_id": "trackID", "pdg_id": "pdgId"}
    segments = toy_arrays()["segments"]
    segments = segments.astype([(old.get(n, n), segments.dtype[n]) for n in segments.dtype.names])
    path = write(tmp_path / "old.h5", {"segments": segments})
    with h5py.File(path, "a") as file:
        del file.attrs["events"]
    events = read(path)
    assert events["event"]["event"].tolist() == [0, 3]
    assert events["particles"].counts.tolist() == [3, 1]
    assert events["particles"]["pdg"][events["segments"]["particle"]].tolist() == [11, 13, 11, 2212]
    assert (events["particles"]["process"] == Process.UNKNOWN).all()
    assert (events["particles"]["interaction"] == -1).all()
    assert events["particles"]["momentum"].isnan().all()
    assert (events["segments"]["particle"] >= 0).all()


def test_edep_sim_vertices_vectors_and_process_numbers_are_read(tmp_path):
    numbers = [("event_id", "u4"), ("vertex_id", "u8"), ("traj_id", "u4"), ("parent_id", "i4"), ("pdg_id", "i4")]
    began = [("start_process", "u4"), ("start_subprocess", "u4"), ("t_start", "f8")]
    vectors = [("pxyz_start", "f4", 3), ("xyz_start", "f4", 3)]
    trajectories = np.zeros(2, [*numbers, *began, *vectors])
    trajectories["traj_id"], trajectories["parent_id"], trajectories["vertex_id"] = [0, 1], [-1, 0], 10**9 + 7
    trajectories["pdg_id"], trajectories["start_subprocess"] = [13, 11], [0, 2]
    trajectories["pxyz_start"], trajectories["t_start"] = [[0, 0, 500], [1, 0, 0]], [1.0, 1.5]
    place = [(f"{axis}_vert", "f4") for axis in "xyzt"]
    vertices = np.array([(0, 10**9 + 7, 1, 2, 3, 1.0)], [("event_id", "u4"), ("vertex_id", "u8"), *place])
    path = write(
        tmp_path / "edep.h5", {"segments": np.zeros(0, SEGMENTS), "trajectories": trajectories, "vertices": vertices}
    )
    with h5py.File(path, "a") as file:
        del file.attrs["units"], file.attrs["events"]
    events = read(path)
    assert events["particles"]["parent"].tolist() == [-1, 0]
    assert events["particles"]["process"].tolist() == [Process.PRIMARY, Process.IONISATION]
    assert events["particles"]["momentum"].tolist() == [[0, 0, 500], [1, 0, 0]]
    assert events["particles"]["time"].tolist() == [1000, 1500]
    assert events["particles"]["interaction"].tolist() == [0, 0]
    assert events["interactions"]["time"].tolist() == [1000]


def test_a_chain_of_any_depth_inherits_and_a_circle_does_not_hang():
    n = 1000
    value = np.full(n, -1)
    value[0] = 5
    assert (inherited(value, np.arange(-1, n - 1)) == 5).all()
    assert inherited(np.array([-1, -1, -1]), np.array([1, 2, 0])).tolist() == [-1, -1, -1]


@needs(GEANT4)
def test_the_geant4_file_has_the_counts_it_is_known_for():
    events = read(GEANT4)
    assert {name: len(table) for name, table in events.tables.items()} == {
        "event": 400,
        "interactions": 998,
        "particles": 434_960 + 5,  # five primaries left no deposit and so have no trajectory
        "segments": 2_454_773,
    }
    with h5py.File(GEANT4) as file:
        assert events["segments"]["energy"].double().sum() == pytest.approx(file["segments"]["dE"].astype("f8").sum())
    particles, segments = events["particles"], events["segments"]
    assert (particles["process"] != Process.UNKNOWN).all()
    assert int((particles["process"] == Process.PRIMARY).sum()) == 2014
    assert torch.equal(particles["process"] == Process.PRIMARY, particles["parent"] < 0)
    assert (particles["interaction"] >= 0).all()
    assert (segments["particle"] >= 0).all()
    assert torch.equal(particles.batch[segments["particle"]], segments.batch)
    child = particles["parent"] >= 0
    assert torch.equal(particles.batch[particles["parent"][child]], particles.batch[child])
    assert int((particles["process"] == Process.DECAY).sum()) == 643 + 12  # of muons bound to argon: 12
    assert (segments["length"] >= (segments["end"] - segments["start"]).norm(dim=1) - 1e-6).all()
    assert segments["start"].abs().max() <= 115.2001


@needs(EDEPSIM)
def test_the_edep_sim_file_has_the_counts_it_is_known_for():
    events = read(EDEPSIM)
    assert len(events) == 100
    assert len(events["segments"]) == 73_789
    with h5py.File(EDEPSIM) as file:
        rows = file["segments"][:]
    assert len(events["particles"]) == len(np.unique(rows[["eventID", "trackID"]]))
    assert np.array_equal(events["particles"]["pdg"][events["segments"]["particle"]].numpy(), rows["pdgId"])


@pytest.mark.parametrize(
    ("dataset", "field", "value"),
    [
        ("segments", "dE", np.nan),
        ("segments", "dE", -1.0),
        ("segments", "x_end", np.inf),
        ("trajectories", "ke_start", -3.0),
    ],
)
def test_values_that_cannot_be_are_counted_and_the_first_is_named(tmp_path, dataset, field, value):
    arrays = toy_arrays()
    arrays[dataset][field][[1, 3]] = value
    with pytest.raises(
        InputError, match=rf"'{field}' of dataset '/{dataset}' of .* has 2 values .* the first in row 1"
    ) as e:
        read(write(tmp_path / "bad.h5", arrays))
    assert "\n" not in str(e.value)


def test_missing_fields_are_named(tmp_path):
    arrays = toy_arrays()
    arrays["segments"] = arrays["segments"][[n for n in SEGMENTS.names if n not in ("dE", "x_end")]]
    with pytest.raises(InputError, match=r"'/segments' of .* lacks the fields \['x_end', 'dE'\], it has \['event_id'"):
        read(write(tmp_path / "bad.h5", arrays))


def test_a_dataset_without_fields_is_refused(tmp_path):
    with pytest.raises(InputError, match="lacks the fields"):
        read(write(tmp_path / "bad.h5", {"segments": np.zeros((3, 4))}))


def test_a_file_without_events_is_refused(tmp_path):
    with pytest.raises(InputError, match="has no events"):
        read(write(tmp_path / "none.h5", {"segments": np.zeros(0, SEGMENTS)}, events=0))
