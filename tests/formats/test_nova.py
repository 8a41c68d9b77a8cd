"""NOvA's HDF5: rows find their slices by numbers alone."""

import h5py
import numpy as np
import pytest
import torch
from fixtures_scintillators import make_nova
from format_fixture import DATA

from nuforge.errors import InputError
from nuforge.formats import read

REAL = DATA / "nova" / "sample_r11981_s07.h5"


@pytest.mark.skipif(not REAL.exists(), reason=f"{REAL} is not there")
def test_rows_are_with_the_slice_whose_numbers_they_repeat():
    events = read(REAL)
    with h5py.File(REAL) as file:
        group = file["rec.me.trkkalman"]
        columns = [group[name][:, 0].astype(np.int64) for name in ("run", "subrun", "evt", "subevt")]
        rows = sorted(zip(*columns, group["meanpos.x"][:, 0].tolist(), strict=True))
    tracks, ids = events["tree_rec_me_trkkalman"], events["event"]
    found = [ids[name][tracks.batch].tolist() for name in ("run", "subrun", "trigger", "slice")]
    assert sorted(zip(*found, tracks["meanpos_x"].tolist(), strict=True)) == rows
    assert set(events["event"]["run"].tolist()) == {11981}


def test_spills_belong_to_every_slice_of_their_trigger(tmp_path):
    events = read(make_nova(tmp_path / "made", 4, 0, "plain"))
    assert events["event"]["trigger"].tolist() == [6, 6, 10, 15]
    assert events["event"]["slice"].tolist() == [1, 3, 1, 1]
    assert events["tree_neutrino"].counts.tolist() == [1, 1, 1, 1]
    assert "tree_spill" not in events  # its groups are keys alone
    assert events["tree_rec_me_trkkalman"].counts.tolist() == [1, 0, 2, 2]


def test_neutrinos_are_truth_and_tracks_are_not(tmp_path):
    seen = read(make_nova(tmp_path / "made", 4, 0, "plain")).readout()
    assert "tree_neutrino" not in seen
    assert "tree_rec_me_trkkalman" in seen


def test_maps_become_pixels_of_two_views(tmp_path):
    path = make_nova(tmp_path / "made", 4, 0, "plain")
    pixels = read(path)["pixels"]
    with h5py.File(path) as file:
        maps = file["rec.training.cvnmaps/cvnmap"][()].reshape(4, 2, 100, 80)
    image = torch.zeros(4, 2, 100, 80)
    image[pixels.batch, pixels["view"], pixels["row"], pixels["column"]] = pixels["charge"]
    assert np.array_equal(image.numpy(), maps)


def test_a_leaf_of_another_length_is_refused(tmp_path):
    path = make_nova(tmp_path / "made", 4, 0, "plain")
    with h5py.File(path, "a") as file:
        del file["neutrino/vtx.x"]
        file["neutrino/vtx.x"] = np.zeros((9, 1))
    with pytest.raises(InputError, match=r"'/neutrino/vtx.x' of .* has shape \(9, 1\), expected 3 rows; copy it again"):
        read(path)
