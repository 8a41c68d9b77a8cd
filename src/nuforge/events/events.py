"""Events: what happened, as one small relational database per event, many events end to end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, overload

import torch
from numpy.typing import NDArray
from torch import Tensor

from nuforge.events.columns import STANDARD, Column
from nuforge.events.table import Table, offsets_of


@dataclass(frozen=True, eq=False)
class Events:
    """Tables that share their events. A single event is a batch of one.

    Every column has a unit, a meaning and a role (`Table.about`); those of the standard tables are filled in here.
    Index columns number rows of another table of the whole batch and are shifted whenever events are put together or
    taken out.

    Raises:
        ValueError: If tables differ in their number of events, or a column is neither standard nor described.
    """

    tables: Mapping[str, Table]

    def __post_init__(self) -> None:
        if not self.tables:
            raise ValueError("Events need at least one table, got none; an event without rows still has an 'event' row")
        described = {name: _described(name, table) for name, table in self.tables.items()}
        object.__setattr__(self, "tables", MappingProxyType(described))
        n = {name: table.n_events for name, table in described.items()}
        if len(set(n.values())) != 1:
            raise ValueError(f"tables must share their events, got numbers of events {n}; give empty events empty rows")

    def __reduce__(self) -> tuple[type[Events], tuple[dict[str, Table]]]:
        """Plain parts, for the way between processes."""
        return Events, (dict(self.tables),)

    def __len__(self) -> int:
        return next(iter(self.tables.values())).n_events

    @overload
    def __getitem__(self, key: str) -> Table: ...
    @overload
    def __getitem__(self, key: slice | Tensor) -> Events: ...
    def __getitem__(self, key: str | slice | Tensor) -> Table | Events:
        """A table by its name, or the events of a slice, a mask (B,) or indices."""
        if isinstance(key, str):
            return self.table(key)
        return self.select(key)

    def __contains__(self, name: str) -> bool:
        return name in self.tables

    def table(self, name: str) -> Table:
        """The table of that name."""
        try:
            return self.tables[name]
        except KeyError:
            raise KeyError(f"no table '{name}'; these events have {sorted(self.tables)}") from None

    @property
    def device(self) -> torch.device:
        """Where the tables are."""
        return next(iter(self.tables.values())).offsets.device

    def event(self, i: int) -> Events:
        """Event i alone."""
        if not 0 <= i < len(self):
            raise IndexError(f"event {i} does not exist, expected 0 to {len(self) - 1}; these are {len(self)} events")
        return self.select(slice(i, i + 1))

    def __iter__(self) -> Iterator[Events]:
        return (self.event(i) for i in range(len(self)))

    def select(self, key: slice | Tensor) -> Events:
        """The events of a slice, a boolean mask (B,) or indices (K,) in their order.

        Consecutive events share the memory of these; others are copied.
        """
        if isinstance(key, slice):
            first, end, step = key.indices(len(self))
            if (first, end, step) == (0, len(self), 1):
                return self
            if step == 1:
                cut = {name: _cut(table, first, max(first, end)) for name, table in self.tables.items()}
                return Events(_renumbered(cut))
        chosen = torch.arange(len(self), device=self.device)[key]
        return Events(_renumbered({name: _take(table, chosen) for name, table in self.tables.items()}))

    def keep(self, name: str, mask: Tensor) -> Events:
        """These events with only the rows of one table where `mask` (N,) holds; indices to dropped rows become -1."""
        table = self.table(name)
        new = torch.where(mask, mask.cumsum(0) - 1, -1)
        counts = offsets_of(mask)[table.offsets].diff()
        kept = replace(table, columns={k: v[mask] for k, v in table.columns.items()}, offsets=offsets_of(counts))
        tables = {**self.tables, name: kept}
        for key, other in tables.items():
            follow = {c: _lookup(new, other[c]) for c, target in other.refers_to.items() if target == name}
            tables[key] = replace(other, columns={**other.columns, **follow}) if follow else other
        return Events(tables)

    @classmethod
    def concat(cls, parts: Sequence[Events]) -> Events:
        """Events end to end. Index columns are shifted; all parts have the same tables and columns."""
        if not parts:
            raise ValueError("concat needs at least one part, got none; an empty sample is Events with empty offsets")
        if len(parts) == 1:
            return parts[0]
        names = list(parts[0].tables)
        if any(set(part.tables) != set(names) for part in parts):
            got = [sorted(part.tables) for part in parts]
            raise ValueError(f"parts must have the same tables, got {got}; drop the extra ones")
        return cls({name: _joined(name, parts) for name in names})

    def with_table(self, name: str, table: Table) -> Events:
        """These events with one table added or replaced."""
        return Events({**self.tables, name: table})

    def without(self, *names: str) -> Events:
        """These events without some tables; index columns into them are dropped too."""
        rest = {name: table for name, table in self.tables.items() if name not in names}
        for name, table in rest.items():
            lost = [c for c, target in table.refers_to.items() if target in names]
            if lost:
                rest[name] = table.only([c for c in table if c not in lost])
        return Events(rest)

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Events:
        """These events on another device; from pinned memory, without waiting if that is asked for."""
        return Events({name: table.to(device, non_blocking) for name, table in self.tables.items()})

    def pin_memory(self) -> Events:
        """These events in pinned memory, from which a CUDA device copies without the processor."""
        return Events({name: table.pin_memory() for name, table in self.tables.items()})

    def readout(self) -> Events:
        """What a detector gives: the columns whose role is readout, and all that a model ever receives."""
        tables = {name: table.with_role("readout") for name, table in self.tables.items()}
        return Events({name: table for name, table in tables.items() if len(table.columns)}).without(
            *(name for name, table in tables.items() if not len(table.columns))
        )

    def to_numpy(self) -> dict[str, dict[str, NDArray[Any]]]:
        """Columns as NumPy arrays, by table and column (see `nuforge.events.border`, as for the other three)."""
        from nuforge.events import border

        return border.to_numpy(self)

    def to_awkward(self) -> Any:  # noqa: ANN401
        """An Awkward Array with a record for each event."""
        from nuforge.events import border

        return border.to_awkward(self)

    def to_pandas(self, table: str) -> Any:  # noqa: ANN401
        """A data frame of one table."""
        from nuforge.events import border

        return border.to_pandas(self, table)

    def to_pyg(self) -> list[Any]:
        """A graph of PyTorch Geometric for each event."""
        from nuforge.events import border

        return border.to_pyg(self)


def _described(name: str, table: Table) -> Table:
    """The table with the standard descriptions filled in."""
    standard = STANDARD.get(name, {})
    about: dict[str, Column] = {}
    for column in table:
        if column in table.about:
            about[column] = table.about[column]
        elif column in standard:
            about[column] = standard[column]
        else:
            raise ValueError(
                f"column '{column}' of table '{name}' has no unit, meaning and role; "
                f"describe it: Table(..., about={{'{column}': Column(unit, meaning, role)}})"
            )
    if about == dict(table.about):
        return table
    return table.described(about)


def _take(table: Table, events: Tensor) -> tuple[Table, Tensor]:
    """The rows of some events, and for each event how far its rows moved."""
    counts, old = table.counts[events], table.offsets[:-1][events]
    offsets = offsets_of(counts)
    move = offsets[:-1] - old
    rows = torch.arange(int(offsets[-1]), device=offsets.device) - torch.repeat_interleave(move, counts)
    return replace(table, columns={k: v.index_select(0, rows) for k, v in table.columns.items()}, offsets=offsets), move


def _cut(table: Table, first: int, end: int) -> tuple[Table, Tensor]:
    """The rows of consecutive events, as views, and for each event how far its rows moved."""
    offsets = table.offsets[first : end + 1]
    start, stop = int(offsets[0]), int(offsets[-1])
    columns = {k: v[start:stop] for k, v in table.columns.items()}
    return replace(table, columns=columns, offsets=offsets - start), (-offsets[:1]).expand(end - first)


def _renumbered(taken: Mapping[str, tuple[Table, Tensor]]) -> dict[str, Table]:
    """Tables of chosen events with their index columns following the rows they name."""
    out = {}
    for name, (table, _) in taken.items():
        follow = {}
        for column, target in table.refers_to.items():
            if target in taken:
                old, move = table[column], taken[target][1]
                follow[column] = torch.where(old < 0, old, old + move[table.batch])
        out[name] = replace(table, columns={**table.columns, **follow}) if follow else table
    return out


def _lookup(new: Tensor, rows: Tensor) -> Tensor:
    """New row numbers of old ones, -1 staying -1."""
    return torch.where(rows < 0, rows, new[rows.clamp(min=0)]) if len(new) else torch.full_like(rows, -1)


def _joined(name: str, parts: Sequence[Events]) -> Table:
    """One table of all parts end to end."""
    tables = [part.table(name) for part in parts]
    first = tables[0]
    if any(set(t.columns) != set(first.columns) for t in tables):
        raise ValueError(f"parts of '{name}' must have the same columns, got {[sorted(t.columns) for t in tables]}")
    columns = {}
    for column in first:
        values = [t[column] for t in tables]
        target = first.refers_to.get(column)
        if target is not None and target in parts[0]:
            starts = offsets_of(torch.tensor([len(part.table(target)) for part in parts]))[:-1].tolist()
            values = [torch.where(v < 0, v, v + s) for v, s in zip(values, starts, strict=True)]
        columns[column] = torch.cat(values)
    return Table(columns, offsets_of(torch.cat([t.counts for t in tables])), first.refers_to, first.about)
