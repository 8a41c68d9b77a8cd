"""SPINE's output: reconstructed (and true) particles and interactions in its HDF5 layout, version 2.

A file has `events` (one number an event), the group `info` (format, version, whether it is complete) and the group
`products`. A product of kind `array` has `values` and `event_offsets`; one of kind `objects` has a compound dataset
`fixed` with a row an object, `event_offsets`, and `variables/pool_<i>/values`, flat values of lists and strings, in
which `_var_offsets_<i>` of an object's row says where each of its fields begins.

SPINE ignores fields that it does not know. So every column of NuForge's tables is written as a field `nuforge_...` too,
and reading gives back what was written, errors included. Files that SPINE wrote are read by its own fields.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py
import numpy as np
import torch
from numpy.typing import NDArray

from nuforge.detectors import Detector
from nuforge.detectors.voxels import in_voxels, voxel_center
from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.formats.format import Format
from nuforge.formats.glimpse import Glimpse, Kind
from nuforge.formats.hdf5 import attribute, dataset_of, open_hdf5
from nuforge.formats.ragged import Spans
from nuforge.formats.spine_objects import PREFIX, Objects, objects_of, standard_columns
from nuforge.formats.spine_truth import truth_of
from nuforge.formats.whole import written_whole

FORMAT, VERSION = "spine_hdf5", 2
_ROWS = 1024  # rows of a chunk
_OWN = "nuforge"  # attribute with the description of the own columns
_TABLES = ("reco_fragments", "reco_particles", "reco_interactions")
_POSITION = Column("cm", "centre of the voxel", "readout")


class SpineWriter:
    """A file that grows with every call of `append`; a context manager, which marks it complete when nothing failed.

    Args:
        path: The file; it is replaced.
        detector: Turns voxel numbers into positions.
    """

    def __init__(self, path: str | Path, detector: Detector) -> None:
        self.path, self.detector = Path(path), in_voxels(detector)
        self._file = h5py.File(self.path, "w")
        info = self._file.create_group("info")
        info.attrs.update({"format": FORMAT, "format_version": VERSION, "complete": False, "cfg": "{}"})
        info.attrs.update({"spine_version": "1.4.3", "version": "1.4.3"})
        self._file.create_group("products")
        self._file.create_dataset("events", (0,), np.int64, maxshape=(None,), chunks=(_ROWS,))

    def __enter__(self) -> SpineWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file["info"].attrs["complete"] = kind is None
        self._file.close()

    def append(self, events: Events) -> None:
        """Adds events with `event`, `voxels` (index, value), `reco_particles`, `reco_interactions` and their indices.

        Raises:
            InputError: If a table is missing, or these events have other tables than those before.
        """
        missing = [name for name in ("event", "voxels", "reco_particles", "reco_interactions") if name not in events]
        if missing:
            raise InputError(f"SPINE's file needs the tables {missing}; reconstruct the events first")
        before = len(self._file["events"])
        found = objects_of(events) + truth_of(events)
        known = set(self._file["products"])
        names = {"index", "run_info", "points", "depositions", f"{PREFIX}index", *(o.name for o in found)}
        if before and names != known:
            raise InputError(
                f"these events have the products {sorted(names)}, those before {sorted(known)}; write two files"
            )
        _grow(self._file["events"], np.arange(before, before + len(events)))
        voxels = events["voxels"]
        counts = voxels.counts.numpy()
        self._array("index", np.arange(before, before + len(events)), np.ones(len(events), np.int64), scalar=True)
        self._array("points", voxel_center(voxels["index"], self.detector).numpy(), counts)
        self._array("depositions", voxels["value"].float().numpy(), counts)
        self._array(f"{PREFIX}index", voxels["index"].int().numpy(), counts)
        for objects in found:
            self._objects(objects)

    def _array(self, name: str, values: NDArray[Any], counts: NDArray[np.int64], scalar: bool = False) -> None:
        """Adds the rows of an array product."""
        products = self._file["products"]
        if name not in products:
            group = products.create_group(name)
            group.attrs.update({"kind": "array", "scalar": scalar})
            _grown(group, "values", values.dtype, values.shape[1:])
            _grow(_grown(group, "event_offsets", np.dtype(np.int64), ()), np.zeros(1, np.int64))
        _extend(products[name], "values", values, counts)

    def _objects(self, objects: Objects) -> None:
        """Adds the rows of a product of objects."""
        products, n_pools = self._file["products"], len(objects.pools)
        if objects.name not in products:
            group = products.create_group(objects.name)
            group.attrs.update({"kind": "objects", "class_name": objects.class_name, "scalar": objects.scalar})
            group.attrs[_OWN] = json.dumps(objects.description)
            dtype = [(name, d, shape) for name, (d, shape) in objects.types.items()]
            offsets = [(f"_var_offsets_{i}", np.int64, (1 + len(objects.pools[i].fields),)) for i in range(n_pools)]
            _grown(group, "fixed", np.dtype(dtype + offsets), ())
            _grow(_grown(group, "event_offsets", np.dtype(np.int64), ()), np.zeros(1, np.int64))
            variables = group.create_group("variables")
            for i, pool in enumerate(objects.pools):
                place = variables.create_group(f"pool_{i}")
                place.attrs.update({"kind": pool.kind, "fields": "".join(f"- {field}\n" for field in pool.fields)})
                _grown(place, "values", pool.dtype, ())
        group = products[objects.name]
        rows = np.zeros(len(objects), group["fixed"].dtype)
        for name, values in objects.fixed.items():
            rows[name] = values
        for i, pool in enumerate(objects.pools):
            values, offsets_of_rows = pool.interleaved()
            place = group[f"variables/pool_{i}/values"]
            rows[f"_var_offsets_{i}"] = offsets_of_rows + len(place)
            _grow(place, values)
        _extend(group, "fixed", rows, objects.counts)


def write_spine(path: str | Path, parts: Iterable[Events], detector: Detector) -> None:
    """Writes events, part by part, as SPINE does (see `SpineWriter`)."""
    with SpineWriter(path, detector) as writer:
        for events in parts:
            writer.append(events)


def is_spine(file: h5py.File) -> bool:
    """Whether an HDF5 file is an output of SPINE."""
    return "info" in file and "events" in file and ("products" in file or attribute(file["info"], "format") == FORMAT)


def read_spine(path: str | Path, batch_events: int = 64) -> Iterator[Events]:
    """Events of an output of SPINE, some at a time, in bounded memory; what is true is not read.

    Args:
        path: The file, in layout version 2.
        batch_events: Events at a time.

    Yields:
        `event`, `voxels` (index or, in files of SPINE, position; value; indices of what was reconstructed) and the
        tables `reco_...` that are there.

    Raises:
        InputError: If it is no such file, is of version 1 or incomplete.
    """
    path = Path(path)
    if batch_events < 1:
        raise ValueError(f"batch_events must be 1 event at least, got {batch_events}")
    with open_hdf5(path) as file:
        _check(path, file)
        n = len(dataset_of(path, file, "events"))
        for first in range(0, n, batch_events):
            yield _events(file["products"], first, min(first + batch_events, n))


def _check(path: Path, file: h5py.File) -> None:
    """Refuse what cannot be read."""
    if not is_spine(file):
        raise InputError(f"{path} is no output of SPINE: it has {sorted(file)}, expected events, info and products")
    version = int(attribute(file["info"], "format_version", 1))
    if version != VERSION:
        raise InputError(f"{path} has SPINE's layout version {version}, expected 2; write it with format_version=2")
    if not attribute(file["info"], "complete", True):
        raise InputError(f"{path} is incomplete, its writer did not finish; write it again")


def _events(products: h5py.Group, first: int, end: int) -> Events:
    """The events from first to before end."""
    n = end - first
    tables = {"event": _event_table(products, first, end)}
    objects = {name: _read_objects(products[name], first, end) for name in _TABLES if name in products}
    read = {name: table for name, (table, _) in objects.items()}
    tables |= {name: _numbered(table, read) for name, table in read.items()}
    if "depositions" in products:
        values, counts = _read_array(products["depositions"], first, end)
        columns = {"value": torch.from_numpy(values)}
        about: dict[str, Column] = {}
        if f"{PREFIX}index" in products:
            columns["index"] = torch.from_numpy(_read_array(products[f"{PREFIX}index"], first, end)[0])
        elif "points" in products:
            columns["position"], about["position"] = (
                torch.from_numpy(_read_array(products["points"], first, end)[0]),
                _POSITION,
            )
        offsets = np.concatenate([[0], np.cumsum(counts)])
        for name, (table, members) in objects.items():
            if name != "reco_interactions":
                column = name.removesuffix("s")
                columns[column] = _owner(table, members, offsets)
                about[column] = Column("", f"its row of {name}, -1 for none", "prediction", name)
        tables["voxels"] = Table(columns, torch.from_numpy(offsets), about=about)
    if n != len(tables["event"]):
        raise InputError(
            f"'run_info' has {len(tables['event'])} rows for {n} events; the file is damaged, write it again"
        )
    return Events(tables)


def _event_table(products: h5py.Group, first: int, end: int) -> Table:
    """Identity of events: run, subrun and event of `run_info`, or their place in the file; their weights."""
    n = end - first
    zero, one = torch.zeros(n, dtype=torch.int64), torch.ones(n, dtype=torch.float64)
    columns = {"source": zero, "run": zero, "subrun": zero, "event": torch.arange(first, end), "variation": zero}
    columns["weight"] = one
    if "run_info" in products:
        rows, _ = _read_array(products["run_info"], first, end, "fixed")
        for name in columns:
            for field in (name, PREFIX + name):
                if field in (rows.dtype.names or ()):
                    kind = np.float64 if name == "weight" else np.int64
                    columns[name] = torch.from_numpy(rows[field].astype(kind))
    return Table(columns, torch.arange(n + 1))


def _read_objects(group: h5py.Group, first: int, end: int) -> tuple[Table, tuple[NDArray[Any], NDArray[Any]]]:
    """A table of objects, its own columns if it has them; and the voxels of each object with their number."""
    rows, counts = _read_array(group, first, end, "fixed")
    description = json.loads(attribute(group, _OWN, "{}"))
    offsets = torch.from_numpy(np.concatenate([[0], np.cumsum(counts)]))
    name = str(group.name).rsplit("/", 1)[-1]
    if description:
        columns = {c: torch.from_numpy(rows[PREFIX + c].copy()) for c in description}
        about = {c: Column(**entry) for c, entry in description.items()}
    else:
        columns, about = standard_columns(name, rows)
    return Table(columns, offsets, about=about), _members(group, rows)


def _numbered(table: Table, tables: Mapping[str, Table]) -> Table:
    """The table with its indices, numbers within the event as read, numbering rows of the batch."""
    moved, lost = {}, []
    for column, target in table.refers_to.items():
        if target not in tables:
            lost.append(column)
        else:
            first = tables[target].offsets[:-1][table.batch]
            moved[column] = torch.where(table[column] < 0, table[column], table[column] + first)
    return table.with_columns(moved).only([name for name in table if name not in lost])


def _members(group: h5py.Group, rows: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Voxels of objects, numbers within the event, one object after the other, and how many each has."""
    for name, pool in group["variables"].items():
        text = attribute(pool, "fields", "")
        fields = [line.removeprefix("- ") for line in (text.decode() if isinstance(text, bytes) else text).splitlines()]
        if "index" in fields and len(rows):
            at = fields.index("index")
            bounds = rows[f"_var_offsets_{name.rsplit('_', 1)[-1]}"]
            low, size = int(bounds[0, 0]), bounds[:, at + 1] - bounds[:, at]
            values = dataset_of(Path(group.file.filename), pool, "values")[low : int(bounds[-1, -1])]
            if (size < 0).any() or int(size.sum()) > len(values):
                raise InputError(f"'{pool.name}' has {len(values)} rows, its objects name {size.sum()}; write it again")
            place = np.repeat(bounds[:, at] - low - (np.cumsum(size) - size), size) + np.arange(size.sum())
            return values[place].astype(np.int64), size
    return np.zeros(0, np.int64), np.zeros(len(rows), np.int64)


