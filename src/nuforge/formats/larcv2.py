"""LArCV2 ROOT files: images, sparse tensors, clusters and particles, into the tables of LArCV3 (see larcv_tables.py).

A product is a tree with one branch of an object, which ROOT splits into branches of its members. Numbers of pixels and
voxels run fastest along the first axis here, row or x. Pixels of dense images that are zero are left out.

Source of the classes: DataFormat of github.com/DeepLearnPhysics/larcv2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nuforge.errors import InputError
from nuforge.events import Events
from nuforge.formats.clones import layouts_of
from nuforge.formats.format import Format
from nuforge.formats.glimpse import Glimpse, Kind
from nuforge.formats.identity import event_table, source_of
from nuforge.formats.larcv2_products import CLASSES, Product
from nuforge.formats.larcv3_particles import particle_table, unit_of
from nuforge.formats.larcv_tables import Images, Voxels, readout_first, tables_of, unravelled
from nuforge.formats.lockstep import Runs
from nuforge.formats.ragged import Integers

_TREE = re.compile(rf"({'|'.join(CLASSES)})_(.+)_tree")
_VOXELS = {
    "image2d": "_image_v._img",
    "sparse2d": "_tensor_v._voxel_v",
    "cluster2d": "_cluster_v._voxel_vv._voxel_v",
    "sparse3d": "_voxel_v",
    "cluster3d": "_voxel_vv._voxel_v",
}
_META = {"image2d": "_image_v._meta", "sparse2d": "_tensor_v._meta", "cluster2d": "_cluster_v._meta"}
_SAMPLE = 100  # events whose particles tell the unit of energy
_FIELDS = {
    "trackid": "_trackid",
    "pdg": "_pdg",
    "px": "_px",
    "py": "_py",
    "pz": "_pz",
    "parent_trackid": "_parent_trackid",
    "ancestor_trackid": "_ancestor_trackid",
    "shape": "_shape",
    "current_type": "_current_type",
    "interaction_type": "_interaction_type",
    "dist_travel": "_dist_travel",
    "energy_init": "_energy_init",
    "energy_deposit": "_energy_deposit",
    "id": "_id",
}
_OLDER = {"id": "_index"}
_POINTS = {"vtx": "_vtx", "end_pt": "_end_pt", "first_step": "_first_step", "last_step": "_last_step"}


def _recognises(seen: Glimpse) -> bool:
    return seen.kind is Kind.ROOT and any(_TREE.fullmatch(name.removesuffix(":TTree")) for name in seen.names)


def read_larcv2(path: Path, batch_events: int) -> Iterator[Events]:
    """The events of a file, some at a time.

    Args:
        path: The file.
        batch_events: Events at a time.

    Yields:
        `event`; `pixels` with `images` or `voxels` with `volumes`; `clusters2d_...`, `clusters3d_...`, `particles`.

    Raises:
        InputError: If the file is not as expected.
    """
    import uproot

    with closing(uproot.open(path)) as file:
        products = _products(path, file)
        every = [product for each in products.values() for product in each]
        n, source = every[0].entries, source_of(path)
        unit = unit_of(_particles(product, 0, min(n, _SAMPLE))[0] for product in products["particle"])
        for begin in range(0, n, batch_events):
            end = min(begin + batch_events, n)
            found = every[0].members(begin, end, ("_run", "_subrun", "_event"))
            run, subrun, event = (found[name].values().astype(np.int64) for name in ("_run", "_subrun", "_event"))
            event = np.where(event == -1, np.arange(begin, end), event)
            tables = {"event": event_table(source, event, run, subrun)}
            for dimension, tensors in ((2, ("sparse2d", "image2d")), (3, ("sparse3d",))):
                clusters = [(p.producer, *_voxels_of(p, begin, end)) for p in products[f"cluster{dimension}d"]]
                images = sorted((p for kind in tensors for p in products[kind]), key=_readout_first)
                filled = [(p.producer, *_voxels_of(p, begin, end)) for p in images]
                tables |= tables_of(filled, clusters, dimension, end - begin)
            for i, product in enumerate(products["particle"]):
                name = "particles" if i == 0 else f"particles_{product.producer}"
                tables[name] = particle_table(*_particles(product, begin, end), unit, name)
            yield Events(tables)


def _readout_first(product: Product) -> tuple[bool, bool, str]:
    return readout_first(product.producer)


def _products(path: Path, file: Any) -> dict[str, list[Product]]:  # noqa: ANN401
    """The products of a file that are read, by type, the readout first.

    Raises:
        InputError: If they do not have the same events.
    """
    layouts = layouts_of(file.file.streamers)
    found: dict[str, list[Product]] = {kind: [] for kind in CLASSES}
    for name in file.keys(filter_classname="TTree", cycle=False):
        told = _TREE.fullmatch(name)
        if told:
            producer = told[2]
            if told[1] == "image2d" and any(each.producer == producer for each in found["sparse2d"]):
                producer = f"{producer}_image"
            found[told[1]].append(Product.of(path, file[name], told[1], producer, layouts))
    entries = {product.name: product.entries for products in found.values() for product in products}
    if len(set(entries.values())) > 1:
        raise InputError(
            f"trees of {path} have {entries} entries, expected the same events in all; write the file again"
        )
    for products in found.values():
        products.sort(key=_readout_first)
    return found


def _numbers(found: Mapping[str, Runs], name: str) -> NDArray[Any]:
    """The elements of a member; none if no entry has any."""
    return found[name].values() if name in found else np.zeros(0)


def _counts(found: Mapping[str, Runs], name: str) -> Integers:
    """How many elements each vector has."""
    return found[name].count if name in found else np.zeros(0, np.int64)


def _images_of(product: Product, begin: int, end: int) -> Images:
    """Where the images of consecutive events are, with those whose place was never set: they have bins below 1."""
    n = end - begin
    if product.dimension == 2:
        meta = _META[product.kind]
        bins = [f"{meta}._row_count", f"{meta}._col_count"]
        lower, upper = ([f"{meta}._{point}.{axis}" for axis in "yx"] for point in ("p1", "p2"))
    else:
        bins = [f"_meta._{axis}num" for axis in "xyz"]
        lower, upper = ([f"_meta._{point}.{axis}" for axis in "xyz"] for point in ("p1", "p2"))
        if not product.has(lower[0]):  # files of before 2018
            lower, upper = ([f"_meta._{axis}{edge}" for axis in "xyz"] for edge in ("min", "max"))
    view = [f"{_META[product.kind]}._id"] if product.dimension == 2 else []
    found = product.members(begin, end, (*bins, *lower, *upper, *view))
    first, last = (
        np.stack([_numbers(found, name) for name in edges], 1).astype(np.float64) for edges in (lower, upper)
    )
    number = np.stack([_numbers(found, name) for name in bins], 1).astype(np.int64)
    event = np.repeat(np.arange(n), _per_entry(found, bins[0], n))
    views = _numbers(found, view[0]).astype(np.int64) if view else np.zeros(len(event), np.int64)
    return Images(event, views, first, last - first, number)


def _voxels_of(product: Product, begin: int, end: int) -> tuple[Voxels, Images]:
    """Voxels and images of consecutive events of a product.

    Raises:
        InputError: If a voxel is in no image or outside it.
    """
    images, name = _images_of(product, begin, end), _VOXELS[product.kind]
    if product.kind == "image2d":
        image, number, value = _not_zero(product, product.members(begin, end, (name,)), images)
        cluster = np.full(len(number), -1)
    else:
        sets = f"{name.rpartition('.')[0]}._id" if product.kind.startswith("cluster") else None
        found = product.members(begin, end, (f"{name}._id", f"{name}._value", *([sets] if sets else ())))
        number, value = _numbers(found, f"{name}._id").astype(np.int64), _numbers(found, f"{name}._value")
        size = _counts(found, name) if product.kind != "sparse3d" else _per_entry(found, f"{name}._id", end - begin)
        of_set = np.arange(len(size))
        ids = np.full(len(size), -1)
        if sets is not None:
            outer = _counts(found, "_cluster_v._voxel_vv")
            per_image = outer if product.dimension == 2 else _per_entry(found, sets, end - begin)
            of_set, ids = np.repeat(np.arange(len(per_image)), per_image), _numbers(found, sets).astype(np.int64)
        if len(of_set) != len(size) or len(ids) != len(size) or size.sum() != len(number) or len(value) != len(number):
            raise InputError(f"'{product.name}' of {product.path} has {len(size)} sets of voxels, expected {len(ids)}")
        image, cluster = np.repeat(of_set, size), np.repeat(ids, size)
    if len(image) and image[-1] >= len(images.event):
        raise InputError(f"'{product.name}' of {product.path} has voxels without an image; write it again")
    return _placed(product, images, image, number, value.astype(np.float32), cluster, end - begin)


def _per_entry(found: Mapping[str, Runs], name: str, n: int) -> Integers:
    return found[name].per_entry(n) if name in found else np.zeros(n, np.int64)


def _not_zero(product: Product, found: Mapping[str, Runs], images: Images) -> tuple[Integers, Integers, NDArray[Any]]:
    """The image, number and value of each pixel that is not zero."""
    name = _VOXELS[product.kind]
    values, sizes = _numbers(found, name), _counts(found, name)
    if not np.array_equal(sizes, images.bins.prod(axis=1)):
        raise InputError(
            f"images of '{product.name}' of {product.path} do not have rows x columns pixels; write it again"
        )
    ends = np.cumsum(sizes)
    place = np.flatnonzero(values)
    image = np.searchsorted(ends, place, side="right")
    return image, place - (ends - sizes)[image], values[place]


def _placed(
    product: Product,
    images: Images,
    image: Integers,
    number: Integers,
    value: NDArray[np.float32],
    cluster: Integers,
    n: int,
) -> tuple[Voxels, Images]:
    """Voxels where they are, and the images that say so."""
    known = (images.bins > 0).all(axis=1) & (images.bins.astype(np.float64).prod(axis=1) <= 2**62)
    bins = np.where(known[:, None], images.bins, 0)
    if ((number < 0) | (number >= bins.prod(axis=1)[image])).any():
        raise InputError(f"'{product.name}' of {product.path} has voxels outside their image; write it again")
    event, place = images.event[image], unravelled(number, bins, image, slice(None))
    counts = np.bincount(event, minlength=n).astype(np.int64)
    voxels = Voxels(event, images.view[image], number, place, value, cluster, counts)
    names = ("event", "view", "origin", "size", "bins")
    return voxels, Images(*(getattr(images, name)[known] for name in names))


def _particles(product: Product, begin: int, end: int) -> tuple[NDArray[Any], Integers]:
    """Rows (N,) with fields as LArCV3 has them, and how many each event has (B,)."""
    names = {field: f"_part_v.{member}" for field, member in _FIELDS.items()}
    names |= {
        field: f"_part_v.{member}" for field, member in _OLDER.items() if not product.has(f"_part_v.{_FIELDS[field]}")
    }
    names = {field: name for field, name in names.items() if product.has(name) or field in ("trackid", "pdg")}
    points = {field: [f"_part_v.{member}._{axis}" for axis in "xyzt"] for field, member in _POINTS.items()}
    points = {field: axes for field, axes in points.items() if all(product.has(axis) for axis in axes)}
    process = "_part_v._process" if product.has("_part_v._process") else None
    flat = [name for axes in points.values() for name in axes]
    found = product.members(begin, end, (*names.values(), *flat, *([process] if process else ())))
    counts = _per_entry(found, names["trackid"], end - begin)
    columns = {field: _numbers(found, name) for field, name in names.items()}
    kinds = [(field, values.dtype) for field, values in columns.items()]
    kinds += [(field, np.dtype("V32")) for field in points] + ([("process", np.dtype("S64"))] if process else [])
    rows = np.zeros(int(counts.sum()), kinds)
    for field, values in columns.items():
        rows[field] = values
    for field, axes in points.items():
        rows[field] = np.stack([_numbers(found, axis) for axis in axes], 1).astype("<f8").view("V32").reshape(-1)
    if process in found:
        rows["process"] = found[process].text(64)
    return rows, counts


LARCV2 = Format("larcv2", "LArCV2 ROOT (images, sparse tensors, clusters, particles)", "doc", _recognises, read_larcv2)
