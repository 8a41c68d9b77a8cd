"""Table: named columns over one ragged axis."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType

import torch
from torch import Tensor

from nuforge.events.columns import Column, Role

_NOTHING: Mapping = MappingProxyType({})


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of N rows in all, cut into B events by `offsets`.

    Args:
        columns: Tensors of N rows each; vectors have further axes.
        offsets: int64 (B + 1), from 0 to N: event i has the rows offsets[i] to offsets[i + 1].
        refers_to: For an index column (int64, -1 for none), the table whose rows it numbers.
        about: Unit, meaning and role of columns. `Events` adds those of the standard tables.

    Raises:
        ValueError: If a column has another number of rows, offsets are no offsets, or an index column is not int64.
    """

    columns: Mapping[str, Tensor]
    offsets: Tensor
    refers_to: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    about: Mapping[str, Column] = field(default_factory=lambda: _NOTHING)

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", MappingProxyType(dict(self.columns)))
        self._describe(self.about)
        self._check_offsets()
        self._check_columns()

    def _describe(self, about: Mapping[str, Column]) -> None:
        """Sets what columns are, and which tables they refer to by that."""
        refers = {name: c.refers_to for name, c in about.items() if c.refers_to and name in self.columns}
        object.__setattr__(self, "about", MappingProxyType(dict(about)))
        object.__setattr__(self, "refers_to", MappingProxyType({**refers, **self.refers_to}))

    def _check_offsets(self) -> None:
        offsets = self.offsets
        if offsets.dtype != torch.int64 or offsets.ndim != 1 or len(offsets) < 1:
            raise ValueError(
                f"offsets must be int64 of shape (events + 1,), got {offsets.dtype} of {tuple(offsets.shape)}; "
                "begin with 0 and add each event's number of rows"
            )
        ends = offsets.numpy(force=True)  # NumPy is several times as fast at few numbers
        if ends[0] != 0 or (ends[1:] < ends[:-1]).any():
            raise ValueError(f"offsets must start at 0 and never fall, got {offsets.tolist()[:8]}; cumulate the counts")

    def _check_columns(self) -> None:
        n = len(self)
        for name, column in self.columns.items():
            if column.ndim == 0 or column.shape[0] != n:
                rows = 0 if column.ndim == 0 else len(column)
                raise ValueError(
                    f"column '{name}' has {rows} rows but the offsets end at {n}; "
                    "every column of a table has one entry per row"
                )
        for name in self.refers_to:
            if self[name].dtype != torch.int64:
                raise ValueError(f"index column '{name}' must be int64, got {self[name].dtype}; convert it")

    @classmethod
    def from_counts(cls, columns: Mapping[str, Tensor], counts: Tensor, **more: Mapping) -> Table:
        """A table whose events have `counts` (B,) rows each."""
        return cls(columns, offsets_of(counts), **more)

    def __reduce__(self) -> tuple[type[Table], tuple[dict, Tensor, dict, dict]]:
        """Plain parts, for the way between processes."""
        return Table, (dict(self.columns), self.offsets, dict(self.refers_to), dict(self.about))

    def __len__(self) -> int:
        return int(self.offsets[-1])

    def __getitem__(self, name: str) -> Tensor:
        try:
            return self.columns[name]
        except KeyError:
            raise KeyError(f"no column '{name}'; this table has {sorted(self.columns)}") from None

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    @property
    def n_events(self) -> int:
        """Number of events, empty ones counted."""
        return len(self.offsets) - 1

    @cached_property
    def counts(self) -> Tensor:
        """Rows of each event, (B,) int64."""
        return self.offsets.diff()

    @cached_property
    def batch(self) -> Tensor:
        """The event of each row, (N,) int64."""
        return torch.repeat_interleave(self.counts, output_size=len(self))

    def with_columns(
        self,
        columns: Mapping[str, Tensor],
        about: Mapping[str, Column] = _NOTHING,
        refers_to: Mapping[str, str] = _NOTHING,
    ) -> Table:
        """This table with columns added or replaced."""
        return self._with({**self.columns, **columns}, {**self.refers_to, **refers_to}, {**self.about, **about})

    def described(self, about: Mapping[str, Column]) -> Table:
        """This table with other descriptions of its columns."""
        return self._with(self.columns, self.refers_to, about)

    def _with(self, columns: Mapping[str, Tensor], refers_to: Mapping[str, str], about: Mapping[str, Column]) -> Table:
        """A table of the same rows by event; the offsets, which were checked, are not gone through."""
        table: Table = object.__new__(Table)
        table.__dict__.update(self.__dict__)
        object.__setattr__(table, "columns", MappingProxyType(dict(columns)))
        object.__setattr__(table, "refers_to", refers_to)
        table._describe(about)
        table._check_columns()
        return table

    def only(self, names: list[str]) -> Table:
        """This table with the named columns alone."""
        return self._with(
            {name: self[name] for name in names},
            {k: v for k, v in self.refers_to.items() if k in names},
            {k: v for k, v in self.about.items() if k in names},
        )

    def with_role(self, role: Role) -> Table:
        """This table with the columns of one role alone."""
        return self.only([name for name in self if name in self.about and self.about[name].role == role])

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Table:
        """This table on another device; from pinned memory, without waiting if that is asked for."""
        columns = {name: column.to(device, non_blocking=non_blocking) for name, column in self.columns.items()}
        return replace(self, columns=columns, offsets=self.offsets.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> Table:
        """This table in pinned memory, from which a CUDA device copies without the processor."""
        columns = {name: column.pin_memory() for name, column in self.columns.items()}
        return replace(self, columns=columns, offsets=self.offsets.pin_memory())


def offsets_of(counts: Tensor) -> Tensor:
    """Offsets (B + 1,) of events with `counts` (B,) rows each."""
    offsets = torch.zeros(len(counts) + 1, dtype=torch.int64, device=counts.device)
    torch.cumsum(counts, 0, dtype=torch.int64, out=offsets[1:])
    return offsets
