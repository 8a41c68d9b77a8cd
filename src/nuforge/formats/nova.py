"""NOvA's HDF5 (CAF-like): a group for each tree, a dataset for each leaf, rows told by run, subrun, event and slice.

An event is a slice. No group has a key of its own: each row repeats the numbers, in any order. Rows of groups without
the number of a slice (spills, neutrinos) belong to every slice of their trigger.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from numpy.typing import NDArray

from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.events.columns import Role
from nuforge.formats.format import Format
from nuforge.formats.glimpse import Glimpse, Kind
from nuforge.formats.hdf5 import dataset_of, numbers_of, open_hdf5, taken, whole
from nuforge.formats.identity import event_table, source_of
from nuforge.formats.ragged import Integers, dense, ranks

_TRIGGER = ("run", "subrun", "cycle", "batch", "evt")
_SLICE = (*_TRIGGER, "subevt")
_NEEDED = ("run", "subrun", "evt")
_MAP, _MAP_SHAPE = "cvnmap", (2, 100, 80)
_TRUE = re.compile(r"(^|\.)(mc|sand|neutrino|nu|truth|trainingdata)(\.|$)|true")
_PIXELS = {
    "view": Column("", "view: 0 X, 1 Y", "readout", names=("X", "Y")),
    "row": Column("", "plane in the map", "readout"),
    "column": Column("", "cell in the map", "readout"),
    "charge": Column("", "charge in 1 to 255", "readout"),
}


def _recognises(seen: Glimpse) -> bool:
    """Whether all groups have the index datasets, whatever their names."""
    if seen.kind is not Kind.HDF5:
        return False
    groups = {name.split("/")[0] for name in seen.names if name.endswith("/evt")}
    return any(seen.has(*(f"{group}/{name}" for name in _NEEDED)) for group in groups)


@dataclass(frozen=True)
class _Tree:
    """A group of the file: the rows of each slice are `order` from `first` on, `count` of them."""

    name: str
    leaves: dict[str, h5py.Dataset]
    order: Integers
    first: Integers
    count: Integers

    def table(self, begin: int, end: int) -> tuple[Integers, Integers]:
        """Rows of consecutive slices, and how many each has."""
        counts = self.count[begin:end]
        start = np.repeat(self.first[begin:end] - (np.cumsum(counts) - counts), counts)
        return self.order[start + np.arange(len(start))], counts


def read_nova(path: Path, batch_events: int) -> Iterator[Events]:
    """The slices of a file, some at a time, by run, subrun, event and slice.

    Yields:
        `event`, whose `event` is 65536 times NOvA's event plus the slice, with both apart; a table for each group, and
        `pixels` of pixel maps of 2 x 100 x 80. Only the index columns are held for the whole file.

    Raises:
        InputError: If the file is not as expected.
    """
    with open_hdf5(path) as file:
        groups = {name: group for name, group in file.items() if isinstance(group, h5py.Group) and "evt" in group}
        slices, trees = _trees(path, groups)
        source = source_of(path)
        for begin in range(0, len(slices), batch_events):
            end = min(begin + batch_events, len(slices))
            yield _events(slices[begin:end], trees, begin, source)


def _events(slices: NDArray[np.int64], trees: list[_Tree], begin: int, source: int) -> Events:
    """Consecutive slices (B, 6), from number `begin` of the file on."""
    tables = {"event": _event(slices, source)}
    for tree in trees:
        rows, counts = tree.table(begin, begin + len(slices))
        made = _tables(tree, rows, counts).items()
        tables |= {name: table for name, table in made if len(table.columns)}  # some groups are keys alone
    return Events(tables)


def _index(path: Path, group: h5py.Group) -> NDArray[np.int64]:
    """The numbers (N, 6) of the rows of a group by `_SLICE`; -1 where it has no such dataset."""
    missing = [name for name in _NEEDED if name not in group]
    if missing:
        raise InputError(f"'{group.name}' of {path} lacks {missing}, it has {list(group)[:20]}; write it again")
    datasets = {name: numbers_of(path, dataset_of(path, group, name)) for name in _SLICE if name in group}
    columns = {name: whole(path, dataset).reshape(-1) for name, dataset in datasets.items()}
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise InputError(f"'{group.name}' of {path} has rows {lengths}, expected the same of each; copy it again")
    n = lengths["evt"]
    absent = np.full(n, -1)
    return np.stack([columns[name].astype(np.int64) if name in columns else absent for name in _SLICE], axis=1)


def _trees(path: Path, groups: dict[str, h5py.Group]) -> tuple[NDArray[np.int64], list[_Tree]]:
    """All slices (E, 6), sorted, and which rows of each group they have."""
    index = {name: _index(path, group) for name, group in groups.items()}
    sliced = [name for name, group in groups.items() if "subevt" in group]
    of = sliced or list(groups)  # files without slices: each trigger is an event
    slices = _unique(np.concatenate([index[name] for name in of]))
    trees = []
    for name, group in groups.items():
        width = len(_SLICE) if name in sliced or not sliced else len(_TRIGGER)
        both, n = np.concatenate([slices[:, :width], index[name][:, :width]]), len(slices)
        known = ranks(both)
        order = np.argsort(known[n:], kind="stable")
        key = known[n:][order]
        first, last = np.searchsorted(key, known[:n]), np.searchsorted(key, known[:n], side="right")
        trees.append(_Tree(name, _leaves(path, group, len(index[name])), order, first, last - first))
    return slices, trees


def _unique(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The rows (N, K), sorted, each once."""
    _, first = np.unique(ranks(rows), return_index=True)
    return rows[first]


