"""Events for other libraries, NumPy, Awkward, pandas, PyTorch Geometric; indices number rows within an event there."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from nuforge.errors import InputError
from nuforge.events.arrow import EVENT, local_rows

if TYPE_CHECKING:
    from nuforge.events.events import Events

_WIDEST = 1000  # columns of a data frame that one vector becomes


def to_numpy(events: Events) -> dict[str, dict[str, NDArray[Any]]]:
    """Columns of tables as arrays that share their memory, by table and column.

    Besides its columns every table has `offsets` (B + 1,); indices number rows of the whole batch, as they do here.
    """
    return {
        name: {"offsets": table.offsets.cpu().numpy()}
        | {column: values.detach().cpu().numpy() for column, values in table.columns.items()}
        for name, table in events.tables.items()
    }


def to_awkward(events: Events) -> Any:  # noqa: ANN401
    """An Awkward Array of B records, one field a table: `array.hits.time` is jagged, `array.event.run` is not."""
    ak = _package("awkward", "to_awkward", "awkward")
    tables = {}
    for name, table in events.tables.items():
        columns = {column: local_rows(events, name, column).detach().cpu().numpy() for column in table}
        rows = ak.zip(columns, depth_limit=1)
        whole = name == EVENT and bool((table.counts == 1).all())
        tables[name] = rows if whole else ak.unflatten(rows, table.counts.cpu().numpy())
    return ak.zip(tables, depth_limit=1)


def to_pandas(events: Events, table: str) -> Any:  # noqa: ANN401
    """One table as a data frame with a row a row, indexed by the event's place in the batch and the row's in the event.

    A vector column `start` becomes the columns `start[0]`, `start[1]`, `start[2]`.

    Raises:
        InputError: If pandas is not installed, or a vector is too long for columns.
    """
    pandas = _package("pandas", "to_pandas", "pandas")
    chosen = events[table]
    columns = {}
    for column in chosen:
        values = local_rows(events, table, column).detach().cpu().numpy()
        if values.ndim == 1:
            columns[column] = values
            continue
        flat = values.reshape(len(values), int(np.prod(values.shape[1:])))
        if flat.shape[1] > _WIDEST:
            raise InputError(
                f"column '{table}.{column}' has {flat.shape[1]} values a row, expected {_WIDEST} at most for a data "
                "frame; use to_numpy or to_awkward"
            )
        columns |= {f"{column}[{i}]": flat[:, i] for i in range(flat.shape[1])}
    batch = chosen.batch.cpu().numpy()
    row = np.arange(len(batch)) - chosen.offsets.cpu().numpy()[batch]
    index = pandas.MultiIndex.from_arrays([batch, row], names=["event", "row"])
    return pandas.DataFrame(columns, index=index)


def to_pyg(events: Events) -> list[Any]:
    """A `HeteroData` of PyTorch Geometric for each event: tables are kinds of nodes, index columns kinds of edges.

    `data["hits"].charge` has a row a node; where `hits.particle` numbers rows of `particles`, its edges, from hit to
    particle, are `data["hits", "particle", "particles"].edge_index`. Truth is there, under its own names.

    Raises:
        InputError: If torch-geometric is not installed.
    """
    graph = _package("torch_geometric.data", "to_pyg", "torch-geometric")
    found = []
    for event in events:  # a graph object each is what the other side wants
        data = graph.HeteroData()
        for name, table in event.tables.items():
            data[name].num_nodes = len(table)
            for column, values in table.columns.items():
                target = table.refers_to.get(column)
                if target is None:
                    data[name][column] = values
                elif target in event:
                    known = (values >= 0).nonzero().flatten()
                    data[name, column, target].edge_index = torch.stack([known, values[known]])
        found.append(data)
    return found


def _package(module: str, function: str, name: str) -> ModuleType:
    """A package that is not always there.

    Raises:
        InputError: If it is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError:
        raise InputError(f"{function} needs the package {name}, which is not installed; pip install {name}") from None
