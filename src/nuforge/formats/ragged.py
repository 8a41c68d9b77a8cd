"""Ragged data as files keep it: rows end to end with offsets, with a key, in cells of their own, or dense."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nuforge.errors import InputError

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Spans:
    """Which rows each event has in a table that lies end to end: rows first to first + count.

    Args:
        first: (B,) int64.
        count: (B,) int64.
    """

    first: Integers
    count: Integers

    @classmethod
    def of_offsets(cls, offsets: NDArray[np.integer], rows: int, what: str) -> Spans:
        """Rows of events by the offsets (B + 1,) where they begin, and the end.

        Raises:
            InputError: If they fall, or lie outside the `rows` of the table; `what` names it in the message.
        """
        ends: Integers = offsets.astype(np.int64)
        if len(ends) < 1 or ends[0] < 0 or ends[-1] > rows or (ends[1:] < ends[:-1]).any():  # differences overflow
            got = ends[:8].tolist()
            raise InputError(f"{what} must rise from 0 to {rows} at most, got {got}; copy the file again")
        return cls(ends[:-1], np.diff(ends))

    @classmethod
    def of_cumulative(cls, ends: NDArray[np.integer], rows: int, what: str) -> Spans:
        """Rows of events by where each ends (B,), the first beginning at 0."""
        return cls.of_offsets(np.concatenate([np.zeros(1, np.int64), ends.astype(np.int64)]), rows, what)

    @classmethod
    def of_counts(cls, counts: NDArray[np.integer], rows: int, what: str) -> Spans:
        """Rows of events by how many each has (B,)."""
        if (counts < 0).any():
            raise InputError(f"{what} must not be negative, got {int(counts.min())}; copy the file again")
        return cls.of_cumulative(np.cumsum(counts, dtype=np.int64), rows, what)

    @classmethod
    def of_extents(cls, first: NDArray[np.integer], count: NDArray[np.integer], rows: int, what: str) -> Spans:
        """Rows of events by where each begins and how many it has (B,); they follow each other.

        Raises:
            InputError: If they do not follow each other, or lie outside the `rows` of the table.
        """
        begin: Integers = first.astype(np.int64)
        ends = begin + count.astype(np.int64)
        if not len(begin):
            return cls(begin, begin.copy())
        empty = ends == begin  # where an empty event begins says nothing
        filled = np.flatnonzero(~empty)
        follows = (begin[filled[1:]] == ends[filled[:-1]]).all()
        if not follows or (ends < begin).any() or (len(filled) and (begin[filled[0]] < 0 or ends[filled[-1]] > rows)):
            raise InputError(f"{what} must follow each other from 0 to {rows} at most; copy or write the file again")
        start = int(begin[filled[0]]) if len(filled) else 0
        return cls.of_offsets(np.concatenate([[start], start + np.cumsum(ends - begin)]), rows, what)

    def __len__(self) -> int:
        return len(self.first)

    def range_of(self, begin: int, end: int) -> slice:
        """The rows of consecutive events, which follow each other."""
        if end <= begin:
            return slice(0, 0)
        return slice(int(self.first[begin]), int(self.first[end - 1] + self.count[end - 1]))


@dataclass(frozen=True)
class Keyed:
    """Rows of events by a key column, in any order: sorted once, without losing the order inside an event.

    Args:
        order: (N,) rows sorted by event.
        counts: (B,) rows of each event.
    """

    order: Integers
    counts: Integers

    @classmethod
    def of(cls, key: NDArray[np.integer], events: NDArray[np.integer]) -> Keyed:
        """Rows by their key (N,), for the events (B,) in this order; rows of other events are left out.

        Args:
            key: (N,) which event a row belongs to.
            events: (B,) keys of the events, each once, in any order.
        """
        if (key[1:] >= key[:-1]).all() and (events[1:] > events[:-1]).all():
            first, end, counts = Extents.of([(0, key)]).range_of(events.astype(np.int64, copy=False))
            if counts is not None:
                return cls(np.arange(first, end), counts)
        sorter = np.argsort(events, kind="stable")
        place = np.searchsorted(events, key, sorter=sorter)
        place = sorter[np.minimum(place, len(events) - 1)] if len(events) else np.zeros(len(key), np.int64)
        known = events[place] == key if len(events) else np.zeros(len(key), bool)
        rows = np.flatnonzero(known)
        order = rows[np.argsort(place[rows], kind="stable")]
        return cls(order.astype(np.int64), np.bincount(place[rows], minlength=len(events)).astype(np.int64))

    @cached_property
    def _rows(self) -> slice | Integers:
        """The rows, as one piece if they follow each other."""
        follow = len(self.order) > 0 and bool((self.order[1:] == self.order[:-1] + 1).all())
        return slice(int(self.order[0]), int(self.order[-1]) + 1) if follow else self.order

    def taken(self, values: NDArray) -> NDArray:
        """Of values of all rows (N, ...) those of the events, event after event; not copied if they lie so already."""
        return values[self._rows]


def cells(values: Sequence[NDArray]) -> tuple[NDArray, Integers]:
    """Plain numbers of one event each, end to end, and how many each has (B,); events may have none."""
    counts = np.array([len(value) for value in values], dtype=np.int64)
    filled = [value for value in values if len(value)]
    if not filled:
        return np.zeros(0), counts
    return np.concatenate(filled), counts


def dense(image: NDArray) -> tuple[Integers, NDArray, Integers]:
    """Places (N, D) and values (N,) of what is not zero in dense arrays (B, ...), and rows of each event (B,)."""
    values = np.ascontiguousarray(image).reshape(-1)
    flat = _filled(values)
    place, rest = np.empty((image.ndim - 1, len(flat)), np.int64), flat
    for axis in range(image.ndim - 1, 0, -1):
        further = rest // image.shape[axis]
        np.subtract(rest, further * image.shape[axis], out=place[axis - 1])
        rest = further
    return place.T, values[flat], np.bincount(rest, minlength=len(image)).astype(np.int64)  # each axis lies together


def _filled(values: NDArray) -> Integers:
    """Where numbers (N,) are not zero, sorted. Most of an image is empty: it is looked at eight bytes at a time."""
    size = values.dtype.itemsize
    width = max(1, 8 // size)
    whole = len(values) // width * width
    words = values[:whole].view(np.uint64) if width * size == 8 else values
    some = np.flatnonzero(words != 0)  # flags are sought several times as fast as numbers
    found = np.flatnonzero(values[:whole].reshape(-1, width)[some] != 0)
    word = found // width
    return np.concatenate([found + (some[word] - word) * width, whole + np.flatnonzero(values[whole:] != 0)])


@dataclass(frozen=True)
class Extents:
    """Where the rows of each event are in a long table with a key column: all lie from row first to before end.

    Args:
        events: (B,) keys, sorted.
        first: (B,) first row of each.
        end: (B,) the row after its last.
    """

    events: Integers
    first: Integers
    end: Integers

    @classmethod
    def of(cls, blocks: Iterable[tuple[int, NDArray[np.integer]]]) -> Extents:
        """The extents of keys that come in blocks, one after the other, each with the number of its first row."""
        ids, firsts, rows, last = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], 0, None
        for start, key in blocks:
            new = np.empty(len(key), bool)
            new[:1] = key[:1] != last
            np.not_equal(key[1:], key[:-1], out=new[1:])
            change = np.flatnonzero(new)
            ids.append(key[change].astype(np.int64, copy=False))
            firsts.append(start + change)
            rows, last = start + len(key), key[-1] if len(key) else last
        event, begin = np.concatenate(ids), np.append(np.concatenate(firsts), rows)
        first, end = begin[:-1], begin[1:]  # rows of one key that follow each other end where others begin
        if (event[1:] > event[:-1]).all():
            return cls(event, first, end)
        order = np.argsort(event, kind="stable")
        event = event[order]
        each = np.flatnonzero(np.append(True, event[1:] != event[:-1])[: len(event)])
        return cls(event[each], np.minimum.reduceat(first[order], each), np.maximum.reduceat(end[order], each))

    @cached_property
    def in_order(self) -> bool:
        """Whether the rows of an event lie together, and events by their numbers."""
        return bool((self.first[1:] >= self.end[:-1]).all())

    def range_of(self, events: Integers) -> tuple[int, int, Integers | None]:
        """The first row of some events (B,), the one after the last, and how many rows each has.

        The counts are none if other rows lie between theirs, or theirs are in another order.
        """
        place = places_of(events, self.events)
        there = place >= 0
        mine = place if there.all() else place[there]
        if not len(mine):
            return 0, 0, np.zeros(len(events), np.int64)
        begin, stop = self.first[mine], self.end[mine]
        first, end = int(begin.min()), int(stop.max())
        counts = stop - begin
        if len(mine) < len(events):
            counts, of_mine = np.zeros(len(events), np.int64), counts
            counts[there] = of_mine
        return first, end, counts if self.in_order and counts.sum() == end - first else None

    def key_of(self, first: int, end: int) -> Integers:
        """The keys of the rows from first to before end, of a table whose rows are in order."""
        return np.repeat(self.events, self.end - self.first)[first:end]


def places_of(events: Integers, known: Integers) -> Integers:
    """Where each event (B,) is among known ones (E,), which are sorted, -1 if it is not; the last of equal ones."""
    if not len(known) or not len(events):
        return np.full(len(events), -1)
    end = int(np.searchsorted(known, events[-1], side="right"))
    first = end - len(events)
    if first >= 0 and np.array_equal(known[first:end], events):  # most often they follow each other
        return np.arange(first, end)
    place = np.maximum(np.searchsorted(known, events, side="right") - 1, 0)
    return np.where(known[place] == events, place, -1)


def ids(values: NDArray, what: str) -> Integers:
    """Numbers of events (N,) as int64, which files may keep as real numbers.

    Raises:
        InputError: If one is NaN, no whole number, or too large for its type to be exact; `what` names the column.
    """
    if values.dtype.kind in "iub":
        return values.astype(np.int64, copy=False)
    most = 2.0 ** (np.finfo(values.dtype).nmant + 1)
    values = np.ascontiguousarray(values)
    right = (values == np.rint(values)) & (np.abs(values) <= most)  # NaN and infinity are not
    if not right.all():
        row = int(right.argmin())
        raise InputError(
            f"{what} must be whole numbers up to {most:.0f}, got {values[row]} in row {row} of a block; write integers"
        )
    return values.astype(np.int64)


def ranks(rows: NDArray[np.int64]) -> Integers:
    """Equal numbers (N,) for equal rows (N, K), in their order."""
    order = np.lexsort(rows.T[::-1])
    new = np.append(False, (np.diff(rows[order], axis=0) != 0).any(axis=1))[: len(rows)]
    ranks = np.empty(len(rows), np.int64)
    ranks[order] = np.cumsum(new)
    return ranks
