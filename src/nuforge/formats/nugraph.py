"""NuGraph graph files (HDF5 of pynuml): each event one compound value, with a field for each tensor of the graph.

Whatever nodes and edges a file has become tables: `graph_<node>` with a column for each tensor, and
`graph_<source>_<relation>_<target>` with the rows of both ends. So both generations are read, with a kind of node for
each plane or with one kind of hits. Names of classes and planes and the lists of samples are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from numpy.typing import NDArray

from nuforge.detectors import Detector
from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.events.columns import Role
from nuforge.formats.format import Format
from nuforge.formats.glimpse import Glimpse, Kind
from nuforge.formats.hdf5 import dataset_of, open_hdf5
from nuforge.formats.identity import event_table, source_of
from nuforge.formats.whole import written_whole

_PREFIX, _COUNT, _EDGES = "graph_", "num_nodes", "edge_index"
_ONE = ("evt", "metadata")  # nodes of which each event has one
_SCANNED = 1000  # graphs looked at to find the types of all tensors
_NAME = re.compile(r"(-?\d{1,18})_(-?\d{1,18})_(-?\d{1,18})")


def _recognises(seen: Glimpse) -> bool:
    if seen.kind is not Kind.HDF5 or not seen.has("dataset"):
        return False
    with open_hdf5(seen.path) as file:
        group = file["dataset"]
        first = next(iter(group), None) if isinstance(group, h5py.Group) else None
        graph = group[first] if first is not None else None
        names = (graph.dtype.names or ()) if isinstance(graph, h5py.Dataset) and graph.shape == () else ()
        return bool(names) and all("/" in name for name in names)


@dataclass(frozen=True)
class _Tensors:
    """The tensors of one kind of nodes or edges: type and shape of a row, None where no graph has any."""

    store: str
    types: Mapping[str, tuple[np.dtype[Any], tuple[int, ...]] | None]

    @property
    def is_edges(self) -> bool:
        """Whether its name is that of a relation of two kinds of nodes."""
        return self.store.count("_") == 2

    def role(self, name: str) -> Role:
        """Truth is what is called so, and targets, which begin with y."""
        return "truth" if "truth" in self.store or name.startswith("y") or self.store == "evt" else "readout"


def read_nugraph(path: Path, batch_events: int) -> Iterator[Events]:
    """The graphs of a file, some at a time, in the order of their names, which are run, subrun and event.

    Raises:
        InputError: If the file is not as expected.
    """
    with open_hdf5(path) as file:
        group = file["dataset"]
        names = list(group)
        ids = [_NAME.fullmatch(name) for name in names]
        wrong = next((name for name, match in zip(names, ids, strict=True) if match is None), None)
        if wrong is not None:
            raise InputError(
                f"'dataset' of {path} has a graph '{wrong[:40]}', expected run_subrun_event; write it again"
            )
        numbers = np.array([[int(part) for part in match.groups()] for match in ids if match], np.int64).reshape(-1, 3)
        stores, source = _stores(path, group, names), source_of(path)
        for begin in range(0, len(names), batch_events):
            chosen = names[begin : begin + batch_events]
            graphs = [dataset_of(path, group, name)[()] for name in chosen]
            run, subrun, event = numbers[begin : begin + batch_events].T
            counts = {store.store: np.array([_count(store, graph) for graph in graphs]) for store in stores}
            tables = {
                f"{_PREFIX}{store.store}": _table(f"'dataset' of {path}", store, graphs, counts)
                for store in stores
                if store.types or not store.is_edges
            }
            yield Events({"event": event_table(source, event, run, subrun), **tables})


def _stores(path: Path, group: h5py.Group, names: list[str]) -> list[_Tensors]:
    """The kinds of nodes and edges, by the first graphs in which none of their tensors is empty."""
    found: dict[str, dict[str, tuple[np.dtype[Any], tuple[int, ...]] | None]] = {}
    for name in names[:_SCANNED]:
        graph = dataset_of(path, group, name)
        fields = graph.dtype.fields if graph.shape == () else None
        if not fields or not all("/" in field for field in fields):
            raise InputError(f"graph '{name}' of {path} has type {str(graph.dtype)[:60]}, expected one compound value")
        for field, (dtype, _) in fields.items():
            store, tensor = field.split("/", 1)
            if dtype.base.kind not in "iufb" or store.count("_") not in (0, 2):
                raise InputError(
                    f"'{field}' of graph '{name}' of {path} is no tensor of nodes or edges; write it again"
                )
            if found.setdefault(store, {}).get(tensor) is None:
                found[store][tensor] = _type(store, tensor, dtype)
        if all(kind is not None for tensors in found.values() for kind in tensors.values()):
            break
    stores = [_Tensors(store, {n: t for n, t in tensors.items() if n != _COUNT}) for store, tensors in found.items()]
    for each in stores:
        missing = [node for node in _ends(each.store) if node not in found] if each.is_edges else []
        if missing or (each.is_edges and _EDGES not in each.types):
            raise InputError(f"edges '{each.store}' of {path} lack {missing or [_EDGES]}; write the graphs again")
    return stores


def _type(store: str, tensor: str, dtype: np.dtype[Any]) -> tuple[np.dtype[Any], tuple[int, ...]] | None:
    """Type and shape of a row of a tensor; None if it is empty, which is written as a number."""
    if tensor == _COUNT or store in _ONE:
        return dtype.base, dtype.shape[1:]
    if not dtype.shape:
        return None
    return dtype.base, dtype.shape[:1] if tensor == _EDGES else dtype.shape[1:]


def _ends(store: str) -> tuple[str, str]:
    """Source and target of edges."""
    source, _, target = store.split("_")
    return source, target


def _count(store: _Tensors, graph: np.void) -> int:
    """Nodes or edges of a graph."""
    fields = set(graph.dtype.names or ())
    if f"{store.store}/{_COUNT}" in fields:
        return int(graph[f"{store.store}/{_COUNT}"])
    shapes = {n: np.shape(graph[f"{store.store}/{n}"]) for n in store.types if f"{store.store}/{n}" in fields}
    if store.is_edges:
        shape = shapes.get(_EDGES, ())
        return shape[1] if len(shape) == 2 else 0
    if store.store in _ONE and shapes:
        return 1
    return max((shape[0] for shape in shapes.values() if shape), default=0)


def _table(what: str, store: _Tensors, graphs: list[np.void], counts: Mapping[str, NDArray[np.int64]]) -> Table:
    """The table of one kind of nodes or edges of a batch."""
    n = counts[store.store]
    columns: dict[str, NDArray[Any]] = {}
    about: dict[str, Column] = {}
    for name, kind in store.types.items():
        dtype, shape = kind or (np.dtype(np.float32), ())
        parts = [_rows(what, store, name, graph, int(k), shape) for graph, k in zip(graphs, n, strict=True)]
        values = np.concatenate([np.zeros((0, *shape), dtype), *parts]).astype(dtype)
        if name == _EDGES:
            ends = zip(("source", "target"), values.T, _ends(store.store), strict=True)
            for end, local, node in ends:
                columns[end] = _global(what, store, local.astype(np.int64), n, counts[node])
                about[end] = Column("", f"node at its {end}", store.role(name), f"{_PREFIX}{node}")
        else:
            columns[name] = values
            about[name] = Column("", f"tensor '{name}' in units of its producer", store.role(name))
    if not columns:  # nodes that a file only counts
        columns["node"] = np.concatenate([np.zeros(0, np.int64), *(np.arange(k) for k in n)])
        about["node"] = Column("", "number of the node in its graph", store.role("node"))
    tensors = {name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in columns.items()}
    return Table.from_counts(tensors, torch.from_numpy(n.astype(np.int64)), about=about)


def _rows(what: str, store: _Tensors, name: str, graph: np.void, n: int, shape: tuple[int, ...]) -> NDArray[Any]:
    """Rows (n, ...) of a tensor of a graph; edges have their two ends as rows."""
    field = f"{store.store}/{name}"
    if field not in (graph.dtype.names or ()):
        if n:
            raise InputError(f"a graph in {what} has {n} of '{store.store}' without '{name}'; write it again")
        return np.zeros((0, *shape))
    values = np.asarray(graph[field])
    if name == _EDGES and values.ndim == 2:
        values = values.T
    if values.ndim == 0:  # an empty tensor, or one number for the only node
        values = values.reshape(1)[:n] if n == 1 and not shape else np.zeros((0, *shape))
    if values.shape != (n, *shape):
        raise InputError(
            f"'{field}' of a graph in {what} has shape {values.shape}, expected {(n, *shape)}; write it again"
        )
    return values


def _global(
    what: str, store: _Tensors, local: NDArray[np.int64], edges: NDArray[np.int64], nodes: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Rows of the batch of nodes (E,) given by their number in the graph."""
    graph = np.repeat(np.arange(len(edges)), edges)
    if ((local < 0) | (local >= nodes[graph])).any():
        raise InputError(f"edges '{store.store}' of {what} name a node that its graph does not have; write it again")
    return local + (np.cumsum(nodes) - nodes)[graph]


