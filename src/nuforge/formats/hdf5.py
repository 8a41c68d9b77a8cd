"""Datasets of HDF5 files, by the names of their fields, with errors that name what is missing or wrong."""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from h5py import h5d, h5p, h5t, h5z
from numpy.typing import NDArray

from nuforge.errors import InputError, MissingFileError

BLOCK = 1 << 17  # rows read at a time
KEPT = 1 << 23  # bytes of a dataset that is not read twice
_CHUNK = 1 << 26  # bytes of a chunk
PACKED = 16  # bytes to those of the file, of tables that pack well
_WHOLE = 1 << 28  # bytes read at once
_RATIO = 1100  # declared bytes to bytes of the file: deflate packs 1032 to 1 at most


def open_hdf5(path: Path) -> h5py.File:
    """An HDF5 file open for reading.

    Raises:
        InputError: If there is none, or it is cut short or damaged.
    """
    if not path.exists():
        raise MissingFileError(f"no file {path}; check the path")
    try:
        return h5py.File(path, "r")
    except OSError as error:
        reason = "it is cut short" if "truncated" in str(error) else str(error).splitlines()[0]
        raise InputError(f"{path} is no readable HDF5 file ({reason}); copy it again") from None


def plausible(path: Path, dataset: h5py.Dataset, dtype: np.dtype[Any] | None = None) -> h5py.Dataset:
    """A dataset, unless it declares more bytes than its file can hold, or fields that overlap.

    Where the type of a field is damaged h5py takes a wider one, and HDF5 then writes past the end of its memory.

    Args:
        path: Its file.
        dataset: The dataset.
        dtype: Its type, if it is known already: h5py makes it anew each time.

    Raises:
        InputError: If it does; damaged and hostile files declare anything.
    """
    shape, kind, size = dataset.shape, dtype or dataset.dtype, path.stat().st_size
    declared = math.prod(shape) * kind.itemsize
    if declared > _RATIO * size + BLOCK:
        raise InputError(
            f"'{dataset.name}' of {path} declares {declared} bytes, but the file has {size}, expected at most "
            f"{_RATIO} times as many; copy or write it again"
        )
    spans = sorted((at, at + part.itemsize) for part, at, *_ in (kind.fields or {}).values())
    if any(end > begin for (_, end), (begin, _) in pairwise([*spans, (kind.itemsize, 0)])):
        raise InputError(f"fields of '{dataset.name}' of {path} overlap, its type is damaged; copy or write it again")
    made = dataset.id.get_create_plist()
    _check_filters(path, dataset, made)
    chunk = (math.prod(made.get_chunk()) if made.get_layout() == h5d.CHUNKED else 1) * kind.itemsize
    if chunk > max(_CHUNK, PACKED * size):  # each slice of it unpacks all of it
        raise InputError(
            f"'{dataset.name}' of {path} has chunks of {chunk} bytes in a file of {size}, expected {_CHUNK} or "
            f"{PACKED} times the file at most; h5repack it with smaller ones"
        )
    return dataset


def _check_filters(path: Path, dataset: h5py.Dataset, made: h5p.PropDCID) -> None:
    """Refuses a dataset that is packed in a way that HDF5 does not know, even with the package hdf5plugin."""
    for number, _, _, name in map(made.get_filter, range(made.get_nfilters())):
        if not h5z.filter_avail(number):
            with suppress(ModuleNotFoundError):
                importlib.import_module("hdf5plugin")  # adds its filters
        if not h5z.filter_avail(number):
            raise InputError(
                f"'{dataset.name}' of {path} is packed by {text_of(name) or number}, which HDF5 does not know; "
                "pip install hdf5plugin, or write it with gzip"
            )


def dataset_of(path: Path, group: h5py.Group, name: str) -> h5py.Dataset:
    """A dataset by its name.

    Raises:
        InputError: If there is none of that name, or it declares more than the file can hold.
    """
    found = group.get(name)
    if not isinstance(found, h5py.Dataset):
        raise InputError(
            f"'{group.name}' of {path} has no dataset '{name}', it has {list(group)[:20]}; copy or write it again"
        )
    return plausible(path, found)


