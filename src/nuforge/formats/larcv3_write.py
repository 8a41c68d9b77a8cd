"""LArCV3 HDF5 written: pixels or voxels, their labels, clusters and particles."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from numpy.typing import NDArray

from nuforge.detectors import Detector
from nuforge.detectors.voxels import in_voxels, voxel_shape
from nuforge.errors import InputError
from nuforge.events import Events, Table
from nuforge.formats.growing import append
from nuforge.formats.larcv3_images import raveled
from nuforge.formats.larcv3_particles import particle_rows
from nuforge.formats.whole import written_whole

_EXTENTS = np.dtype([("first", "u8"), ("N", "u4")])
_ID_EXTENTS = np.dtype([("first", "u8"), ("N", "u4"), ("ID", "u4")])
_VOXEL = np.dtype([("id", "u8"), ("value", "f4")])
_EVENT = np.dtype([("run", "i8"), ("subrun", "i8"), ("event", "i8")])
_PLAIN = {"view", "row", "column", "charge", "index", "value"}


def write_larcv3(path: Path, parts: Iterable[Events], detector: Detector | None) -> None:
    """Writes events: `pixels` with `images`, `voxels` with `volumes` (or a detector), clusters and particles.

    Of pixels and voxels the readout becomes the tensor `data`, every other column of floating numbers, and `label`, a
    tensor of its name. Index columns have no place in this format and are left out, and so are weights.

    Args:
        path: The file; it is replaced when all is written.
        parts: Events, some at a time.
        detector: Says where voxels are if the events do not.

    Raises:
        InputError: If there is nothing to write, or no geometry.
    """
    with written_whole(path) as temporary, h5py.File(temporary, "w") as file:
        before: set[str] | None = None
        for events in parts:
            _append(file, events, detector)
            written = set(file["Data"]) if "Data" in file else set()
            if not written:
                raise InputError(
                    f"these events have {sorted(events.tables)}, expected pixels, voxels or particles; simulate them"
                )
            if before is not None and written != before:
                raise InputError(f"these events have {sorted(written - before)}, those before did not; write two files")
            before = written


def _append(file: h5py.File, events: Events, detector: Detector | None) -> None:
    """Adds events."""
    ids = np.zeros(len(events), _EVENT)
    for name in ("run", "subrun", "event"):
        ids[name] = events["event"][name].numpy()
    append(file, "Events/event_id", ids)
    for dimension, name, geometry, value in ((2, "pixels", "images", "charge"), (3, "voxels", "volumes", "value")):
        clusters = [table for table in events.tables if table.startswith(f"clusters{dimension}d_")]
        if name not in events and not clusters:
            continue
        images = _Images(_geometry_of(events, geometry, detector, dimension))
        if name in events:
            table = events[name]
            _tensor(file, f"sparse{dimension}d_data", images, table, table[value].numpy())
            for column in table:
                labelled = table[column].is_floating_point() and table[column].ndim == 1
                if column not in _PLAIN and (labelled or column == "label"):
                    _tensor(file, f"sparse{dimension}d_{column}", images, table, table[column].numpy())
        for each in clusters:
            _cluster(file, f"cluster{dimension}d_{each.split('_', 1)[1]}", images, events[each])
    for name in events.tables:
        if name == "particles" or name.startswith("particles_"):
            group = _group(file, f"particle_{name.partition('_')[2] or 'data'}")
            first = append(group, "particles", particle_rows(events, name))
            _extents(group, first, events[name].counts.numpy())


def _geometry_of(events: Events, name: str, detector: Detector | None, dimension: int) -> Table:
    """The images of events: their own, or one volume an event from a detector."""
    if name in events:
        return events[name]
    if detector is None or dimension == 2:
        raise InputError(f"LArCV3 needs the table '{name}' to say where pixels are; read or simulate events with it")
    known = in_voxels(detector)
    n, shape = len(events), torch.tensor([voxel_shape(known)])
    columns = {
        "view": torch.zeros(n, dtype=torch.int64),
        "origin": torch.tensor([known.origin], dtype=torch.float64).expand(n, 3),
        "size": (shape * known.readout.voxel).double().expand(n, 3),
        "bins": shape.expand(n, 3),
    }
    return Table(columns, torch.arange(n + 1))


class _Images:
    """The images of a batch, and the order of voxels by image."""

    def __init__(self, table: Table) -> None:
        self.counts = table.counts.numpy()
        self.event, self.view = table.batch.numpy(), table["view"].numpy()
        self.bins = table["bins"].numpy()
        self.meta = np.zeros(len(table), meta_type(self.bins.shape[1]))
        self.meta["valid"] = 1
        self.meta["projection_id"] = self.view
        self.meta["image_sizes"], self.meta["number_of_voxels"] = table["size"].numpy(), self.bins
        self.meta["origin"] = table["origin"].numpy()
        self.views = int(self.view.max(initial=0)) + 1

    def __len__(self) -> int:
        return len(self.event)

    def of(self, table: Table) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The image (V,) of each voxel of a table, and its number in it."""
        view = table["view"].numpy() if "view" in table else np.zeros(len(table), np.int64)
        mine, known = table.batch.numpy() * self.views + view, self.event * self.views + self.view
        order = np.argsort(known, kind="stable")
        image = (
            order[np.minimum(np.searchsorted(known, mine, sorter=order), max(0, len(known) - 1))]
            if len(known)
            else view
        )
        if len(mine) and (not len(known) or (known[image] != mine).any() or (view >= self.views).any()):
            raise InputError("some pixels have a view without an image; give each view of each event a row in 'images'")
        place = table["index"].numpy() if "index" in table else _rows_and_columns(table)
        return image, raveled(place.astype(np.int64), self.bins[image])


