"""Datasets that are gone through twice: the same rows whether they are kept, put aside or read again."""

import h5py
import numpy as np
import pytest

from nuforge.errors import InputError
from nuforge.formats import decoded
from nuforge.formats.decoded import Decoded

ROWS = np.arange(3000, dtype="i8").reshape(1000, 3)


@pytest.fixture
def dataset(tmp_path, request):
    with h5py.File(tmp_path / "rows.h5", "w") as file:
        file.create_dataset("rows", data=ROWS, compression=request.param, chunks=(70, 3) if request.param else None)
    with h5py.File(tmp_path / "rows.h5") as file:
        yield file["rows"]


def gone_through(dataset, tmp_path):
    found = Decoded(tmp_path / "rows.h5", dataset)
    blocks = list(found.blocks())
    np.testing.assert_array_equal(np.concatenate([rows for _, rows in blocks]), ROWS)
    assert [first for first, _ in blocks] == np.cumsum([0, *(len(rows) for _, rows in blocks)])[:-1].tolist()
    return found


def reads(monkeypatch):
    """The ranges of rows that are asked of HDF5 from now on."""
    asked, read = [], h5py.Dataset.__getitem__
    monkeypatch.setattr(
        h5py.Dataset, "__getitem__", lambda self, cut, *more: (asked.append(cut), read(self, cut, *more))[1]
    )
    return asked


@pytest.mark.parametrize("dataset", ["gzip", None], indirect=True, ids=["packed", "plain"])
@pytest.mark.parametrize(("kept", "aside"), [(1 << 20, 1 << 20), (0, 1 << 20), (0, 0)], ids=["kept", "aside", "again"])
def test_rows_are_those_of_the_file(dataset, tmp_path, monkeypatch, kept, aside):
    monkeypatch.setattr(decoded, "KEPT", kept)
    monkeypatch.setattr(decoded, "_ASIDE", aside)
    monkeypatch.setattr(decoded, "BLOCK", 64)
    found, asked = gone_through(dataset, tmp_path), reads(monkeypatch)
    for first, end in ((0, 1000), (3, 500), (999, 1000), (17, 17)):
        np.testing.assert_array_equal(found.rows(first, end), ROWS[first:end])
    np.testing.assert_array_equal(found.taken(np.array([9, 4, 4, 700])), ROWS[[9, 4, 4, 700]])
    assert bool(asked) == (not kept and (not aside or dataset.compression is None))


@pytest.mark.parametrize("dataset", ["gzip"], indirect=True)
def test_a_full_disk_makes_reading_slower_and_no_worse(dataset, tmp_path, monkeypatch):
    class Full:
        closed = False

        def write(self, data):
            raise OSError(28, "No space left on device")

        def truncate(self, size):
            pass

        def close(self):
            self.closed = True

    file = Full()
    monkeypatch.setattr(decoded, "KEPT", 0)
    monkeypatch.setattr(decoded.tempfile, "TemporaryFile", lambda **_: file)
    found = gone_through(dataset, tmp_path)
    np.testing.assert_array_equal(found.rows(5, 50), ROWS[5:50])
    del found
    assert file.closed


@pytest.mark.parametrize("dataset", ["gzip"], indirect=True)
def test_what_a_file_cannot_hold_is_not_put_aside(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(decoded, "KEPT", 0)
    monkeypatch.setattr(decoded, "PACKED", 0)
    monkeypatch.setattr(decoded.tempfile, "TemporaryFile", lambda **_: pytest.fail("a temporary file was made"))
    gone_through(dataset, tmp_path)


def test_damaged_rows_are_refused(tmp_path):
    with h5py.File(tmp_path / "rows.h5", "w") as file:
        file.create_dataset("rows", data=ROWS, compression="gzip", chunks=(1000, 3))
        at, size = (getattr(file["rows"].id.get_chunk_info(0), name) for name in ("byte_offset", "size"))
    content = bytearray((tmp_path / "rows.h5").read_bytes())
    content[at : at + size] = bytes(size)
    (tmp_path / "rows.h5").write_bytes(content)
    with h5py.File(tmp_path / "rows.h5") as file, pytest.raises(InputError, match=r"'/rows' of .* is damaged"):
        list(Decoded(tmp_path / "rows.h5", file["rows"]).blocks())


@pytest.mark.parametrize("dataset", ["gzip"], indirect=True)
@pytest.mark.parametrize(("block", "starts"), [(64, 70), (200, 140)], ids=["smaller", "larger"])
def test_no_chunk_is_unpacked_twice(dataset, tmp_path, monkeypatch, block, starts):
    monkeypatch.setattr(decoded, "KEPT", 0)
    monkeypatch.setattr(decoded, "BLOCK", block)
    asked = reads(monkeypatch)
    list(Decoded(tmp_path / "rows.h5", dataset).blocks())
    assert [cut.start for cut in asked] == list(range(0, 1000, starts))


@pytest.mark.parametrize("dataset", ["gzip"], indirect=True)
def test_chunks_that_are_too_large_are_read_in_parts(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(decoded, "KEPT", 0)
    monkeypatch.setattr(decoded, "BLOCK", 64)
    monkeypatch.setattr(decoded, "_UNPACKED", 69 * 24)
    asked = reads(monkeypatch)
    list(Decoded(tmp_path / "rows.h5", dataset).blocks())
    assert [cut.start for cut in asked] == list(range(0, 1000, 64))
