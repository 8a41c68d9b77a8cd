"""The loader: from a store to shuffled batches, the same whatever the number of worker processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from nuforge.errors import InputError
from nuforge.events.events import Events
from nuforge.events.plan import Plan, Span
from nuforge.events.selection import Selection
from nuforge.events.split import SIDES, side_of
from nuforge.events.store import Store

_LANES = 8  # divided evenly among 1, 2, 4 or 8 workers; with others some row groups are decoded twice


class Loader(IterableDataset):
    """Batches of events of a store, for `torch.utils.data.DataLoader(loader, batch_size=None, num_workers=...)`.

    The order depends on the arguments alone. Batch k comes from worker k modulo the number of workers, which is the
    order in which DataLoader takes them, so the batches are the same with any number of workers.

    Without `endless` one iteration is one pass over the events of the side, divided among the ranks. With it the
    batches never end, are all of the same size, and the batch of step k is a pure function of the arguments and k:
    `start=k` resumes a run exactly.

    Args:
        store: Where the events are.
        batch: Events in a batch.
        side: "train", "validation" or "test" (`nuforge.events.split`), None for all.
        tables: Tables to read beside `event`, None for all.
        seed: Of the order.
        shuffle: False gives the events in the order of the store.
        rank: This process among those that train together, from 0.
        world: Their number.
        validation: Fraction of the events on the side "validation".
        test: Fraction of the events on the side "test".
        endless: Whether batches go on for ever.
        start: First step; of an endless run, or of one pass.
        epoch: Which pass, for another order in each one (see `set_epoch`); an endless run counts its own.
        select: Expression on the columns of `event` that events must fulfil (`nuforge.events.selection`), all if empty.
        memory: Decoded bytes that each worker may keep. Within half of it the whole side is kept and shuffled as one;
            a larger side is shuffled in windows.

    Raises:
        InputError: If there is no such event on that side, or fewer than there are ranks in an endless run.
        ValueError: If an argument is out of range.
    """

    def __init__(
        self,
        store: Store,
        batch: int,
        *,
        side: str | None = None,
        tables: Sequence[str] | None = None,
        seed: int = 0,
        shuffle: bool = True,
        rank: int = 0,
        world: int = 1,
        validation: float = 0.1,
        test: float = 0.1,
        endless: bool = False,
        start: int = 0,
        epoch: int = 0,
        select: str = "",
        memory: int = 1 << 30,
    ) -> None:
        _check(batch, side, rank, world, start, memory)
        self.store, self.batch, self.tables, self.side = store, batch, tables, side
        self.endless, self.start, self.epoch = endless, start, epoch
        self._rows = _rows_of(store, side, validation, test, select)
        if not len(self._rows) or (endless and len(self._rows) < world):
            raise InputError(
                f"store {store.path} has {len(self._rows)} of its {len(store)} events on side '{side}'"
                f"{f' with {select}' if select else ''}, expected {world if endless else 1} at least; make more events "
                "or another split"
            )
        counts = torch.bincount(_groups_of(store, self._rows), minlength=len(store.group_offsets) - 1)
        size = store.bytes_per_event(tables)
        self._resident = 2 * size * len(self._rows) <= memory
        lanes = 1 if self._resident or not endless else max(1, min(_LANES, len(self._rows) // (world * batch)))
        window = len(self._rows) if self._resident else max(batch, int(memory / (2 * size * lanes)))
        self._plan = Plan(counts, lanes, window, seed, shuffle, rank, world)
        self._forget()

    def _forget(self) -> None:
        """Drop what is decoded."""
        self._all: _Decoded | None = None
        self._lines: dict[int, Tensor] = {}
        self._windows: dict[int, tuple[tuple[int, int], _Decoded]] = {}

    def __getstate__(self) -> dict:
        """All but what is decoded: every worker decodes its own."""
        return {**self.__dict__, "_all": None, "_lines": {}, "_windows": {}}

    def set_epoch(self, epoch: int) -> None:
        """Give the next pass the order of that epoch."""
        self.epoch = epoch

    @property
    def n_events(self) -> int:
        """Events of the side, of all ranks."""
        return len(self._rows)

    def __len__(self) -> int:
        """Batches of one pass of this rank."""
        if self.endless:
            raise TypeError("an endless loader has no length; say how many steps to take")
        n, rank, world = len(self._rows), self._plan.rank, self._plan.world
        mine = (rank + 1) * n // world - rank * n // world
        return max(0, -(-mine // self.batch) - self.start)

    def __iter__(self) -> Iterator[Events]:
        info = get_worker_info()
        worker, workers = (0, 1) if info is None else (info.id, info.num_workers)
        k, end = self.start + worker, None if self.endless else self.start + len(self)
        while end is None or k < end:
            yield self.step(k)
            k += workers

    def step(self, k: int) -> Events:
        """The batch of step k."""
        spans = self._plan.step(k, self.batch) if self.endless else self._plan.pass_of(self.epoch, k, self.batch)
        windows = [self._window(span) for span in spans]
        return Events.concat([w.events.select(w.rows[s.first : s.end]) for w, s in zip(windows, spans, strict=True)])

    def _window(self, span: Span) -> _Decoded:
        """The window in use on the span's lane; decoded when the lane comes to it."""
        key = (span.epoch, span.window)
        if span.lane not in self._windows or self._windows[span.lane][0] != key:
            self._windows.pop(span.lane, None)
            numbers = self._numbers(span)
            if self._resident:
                self._all = self._all or self._decode(torch.arange(len(self._rows)))
                self._windows[span.lane] = key, _Decoded(self._all.events, self._all.rows[numbers])
            else:
                self._windows[span.lane] = key, self._decode(numbers)
        return self._windows[span.lane][1]

    def _numbers(self, span: Span) -> Tensor:
        """Numbers of the events of a window, counted on this side."""
        if span.epoch not in self._lines:
            self._lines = {e: line for e, line in self._lines.items() if e == span.epoch - 1}
            self._lines[span.epoch] = self._plan.line(span.epoch)
        return self._plan.events_of(self._lines[span.epoch], span, whole=not self.endless)

    def _decode(self, numbers: Tensor) -> _Decoded:
        """Some events of this side in the order asked for."""
        in_order, _ = numbers.sort()
        rows = self._rows[in_order]
        groups, counts = torch.unique_consecutive(_groups_of(self.store, rows), return_counts=True)
        parts, where, n = [], [], 0
        for group, wanted in zip(groups.tolist(), torch.split(rows, counts.tolist()), strict=True):
            events = self.store.group(group, self.tables)
            local = wanted - self.store.group_offsets[group]
            if 2 * len(local) < len(events):  # not worth the memory of the others
                events, local = events.select(local), torch.arange(len(local))
            parts.append(events)
            where.append(n + local)
            n += len(events)
        return _Decoded(Events.concat(parts), torch.cat(where)[torch.searchsorted(in_order, numbers)])


