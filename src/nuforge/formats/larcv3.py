"""LArCV3 HDF5: sparse tensors, clusters and particles, read into pixels or voxels and particles.

One tensor of each dimension is what the detector read out: the one named `data`, else the first whose producer does
not sound of truth. Its voxels are the rows of `pixels` (2D) or `voxels` (3D); other tensors of that dimension become
columns of truth, joined by the number of the voxel. Clusters and further particle lists have tables of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import h5py
import numpy as np
import torch
from numpy.typing import NDArray

from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.formats.format import Format
from nuforge.formats.glimpse import Glimpse, Kind
from nuforge.formats.hdf5 import columns_of, dataset_of, open_hdf5, whole
from nuforge.formats.identity import event_table, source_of
from nuforge.formats.larcv3_images import Images, Product, Voxels, voxels_of
from nuforge.formats.larcv3_particles import energy_unit, particles_of
from nuforge.formats.larcv3_write import write_larcv3

_ROWS = {
    "sparse2d": "voxel_extents",
    "sparse3d": "voxel_extents",
    "cluster2d": "projection_extents",
    "cluster3d": "projection_extents",
    "particle": "particles",
}
_TRUE = (
    "label",
    "seg",
    "truth",
    "true",
    "mc",
    "cluster",
    "group",
    "neutrino",
    "cosmic",
    "semantic",
    "ghost",
    "particle",
)
_TABLE = {2: "pixels", 3: "voxels"}
_GEOMETRY = {2: "images", 3: "volumes"}
_VIEW = Column("", "projection", "readout")


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
        products.sort(
            key=lambda product: (product.producer != "data", _sounds_true(product.producer), product.producer)
        )
    return found


def _sounds_true(producer: str) -> bool:
    return any(word in producer.lower() for word in _TRUE)


def _images_and_clusters(
    products: Mapping[str, list[Product]], dimension: int, begin: int, end: int
) -> dict[str, Table]:
    """The tables of one dimension."""
    tensors, clusters = products[f"sparse{dimension}d"], products[f"cluster{dimension}d"]
    tables: dict[str, Table] = {}
    first = None
    if tensors:
        first, images = voxels_of(tensors[0], begin, end)
        tables[_GEOMETRY[dimension]] = _geometry(images, end - begin)
        others = {product.producer: voxels_of(product, begin, end)[0] for product in tensors[1:]}
        tables[_TABLE[dimension]] = _tensor(first, others, dimension, tensors[0].producer)
    for product in clusters:
        voxels, images = voxels_of(product, begin, end)
        tables[f"clusters{dimension}d_{product.producer}"] = _clusters(voxels, first, dimension)
        tables.setdefault(_GEOMETRY[dimension], _geometry(images, end - begin))
    return tables


def _geometry(images: Images, n: int) -> Table:
    """Where the images of n events are."""
    columns = {"view": images.view, "origin": images.origin, "size": images.size, "bins": images.bins}
    about = {
        "view": _VIEW,
        "origin": Column("", "coordinate at the lower edge of each axis; cm where an axis is a place", "readout"),
        "size": Column("", "length of each axis, in units of the origin", "readout"),
        "bins": Column("", "pixels or voxels along each axis", "readout"),
    }
    counts = np.bincount(images.event, minlength=n)
    return Table.from_counts(_tensors(columns), torch.from_numpy(counts), about=about)


def _places(voxels: Voxels, dimension: int) -> tuple[dict[str, NDArray], dict[str, Column]]:
    """Columns that say where voxels are."""
    if dimension == 3:
        about = Column("", "voxel number along x, y, z: floor((x - origin) / size)", "readout")
        return {"index": voxels.place}, {"index": about}
    columns = {"view": voxels.view, "row": voxels.place[:, 0], "column": voxels.place[:, 1]}
    return columns, {
        "view": _VIEW,
        "row": Column("", "number along the first axis", "readout"),
        "column": Column("", "number along the second axis", "readout"),
    }


def _tensor(first: Voxels, others: Mapping[str, Voxels], dimension: int, producer: str) -> Table:
    """The readout of a batch with what other tensors say of its voxels: NaN where they say nothing."""
    columns, about = _places(first, dimension)
    value = "charge" if dimension == 2 else "value"
    columns[value] = first.value
    about[value] = Column("", "value in units of its producer", "truth" if _sounds_true(producer) else "readout")
    for name, other in others.items():
        row = first.rows_in(other)
        joined = np.append(other.value, np.float32(np.nan))[row]
        if name == "label":
            columns[name] = np.where(np.isnan(joined), -1, joined).astype(np.int64)
            about[name] = Column("", "label in numbers of its producer, -1 for none", "truth")
        else:
            column = f"tensor_{name}" if name in columns else name
            columns[column] = joined
            about[column] = Column("", f"value of the tensor '{name}', NaN where it has none", "truth")
    return Table.from_counts(_tensors(columns), torch.from_numpy(first.counts), about=about)


def _clusters(voxels: Voxels, first: Voxels | None, dimension: int) -> Table:
    """Voxels of clusters, with the pixels or voxels of the readout that they are."""
    columns, about = _places(voxels, dimension)
    about = {name: Column(c.unit, c.meaning, "truth") for name, c in about.items()}
    columns |= {"value": voxels.value, "cluster": voxels.cluster}
    about["value"] = Column("", "what the cluster has in the voxel, in units of its producer", "truth")
    about["cluster"] = Column("", "number of the cluster in its image", "truth")
    if first is not None:
        columns["of"] = voxels.rows_in(first)
        about["of"] = Column("", "its row in the readout, -1 for none", "truth", _TABLE[dimension])
    return Table.from_counts(_tensors(columns), torch.from_numpy(voxels.counts), about=about)


def _tensors(columns: Mapping[str, NDArray]) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in columns.items()}


LARCV3 = Format(
    "larcv3",
    "LArCV3 HDF5 (sparse tensors, clusters, particles)",
    "doc",
    _recognises,
    read_larcv3,
    write_larcv3,
)
