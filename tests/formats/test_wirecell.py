"""Wire-Cell archives: orientation, sparse and dense alike, and archives that would fill the memory."""

import io
import tarfile
import zipfile

import numpy as np
import pytest
import torch
from fixtures_lartpc_readout import make_depos, make_frames, save_npz
from format_fixture import DATA

from nuforge.errors import InputError
from nuforge.formats import read, stream

SPARSE = DATA / "wirecell" / "protodunehd_apa1_evt40896_gauss_sparse.npz"
DENSE = DATA / "wirecell" / "protodunehd-sp-frames-anode1.tar.bz2"


@pytest.mark.skipif(not DENSE.exists(), reason=f"{DENSE} is not there")
def test_the_sparse_and_the_dense_frame_are_the_same():
    sparse, dense = read(SPARSE), read(DENSE)
    for column in ("row", "column", "charge"):
        assert torch.equal(sparse["pixels"][column], dense["pixels"][column])
    assert torch.equal(sparse["channels"]["channel"], dense["channels"]["channel"])
    assert dense["event"]["event"].tolist() == [40896]
    assert dense["event"]["tick"].tolist() == [500]


def tarred(path, arrays, mode="w:bz2"):
    with tarfile.open(path, mode) as archive:
        for name, values in arrays.items():
            data = io.BytesIO()
            np.save(data, values)
            info = tarfile.TarInfo(f"{name}.npy")
            info.size = data.tell()
            data.seek(0)
            archive.addfile(info, data)
    return path


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_tar_archive_holds_the_same_as_an_npz(tmp_path, mode):
    path = make_frames(tmp_path / "made.npz", 3, 0, "plain")
    with np.load(path) as arrays:
        other = read(tarred(tmp_path / "made.tar", dict(arrays), mode))
    one = read(path)
    for name in ("pixels", "pixels_wiener1", "channels", "masks"):
        for column in one[name]:
            torch.testing.assert_close(one[name][column], other[name][column], equal_nan=True, rtol=0, atol=0)


def test_depositions_are_read_in_both_orientations(tmp_path):
    path = make_depos(tmp_path / "made.npz", 3, 0, "plain")
    with np.load(path) as arrays:
        turned = save_npz(tmp_path / "turned.npz", {name: values.T for name, values in arrays.items()}, "plain")
    one, other = read(path), read(turned)
    for column in one["depos"]:
        assert torch.equal(one["depos"][column], other["depos"][column]), column


def test_a_zip_bomb_is_refused(tmp_path):
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("frame_raw_0.npy", "w") as file:
        for _ in range(600):
            file.write(bytes(1 << 20))
    with pytest.raises(InputError, match=r"declares 629145600 bytes packed in .*, expected at most .* and no zip bomb"):
        list(stream(path))


def test_an_array_that_declares_too_much_is_refused(tmp_path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (1 << 20, 1 << 20)})
    with zipfile.ZipFile(tmp_path / "huge.npz", "w") as archive:
        archive.writestr("frame_raw_0.npy", header.getvalue())
    with pytest.raises(InputError, match="declares the shape"):
        list(stream(tmp_path / "huge.npz"))


def test_a_tag_that_comes_later_is_refused_by_name(tmp_path):
    frame = np.ones((2, 3), np.float32)
    path = save_npz(tmp_path / "made.npz", {"frame_raw_0": frame, "frame_gauss_1": frame}, "plain")
    with pytest.raises(InputError, match=r"has the tags \['gauss'\], the first has \['raw'\]; split the file"):
        list(stream(path))


def test_frames_stored_tick_by_tick_are_the_same(tmp_path):
    path = make_frames(tmp_path / "made.npz", 3, 0, "plain")
    with np.load(path) as arrays:
        turned = {name: np.asfortranarray(values) for name, values in arrays.items()}
    one, other = read(path), read(save_npz(tmp_path / "turned.npz", turned, "plain"))
    for column in one["pixels"]:
        assert torch.equal(one["pixels"][column], other["pixels"][column]), column
