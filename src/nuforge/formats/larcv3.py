"""LArCV3 HDF5: sparse tensors, clusters and particles, as pixels or voxels and particles (see larcv_tables.py)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import h5py
import numpy as np

from nuforge.errors import InputError
from nuforge.events import Events, Table
from nuforge.formats.format import Format
from nuforge.formats.glimpse import Glimpse, Kind
from nuforge.formats.hdf5 import columns_of, dataset_of, open_hdf5, whole
from nuforge.formats.identity import event_table, source_of
from nuforge.formats.larcv3_images import Product, voxels_of
from nuforge.formats.larcv3_particles import energy_unit, particles_of
from nuforge.formats.larcv3_write import write_larcv3
from nuforge.formats.larcv_tables import Images, Voxels, readout_first, tables_of

_ROWS = {
    "sparse2d": "voxel_extents",
    "sparse3d": "voxel_extents",
    "cluster2d": "projection_extents",
    "cluster3d": "projection_extents",
    "particle": "particles",
}


def _recognises(seen: Glimpse) -> bool:
    return seen.kind is Kind.HDF5 and seen.has("Events", "Events/event_id", "Data")


def read_larcv3(path: Path, batch_events: int) -> Iterator[Events]:
    """The events of a file, some at a time.

    Args:
        path: The file.
        batch_events: Events at a time.

    Yields:
        `event`; `pixels` with `images` or `voxels` with `volumes`; `clusters2d_...`, `clusters3d_...`, `particles`.

    Raises:
        InputError: If the file is not as expected.
    """
    with open_hdf5(path) as file:
        table = dataset_of(path, file["Events"], "event_id")
        numbers = whole(path, columns_of(path, table, ("run", "subrun", "event")))
        products = _products(path, file, len(numbers))
        source = source_of(path)
        unit = energy_unit(products["particle"])
        event = numbers["event"] if (numbers["event"] != -1).any() else np.arange(len(numbers))
        for begin in range(0, len(numbers), batch_events):
            end = min(begin + batch_events, len(numbers))
            ids = event_table(source, event[begin:end], numbers["run"][begin:end], numbers["subrun"][begin:end])
            tables = {"event": ids}
            for dimension in (2, 3):
                tables |= _images_and_clusters(products, dimension, begin, end)
            for i, product in enumerate(products["particle"]):
                name = "particles" if i == 0 else f"particles_{product.producer}"
                tables[name] = particles_of(product, begin, end, unit, name)
            yield Events(tables)


def _products(path: Path, file: h5py.File, n: int) -> dict[str, list[Product]]:
    """The products of a file that are read, by type; first of each type the one whose table has the standard name."""
    found: dict[str, list[Product]] = {kind: [] for kind in _ROWS}
    for name, group in file["Data"].items():
        kind, _, producer = name.removesuffix("_group").partition("_")
        if kind not in _ROWS or not isinstance(group, h5py.Group):
            continue
        product = Product.of(path, group, kind, producer, _ROWS[kind])
        if len(product.spans) != n:
            raise InputError(f"'{group.name}' of {path} has {len(product.spans)} events, expected {n}; write it again")
        found[kind].append(product)
    if not any(found.values()):
        raise InputError(f"{path} has none of the products {list(_ROWS)}, it has {list(file['Data'])[:20]}")
    for products in found.values():
        products.sort(key=lambda product: readout_first(product.producer))
    return found


def _images_and_clusters(
    products: Mapping[str, list[Product]], dimension: int, begin: int, end: int
) -> dict[str, Table]:
    """The tables of one dimension."""

    def read(product: Product) -> tuple[str, Voxels, Images]:
        return product.producer, *voxels_of(product, begin, end)

    tensors, clusters = (map(read, products[f"{kind}{dimension}d"]) for kind in ("sparse", "cluster"))
    return tables_of(tensors, clusters, dimension, end - begin)


LARCV3 = Format(
    "larcv3",
    "LArCV3 HDF5 (sparse tensors, clusters, particles)",
    "doc",
    _recognises,
    read_larcv3,
    write_larcv3,
)
