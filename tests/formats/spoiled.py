"""Files spoiled on purpose: parts gone, of another type, of another shape, or declared much larger than they are."""

from __future__ import annotations

import io
import json
import shutil
import sqlite3
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
from pyarrow import parquet

BOMB = 6 << 27  # bytes of zeros, which pack into 800 kB


def spoiled(path: Path, folder: Path) -> Iterator[Path]:
    """Copies of a file or folder, spoiled part by part, one at a time; each is removed when the next comes."""
    kinds = {b"PAR1": _parquet, b"SQLite": _sqlite, b"PK": _zip, b"root": _root, b"{": _json}
    files = [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())
    for file in files:
        head = file.read_bytes()[:8]
        spoil = next((how for sign, how in kinds.items() if head.startswith(sign)), None)
        if spoil is None and (head[:1] == b"\x89" or not head.isascii()):
            continue
        for i, content in enumerate((spoil or _text)(file)):
            copy = folder / f"spoiled{i}" / path.name
            copy.parent.mkdir()
            shutil.copytree(path, copy) if path.is_dir() else None
            (copy / file.relative_to(path) if path.is_dir() else copy).write_bytes(content)
            yield copy
            shutil.rmtree(copy.parent)


def _parquet(path: Path) -> Iterator[bytes]:
    """Each column gone, of words, of numbers with a point that are NaN, of lists; and all of them."""
    table = parquet.ParquetFile(path).read()
    other = [
        lambda n: pa.array(["word"] * n),
        lambda n: pa.array(np.full(n, np.nan, np.float32)),
        lambda n: pa.array([[1, 2]] * n),
        lambda n: pa.array([{"a": "b"}] * n),
        lambda n: pa.nulls(n),
    ]
    for i, name in enumerate(table.column_names):
        yield _written(table.drop_columns([name]))
        for make in other:
            yield _written(table.set_column(i, name, make(len(table))))
    yield _written(table.slice(0, 0))


def _written(table: pa.Table) -> bytes:
    content = io.BytesIO()
    parquet.write_table(table, content)
    return content.getvalue()


def _sqlite(path: Path) -> Iterator[bytes]:
    """Each column of words, of bytes, of nothing; each table gone."""
    whole = path.read_bytes()
    with closing(sqlite3.connect(path)) as base:
        names = [row[0] for row in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        columns = {name: [row[1] for row in base.execute(f"PRAGMA table_info({name})")] for name in names}
    orders = [f"DROP TABLE {name}" for name in names]
    for name, each in columns.items():
        orders += [f"UPDATE {name} SET {c} = {v}" for c in each for v in ("'word'", "x'00ff'", "NULL", "9e999")]
        orders += [f"ALTER TABLE {name} RENAME COLUMN {c} TO gone" for c in each]
    for order in orders:
        path.write_bytes(whole)
        with closing(sqlite3.connect(path)) as base:
            base.execute(order)
            base.commit()
        yield path.read_bytes()
    path.write_bytes(whole)


def _zip(path: Path) -> Iterator[bytes]:
    """Each array gone, of words, of another shape, with a header that declares too much or is none."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    huge = [_header("<f4", shape) for shape in ("(1099511627776,)", "(1073741824, 1073741824)", "(-1,)", "(3, -7)")]
    bad = [b"", b"\x93NUMPY\x01\x00\xff\xff{", _header("|O", "(2,)"), _header("<f4", "(" * 90 + "1" + ")" * 90)]
    for name in members:
        array = np.load(io.BytesIO(members[name]))
        others = [np.full(array.shape, "word"), array.reshape(-1, 1, 1), array[..., :1], np.full(array.shape, np.nan)]
        for content in [None, *huge, *bad, *map(_npy, others)]:
            out = io.BytesIO()
            with zipfile.ZipFile(out, "w") as archive:
                for each, data in members.items():
                    if each != name or content is not None:
                        archive.writestr(each, content if each == name and content is not None else data)
            yield out.getvalue()


def _header(kind: str, shape: str) -> bytes:
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


def _npy(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def _root(path: Path) -> Iterator[bytes]:
    """Numbers of entries and bytes that are much too large or negative, wherever small ones are."""
    whole = path.read_bytes()
    for n in (5, 10, 3):
        sign = n.to_bytes(8, "big")
        places = [i for i in range(len(whole)) if whole.startswith(sign, i)][:4]
        for huge in (2**62, -1):
            for place in places:
                yield whole[:place] + huge.to_bytes(8, "big", signed=True) + whole[place + 8 :]


def _json(path: Path) -> Iterator[bytes]:
    """Members gone or of other types, numbers without end, brackets without end."""
    content = json.loads(path.read_bytes())
    for name, values in content.items():
        n = len(values) if isinstance(values, list) else 3
        for other in (None, 7, "word", [], {"a": 1}, [[1]] * n, ["a"] * n, [1e400] * n):
            yield json.dumps({**content, name: other}).encode()
        yield json.dumps({key: value for key, value in content.items() if key != name}).encode()
        yield json.dumps({**content, name: 0}).replace(": 0", ": 1" + "0" * 100_000).encode()
    yield b'{"a":' + b"[" * 1_000_000


def _text(path: Path) -> Iterator[bytes]:
    """Each kind of line gone or with words for numbers, and a line without end."""
    lines = path.read_bytes().splitlines(keepends=True)
    seen: dict[bytes, int] = {}
    for i, line in enumerate(lines):
        seen.setdefault(line[:3], i)
    for i in list(seen.values())[:30]:
        words = lines[i].split()
        yield b"".join([*lines[:i], *lines[i + 1 :]])
        for k in range(min(len(words), 6)):
            for other in (b"word", b"nan", b"1e999", b"9" * 400, b""):
                yield b"".join([*lines[:i], b" ".join([*words[:k], other, *words[k + 1 :]]) + b"\n", *lines[i + 1 :]])
    yield b"".join(lines) + b"7 " * 4_000_000


def bomb(path: Path, name: str, chunk: int = 1 << 27) -> None:
    """Makes a dataset of an HDF5 file one of zeros that unpack to 800 MB, in chunks of so many bytes."""
    with h5py.File(path, "a") as file:
        shape, dtype = file[name].shape, file[name].dtype
        row = dtype.itemsize * int(np.prod(shape[1:]))
        if dtype.hasobject or not shape or not 0 < row <= chunk:
            return
        rows, n = chunk // row, BOMB // chunk
        del file[name]
        dataset = file.create_dataset(name, (n * rows, *shape[1:]), dtype, chunks=(rows, *shape[1:]), compression=9)
        for i in range(n):
            dataset.id.write_direct_chunk((i * rows, *(0 for _ in shape[1:])), _packed(rows * row))


@cache
def _packed(n: int) -> bytes:
    return zlib.compress(bytes(n), 9)
