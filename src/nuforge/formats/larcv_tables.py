"""What both generations of LArCV files hold, as tables: sparse tensors and clusters of two and three dimensions.

One tensor of each dimension is what the detector read out: the one named `data`, else the first whose producer does
not sound of truth. Its voxels are the rows of `pixels` (2D) or `voxels` (3D); other tensors of that dimension become
columns of truth, joined by the number of the voxel. Clusters have tables of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from nuforge.events import Column, Table
from nuforge.formats.ragged import Integers

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


@dataclass(frozen=True)
class Voxels:
    """Voxels of a batch, V rows by event.

    Args:
        event: (V,) event of the batch.
        view: (V,) projection.
        number: (V,) number of the voxel in its image.
        place: (V, D) number along each axis.
        value: (V,) float32.
        cluster: (V,) number of the cluster in its event and projection, -1 for tensors.
        counts: (B,) voxels of each event.
    """

    event: Integers
    view: Integers
    number: Integers
    place: Integers
    value: NDArray[np.float32]
    cluster: Integers
    counts: Integers

    def same_places(self, other: Voxels) -> bool:
        """Whether both have the same voxels in the same order."""
        return all(np.array_equal(getattr(self, n), getattr(other, n)) for n in ("event", "view", "number"))

    def rows_in(self, other: Voxels) -> Integers:
        """The row (V,) of each voxel among those of other, -1 where it has none; the last of equal ones."""
        if self.same_places(other):
            return np.arange(len(self.event))
        if not len(other.event):
            return np.full(len(self.event), -1)
        views = int(max(self.view.max(initial=0), other.view.max(initial=0))) + 1
        size = int(max(self.number.max(initial=0), other.number.max(initial=0))) + 1
        mine, theirs = (((v.event * views) + v.view) * size + v.number for v in (self, other))
        order = np.argsort(theirs, kind="stable")
        place = np.searchsorted(theirs, mine, side="right", sorter=order) - 1
        row = order[np.maximum(place, 0)]
        return np.where((place >= 0) & (theirs[row] == mine), row, -1)


@dataclass(frozen=True)
class Images:
    """Images of a batch, one row a projection of an event: (M,) event and view; (M, D) origin, size in cm and bins."""

    event: Integers
    view: Integers
    origin: NDArray[np.float64]
    size: NDArray[np.float64]
    bins: Integers


def readout_first(producer: str) -> tuple[bool, bool, str]:
    """By what products are sorted, so that the readout comes first."""
    return producer != "data", sounds_true(producer), producer


def sounds_true(producer: str) -> bool:
    """Whether the name of a product is one of truth."""
    return any(word in producer.lower() for word in _TRUE)


def unravelled(number: Integers, bins: Integers, image: Integers, fastest: slice) -> Integers:
    """Numbers along each axis (V, D) of numbers of voxels.

    Args:
        number: (V,) number of the voxel in its image.
        bins: (M, D) of images.
        image: (V,) the image of each voxel.
        fastest: The axes in the order in which they run, the fastest first.
    """
    axes = list(range(bins.shape[1]))[fastest]
    place = np.empty((len(axes), len(number)), np.int64)
    alike = len(bins) > 0 and (bins == bins[0]).all()  # dividing by one number is much faster
    for axis in axes[:-1]:
        number, place[axis] = np.divmod(number, bins[0, axis] if alike else bins[image, axis])
    place[axes[-1]] = number
    return place.T


def tables_of(
    tensors: Iterable[tuple[str, Voxels, Images]],
    clusters: Iterable[tuple[str, Voxels, Images]],
    dimension: int,
    n: int,
) -> dict[str, Table]:
    """The tables of one dimension of n events.

    Args:
        tensors: By producer, the readout first; of others one is held at a time.
        clusters: By producer.
        dimension: 2 or 3.
        n: Events.
    """
    tables: dict[str, Table] = {}
    first, rest = None, iter(tensors)
    if (readout := next(rest, None)) is not None:
        producer, first, images = readout
        tables[_GEOMETRY[dimension]] = _geometry(images, n)
        tables[_TABLE[dimension]] = _tensor(first, map(partial(_said_of, first), rest), dimension, producer)
    for producer, voxels, images in clusters:
        tables[f"clusters{dimension}d_{producer}"] = _clusters(voxels, first, dimension)
        tables.setdefault(_GEOMETRY[dimension], _geometry(images, n))
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


def _said_of(voxels: Voxels, tensor: tuple[str, Voxels, Images]) -> tuple[str, NDArray[np.float32]]:
    """The name of a tensor and what it says of voxels (V,): NaN where it says nothing."""
    name, other, _ = tensor
    return name, np.append(other.value, np.float32(np.nan))[voxels.rows_in(other)]


def _tensor(first: Voxels, others: Iterable[tuple[str, NDArray[np.float32]]], dimension: int, producer: str) -> Table:
    """The readout of a batch with what other tensors say of its voxels (V,), by their names."""
    columns, about = _places(first, dimension)
    value = "charge" if dimension == 2 else "value"
    columns[value] = first.value
    about[value] = Column("", "value in units of its producer", "truth" if sounds_true(producer) else "readout")
    for name, joined in others:
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