def _leaves(path: Path, group: h5py.Group, n: int) -> dict[str, h5py.Dataset]:
    """The datasets of numbers of a group."""
    found = {name: dataset_of(path, group, name) for name in group if name not in _SLICE}
    for dataset in found.values():
        if dataset.ndim == 0 or len(dataset) != n:
            raise InputError(f"'{dataset.name}' of {path} has shape {dataset.shape}, expected {n} rows; copy it again")
        numbers_of(path, dataset)
    return found


def _event(slices: NDArray[np.int64], source: int) -> Table:
    """The table `event` of some slices."""
    trigger, number = slices[:, _SLICE.index("evt")], slices[:, _SLICE.index("subevt")]
    ids = event_table(source, trigger * 65536 + np.maximum(number, 0), slices[:, 0], slices[:, 1])
    columns = {"trigger": trigger, "slice": number} | {n: slices[:, _SLICE.index(n)] for n in ("cycle", "batch")}
    about = {
        "trigger": Column("", "NOvA's event number", "readout"),
        "slice": Column("", "number of the slice in its trigger, -1 for a file of triggers", "readout"),
        "cycle": Column("", "cycle of a simulation, -1 for none", "readout"),
        "batch": Column("", "batch of a simulation, -1 for none", "readout"),
    }
    return ids.with_columns({n: torch.from_numpy(v.copy()) for n, v in columns.items()}, about=about)


def _tables(tree: _Tree, rows: Integers, counts: Integers) -> dict[str, Table]:
    """The table of a group, and pixels if it has maps."""
    role: Role = "truth" if _TRUE.search(tree.name) else "readout"
    name = "tree_" + re.sub(r"\W", "_", tree.name)
    tensors, about, tables = {}, {}, {}
    for leaf, dataset in tree.leaves.items():
        values = taken(dataset, rows)
        if leaf == _MAP and dataset.ndim == 2 and dataset.shape[1] == np.prod(_MAP_SHAPE):
            tables["pixels"] = _pixels(values, counts)
            continue
        column = re.sub(r"\W", "_", leaf)
        values = values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
        tensors[column] = torch.from_numpy(np.ascontiguousarray(_known(values)))
        true: Role = "truth" if _TRUE.search(leaf) else role
        about[column] = Column("", f"{leaf} of {tree.name} in NOvA's units (cm, ns, GeV)", true)
    tables[name] = Table.from_counts(tensors, torch.from_numpy(counts), about=about)
    return tables


def _known(values: NDArray[Any]) -> NDArray[Any]:
    """Values in a type that tensors have: unsigned integers above 8 bits become int64."""
    return values.astype(np.int64) if values.dtype.kind == "u" and values.dtype.itemsize > 1 else values


def _pixels(maps: NDArray[Any], counts: Integers) -> Table:
    """Pixels of maps (N, 16000), all rows of a slice together."""
    place, value, per_map = dense(maps.reshape(-1, *_MAP_SHAPE))
    event = np.repeat(np.arange(len(counts)), counts)
    n = np.bincount(event, per_map, len(counts)).astype(np.int64)
    columns = {name: place[:, i] for i, name in enumerate(("view", "row", "column"))}
    tensors = {name: torch.from_numpy(values) for name, values in columns.items()}
    return Table.from_counts(
        {**tensors, "charge": torch.from_numpy(value.astype(np.float32))}, torch.from_numpy(n), about=_PIXELS
    )


NOVA = Format("nova", "NOvA HDF5 (CAF-like)", "seen", _recognises, read_nova)
