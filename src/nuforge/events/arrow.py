"""Events as Arrow columns and back: one row an event, one list column `table.column` for each column of a table.

A vector is a `list<fixed_size_list<...>>`; the columns of `event` are plain numbers. Index columns number rows within
their event there, and rows of the whole batch here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import torch
from torch import Tensor
from torch.utils.dlpack import from_dlpack

from nuforge.errors import InputError
from nuforge.events.columns import Column
from nuforge.events.events import Events
from nuforge.events.table import Table

Description = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Tables, their columns, and of each column unit, meaning, role, dtype, shape, refers_to and, if its values have some,
names, as JSON has them."""

EVENT = "event"
"""The table of which every event has one row."""

_TYPES = {
    torch.bool: pa.bool_(),
    torch.uint8: pa.uint8(),
    torch.int8: pa.int8(),
    torch.int16: pa.int16(),
    torch.int32: pa.int32(),
    torch.int64: pa.int64(),
    torch.float16: pa.float16(),
    torch.float32: pa.float32(),
    torch.float64: pa.float64(),
}
_NAMES = {str(dtype).removeprefix("torch."): dtype for dtype in _TYPES}


def describe(events: Events) -> dict[str, dict[str, dict[str, Any]]]:
    """What the columns of events are: unit, meaning, role, dtype, shape of a row, and the table an index numbers."""
    description: dict[str, dict[str, dict[str, Any]]] = {}
    for name, table in sorted(events.tables.items()):
        _check_name(name, table)
        description[name] = {}
        for column in sorted(table):
            about, values = table.about[column], table[column]
            if values.dtype not in _TYPES:
                raise ValueError(f"column '{name}.{column}' is {values.dtype}, expected one of {sorted(_NAMES)}")
            description[name][column] = {
                "unit": about.unit,
                "meaning": about.meaning,
                "role": about.role,
                "dtype": str(values.dtype).removeprefix("torch."),
                "shape": list(values.shape[1:]),
                "refers_to": table.refers_to.get(column),
            }
            if about.names:
                description[name][column]["names"] = list(about.names)
    return description


def _check_name(name: str, table: Table) -> None:
    """A table can be stored if it has columns and no dots in names, which join table and column."""
    if not len(table.columns):
        raise ValueError(f"table '{name}' has no columns, expected one at least; drop it with events.without('{name}')")
    dotted = [word for word in (name, *table) if "." in word]
    if dotted:
        raise ValueError(f"names {dotted} of table '{name}' have a dot, which joins table and column; rename them")


def schema_of(description: Description) -> pa.Schema:
    """The Arrow schema of events with that description."""
    return pa.schema(
        [
            pa.field(f"{table}.{name}", _arrow_type(about, scalar=table == EVENT), nullable=False)
            for table, columns in description.items()
            for name, about in columns.items()
        ]
    )


def _arrow_type(about: Mapping[str, Any], scalar: bool) -> pa.DataType:
    """The type of a column: numbers, vectors, or lists of them."""
    kind = _TYPES[_NAMES[about["dtype"]]]
    for size in reversed(about["shape"]):
        kind = pa.list_(pa.field("element", kind, nullable=False), size)
    return kind if scalar else pa.list_(pa.field("element", kind, nullable=False))


def to_arrow(events: Events) -> pa.Table:
    """Events as an Arrow table, one row an event.

    Raises:
        ValueError: If an event has not exactly one row in `event`, or an index names a row of another event.
    """
    if EVENT in events and bool((events[EVENT].counts != 1).any()):
        raise ValueError(f"table '{EVENT}' must have one row an event, got {events[EVENT].counts.tolist()[:8]}")
    schema = schema_of(describe(events))
    arrays = []
    for field in schema:
        name, column = field.name.split(".")
        table = events[name]
        values = _inner_array(local_rows(events, name, column))
        if name != EVENT:
            if len(table) > torch.iinfo(torch.int32).max:
                raise ValueError(f"table '{name}' has {len(table)} rows, more than 2**31 - 1; make smaller shards")
            values = pa.ListArray.from_arrays(pa.array(table.offsets.to(torch.int32).cpu().numpy()), values, field.type)
        arrays.append(values)
    return pa.Table.from_arrays(arrays, schema=schema)


