"""Sparse tensors and clusters of LArCV3 files: rows of events, their voxels, and what their numbers mean."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from nuforge.errors import InputError
from nuforge.formats.hdf5 import columns_of, dataset_of, whole
from nuforge.formats.larcv_tables import Images, Voxels, unravelled
from nuforge.formats.ragged import Integers, Spans

_META = ("projection_id", "image_sizes", "number_of_voxels", "origin")


@dataclass(frozen=True)
class Product:
    """One product of a file: `kind` is its type, as sparse2d, and `producer` the rest of its name.

    Args:
        path: The file, for messages.
        group: Its group.
        kind: Type.
        producer: Name of who made it.
        spans: What each event has at the product's first level.
    """

    path: Path
    group: h5py.Group
    kind: str
    producer: str
    spans: Spans

    @classmethod
    def of(cls, path: Path, group: h5py.Group, kind: str, producer: str, rows: str) -> Product:
        """A product whose events have rows in the dataset `rows`."""
        extents = whole(path, columns_of(path, dataset_of(path, group, "extents"), ("first", "N")))
        size = len(dataset_of(path, group, rows))
        what = f"'{group.name}/extents' of {path}"
        return cls(path, group, kind, producer, Spans.of_extents(extents["first"], extents["N"], size, what))

    @property
    def dimension(self) -> int:
        """2 or 3."""
        return int(self.kind[-2])

    def level(self, name: str, rows: slice, below: str) -> tuple[NDArray[Any], Spans]:
        """Rows of a level of extents, and which rows of the level below each has."""
        table = columns_of(self.path, dataset_of(self.path, self.group, name), ("first", "N", "ID"))[rows]
        size = len(dataset_of(self.path, self.group, below))
        return table, Spans.of_extents(table["first"], table["N"], size, f"'{self.group.name}/{name}' of {self.path}")


def images_of(product: Product, begin: int, end: int, per_event: int) -> tuple[NDArray[Any], Images]:
    """Rows of `image_meta` of consecutive events, and what they say.

    Args:
        product: A tensor or cluster product.
        begin: First event.
        end: Event after the last.
        per_event: Dimension of the images.
    """
    rows = product.spans.range_of(begin, end)
    table = columns_of(product.path, dataset_of(product.path, product.group, "image_meta"), _META)
    shape = table.dtype["number_of_voxels"].shape
    if shape != (per_event,):
        raise InputError(
            f"'{table.name}' of {product.path} has images of shape {shape}, expected ({per_event},); write it again"
        )
    meta = table[rows]
    if len(meta) != rows.stop - rows.start:
        raise InputError(f"'{table.name}' of {product.path} ends at row {len(table)}, expected {rows.stop} rows")
    event = np.repeat(np.arange(end - begin), product.spans.count[begin:end])
    bins = meta["number_of_voxels"].astype(np.int64)
    if (bins < 1).any() or (bins.astype(np.float64).prod(axis=1) > 2**62).any():
        raise InputError(f"'number_of_voxels' of '{table.name}' of {product.path} has {bins.min()}, expected 1 or more")
    return meta, Images(event, meta["projection_id"].astype(np.int64), meta["origin"], meta["image_sizes"], bins)


def voxels_of(product: Product, begin: int, end: int) -> tuple[Voxels, Images]:
    """Voxels and images of consecutive events of a tensor or cluster product."""
    rows = product.spans.range_of(begin, end)
    dimension = product.dimension
    _, images = images_of(product, begin, end, dimension)
    if product.kind.startswith("cluster"):
        _, clusters = product.level("projection_extents", rows, "cluster_extents")
        levels = len(clusters)
        table, spans = product.level("cluster_extents", clusters.range_of(0, len(clusters)), "voxels")
        image = np.repeat(np.arange(len(clusters)), clusters.count)
        cluster = np.repeat(table["ID"].astype(np.int64), spans.count)
    else:
        _, spans = product.level("voxel_extents", rows, "voxels")
        levels = len(spans)
        image = np.arange(levels)
        cluster = np.full(int(spans.count.sum()), -1)
    if levels != len(images.event):
        raise InputError(f"'{product.group.name}' of {product.path} has voxels without an image; write it again")
    flat = columns_of(product.path, dataset_of(product.path, product.group, "voxels"), ("id", "value"))
    values = flat[spans.range_of(0, len(spans))]
    of_voxel = np.repeat(image, spans.count)
    number = values["id"].astype(np.int64)
    event = images.event[of_voxel]
    if len(number) and ((number < 0) | (number >= images.bins.prod(axis=1)[of_voxel])).any():
        raise InputError(f"'id' of '{flat.name}' of {product.path} has voxels outside their image; write it again")
    counts = np.bincount(event, minlength=end - begin).astype(np.int64)
    value = values["value"].astype(np.float32)
    place = unravelled(number, images.bins, of_voxel, slice(None, None, -1))
    return Voxels(event, images.view[of_voxel], number, place, value, cluster, counts), images


def raveled(place: Integers, bins: Integers) -> Integers:
    """Voxel numbers (V,) of places (V, D) in images of bins (V, D), the last axis fastest."""
    number = np.zeros(len(place), np.int64)
    for axis in range(place.shape[1]):
        number = number * bins[:, axis] + place[:, axis]
    return number