def meta_type(dimension: int) -> np.dtype[Any]:
    """A row of `image_meta`."""
    sizes = [
        ("image_sizes", "f8", (dimension,)),
        ("number_of_voxels", "u8", (dimension,)),
        ("origin", "f8", (dimension,)),
    ]
    return np.dtype([("valid", "u1"), ("projection_id", "u8"), *sizes])


def _rows_and_columns(table: Table) -> NDArray[np.int64]:
    return np.stack([table["row"].numpy(), table["column"].numpy()], axis=1)


def _group(file: h5py.File, name: str) -> h5py.Group:
    return file.require_group(f"Data/{name}_group")


def _extents(group: h5py.Group, first: int, counts: NDArray[np.integer]) -> None:
    """Adds the rows of `extents`: what each event has at the level below, from row `first` on."""
    rows = np.zeros(len(counts), _EXTENTS)
    rows["first"], rows["N"] = first + np.cumsum(counts) - counts, counts
    append(group, "extents", rows)


def _level(group: h5py.Group, name: str, first: int, counts: NDArray[np.integer], ids: NDArray[np.integer]) -> int:
    """Adds rows of a level of extents with their numbers; returns its first new row."""
    rows = np.zeros(len(counts), _ID_EXTENTS)
    rows["first"], rows["N"], rows["ID"] = first + np.cumsum(counts) - counts, counts, ids
    return append(group, name, rows)


def _tensor(file: h5py.File, name: str, images: _Images, table: Table, values: NDArray[Any]) -> None:
    """Adds a sparse tensor; NaN and labels of -1 are voxels that it does not have."""
    group = _group(file, name)
    image, number = images.of(table)
    kept = np.flatnonzero(~np.isnan(values) if values.dtype.kind == "f" else values >= 0)
    order = kept[np.argsort(image[kept], kind="stable")]
    rows = np.zeros(len(order), _VOXEL)
    rows["id"], rows["value"] = number[order], values[order]
    first = append(group, "voxels", rows)
    first = _level(group, "voxel_extents", first, np.bincount(image[kept], minlength=len(images)), images.view)
    append(group, "image_meta", images.meta)
    _extents(group, first, images.counts)


def _cluster(file: h5py.File, name: str, images: _Images, table: Table) -> None:
    """Adds clusters."""
    group = _group(file, name)
    image, number = images.of(table)
    cluster = table["cluster"].numpy()
    order = np.lexsort([cluster, image])
    rows = np.zeros(len(order), _VOXEL)
    rows["id"], rows["value"] = number[order], table["value"].numpy()[order]
    first = append(group, "voxels", rows)
    pairs = np.stack([image[order], cluster[order]], axis=1)
    begins = np.flatnonzero(np.append(True, (pairs[1:] != pairs[:-1]).any(axis=1))) if len(pairs) else np.zeros(0, int)
    counts = np.diff(np.append(begins, len(pairs)))
    first = _level(group, "cluster_extents", first, counts, pairs[begins, 1])
    n = np.bincount(pairs[begins, 0], minlength=len(images))
    first = _level(group, "projection_extents", first, n, images.view)
    append(group, "image_meta", images.meta)
    _extents(group, first, images.counts)
