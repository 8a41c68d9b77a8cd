"""Every decoder of ours on bytes that hypothesis makes: sound events, or one line.

A budget of some seconds is part of the tests. To look longer, for an hour or a night, give more examples a test:

    NUFORGE_FUZZ_EXAMPLES=100000 python -m pytest tests/formats/test_fuzz.py

What is found is kept by hypothesis in `.hypothesis` and tried first the next time. The decoder of ROOT's arrays of
objects has tests of this kind in test_wcsim.py, that of DUNE's labels in test_dune_cvn.py too.
"""

import io
import os
import tarfile
from contextlib import contextmanager, suppress

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from test_contract import FIXTURES

from nuforge.errors import InputError
from nuforge.events.expression import parse
from nuforge.formats import stream
from nuforge.formats.arrays import _member, members_of_tar
from nuforge.formats.dune_cvn import labels_of
from nuforge.formats.larpix import LARPIX
from nuforge.formats.ragged import Extents, Keyed, Spans, ids

EXAMPLES = int(os.environ.get("NUFORGE_FUZZ_EXAMPLES", "15"))
MOST = 1 << 28  # bytes of the events of a small file

fuzzed = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
integers = arrays.arrays(
    st.sampled_from([np.int64, np.uint64, np.int32]), st.integers(0, 6), elements={"min_value": 0}
) | arrays.arrays(np.int64, st.integers(0, 6))


def is_sound(events):
    """Columns as long as their table, offsets that rise from nought, memory that a small file can ask for."""
    tables = events.tables.values()
    assert len({len(table.offsets) for table in tables}) == 1
    for table in tables:
        assert table.offsets[0] == 0
        assert (table.offsets.diff() >= 0).all()
        assert all(len(table[name]) == int(table.offsets[-1]) for name in table)
    assert sum(table[name].nbytes for table in tables for name in table) < MOST


@contextmanager
def perhaps_refused():
    """What happens inside goes well, or is refused in one line."""
    said = ""
    try:
        yield
    except InputError as error:
        said = str(error)
    assert "\n" not in said


# Files of every kind but HDF5, whose bytes are the HDF5 library's


KINDS = (
    *(
        "wire-cell-frames",
        "wire-cell-depos",
        "graphnet sqlite",
        "graphnet nested",
        "prometheus",
        "icecube kaggle",
        "dune-cvn",
    ),
    *("gst", "gibuu", "rootracker", "hese", "nuhepmc", "kin", "miniboone"),
)


def test_the_kinds_are_those_of_fixtures():
    assert set(KINDS) <= {fixture.name for fixture in FIXTURES}


@pytest.mark.parametrize("fixture", [f for f in FIXTURES if f.name in KINDS], ids=lambda f: f.name)
def test_changed_files_are_sound_or_refused(fixture, tmp_path):
    made = fixture.made(tmp_path / "made")
    file = made if made.is_file() else max((f for f in made.rglob("*") if f.is_file()), key=lambda f: f.stat().st_size)
    whole = file.read_bytes()

    @fuzzed
    @given(st.data())
    def changed(data):
        content = bytearray(whole)
        for _ in range(data.draw(st.integers(1, 4))):
            at = data.draw(st.integers(0, len(whole) - 1))
            n = data.draw(st.integers(0, 16))
            content[at : at + n] = data.draw(st.binary(max_size=16))
        file.write_bytes(content)
        with perhaps_refused():
            for part in stream(made, 2):
                is_sound(part)

    changed()


# LArPix


KIND = np.dtype(
    [(name, "u1") for name in ("io_group", "io_channel", "chip_id", "packet_type", "channel_id", "dataword")]
    + [("timestamp", "u8")]
)