@dataclass(frozen=True)
class _Decoded:
    """Decoded events, and which of them are the events asked for, in their order."""

    events: Events
    rows: Tensor


def _groups_of(store: Store, rows: Tensor) -> Tensor:
    """The row groups of events with those numbers in the store."""
    return torch.bucketize(rows, store.group_offsets, right=True) - 1


def _check(batch: int, side: str | None, rank: int, world: int, start: int, memory: int) -> None:
    """Refuse what no order can be made of."""
    if batch < 1:
        raise ValueError(f"batch must be 1 event at least, got {batch}")
    if side is not None and side not in SIDES:
        raise ValueError(f"side must be one of {SIDES} or None, got '{side}'")
    if not 0 <= rank < world:
        raise ValueError(f"rank must be 0 to {world - 1} in a world of {world}, got {rank}")
    if start < 0:
        raise ValueError(f"start must be a step from 0 on, got {start}")
    if memory <= 0:
        raise ValueError(f"memory must be a positive number of bytes, got {memory}")


def _rows_of(store: Store, side: str | None, validation: float, test: float, select: str) -> Tensor:
    """The numbers in the store of the chosen events of a side."""
    if side is None and not select:
        return torch.arange(len(store))
    event = store.identity()
    kept = torch.ones(len(store), dtype=torch.bool)
    if side is not None:
        kept &= side_of(event, validation, test) == SIDES.index(side)
    if select:
        kept &= Selection(select).mask(Events({"event": event}))
    return kept.nonzero().flatten()