def _owner(table: Table, members: tuple[NDArray[Any], NDArray[Any]], offsets: NDArray[np.int64]) -> torch.Tensor:
    """The row of the object (V,) that each voxel belongs to, -1 for none."""
    voxel, size = members
    owner = np.full(int(offsets[-1]), -1)
    row = np.repeat(np.arange(len(table)), size)
    event = table.batch.numpy()[row]
    if ((voxel < 0) | (voxel >= np.diff(offsets)[event])).any():
        raise InputError("an object names a voxel that its event does not have; the file is damaged, write it again")
    owner[voxel + offsets[:-1][event]] = row
    return torch.from_numpy(owner)


def _read_array(
    group: h5py.Group, first: int, end: int, dataset: str = "values"
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Rows of a product and how many each event has."""
    path = Path(group.file.filename)
    rows, offsets = (dataset_of(path, group, name) for name in (dataset, "event_offsets"))
    spans = Spans.of_offsets(offsets[first : end + 1], len(rows), f"'{offsets.name}' of {path}")
    if len(spans) != end - first:
        raise InputError(f"'{offsets.name}' of {path} ends before event {end}; the file is damaged, write it again")
    return rows[spans.range_of(0, len(spans))], spans.count


def _grown(group: h5py.Group, name: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> h5py.Dataset:
    """An empty dataset that can grow."""
    return group.create_dataset(name, (0, *shape), dtype, maxshape=(None, *shape), chunks=(_ROWS, *shape))


def _grow(dataset: h5py.Dataset, rows: NDArray[Any]) -> None:
    """Adds rows at the end."""
    n = len(dataset)
    dataset.resize(n + len(rows), axis=0)
    dataset[n:] = rows


def _extend(group: h5py.Group, name: str, rows: NDArray[Any], counts: NDArray[np.int64]) -> None:
    """Adds rows of events and their offsets."""
    start = len(group[name])
    _grow(group[name], rows)
    _grow(group["event_offsets"], start + np.cumsum(counts, dtype=np.int64))


__all__ = ["SpineWriter", "is_spine", "read_spine", "write_spine"]


def _recognises(seen: Glimpse) -> bool:
    if seen.kind is not Kind.HDF5 or not seen.has("info", "events"):
        return False
    with open_hdf5(seen.path) as file:
        return is_spine(file)


def _write(path: Path, parts: Iterable[Events], detector: Detector | None) -> None:
    if detector is None:
        raise InputError("SPINE's positions need a detector, which these events do not name; convert from a store")
    with written_whole(path) as temporary:
        write_spine(temporary, parts, detector)


SPINE = Format(
    "spine",
    "output of SPINE (HDF5, layout version 2)",
    "seen",
    _recognises,
    lambda path, n: read_spine(path, n),
    _write,
)