def attribute(item: h5py.HLObject, name: str, default: object = None) -> Any:  # noqa: ANN401
    """A number or text that is an attribute of a group or dataset; `default` if there is none.

    Raises:
        InputError: If it is something else, on which HDF5 can break off.
    """
    if name not in item.attrs:
        return default
    kind = item.attrs.get_id(name).get_type()
    if not isinstance(kind, (h5t.TypeIntegerID, h5t.TypeFloatID, h5t.TypeEnumID, h5t.TypeStringID)):
        raise InputError(
            f"attribute '{name}' of '{item.name}' of {item.file.filename} is neither a number nor a text; copy it again"
        )
    return item.attrs[name]


def columns_of(
    path: Path, dataset: h5py.Dataset, names: Sequence[str], dtype: np.dtype[Any] | None = None
) -> h5py.Dataset:
    """A structured dataset that has fields of numbers of these names.

    Args:
        path: Its file.
        dataset: The dataset.
        names: Of the fields.
        dtype: Its type, if it is known already.

    Raises:
        InputError: If one is missing or holds no numbers.
    """
    fields = (dtype or dataset.dtype).fields or {}
    missing = [name for name in names if name not in fields]
    if missing:
        raise InputError(
            f"'{dataset.name}' of {path} lacks the fields {missing}, it has {list(fields)}; write it again"
        )
    wrong = [name for name in names if fields[name][0].base.kind not in "iufb"]
    if wrong:
        raise InputError(f"fields {wrong} of '{dataset.name}' of {path} are no numbers; write them as numbers")
    return dataset


def numbers_of(path: Path, dataset: h5py.Dataset) -> h5py.Dataset:
    """A dataset of plain numbers.

    Raises:
        InputError: If it holds something else.
    """
    if dataset.dtype.kind not in "iufb":
        raise InputError(f"'{dataset.name}' of {path} has type {dataset.dtype}, expected numbers; write it again")
    return dataset


def whole(path: Path, dataset: h5py.Dataset, fields: Sequence[str] = ()) -> NDArray[Any]:
    """All of a dataset, or of some of its fields, such as the numbers of events, which are held in memory.

    Raises:
        InputError: If they are more than 256 MB and 16 times the file; numbers of events do not pack so well.
    """
    check_size(path, dataset, dataset.size * dataset.dtype.itemsize)
    values: NDArray[Any] = dataset.fields(list(fields))[()] if fields else dataset[()]
    return values


def check_size(path: Path, dataset: h5py.Dataset, size: int) -> None:
    """Refuses to hold so many bytes of a dataset, if its file cannot well hold them."""
    most = max(_WHOLE, PACKED * path.stat().st_size)
    if size > most:
        raise InputError(
            f"'{dataset.name}' of {path} declares {size} bytes that are read at once, expected {most} at most; cut it"
        )


def taken(dataset: h5py.Dataset, rows: NDArray[np.int64]) -> NDArray[Any]:
    """Rows (N, ...) of a dataset, in any order, read as the range that they span."""
    first, end = span_of(rows)
    return picked(dataset[first:end], rows, first)


def span_of(rows: NDArray[np.int64]) -> tuple[int, int]:
    """The first of some rows (N,), and the one after the last."""
    return (int(rows.min()), int(rows.max()) + 1) if len(rows) else (0, 0)


def picked(values: NDArray[Any], rows: NDArray[np.int64], first: int) -> NDArray[Any]:
    """Of the rows that some (N,) span, from the first on, these; not copied if they are all, in order."""
    follow = len(rows) == len(values) and bool((rows[1:] > rows[:-1]).all())
    return values if follow else values[rows - first]


def text_of(value: object) -> str:
    """A string that a file holds as bytes or as text."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
