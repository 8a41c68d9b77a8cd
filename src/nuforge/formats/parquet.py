"""Columns of Parquet files as arrays, a bounded number of rows at a time, with errors that name what is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet
from torch.utils.dlpack import from_dlpack

from nuforge.errors import InputError
from nuforge.formats.ragged import Extents, Keyed, ids

Integers = NDArray[np.int64]

BLOCK = 1 << 16
"""Rows read at a time."""

_WHOLE = 1 << 20  # values of row groups that are read together

_BUFFER = 1 << 18  # bytes of a packed column that are read together, else the whole column of a row group

_VALUES_PER_BYTE = 8
"""More values of a column than this per byte of a file are not data: the least that a hit has is a time."""


_CHUNK, _RATIO = 1 << 28, 100  # bytes of a column in a row group, and bytes to packed ones where there are more


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """What Arrow says of a damaged file becomes one line."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise InputError(f"{path} is no readable Parquet file ({reason}); copy it again") from None


@contextmanager
def open_parquet(path: Path) -> Iterator[parquet.ParquetFile]:
    """A Parquet file open for reading; what goes wrong inside becomes one line.

    Raises:
        InputError: If it is damaged, or declares more values than its bytes can hold.
    """
    with reading(path), parquet.ParquetFile(path, buffer_size=_BUFFER, pre_buffer=False) as file:
        meta, size = file.metadata, path.stat().st_size
        groups = [meta.row_group(i) for i in range(meta.num_row_groups)]
        most = sum(max((g.column(i).num_values for i in range(g.num_columns)), default=0) for g in groups)
        if most > _VALUES_PER_BYTE * size:
            raise InputError(
                f"{path} declares {most} values of one column in {size} bytes, expected at most "
                f"{_VALUES_PER_BYTE} a byte; copy or write it again"
            )
        chunks = (g.column(i) for g in groups for i in range(g.num_columns))
        widest = max(chunks, key=lambda c: c.total_uncompressed_size, default=None)
        if widest is not None and widest.total_uncompressed_size > max(_CHUNK, _RATIO * widest.total_compressed_size):
            raise InputError(
                f"column '{widest.path_in_schema}' of {path} has {widest.total_uncompressed_size} bytes packed in "
                f"{widest.total_compressed_size}, expected at most {_RATIO} times as many; write smaller row groups"
            )
        yield file


def rows_in(path: Path) -> int:
    """How many rows a file has."""
    with reading(path):
        return int(parquet.read_metadata(path).num_rows)


def event_batches(file: parquet.ParquetFile, n: int, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """The rows of a file with a row an event, n at a time at most.

    Args:
        file: The file.
        n: Rows at a time.
        columns: Columns to read; all if it is not given.
    """
    return _batches(file, range(file.metadata.num_row_groups), columns, n)


def _batches(
    file: parquet.ParquetFile, groups: range, columns: Sequence[str] | None, n: int | None = None
) -> Iterator[pa.RecordBatch]:
    """Row groups in blocks, n rows at a time at most; those of few values are decoded whole and together."""
    names = None if columns is None else list(columns)
    waiting, values = list[int](), 0
    for group in groups:
        size = _values(file, group, names)
        if waiting and values + size > _WHOLE:
            yield from file.read_row_groups(waiting, columns=names, use_threads=False).to_batches(n)
            waiting, values = [], 0
        if size > _WHOLE:
            yield from file.iter_batches(n or BLOCK, row_groups=[group], columns=names, use_threads=False)
        else:
            waiting, values = [*waiting, group], values + size
    if waiting:
        yield from file.read_row_groups(waiting, columns=names, use_threads=False).to_batches(n)


def _values(file: parquet.ParquetFile, group: int, names: Sequence[str] | None) -> int:
    """Values of columns of a row group; elements of lists are values each."""
    meta = file.metadata.row_group(group)
    chunks = [meta.column(i) for i in range(meta.num_columns)]
    if names is None:
        return sum(chunk.num_values for chunk in chunks)
    paths = [chunk.path_in_schema for chunk in chunks]  # names may have dots too
    taken = (path in names or path.split(".", 1)[0] in names for path in paths)
    return sum(chunk.num_values for chunk, mine in zip(chunks, taken, strict=True) if mine)


def plain(array: pa.Array) -> pa.Array:
    """An array without extension types, such as those that awkward registers."""
    return array.storage if isinstance(array, pa.ExtensionArray) else array


def fields(array: pa.Array) -> dict[str, pa.Array]:
    """The fields of an array of structs, by name."""
    array = plain(array)
    names = [array.type.field(i).name for i in range(array.type.num_fields)]
    return dict(zip(names, map(plain, array.flatten()), strict=True))


def is_number(kind: pa.DataType) -> bool:
    """Whether a column holds numbers or flags."""
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind))


def is_list(kind: pa.DataType) -> bool:
    """Whether a column holds lists."""
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def storage(kind: pa.DataType) -> pa.DataType:
    """A type without its extension."""
    return kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind


def numbers(array: pa.Array) -> NDArray:
    """Numbers (N,) of a column: int64 or real; a missing integer is -1, a missing real number NaN.

    They share the memory of the column where they can, and may be written to: it is no one else's.
    """
    array = plain(array)
    if pa.types.is_boolean(array.type):
        array = array.cast(pa.int8())
    if array.null_count:
        array = array.fill_null(np.nan if pa.types.is_floating(array.type) else -1)
    values: NDArray = from_dlpack(array).numpy()
    return values if values.dtype.kind == "f" else values.astype(np.int64, copy=False)