def _inner_array(values: Tensor) -> pa.Array:
    """Rows as an Arrow array without event structure."""
    array = pa.array(values.detach().cpu().contiguous().reshape(-1).numpy())
    for size in reversed(values.shape[1:]):
        kind = pa.list_(pa.field("element", array.type, nullable=False), size)
        array = pa.FixedSizeListArray.from_arrays(array, type=kind)
    return array


def local_rows(events: Events, name: str, column: str) -> Tensor:
    """A column, its indices numbering rows within each event."""
    table = events[name]
    values = table[column]
    target = table.refers_to.get(column)
    if target is None:
        return values
    if target not in events:
        raise ValueError(f"column '{name}.{column}' numbers rows of '{target}', which is not there; drop the column")
    other = events[target]
    local = values - other.offsets[:-1][table.batch]
    outside = (values >= 0) & ((local < 0) | (local >= other.counts[table.batch]))
    if bool(outside.any()):
        row = int(outside.nonzero()[0])
        raise ValueError(
            f"column '{name}.{column}' row {row} is {int(values[row])}, a row of '{target}' in another event; "
            "an index stays within its event"
        )
    return torch.where(values < 0, values, local)


def from_arrow(data: pa.Table, description: Description) -> Events:
    """Events of an Arrow table, straight from its buffers; no object is made for an event.

    Index columns into tables that the description leaves out are left out too.

    Args:
        data: One row an event, with the columns of the description.
        description: The tables and columns wanted.
    """
    tables = {}
    for name, columns in description.items():
        found, offsets = {}, torch.arange(data.num_rows + 1)
        for column, about in known_columns(columns, description):
            array = data.column(f"{name}.{column}").combine_chunks()
            if name != EVENT:
                offsets = _tensor(array.offsets).to(torch.int64)
                offsets, array = offsets - offsets[0], array.flatten()
            found[column] = _rows(array, about)
        tables[name] = Table(found, offsets, _refers(columns, found), _about(columns, found))
    return Events({name: _global(table, tables) for name, table in tables.items()})


def known_columns(
    columns: Mapping[str, Mapping[str, Any]], description: Description
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The columns that do not number rows of a table that is left out."""
    return (
        (c, about) for c, about in columns.items() if about["refers_to"] is None or about["refers_to"] in description
    )


def chosen(description: Description, tables: Sequence[str] | None) -> Description:
    """The description of some tables, `event` always among them.

    Raises:
        InputError: If a table does not exist.
    """
    if tables is None:
        return description
    unknown = [name for name in tables if name not in description]
    if unknown:
        raise InputError(f"no table {', '.join(map(repr, unknown))}; this store has {sorted(description)}")
    return {name: columns for name, columns in description.items() if name == EVENT or name in tables}


def _global(table: Table, tables: Mapping[str, Table]) -> Table:
    """The table with its indices numbering rows of the whole batch."""
    moved = {}
    for column, target in table.refers_to.items():
        local = table[column]
        moved[column] = torch.where(local < 0, local, local + tables[target].offsets[:-1][table.batch])
    return table.with_columns(moved) if moved else table


def _rows(array: pa.Array, about: Mapping[str, Any]) -> Tensor:
    """The rows of a column as a tensor on the memory of the array."""
    for _ in about["shape"]:
        array = array.flatten()
    if about["dtype"] == "bool":
        return _tensor(array.cast(pa.uint8())).view(torch.bool).reshape(-1, *about["shape"])
    values = _tensor(array)
    return values.reshape(-1, *about["shape"]) if about["shape"] else values


def _tensor(array: pa.Array) -> Tensor:
    """A tensor on the memory of an array of numbers."""
    if not len(array):
        return torch.empty(0, dtype=next(dtype for dtype, kind in _TYPES.items() if kind == array.type))
    return from_dlpack(array)


def _refers(columns: Mapping[str, Mapping[str, Any]], found: Mapping[str, Tensor]) -> dict[str, str]:
    return {name: columns[name]["refers_to"] for name in found if columns[name]["refers_to"] is not None}


def _about(columns: Mapping[str, Mapping[str, Any]], found: Mapping[str, Tensor]) -> dict[str, Column]:
    return {
        name: Column(about["unit"], about["meaning"], about["role"], about["refers_to"], tuple(about.get("names", ())))
        for name, about in columns.items()
        if name in found
    }
