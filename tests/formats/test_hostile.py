"""Damaged and hostile files through the command line: one line, exit code 2, no code run, little memory, soon.

What is not refused is read; no more than that is asked where a file may still make sense.
"""

import gzip
import io
import os
import pickle
import shutil
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib

import h5py
import numpy as np
import pyarrow as pa
import pytest
from format_fixture import Fixture
from pyarrow import parquet
from spoiled import bomb, spoiled
from suffered import answers, faults
from test_contract import FIXTURES, hdf5_parts

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
    pytest.mark.skipif(not os.path.exists("/proc/self/clear_refs"), reason="memory is measured as Linux says it"),
]


def those(condition):
    return pytest.mark.parametrize("fixture", [f for f in FIXTURES if condition(f)], ids=lambda f: f.name)


@those(lambda f: True)
def test_parts_that_are_gone_or_of_another_type_or_size_are_read_or_refused(fixture: Fixture, tmp_path):
    made = fixture.made(tmp_path / "made")
    found = answers(lambda: spoiled(made, tmp_path))
    if not found and not hdf5_parts(made):  # of HDF5 files the contract has a test of its own
        pytest.skip("nothing to spoil but bytes")
    assert not faults(found)


@those(lambda f: True)
def test_stretches_of_zeros_or_ones_are_read_or_refused(fixture: Fixture, tmp_path):
    """As a disk leaves them, and as the largest numbers that a header can declare."""
    made = fixture.made(tmp_path / "made")
    path = made if made.is_file() else next(f for f in sorted(made.rglob("*"), reverse=True) if f.is_file())
    whole = path.read_bytes()
    generator = np.random.default_rng(7)

    def stretches():
        for _ in range(10):
            for fill, n in ((b"\xff", 4), (b"\x00", 64), (b"\x7f", 8)):
                at = int(generator.integers(0, len(whole)))
                path.write_bytes(whole[:at] + fill * min(n, len(whole) - at) + whole[at + n :])
                yield made

    assert not faults(answers(stretches))


@those(lambda f: True)
def test_datasets_of_zeros_without_end_are_read_or_refused(fixture: Fixture, tmp_path):
    made = fixture.made(tmp_path / "made")
    names = hdf5_parts(made)
    if not names:
        pytest.skip("no HDF5")

    def bombs():
        for name in names:
            shutil.copy(made, path := tmp_path / "bomb")
            with h5py.File(path, "r") as file:
                if not isinstance(file[name], h5py.Dataset):
                    continue
            bomb(path, name)
            yield path

    assert not faults(answers(bombs))


@pytest.mark.parametrize("name", ["segments", "liquido", "pisa"])
def test_zeros_in_small_chunks_are_read_or_refused(name, tmp_path):
    fixture = next(f for f in FIXTURES if f.name == name)
    path = fixture.made(tmp_path / "made")
    bomb(path, next(n for n in hdf5_parts(path) if n in {"segments", "HitData"} or n.endswith("true_energy")), 1 << 24)
    assert not faults(answers(lambda: [path]))


@pytest.mark.parametrize("verb", ["convert", "show"])
@those(lambda f: f.name in {"segments", "gst", "graphnet sqlite", "icecube kaggle", "wire-cell-frames", "hese"})
def test_other_verbs_refuse_in_one_line_and_leave_nothing(fixture: Fixture, tmp_path, verb):
    made = fixture.made(tmp_path / "made")
    file = made if made.is_file() else next(f for f in sorted(made.rglob("*")) if f.name.startswith("batch"))
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 6 // 10])
    there = sorted(tmp_path.rglob("*"))
    found = answers(lambda: [made], verb)
    assert not faults(found, refused=True)
    assert sorted(tmp_path.rglob("*")) == there


# Archives