@fuzzed
@given(st.binary(max_size=KIND.itemsize * 8), st.text(max_size=40))
def test_packets_of_any_words_are_sound_or_refused(tmp_path_factory, words, types):
    path = tmp_path_factory.mktemp("packets") / "made"
    with h5py.File(path, "w") as file:
        packets = np.frombuffer(words[: len(words) // KIND.itemsize * KIND.itemsize], KIND)
        file["packets"] = packets
        with suppress(ValueError):  # texts that HDF5 does not hold
            file["packets"].attrs["packet_types"] = "0: 'data', 4: 'timestamp'" + types
    n = 0
    with perhaps_refused():
        for part in LARPIX.events(path, 2):
            is_sound(part)
            n += len(part["hits"])
        assert n == int((packets["packet_type"] == 0).sum())


# Archives of arrays


@fuzzed
@given(
    st.sampled_from([b"\x93NUMPY\x01\x00", b"\x93NUMPY\x02\x00", b"\x93NUMPY\x03\x00"]),
    st.fixed_dictionaries(
        {
            "descr": st.sampled_from(["<f4", ">i8", "|O", "U3", "<f4,<i2", "V8", "(2,2)<f8"]) | st.text(max_size=6),
            "fortran_order": st.booleans() | st.integers(),
            "shape": st.lists(st.integers(-2, 2**66), max_size=3).map(tuple) | st.just(("x",)),
        }
    ),
    st.binary(max_size=64),
)
def test_headers_of_arrays_are_believed_or_refused(magic, header, content):
    text = repr(header).encode()
    file = io.BytesIO(magic + len(text).to_bytes(2 if magic[6] == 1 else 4, "little") + text + content)
    with perhaps_refused():
        member = _member("a", "'a'", file)
        assert member.read().shape == member.shape


@fuzzed
@given(st.data())
def test_archives_of_any_headers_are_read_or_refused(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("tar") / "made"
    with tarfile.open(path, "w") as archive:
        for name in ("frame_a_0.npy", "x" * 120, "b.npy"):
            entry = tarfile.TarInfo(name)
            entry.size = 64
            archive.addfile(entry, io.BytesIO(bytes(64)))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(content) // 512 - 1)) * 512 + data.draw(
            st.sampled_from([0, 124, 130, 156, 257])
        )
        new = data.draw(
            st.binary(max_size=12) | st.sampled_from([b"77777777777\0", b"\x80\0\0\0\x7f\xff\xff\xff", b"L", b"x"])
        )
        content[at : at + len(new)] = new
    for first in range(0, len(content), 512):  # checksums that fit
        header = bytearray(content[first : first + 512])
        header[148:156] = b" " * 8
        content[first + 148 : first + 156] = b"%06o\0 " % sum(header)
    path.write_bytes(content)
    with perhaps_refused():
        for member in members_of_tar(path):
            member.read()


# Labels


OPCODES = (
    *(
        b"]",
        b"}",
        b"(",
        b"l",
        b"d",
        b"a",
        b"e",
        b"s",
        b"u",
        b"0",
        b"1",
        b"2",
        b"N",
        b"\x88",
        b".",
        b"\x94",
        b"t",
        b"\x85",
    ),
    *(
        b"K\x07",
        b"J\xff\xff\xff\x7f",
        b"\x8c\x011",
        b"X\x01\x00\x00\x002",
        b"q\x00",
        b"h\x00",
        b"q\x01",
        b"h\x01",
        b"\x8f",
    ),
    *(
        b"\x8a\x01\x07",
        b"I3\n",
        b"cos\nsystem\n",
        b"R",
        b"b",
        b"\x82\x01",
        b"Q",
        b"\x80\x04",
        b"\x95\x05\0\0\0\0\0\0\0",
    ),
)


@fuzzed
@given(st.lists(st.sampled_from(OPCODES), max_size=40).map(b"".join))
def test_any_opcodes_are_labels_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("labels") / "partition.p"
    path.write_bytes(content + b".")
    with perhaps_refused():
        labels = labels_of(path)
        assert all(isinstance(key, str) and values.shape == (7,) for key, values in labels.items())


# Ragged data


@fuzzed
@given(integers, integers, st.integers(0, 20))
def test_spans_lie_in_their_table_one_behind_the_other(first, count, rows):
    makers = (
        lambda: Spans.of_offsets(first, rows, "x"),
        lambda: Spans.of_cumulative(first, rows, "x"),
        lambda: Spans.of_counts(first, rows, "x"),
        lambda: Spans.of_extents(first[: len(count)], count[: len(first)], rows, "x"),
    )
    for make in makers:
        with perhaps_refused():
            spans = make()
            assert len(spans.first) == len(spans.count)
            assert (spans.first >= 0).all()
            assert (spans.count >= 0).all()
            assert (spans.first[1:] == (spans.first + spans.count)[:-1]).all()
            assert not len(spans) or spans.first[-1] + spans.count[-1] <= rows


@fuzzed
@given(
    arrays.arrays(np.int64, st.integers(0, 12), elements=st.integers(-2, 4)), st.sets(st.integers(-3, 5), max_size=5)
)
def test_rows_by_key_are_those_of_their_events(key, events):
    known = np.array(sorted(events), np.int64)
    keyed = Keyed.of(key, known)
    np.testing.assert_array_equal(key[keyed.order], np.repeat(known, keyed.counts))
    assert len(keyed.order) == np.isin(key, known).sum()
    extents = Extents.of([(0, key[:5]), (5, key[5:])] if len(key) > 5 else [(0, key)])
    for event in extents.events:
        low, high, _ = extents.range_of(np.array([event]))
        assert (np.flatnonzero(key == event) >= low).all()
        assert (np.flatnonzero(key == event) < high).all()
    low, high, counts = extents.range_of(known)
    if counts is not None:
        np.testing.assert_array_equal(key[low:high], np.repeat(known, counts))


@fuzzed
@given(arrays.arrays(st.sampled_from([np.float32, np.float64, np.int64, np.uint8]), st.integers(0, 5)))
def test_numbers_of_events_are_whole_and_exact_or_refused(values):
    with perhaps_refused():
        assert (ids(values, "x") == values).all()


# Expressions


WORDS = (
    "energy",
    "x[0]",
    "x[",
    "'CC'",
    "'",
    "1e309",
    "1e",
    ".",
    "&",
    "|",
    "~",
    "(",
    ")",
    "==",
    "<",
    ">=",
    "-",
    "*",
    "/",
)


@fuzzed
@given(st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join) | st.text(max_size=60))
def test_expressions_are_parsed_or_refused(text):
    with perhaps_refused():
        parse(text)


@pytest.mark.parametrize("part", ["(", "-", "~", "x[", "1 + ", "a == "])
def test_expressions_without_end_are_refused(part):
    with pytest.raises(InputError):
        parse(part * 100_000)
