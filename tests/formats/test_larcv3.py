"""LArCV3: checked on files made from the documentation of the format, and on what NuForge writes."""

import h5py
import numpy as np
import pytest
import torch
from fixtures_lartpc_voxels import make_larcv3

from nuforge.detectors import lartpc_cube
from nuforge.errors import InputError
from nuforge.events import Events, Process, Table
from nuforge.formats import read
from nuforge.formats.identity import event_table
from nuforge.formats.larcv3 import LARCV3


@pytest.fixture
def made(tmp_path):
    return make_larcv3(tmp_path / "made.h5", 5, 0, "plain")


def test_voxel_numbers_run_fastest_along_the_last_axis(made):
    pixels = read(made)["pixels"]
    with h5py.File(made) as file:
        number = file["Data/sparse2d_wire_group/voxels"]["id"].astype(np.int64)
    row, column = np.unravel_index(number, (20, 10))
    assert pixels["row"].tolist() == row.tolist()
    assert pixels["column"].tolist() == column.tolist()
    assert pixels["view"].tolist() == [0, 0, 0, 0, 1, 1, 1, 1] * 4


def test_truth_is_truth_and_only_the_readout_is_readout(made):
    seen = read(made).readout()
    assert set(seen["pixels"]) == {"view", "row", "column", "charge"}
    assert set(seen.tables) == {"event", "pixels", "images"}


def test_labels_in_another_order_are_joined_by_voxel(tmp_path, made):
    expected = read(made)["pixels"]["label"]
    with h5py.File(made, "a") as file:
        voxels = file["Data/sparse2d_label_group/voxels"]
        voxels[:4] = voxels[:4][::-1]
    assert torch.equal(read(made)["pixels"]["label"], expected)


def test_a_voxel_without_a_label_has_none(made):
    with h5py.File(made, "a") as file:
        voxels = file["Data/sparse2d_label_group/voxels"]
        voxels[0] = (58 if voxels["id"][1] != 58 else 59, 1)
    labels = read(made)["pixels"]["label"]
    assert labels[0] == -1
    assert (labels[1:] >= 0).all()


def test_clusters_name_their_pixels(made):
    events = read(made)
    clusters, pixels = events["clusters2d_true"], events["pixels"]
    assert torch.equal(pixels["charge"][clusters["of"]], clusters["value"])
    assert clusters["cluster"][:8].tolist() == [0, 0, 1, 1, 0, 0, 1, 1]


def test_energies_in_gev_are_told_by_the_masses(made):
    particles = read(made)["particles"]
    assert particles["energy"][0].item() == pytest.approx(np.hypot(300, 105.6583755))
    with h5py.File(made, "a") as file:
        rows = file["Data/particle_mcst_group/particles"][()]
        for name in ("pz", "energy_init"):
            rows[name] *= 1000
        file["Data/particle_mcst_group/particles"][...] = rows
    assert torch.allclose(read(made)["particles"]["momentum"], particles["momentum"])


def test_parents_are_rows_and_processes_codes(made):
    particles = read(made)["particles"]
    assert particles["parent"][:4].tolist() == [-1, 0, -1, 2]
    assert particles["process"][:2].tolist() == [Process.PRIMARY, Process.IONISATION]


def test_simulated_voxels_are_written_with_a_detector(tmp_path):
    detector = lartpc_cube()
    index = torch.tensor([[0, 1, 2], [5, 5, 5], [767, 0, 767]])
    voxels = {"index": index, "value": torch.tensor([1.0, 2, 3]), "label": torch.tensor([0, -1, 4])}
    events = Events(
        {
            "event": event_table(1, np.arange(3)),
            "voxels": Table.from_counts(voxels, torch.tensor([2, 0, 1])),
        }
    )
    LARCV3.write(tmp_path / "out.h5", [events[:1], events[1:]], detector)
    again = read(tmp_path / "out.h5")
    for name in voxels:
        assert torch.equal(again["voxels"][name], voxels[name]), name
    assert torch.equal(again["voxels"].offsets, events["voxels"].offsets)
    size = again["volumes"]["size"] / again["volumes"]["bins"]
    assert torch.allclose(size, torch.full((3, 3), detector.readout.voxel).double())
    with pytest.raises(InputError, match="needs the table 'volumes' to say where pixels are"):
        LARCV3.write(tmp_path / "none.h5", [events], None)


def test_a_voxel_outside_its_image_is_refused(made):
    with h5py.File(made, "a") as file:
        file["Data/sparse2d_wire_group/voxels"][3] = (200, 1)
    with pytest.raises(InputError, match="has voxels outside their image; write it again"):
        read(made)