def npz(path, shape, names, fill=0):
    """Arrays of one value, packed."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
                for _ in range(shape[0]):
                    file.write(np.full(shape[1:], fill, "<f4").tobytes())
    return path


def tarred(path, entries, mode="w:gz"):
    """An archive of (name, type, content) entries."""
    with tarfile.open(path, mode, compresslevel=1, format=tarfile.GNU_FORMAT) as archive:
        for name, kind, content in entries:
            entry = tarfile.TarInfo(name)
            entry.size, entry.type = len(content), kind
            archive.addfile(entry, io.BytesIO(content))
    return path


HEADER = (
    b"\x93NUMPY\x01\x00\x46\x00"
    + b"{'descr': '<f4', 'fortran_order': False, 'shape': (5000, 10000), }".ljust(69)
    + b"\n"
)


def bombs_of_archives(folder):
    """Archives that unpack to a thousand times their size."""
    yield npz(folder / "one.npz", (300, 1 << 18), ["frame_gauss_0"])
    yield npz(folder / "ones.npz", (200, 1 << 18), ["frame_gauss_0"], 1)
    yield npz(folder / "many.npz", (200, 1 << 18), [f"frame_gauss_{i}" for i in range(2)])
    yield npz(folder / "sparse.npz", (60, 1 << 20), ["ch", "tick", "value", "shape"], 1)
    yield npz(folder / "depos.npz", (7, 8_000_000), ["depo_data_0", "depo_info_0"], 1)
    zeros = HEADER + bytes(200_000_000)
    yield tarred(folder / "tar.gz", [(f"frame_gauss_{i}.npy", tarfile.REGTYPE, zeros) for i in range(2)])
    yield tarred(folder / "name.gz", [("x", tarfile.GNUTYPE_LONGNAME, bytes(100_000_000))])
    (folder / "zlib").write_bytes(zlib.compress(bytes(200_000_000), 1))
    yield folder / "zlib"
    (folder / "gzip").write_bytes(gzip.compress(bytes(200_000_000), 1))
    yield folder / "gzip"
    with (folder / "larger").open("wb") as file:
        file.write(b"\x78\x01")
        file.truncate(3 << 30)
    yield folder / "larger"


def test_archives_that_unpack_without_end_are_read_or_refused(tmp_path):
    assert not faults(answers(lambda: bombs_of_archives(tmp_path)))


def bombs_of_parquet(folder):
    """Files of a hundred kilobytes with columns of some hundred megabytes."""
    words = pa.table({"event_no": [0], "dom_x": [0.0], "word": pa.array(["x" * 300_000_000], pa.large_string())})
    parquet.write_table(words, folder / "word.parquet", compression="zstd")
    yield folder / "word.parquet"
    nested = {name: pa.StructArray.from_arrays([words["word"].chunk(0)], ["t"]) for name in ("mc_truth", "photons")}
    parquet.write_table(pa.table(nested), folder / "nested.parquet", compression="zstd")
    yield folder / "nested.parquet"
    zeros = pa.table({name: np.zeros(1 << 22) for name in ("event_id", "sensor_id", "time", "charge", "auxiliary")})
    with parquet.ParquetWriter(
        folder / "zeros.parquet", zeros.schema, compression="zstd", use_dictionary=False
    ) as writer:
        for _ in range(8):
            writer.write_table(zeros)
    yield folder / "zeros.parquet"


def test_columns_that_unpack_without_end_are_refused(tmp_path):
    assert not faults(answers(lambda: bombs_of_parquet(tmp_path)), refused=True)


# Pickles


def harmful(canary):
    """Pickles that would make the file `canary`, or take all memory or time, by the opcode that does it."""
    text = f"touch {canary}".encode()
    call = b"(X" + struct.pack("<I", len(text)) + text
    short = b"\x8c\x02os\x8c\x06system\x93"
    yield "GLOBAL and REDUCE", b"cos\nsystem\n" + call + b"tR."
    yield "STACK_GLOBAL", b"\x80\x04" + short + call + b"tR."
    yield "INST", call + b"ios\nsystem\n."
    yield "OBJ", b"(cos\nsystem\n" + call[1:] + b"o."
    yield "NEWOBJ", b"\x80\x02csubprocess\nPopen\n" + call + b"t\x81."
    yield "NEWOBJ_EX", b"\x80\x04csubprocess\nPopen\n" + call + b"t}\x92."
    yield "BUILD", b"cnuforge\nTable\n)\x81}X\x01\x00\x00\x00ak\x01sb."
    yield "EXT1", b"\x80\x02\x82\x01" + call + b"tR."
    yield "EXT2", b"\x80\x02\x83\x01\x00."
    yield "EXT4", b"\x80\x02\x84\x01\x00\x00\x00."
    yield "PERSID", b"Pos.system\n."
    yield "BINPERSID", b"X\x02\x00\x00\x00osQ."
    yield "NEXT_BUFFER", b"\x80\x05\x97."
    yield "nested", pickle.dumps([["0"], {"0": pickle.dumps(1), "1": [0] * 7}])[:-1] + b"cos\nsystem\n0."
    yield (
        "laughing lists",
        b"(lp0\n0(" + b"".join(b"(g%d\ng%d\nlp%d\n0(" % (i, i, i + 1) for i in range(60)) + b"g60\nl.",
    )
    key = b"(I1\ntp0\n" + b"".join(b"0(g%d\ng%d\ntp%d\n" % (i, i, i + 1) for i in range(60))
    yield "a key without end", b"(lp99\n(dp98\n" + key + b"I1\nsa."
    yield "a number without end", b"\x8b\xff\xff\xff\x0f" + bytes(0xFFFFFFF)
    yield "a text that is not there", b"\x8d" + struct.pack("<Q", 1 << 40)


def test_no_pickle_runs_code_or_takes_time_or_memory(tmp_path):
    canary = tmp_path / "canary"
    contents = dict(harmful(canary))
    frame = np.zeros((2, 2), np.uint8)

    def files():
        for i, content in enumerate(contents.values()):
            folder = tmp_path / f"labels{i}"
            folder.mkdir()
            (folder / "event0.gz").write_bytes(zlib.compress(bytes(750_000)))
            (folder / "partition.p").write_bytes(content)
            yield folder
            header = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n"
            array = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + content[:1000]
            yield tarred(tmp_path / f"{i}.tar.gz", [("frame_a_0.npy", tarfile.REGTYPE, array)])
            (tmp_path / f"{i}.pkl").write_bytes(content[:100_000])
            yield tmp_path / f"{i}.pkl"
            with zipfile.ZipFile(tmp_path / f"{i}.npz", "w") as archive:
                archive.writestr("frame_a_0.npy", array)
                archive.writestr("channels_a_0.npy", frame.tobytes())
            yield tmp_path / f"{i}.npz"

    assert not faults(answers(files), refused=True)
    assert not canary.exists()


# The HDF5 library


def with_wide_floats(path, bias):
    """A table whose double has another bias of its exponent: h5py takes it for a longer one."""
    with h5py.File(path, "w") as file:
        kind = [("event_id", "i8"), ("E_min_MeV", "f8"), ("E_max_MeV", "f8"), ("N", "f8")]
        file["ibd_spectrum_AD11"] = np.ones(400, kind)
    content = path.read_bytes()
    ieee = struct.pack("<HHBBBBI", 0, 64, 52, 11, 0, 52, 1023)
    assert ieee in content
    path.write_bytes(content.replace(ieee, ieee[:-4] + struct.pack("<I", bias), 1))
    return path


def with_a_heap_of_zeros(path):
    """A file one of whose pages is zero: a heap of texts without end."""
    with h5py.File(path, "w") as file:
        file.create_dataset("ibd_spectrum_AD11", data=[b"a" * 3000] * 5, dtype=h5py.string_dtype())
    content = bytearray(path.read_bytes())
    first = content.index(b"GCOL")
    content[first + 16 : first + 4096] = bytes(4080)
    path.write_bytes(content)
    return path


def with_a_circle_of_names(path):
    """A file with a group in whose heap of names what is free comes again and again."""
    with h5py.File(path, "w") as file:
        file["ibd_spectrum_AD11"] = np.zeros(5)
    content = bytearray(path.read_bytes())
    heap = content.index(b"HEAP")
    free, place = struct.unpack_from("<QQ", content, heap + 16)
    struct.pack_into("<Q", content, place + free, free)
    path.write_bytes(content)
    return path


def test_a_damaged_type_is_refused_before_the_library_writes_past_its_memory(tmp_path):
    found = answers(lambda: [with_wide_floats(tmp_path / "made", 847)])
    assert not faults(found, refused=True)
    assert "overlap, its type is damaged" in found[0].said


def test_a_heap_without_end_is_refused_before_the_library_walks_it(tmp_path):
    found = answers(lambda: [with_a_heap_of_zeros(tmp_path / "made")], hang=60)
    assert not faults(found, refused=True)
    assert "has a damaged heap of texts or lists" in found[0].said


def test_a_heap_of_names_that_goes_round_is_refused_before_the_library_follows_it(tmp_path):
    found = answers(lambda: [with_a_circle_of_names(tmp_path / "made")], hang=60)
    assert not faults(found, refused=True)
    assert "has a damaged heap of names" in found[0].said


PLAIN = """
import sys, h5py
with h5py.File(sys.argv[1]) as file:
    for name in file:
        file[name][()]
"""


@pytest.mark.parametrize("make", [lambda p: with_wide_floats(p, 847), with_a_heap_of_zeros], ids=["types", "heaps"])
def test_h5py_alone_breaks_off_or_hangs_on_such_files(tmp_path, make):
    """If this fails HDF5 was mended, and what `hdf5.plausible` and `global_heaps` look for may go."""
    command = [sys.executable, "-c", PLAIN, str(make(tmp_path / "made"))]
    try:
        code = subprocess.run(command, capture_output=True, timeout=15, check=False).returncode
    except subprocess.TimeoutExpired:
        return
    assert code < 0


LIMITED = """
import resource
resource.setrlimit(resource.RLIMIT_AS, (1 << 31, 1 << 31))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the memory of a process is limited on Linux")
def test_h5py_alone_takes_memory_without_end_from_such_files(tmp_path):
    """If this fails HDF5 was mended, and what `local_heaps` looks for may go."""
    command = [sys.executable, "-c", LIMITED + PLAIN, str(with_a_circle_of_names(tmp_path / "made"))]
    found = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "memory allocation failed" in found.stderr
