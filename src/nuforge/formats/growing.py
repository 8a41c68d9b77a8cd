"""HDF5 files that grow row by row: datasets are made when their first rows come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

_CHUNK = 1 << 16  # bytes


def append(file: h5py.Group, name: str, rows: NDArray[Any]) -> int:
    """How many rows the dataset `name` had before `rows` (N, ...) were added to it; it is made if it is not there."""
    if name not in file:
        chunk = max(1, _CHUNK // max(1, rows[:1].nbytes or rows.dtype.itemsize))
        file.create_dataset(
            name,
            (0, *rows.shape[1:]),
            rows.dtype,
            maxshape=(None, *rows.shape[1:]),
            chunks=(chunk, *rows.shape[1:]),
            compression="gzip",
            compression_opts=1,
        )
    dataset = file[name]
    before = len(dataset)
    dataset.resize(before + len(rows), axis=0)
    dataset[before:] = rows
    return before


def records(dtype: np.dtype[Any], columns: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    """A structured array (N,) of columns (N, ...); fields without a column are zero."""
    rows = np.zeros(len(next(iter(columns.values()))), dtype)
    for name, values in columns.items():
        rows[name] = values
    return rows