def lists(array: pa.Array) -> tuple[NDArray, Integers]:
    """The values (N,) of lists end to end, and how many each has (B,); a missing list is empty."""
    array = plain(array)
    if array.null_count:
        counts = np.asarray(array.value_lengths().fill_null(0).to_numpy(zero_copy_only=False), np.int64)
    else:
        counts = np.diff(array.offsets.to_numpy()).astype(np.int64, copy=False)
    return numbers(array.flatten()), counts


@dataclass(frozen=True)
class ParquetRows:
    """Rows of a flat file by their numbers, read in blocks; only the row groups that hold them are touched.

    Args:
        path: The file.
        file: It, open.
        starts: (G + 1,) the first row of each row group, and the number of rows.
        names: Its columns of numbers.
    """

    path: Path
    file: parquet.ParquetFile
    starts: Integers
    names: tuple[str, ...]

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> Iterator[ParquetRows]:
        """The rows of a file, which is open as long as they are read."""
        with open_parquet(path) as file:
            meta = file.metadata
            sizes = [meta.row_group(i).num_rows for i in range(meta.num_row_groups)]
            names = tuple(field.name for field in file.schema_arrow if is_number(storage(field.type)))
            yield cls(path, file, np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]).astype(np.int64), names)

    def __len__(self) -> int:
        return int(self.starts[-1])

    def blocks(self, columns: Sequence[str], first: int, end: int) -> Iterator[tuple[int, dict[str, NDArray]]]:
        """Columns of the rows from first to before end in blocks, each with the number of its first row."""
        low = int(np.searchsorted(self.starts, first, side="right")) - 1
        high = int(np.searchsorted(self.starts, end, side="left"))
        if end <= first:
            return
        row = int(self.starts[low])
        with reading(self.path):
            for batch in _batches(self.file, range(low, high), columns):
                cut = slice(max(first - row, 0), max(min(end - row, len(batch)), 0))
                if cut.stop > cut.start:
                    part = batch.slice(cut.start, cut.stop - cut.start)
                    yield row + cut.start, {name: numbers(part.column(name)) for name in columns}
                row += len(batch)
                if row >= end:
                    return


_Block = tuple[int, int, dict[str, NDArray]]
"""The first row, the one after the last, and columns."""


@dataclass
class KeyedFile:
    """Rows of a flat file with a column of events, in any order.

    What was read and may be asked for again stays: events in the order of the file are read once.

    Args:
        rows: The rows.
        key: The column of events.
        extents: Where the rows of each event are.
    """

    rows: ParquetRows
    key: str
    extents: Extents
    _window: list[_Block] = field(default_factory=list)
    _coming: Iterator[tuple[int, dict[str, NDArray]]] = field(default_factory=lambda: iter(()))

    @classmethod
    def of(cls, rows: ParquetRows, key: str) -> KeyedFile:
        """A file by its column of events; few rows are read with it.

        Raises:
            InputError: If there is no such column, or it has other than whole numbers.
        """
        if key not in rows.names:
            raise InputError(
                f"{rows.path} lacks the column '{key}', it has {list(rows.names)}; write its rows with one"
            )
        window: list[_Block] = []
        few = len(rows) * len(rows.names) <= _WHOLE

        def keys() -> Iterator[tuple[int, Integers]]:
            for first, block in rows.blocks(rows.names if few else [key], 0, len(rows)):
                if few:
                    window.append((first, first + len(block[key]), block))
                yield first, ids(block[key], f"'{key}' of {rows.path}")

        return cls(rows, key, Extents.of(keys()), window)

    def rows_of(self, events: Integers) -> tuple[dict[str, NDArray], Integers]:
        """The columns of some events (B,) but the key, event after event, and how many rows each has (B,)."""
        first, end, counts = self.extents.range_of(events)
        parts = self._blocks(first, end)
        if not parts:
            names = [name for name in self.rows.names if name != self.key]
            return {name: np.zeros(0) for name in names}, np.zeros(len(events), np.int64)
        joined = {name: _joined([part[name] for part in parts]) for name in parts[0]}
        key = joined.pop(self.key, None)
        if counts is not None:
            return joined, counts
        key = self.extents.key_of(first, end) if key is None else ids(key, f"'{self.key}' of {self.rows.path}")
        keyed = Keyed.of(key, events)
        return {name: keyed.taken(values) for name, values in joined.items()}, keyed.counts

    @property
    def _columns(self) -> list[str]:
        """What is read: the column of events too if rows have to be sorted by it, or if there is no other."""
        others = [name for name in self.rows.names if name != self.key]
        return others if others and self.extents.in_order else [self.key, *others]

    def _blocks(self, first: int, end: int) -> list[dict[str, NDArray]]:
        """The rows from first to before end, in pieces."""
        if end <= first:
            return []
        if not self._window or first < self._window[0][0]:
            self._window, self._coming = [], self.rows.blocks(self._columns, first, len(self.rows))
        while not self._window or self._window[-1][1] < end:
            begin, block = next(self._coming)
            self._window.append((begin, begin + len(block[self._columns[0]]), block))
        self._window = [piece for piece in self._window if piece[1] > first]
        cuts = [(slice(max(first - a, 0), min(end, b) - a), block) for a, b, block in self._window if a < end]
        return [{name: values[cut] for name, values in block.items()} for cut, block in cuts]


def _joined(parts: Sequence[NDArray]) -> NDArray:
    """Pieces end to end, not copied if there is one."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
