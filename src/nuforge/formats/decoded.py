"""Datasets that are gone through twice, for where events are and for what they hold, and decoded once."""

from __future__ import annotations

import math
import os
import tempfile
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from io import FileIO
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from nuforge.errors import InputError
from nuforge.formats.hdf5 import BLOCK, KEPT, PACKED, check_size, picked, span_of

_ASIDE = 1 << 30  # bytes at most that are put aside
_UNPACKED = 1 << 26  # bytes at most of a block of whole chunks


@dataclass
class Decoded:
    """The rows of a dataset: `blocks` goes through all of them, `rows` then takes some again.

    What `blocks` decodes is kept in memory if that is little, else put aside in a temporary file without a name. Rows
    that are not packed are as fast to read again, and those that do not fit aside have to be.

    Args:
        path: Its file, for messages.
        dataset: The dataset, whose first axis are the rows.
    """

    path: Path
    dataset: h5py.Dataset
    _kept: NDArray[Any] | None = None
    _aside: FileIO | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.dataset)

    @cached_property
    def row_bytes(self) -> int:
        """Bytes of a row."""
        return math.prod((int(self.dataset.dtype.itemsize), *map(int, self.dataset.shape[1:])))

    def blocks(self) -> Iterator[tuple[int, NDArray[Any]]]:
        """All rows in blocks, each with the number of its first row."""
        size = len(self) * self.row_bytes
        if size <= KEPT:
            self._kept = self._read(0, len(self))
            yield from [(0, self._kept)][: len(self)]
            return
        aside = self._temporary() if size <= min(_ASIDE, PACKED * self.path.stat().st_size) else None
        for first in range(0, len(self), self._step):
            rows = self._read(first, min(first + self._step, len(self)))
            aside = _added(aside, rows)
            yield first, rows
        self._aside = aside

    @cached_property
    def _step(self) -> int:
        """Rows of a block: whole chunks where they are small enough, because HDF5 unpacks all of one for any part."""
        chunk = self.dataset.chunks[0] if self.dataset.chunks else 1
        step = max(BLOCK - BLOCK % chunk, chunk)
        return step if step * self.row_bytes <= _UNPACKED else BLOCK

    def rows(self, first: int, end: int) -> NDArray[Any]:
        """The rows from first to before end.

        Raises:
            InputError: If they are more than the file can well hold, or damaged.
        """
        if self._kept is not None:
            return self._kept[first:end]
        check_size(self.path, self.dataset, (end - first) * self.row_bytes)
        return self._read(first, end) if self._aside is None else self._put_aside(self._aside, first, end)

    def taken(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Rows (N, ...) in any order."""
        first, end = span_of(rows)
        return picked(self.rows(first, end), rows, first)

    def _read(self, first: int, end: int) -> NDArray[Any]:
        try:
            rows: NDArray[Any] = self.dataset[first:end]
        except OSError as error:
            reason = str(error).splitlines()[0]
            raise InputError(f"'{self.dataset.name}' of {self.path} is damaged ({reason}); copy it again") from None
        return rows

    def _temporary(self) -> FileIO | None:
        """A temporary file, if the rows are packed and there is room for one; it goes when this does."""
        packed = self.dataset.id.get_create_plist().get_nfilters() > 0
        if not packed or self.dataset.dtype.hasobject or not hasattr(os, "preadv"):
            return None
        try:
            aside = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed by the finalizer
        except OSError:
            return None
        weakref.finalize(self, aside.close)
        return aside

    def _put_aside(self, aside: FileIO, first: int, end: int) -> NDArray[Any]:
        """Rows that were put aside."""
        rows = np.empty((max(end - first, 0), *self.dataset.shape[1:]), self.dataset.dtype)
        left, place = rows.reshape(-1).view(np.uint8).data, first * self.row_bytes
        while len(left):
            n = os.preadv(aside.fileno(), [left], place)
            if not n:
                raise InputError(f"rows of '{self.dataset.name}' of {self.path} are gone from {tempfile.gettempdir()}")
            left, place = left[n:], place + n
        return rows


def _added(aside: FileIO | None, rows: NDArray[Any]) -> FileIO | None:
    """The temporary file with more rows, nothing if there is no room."""
    if aside is None:
        return None
    left = np.ascontiguousarray(rows).reshape(-1).view(np.uint8).data
    try:
        while len(left):
            left = left[aside.write(left) :]
    except OSError:  # the disk is full
        aside.truncate(0)
        return None
    return aside
