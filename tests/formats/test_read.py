import h5py
import numpy as np
import pytest
import torch

from nuforge.errors import InputError, MissingFileError
from nuforge.events import Events, Table
from nuforge.events.store import finish, write_shard
from nuforge.formats import read, stream


def toy_store(folder):
    folder.mkdir(exist_ok=True)
    names = ("source", "run", "subrun", "event", "variation")
    events = Events({"event": Table({name: torch.arange(5) for name in names}, torch.arange(6))})
    write_shard(folder, 0, events)
    finish(folder, events, detector=None, provenance={}, shards=1)
    return folder


def test_a_store_is_read(tmp_path):
    events = read(toy_store(tmp_path / "store"))
    assert events["event"]["event"].tolist() == [0, 1, 2, 3, 4]
    assert [len(part) for part in stream(tmp_path / "store", 2)] == [2, 2, 1]


def test_a_string_is_a_path(tmp_path):
    assert len(read(str(toy_store(tmp_path / "store")))) == 5


def test_nothing_is_a_missing_file(tmp_path):
    with pytest.raises(MissingFileError, match=r"no file or folder .*nothing.h5; check the path"):
        read(tmp_path / "nothing.h5")
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "nothing.h5")


@pytest.mark.parametrize("name", ["events.h5", "events.root", "events"])
def test_an_unknown_format_lists_the_known_ones_whatever_its_name(tmp_path, name):
    (tmp_path / name).write_bytes(b"nothing\x00\x00 and so on")
    with pytest.raises(InputError, match=r"is of no known format .*known formats: a store .*; segments HDF5"):
        read(tmp_path / name)


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / "empty.h5").touch()
    with pytest.raises(InputError, match="is empty, expected one of the known formats"):
        read(tmp_path / "empty.h5")


def test_a_shard_alone_points_to_its_store(tmp_path):
    with pytest.raises(InputError, match="is one Parquet file, expected a store; give its folder"):
        read(toy_store(tmp_path) / "shard-000000.parquet")


def test_hdf5_of_something_else_says_what_it_has(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["packets"] = np.zeros(3)
    with pytest.raises(InputError, match=r"is HDF5 of no known format, it has \['packets'\]; known formats"):
        read(tmp_path / "other.h5")


@pytest.mark.parametrize("left", [0.02, 0.5, 0.99])
def test_hdf5_cut_short_is_refused_in_one_line(tmp_path, left):
    path = tmp_path / "cut.h5"
    with h5py.File(path, "w") as file:
        file["segments"] = np.zeros(5000)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(left * len(whole))])
    with pytest.raises(InputError, match=r"is no readable HDF5 file .*; copy it again") as error:
        read(path)
    assert "\n" not in str(error.value)


def test_a_damaged_chunk_is_refused_in_one_line(tmp_path):
    path = tmp_path / "damaged.h5"
    fields = ["event_id", "traj_id", "x_start", "y_start", "z_start", "x_end", "y_end", "z_end", "dE"]
    rows = np.zeros(20_000, [(name, "f4") for name in fields])
    rows["dE"] = np.random.default_rng(0).random(20_000)
    with h5py.File(path, "w") as file:
        file.create_dataset("segments", data=rows, compression="gzip")
    whole = bytearray(path.read_bytes())
    middle = len(whole) // 2
    whole[middle : middle + 2000] = bytes(2000)
    path.write_bytes(whole)
    with pytest.raises(InputError, match=r"'/segments' of .* is damaged .*; copy it again") as error:
        read(path)
    assert "\n" not in str(error.value)
