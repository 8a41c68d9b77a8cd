"""DUNE's pixel maps: labels from a pickle without code, and files that hold too much."""

import pickle
import zlib

import numpy as np
import pytest
from fixtures_lartpc_hits import make_cvn, make_cvn_file
from format_fixture import DATA, Payload
from hypothesis import given
from hypothesis import strategies as st

from nuforge.errors import InputError
from nuforge.formats import read
from nuforge.formats.dune_cvn import labels_of

MAPS = DATA / "dune_cvn"


@pytest.mark.skipif(not MAPS.exists(), reason=f"{MAPS} is not there")
def test_real_maps_have_the_pixels_that_they_hold():
    events = read(MAPS)
    total = sum(int(np.frombuffer(zlib.decompress(f.read_bytes()), np.uint8).sum()) for f in MAPS.glob("*.gz"))
    assert int(events["pixels"]["charge"].sum()) == total
    assert events["event"]["event"].tolist() == list(range(12))
    assert set(events["event"]["flavour"].tolist()) <= {0, 1, 2, 3}
    assert "flavour" not in events.readout()["event"]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_labels_that_name_code_are_refused_and_nothing_runs(tmp_path, protocol):
    path = tmp_path / "partition.p"
    path.write_bytes(pickle.dumps([["0"], {"0": Payload(tmp_path / "ran")}], protocol))
    with pytest.raises(
        InputError, match=r"the labels have the opcode (STACK_)?GLOBAL, expected plain numbers; do not use this file"
    ):
        labels_of(path)
    assert not (tmp_path / "ran").exists()


@given(st.binary(max_size=200))
def test_any_bytes_are_labels_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("labels") / "partition.p"
    path.write_bytes(content)
    with pytest.raises(InputError) as error:
        labels_of(path)
    assert "\n" not in str(error.value)


def test_a_map_that_unpacks_to_more_is_refused(tmp_path):
    folder = make_cvn(tmp_path / "maps", 3, 0, "plain")
    (folder / "event2.gz").write_bytes(zlib.compress(bytes(1 << 28)))
    with pytest.raises(InputError, match="holds more than 750000 bytes, expected a zlib file of 750000"):
        read(folder)


def test_a_map_without_labels_is_read(tmp_path):
    events = read(make_cvn_file(tmp_path / "event7.gz", 1, 0, "plain"))
    assert events["event"]["event"].tolist() == [7]
    assert events["event"]["flavour"].tolist() == [-1]
