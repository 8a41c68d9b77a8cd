"""Columns that are taken from a file as they are, times a unit: what a format says of each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nuforge.events import Column


@dataclass(frozen=True)
class Take:
    """One column.

    Args:
        column: Its name here.
        about: What it is.
        fields: Names in the file, of which the first that is there is taken; three or more side by side in `parts`.
        dtype: Its type here.
        scale: What its numbers are multiplied with.
        nothing: Numbers below this stand for nothing, and become NaN.
        parts: Whether the fields are the components of one vector.
    """

    column: str
    about: Column
    fields: tuple[str, ...]
    dtype: torch.dtype = torch.float32
    scale: float = 1.0
    nothing: float | None = None
    parts: bool = False

    def found(self, names: Collection[str]) -> tuple[str, ...]:
        """The fields that are taken from a file with these names; none if it has none of them."""
        if self.parts:
            return self.fields if set(self.fields) <= set(names) else ()
        return next(((field,) for field in self.fields if field in names), ())

    def of(self, fields: Sequence[NDArray[Any]]) -> Tensor:
        """The column of the fields that were found, (N, ...) each."""
        values = np.stack(fields, axis=1) if self.parts else fields[0]
        if self.dtype is torch.bool:
            return torch.from_numpy(np.ascontiguousarray(values != 0))
        if not self.dtype.is_floating_point:
            return integers(values)
        exact = np.float64 if self.dtype is torch.float64 or self.scale != 1 or self.nothing is not None else np.float32
        numbers: NDArray[np.floating] = np.array(values, dtype=exact)
        if self.nothing is not None:
            numbers[numbers < self.nothing] = np.nan
        if self.scale != 1:
            numbers = numbers * self.scale
        return torch.from_numpy(np.ascontiguousarray(numbers)).to(self.dtype)


def integers(values: NDArray[Any]) -> Tensor:
    """An int64 tensor; numbers that are not finite become -1."""
    if values.dtype.kind == "f":
        values = np.where(np.isfinite(values), values, -1)
    return torch.from_numpy(np.ascontiguousarray(values).astype(np.int64))


def taken(
    takes: Iterable[Take], names: Collection[str], read: Callable[[str], NDArray[Any]]
) -> tuple[dict[str, Tensor], dict[str, Column]]:
    """The columns that a file has, and what they are.

    Args:
        takes: What may be there.
        names: Fields of the file.
        read: A field (N, ...) by its name.
    """
    found = [(take, fields) for take in takes if (fields := take.found(names))]
    columns = {take.column: take.of([read(field) for field in fields]) for take, fields in found}
    return columns, {take.column: take.about for take, _ in found}