def write_nugraph(path: Path, parts: Iterable[Events], detector: Detector | None) -> None:
    """Writes the tables `graph_...`, an event a graph named by run, subrun and event.

    Raises:
        InputError: If there are no graphs, or two events have the same numbers.
    """
    with written_whole(path) as temporary, h5py.File(temporary, "w") as file:
        group = file.create_group("dataset")
        for events in parts:
            names = [name for name in events.tables if name.startswith(_PREFIX)]
            if not names:
                raise InputError(f"NuGraph's files need tables graph_..., these events have {sorted(events.tables)}")
            ids = torch.stack([events["event"][name] for name in ("run", "subrun", "event")], dim=1).tolist()
            for event, numbers in enumerate(ids):
                key = "_".join(str(number) for number in numbers)
                if not _NAME.fullmatch(key):
                    raise InputError(f"run, subrun and event {key} do not name a graph, expected 18 digits at most")
                if key in group:
                    raise InputError(f"two events have run, subrun and event {key}; NuGraph tells graphs by them")
                fields = [field for name in names for field in _fields(events, name, event)]
                row = np.zeros((), np.dtype([(field, v.dtype, v.shape) for field, v in fields]))
                for field, values in fields:
                    row[field] = values
                group.create_dataset(key, data=row)


def _fields(events: Events, name: str, event: int) -> list[tuple[str, NDArray[Any]]]:
    """Fields of one kind of nodes or edges of one event; empty tensors are written as the number 0."""
    table, store = events[name], name.removeprefix(_PREFIX)
    rows = slice(int(table.offsets[event]), int(table.offsets[event + 1]))
    tensors = {c: table[c][rows].numpy() for c in table if c not in table.refers_to and c != "node"}
    if table.refers_to:
        ends = [table[c][rows] - events[table.refers_to[c]].offsets[event] for c in ("source", "target")]
        tensors[_EDGES] = torch.stack(ends).numpy()
    fields = [(f"{store}/{c}", values if values.size else np.zeros((), values.dtype)) for c, values in tensors.items()]
    count = [] if table.refers_to else [(f"{store}/{_COUNT}", np.array(rows.stop - rows.start))]
    return fields + count


NUGRAPH = Format("nugraph", "NuGraph graphs HDF5 (pynuml)", "doc", _recognises, read_nugraph, write_nugraph)
