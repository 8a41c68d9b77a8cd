"""Columns whose values repeat, such as names and numbers of kinds of particles: each value looked at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from nuforge.formats.ragged import Integers


def distinct(values: NDArray[Any]) -> tuple[list[Any], Integers]:
    """The values of a column, each once, and which of them each row has (N,); by hashing, faster than by sorting.

    Args:
        values: (N,) integers, bytes of one width, text or objects.
    """
    plain = np.ascontiguousarray(values)
    if plain.dtype.kind == "S" and plain.dtype.itemsize:
        letters = pa.py_buffer(plain.view(np.uint8))
        array = pa.FixedSizeBinaryArray.from_buffers(pa.binary(plain.dtype.itemsize), len(plain), [None, letters])
    elif plain.dtype.kind in "iu" and plain.dtype.isnative:
        array = pa.array(plain)
    else:
        known, which = np.unique(plain, return_inverse=True)
        return known.tolist(), which.astype(np.int64)
    found = array.dictionary_encode()
    known = np.array(found.dictionary.to_pylist(), plain.dtype)  # without the zeros that end words
    return known.tolist(), found.indices.to_numpy().astype(np.int64)


def merged(*parts: NDArray[np.integer]) -> Integers:
    """Numbers of several columns, sorted, each once; fast where the columns are equal, or sorted."""
    others = [part for part in parts[1:] if not np.array_equal(part, parts[0])]
    values: Integers = np.concatenate([part.astype(np.int64, copy=False) for part in (*parts[:1], *others)])
    if not (values[1:] > values[:-1]).all():
        values = np.sort(values, kind="stable")
    kept: Integers = values[np.append(True, values[1:] != values[:-1])[: len(values)]]
    return kept
