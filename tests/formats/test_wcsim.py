import struct
from contextlib import suppress

import numpy as np
import pytest
import torch
from format_fixture import DATA
from hypothesis import given
from hypothesis import strategies as st

from nuforge.errors import InputError
from nuforge.formats import read
from nuforge.formats.clones import Buffer, Member, read_clones, read_object, read_objects
from nuforge.formats.wcsim import _entry

FILE, DECODED = DATA / "wcsim" / "wcsim.root", DATA / "wcsim" / "wcsim_e500MeV_digihits.h5"
LAYOUTS = {
    ("Hit", 1): [Member("TObject", 66, 0, "BASE"), Member("q", 5, 0, "float"), Member("tube", 3, 2, "int")],
    ("Hit", 2): [Member("tube", 3, 2, "int"), Member("ids", 500, 0, "vector<int>"), Member("q", 5, 0, "float")],
    ("Trigger", 1): [
        Member("TObject", 66, 0, "BASE"),
        Member("n", 3, 0, "int"),
        Member("name", 65, 0, "TString"),
        Member("skipped", 62, 0, "Other"),
        Member("hits", 63, 0, "TClonesArray*"),
        Member("more", 64, 0, "TClonesArray*"),
    ],
}
TOBJECT = bytes([0, 1, 0, 0, 0, 0, 3, 0, 0, 0])
BYPASS = bytes([0, 1, 0, 0, 0, 0, 3, 0, 16, 0])
WANTED = ("n", "hits", "more", "q", "tube")


def counted(body):
    return struct.pack(">I", 0x40000000 | len(body)) + body


def clones(q, tube, version=1, n=None):
    """An array of hits as ROOT writes it, with members in the order of the version."""
    q, tube = np.array(q, ">f4"), np.array(tube, ">i4").reshape(-1, 2)
    if version == 1:
        members = TOBJECT * len(q) + q.tobytes() + tube.tobytes()
    else:
        members = tube.tobytes() + counted(bytes(2 + 4 * len(q))) + q.tobytes()
    head = b"\0\4" + BYPASS + b"\4hits" + f"{chr(5)}Hit;{version}".encode()
    return counted(head + struct.pack(">ii", len(q) if n is None else n, 0) + (members if len(q) else b""))


def buffer(data):
    return Buffer(np.frombuffer(data, np.uint8))


@pytest.mark.parametrize("version", [1, 2])
def test_columns_are_read_in_the_order_of_the_streamer_information(version):
    found = read_clones(buffer(clones([1.5, 2.5], [[1, 2], [3, 4]], version)), LAYOUTS, WANTED)
    assert found["q"].tolist() == [1.5, 2.5]
    assert found["tube"].tolist() == [[1, 2], [3, 4]]


def test_an_array_without_objects_has_columns_without_rows():
    found = read_clones(buffer(clones([], [])), LAYOUTS, WANTED)
    assert found["q"].shape == (0,)
    assert found["tube"].shape == (0, 2)


def test_objects_within_objects_are_passed_or_read():
    pointer = counted(struct.pack(">I", 0xFFFFFFFF) + b"TClonesArray\0" + clones([3.5], [[5, 6]]))
    body = b"\0\1" + TOBJECT + struct.pack(">i", 7) + b"\3abc" + counted(bytes(9)) + clones([1.5], [[1, 2]]) + pointer
    found = read_object(buffer(counted(body)), "Trigger", LAYOUTS, WANTED)
    assert found["n"] == 7
    assert found["hits"]["q"].tolist() == [1.5]
    assert found["more"]["tube"].tolist() == [[5, 6]]
    null = body[: -len(pointer)] + bytes(4)
    assert "more" not in read_object(buffer(counted(null)), "Trigger", LAYOUTS, WANTED)


@pytest.mark.parametrize("n", [3, 1_000_000_000, -2_000_000_000])
def test_more_objects_than_bytes_are_refused(n):
    with pytest.raises(InputError, match="copy the file again"):
        read_clones(buffer(clones([1.5, 2.5], [[1, 2], [3, 4]], n=n)), LAYOUTS, WANTED)


def test_objects_that_are_not_member_wise_or_not_described_are_refused():
    whole = clones([1.5], [[1, 2]])
    with pytest.raises(InputError, match="not written member by member"):
        read_clones(buffer(whole.replace(BYPASS, TOBJECT)), LAYOUTS, WANTED)
    with pytest.raises(InputError, match="does not say what Hit of version 3 has"):
        read_clones(buffer(whole.replace(b"Hit;1", b"Hit;3")), LAYOUTS, WANTED)


def test_columns_are_views_of_the_bytes():
    read_from = buffer(clones([1.5, 2.5], [[1, 2], [3, 4]]))
    found = read_clones(read_from, LAYOUTS, WANTED)
    assert all(np.shares_memory(values, read_from.data) for values in found.values())


def only_refused(function, data):
    """A decoder gives an answer or one line, whatever the bytes."""
    with suppress(InputError):
        function(data)


@given(st.binary(max_size=400))
def test_random_bytes_are_read_or_refused(data):
    only_refused(lambda d: read_clones(buffer(d), LAYOUTS, WANTED), data)
    only_refused(lambda d: read_object(buffer(d), "Trigger", LAYOUTS, WANTED), data)
    only_refused(lambda d: read_objects(buffer(d)), data)
    only_refused(lambda d: _entry(np.frombuffer(d, np.uint8), LAYOUTS), data)


@given(st.data())
def test_changed_bytes_of_a_real_array_are_read_or_refused(data):
    whole = bytearray(clones([1.5, 2.5, 3.5], np.arange(6), data.draw(st.sampled_from([1, 2]))))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(whole)))
    only_refused(lambda d: read_clones(buffer(bytes(d)), LAYOUTS, WANTED), whole[:cut])
    only_refused(lambda d: read_clones(buffer(bytes(d)), LAYOUTS, WANTED), whole)


@pytest.mark.skipif(not FILE.exists(), reason=f"{FILE} is not there")
def test_hits_are_those_that_root_itself_reads():
    ours, others = read(FILE)["hits"], read(DECODED)["hits"]
    assert torch.equal(ours.offsets, others.offsets)
    for name in ("sensor", "time", "charge"):
        assert torch.equal(ours[name], others[name]), name


@pytest.mark.skipif(not FILE.exists(), reason=f"{FILE} is not there")
def test_hits_are_where_the_sensors_are():
    hits = read(FILE)["hits"]
    with np.load(DATA / "wcsim" / "wcsim_e500MeV_digihits_geo.npz") as geometry:
        expected = geometry["position"][hits["sensor"].numpy()]
    torch.testing.assert_close(hits["position"], torch.from_numpy(expected))


@pytest.mark.skipif(not FILE.exists(), reason=f"{FILE} is not there")
def test_photoelectrons_are_early_and_of_the_electron():
    events = read(FILE)
    light = events["photoelectrons"]
    assert (events["particles"]["pdg"][light["particle"]] == 11).all()
    assert light["time"].median() < 150  # ns; the tank is crossed by light in 250 ns
