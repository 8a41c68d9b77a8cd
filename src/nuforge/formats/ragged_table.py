"""Tables of HDF5 files with a column of events, in any order, by the names of their fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from nuforge.errors import InputError
from nuforge.formats.decoded import Decoded
from nuforge.formats.hdf5 import plausible
from nuforge.formats.ragged import Extents, Integers


@dataclass(frozen=True)
class Rows:
    """Rows of a table: the number of their event in the batch, sorted, and their columns by standard names."""

    event: NDArray[np.int64]
    columns: Mapping[str, NDArray[Any]]

    def __len__(self) -> int:
        return len(self.event)

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.columns[name]

    def vector(self, *names: str) -> NDArray[np.floating]:
        """Columns side by side, (N, 3); float32 if all of them are, else float64."""
        small = all(self[name].dtype == np.float32 for name in names)
        found = np.empty((len(self), len(names)), np.float32 if small else np.float64)
        for i, name in enumerate(names):
            found[:, i] = self[name]
        return found

    def at(self, rows: Integers, names: Sequence[str]) -> Rows:
        """Some of the rows, sorted, with those of the named columns that are there."""
        return Rows(self.event[rows], {name: self[name][rows] for name in names if name in self})


@dataclass
class RaggedTable:
    """A structured dataset with a column that says to which event a row belongs, in any order.

    Args:
        path: Its file, for messages.
        dataset: The dataset.
        aliases: Other names that a column may have, by its standard name.
        required: Columns that must be there.
        event: The standard name of the column of events.

    Raises:
        InputError: If a column is missing.
    """

    path: Path
    dataset: h5py.Dataset
    aliases: Mapping[str, Sequence[str]]
    required: Sequence[str]
    event: str = "event_id"
    names: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        present = plausible(self.path, self.dataset).dtype.names or ()
        self.names = {name: name for name in present}
        for name, others in self.aliases.items():
            found = next((other for other in (name, *others) if other in present), None)
            if found is not None:
                self.names[name] = found
        missing = [name for name in self.required if name not in self.names]
        if missing:
            raise InputError(
                f"dataset '{self.dataset.name}' of {self.path} lacks the fields {missing}, it has {list(present)}; "
                "write them as edep-sim and larnd-sim do"
            )

    def indexed(self, non_negative: Sequence[str] = (), finite: Sequence[str] = ()) -> IndexedTable:
        """Where the rows of each event are; all rows are looked at once.

        Args:
            non_negative: Columns without negative or NaN values, if they are there.
            finite: Columns without NaN or infinity, if they are there.

        Raises:
            InputError: If a value is not allowed; all of them are counted.
        """
        bad: dict[str, tuple[int, int, Any]] = {}
        checked = [name for name in (*non_negative, *finite) if name in self.names]
        decoded = Decoded(self.path, self.dataset)

        def keys() -> Iterator[tuple[int, Integers]]:
            for start, rows in decoded.blocks():
                for name in checked:
                    self._count(bad, name, start, rows, name in non_negative)
                yield start, rows[self.names[self.event]].astype(np.int64)

        extents = Extents.of(keys())
        self._refuse(bad, non_negative)
        return IndexedTable(self, extents, decoded)

    def _count(
        self, bad: dict[str, tuple[int, int, Any]], name: str, start: int, rows: NDArray[Any], non_negative: bool
    ) -> None:
        """Add the values of a block that are not allowed: how many, the first row, its value."""
        values = np.ascontiguousarray(rows[self.names[name]])
        low, high = values.min(initial=0), values.max(initial=0)  # NaN if one is
        if np.isfinite(low) and np.isfinite(high) and not (non_negative and low < 0):
            return
        wrong = ~np.isfinite(values)
        if non_negative:
            wrong |= values < 0
        wrong = wrong.reshape(len(wrong), -1).any(axis=1)
        row = int(wrong.argmax())
        n, first, value = bad.get(name, (0, start + row, values[row]))
        bad[name] = n + int(wrong.sum()), first, value

    def _refuse(self, bad: Mapping[str, tuple[int, int, Any]], non_negative: Sequence[str]) -> None:
        """Say what is not allowed."""
        for name, (n, row, value) in bad.items():
            wrong = "NaN, infinite or negative" if name in non_negative else "NaN or infinite"
            raise InputError(
                f"'{self.names[name]}' of dataset '{self.dataset.name}' of {self.path} has {n} values that are {wrong}"
                f", the first in row {row}: {value}; correct these rows"
            )


@dataclass(frozen=True)
class IndexedTable:
    """A table of which is known where the rows of each event are.

    Args:
        table: The table.
        extents: Where the rows of each event are.
        decoded: Its rows.
    """

    table: RaggedTable
    extents: Extents
    decoded: Decoded

    @property
    def events(self) -> Integers:
        """(E,) numbers of the events that have rows, sorted."""
        return self.extents.events

    def rows_of(self, events: Integers) -> Rows:
        """The rows of some events (B,), sorted by number; those of an event in the order of the file."""
        table = self.table
        first, end, counts = self.extents.range_of(events)
        rows = self.decoded.rows(first, end)
        if counts is not None:
            number = np.repeat(np.arange(len(events)), counts)
        else:
            rows, number = _of_events(rows, rows[table.names[table.event]].astype(np.int64), events)
        return Rows(number, {name: rows[present] for name, present in table.names.items()})


def _of_events(rows: NDArray[Any], key: Integers, events: Integers) -> tuple[NDArray[Any], Integers]:
    """The rows of some events, sorted by these, and the place of the event of each."""
    number = np.minimum(np.searchsorted(events, key), max(len(events) - 1, 0))
    mine = events[number] == key if len(events) else np.zeros(len(key), bool)
    if not mine.all():
        rows, number = rows[mine], number[mine]
    if (np.diff(number) < 0).any():
        order = np.argsort(number, kind="stable")
        rows, number = rows[order], number[order]
    return rows, number
