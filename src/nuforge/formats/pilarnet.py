"""PILArNet-M HDF5, revisions 1 and 2: voxels in an image of 768^3 with their true clusters, an array for each event."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from numpy.typing import NDArray

from nuforge.detectors import Detector
from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.formats.format import Format
from nuforge.formats.glimpse import Glimpse, Kind
from nuforge.formats.hdf5 import dataset_of, open_hdf5
from nuforge.formats.identity import event_table, source_of
from nuforge.formats.ragged import cells
from nuforge.formats.whole import written_whole

_POINT = ("x", "y", "z", "value", "energy", "time", "electrons", "dx")
_IDS = ("number", "group", "interaction_number", "label", "pid")
_WIDTH = {1: 5, 2: 6}  # columns of `cluster`: the rows of a cluster, then _IDS; revision 1 has no pid
_EXTRA = 5  # columns of `cluster_extra`: unused, momentum, vertex x, y, z
_SIZE = 768  # voxels along each axis
_NO_PID = 5
_LOW_ENERGY = 4
_PIDS = {22: 0, 11: 1, -11: 1, 13: 2, -13: 2, 211: 3, -211: 3, 2212: 4}

_VOXELS = {
    "energy": Column("MeV", "energy deposited", "truth"),
    "time": Column("ns", "when", "truth"),
    "electrons": Column("", "electrons set free", "truth"),
    "length": Column("cm", "path length in the voxel", "truth"),
    "fragment": Column("", "its cluster", "truth", "fragments"),
}
_FRAGMENTS = {
    "number": Column("", "number of the cluster in its event", "truth"),
    "group": Column("", "number of the group, such as a shower, that it belongs to", "truth"),
    "interaction_number": Column("", "number of its interaction", "truth"),
    "pid": Column("", "0 photon, 1 electron, 2 muon, 3 pion, 4 proton, 5 none", "truth"),
    "momentum": Column("MeV", "momentum of its particle", "truth"),
    "vertex": Column("", "vertex of its interaction in voxels", "truth"),
}


def _recogniser(revision: int) -> Callable[[Glimpse], bool]:
    def recognises(seen: Glimpse) -> bool:
        ours = seen.kind is Kind.HDF5 and seen.has("point", "cluster")
        return ours and seen.has("cluster_extra") == (revision == 2)

    return recognises


def _reader(revision: int) -> Callable[[Path, int], Iterator[Events]]:
    return lambda path, n: read_pilarnet(path, n, revision)


def read_pilarnet(path: Path, batch_events: int, revision: int) -> Iterator[Events]:
    """The events of a file of one revision, some at a time: `event`, `voxels`, `fragments`.

    Raises:
        InputError: If the file is not as expected.
    """
    with open_hdf5(path) as file:
        names = ("point", "cluster", "cluster_extra")[: revision + 1]
        sets = {name: _arrays(path, file, name) for name in names}
        n = len(sets["point"])
        if any(len(each) != n for each in sets.values()):
            got = {name: len(each) for name, each in sets.items()}
            raise InputError(f"{path} has numbers of events {got}, expected the same of each; copy it again")
        source = source_of(path)
        for begin in range(0, n, batch_events):
            end = min(begin + batch_events, n)
            parts = {name: _rows(path, each, begin, end, revision) for name, each in sets.items()}
            yield _events(path, parts, event_table(source, np.arange(begin, end)))


def _arrays(path: Path, file: h5py.File, name: str) -> h5py.Dataset:
    """A dataset with an array of numbers for each event."""
    dataset = dataset_of(path, file, name)
    inner = h5py.check_vlen_dtype(dataset.dtype)
    if inner is None or np.dtype(inner).kind not in "iuf" or dataset.ndim != 1:
        raise InputError(f"'{name}' of {path} has type {dataset.dtype}, expected an array of numbers for each event")
    return dataset


def _rows(
    path: Path, dataset: h5py.Dataset, begin: int, end: int, revision: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Rows (N, width) of consecutive events, and how many each has."""
    name = str(dataset.name).strip("/")
    width = {"point": len(_POINT), "cluster": _WIDTH[revision], "cluster_extra": _EXTRA}[name]
    values, counts = cells(dataset[begin:end])
    if (counts % width).any():
        size = int(counts[(counts % width).argmax()])
        raise InputError(f"'{name}' of {path} has an event of {size} numbers, expected rows of {width}; copy it again")
    return values.astype(np.float64).reshape(-1, width), counts // width


def _events(path: Path, parts: dict[str, tuple[NDArray[np.float64], NDArray[np.int64]]], event: Table) -> Events:
    """Events of the rows of a batch."""
    points, n_points = parts["point"]
    clusters, n_clusters = parts["cluster"]
    size = clusters[:, 0]
    if not np.isfinite(clusters).all() or (size < 0).any() or (np.abs(clusters) > 2**53).any():
        raise InputError(f"'cluster' of {path} has numbers that are no counts or numbers of clusters; copy it again")
    counts = size.astype(np.int64)
    of_event = np.repeat(np.arange(len(n_clusters)), n_clusters)
    sums = np.bincount(of_event, counts, len(n_clusters)).astype(np.int64)
    if not np.array_equal(sums, n_points):
        i = int((sums != n_points).argmax())
        raise InputError(f"clusters of {path} hold {sums[i]} points, expected the {n_points[i]} of the event; copy it")
    if not np.isfinite(points[:, :3]).all() or (np.abs(points[:, :3]) > 2**31).any():
        raise InputError(f"'point' of {path} has places that are no voxel numbers; copy it again")
    owner = np.repeat(np.arange(len(clusters)), counts)
    ids = {name: clusters[:, 1 + i].astype(np.int64) for i, name in enumerate(_IDS) if 1 + i < clusters.shape[1]}
    voxels: dict[str, NDArray[Any]] = {
        "index": np.floor(points[:, :3]).astype(np.int64),
        "value": points[:, 3].astype(np.float32),
        "energy": points[:, 4].astype(np.float32),
        "time": points[:, 5].copy(),
        "electrons": points[:, 6].astype(np.float32),
        "length": points[:, 7].astype(np.float32),
        "label": ids["label"][owner],
        "fragment": owner,
    }
    fragments: dict[str, NDArray[Any]] = dict(ids)
    if "cluster_extra" in parts:
        extra, n_extra = parts["cluster_extra"]
        if not np.array_equal(n_extra, n_clusters):
            raise InputError(f"'cluster_extra' of {path} has other numbers of clusters than 'cluster'; copy it again")
        fragments |= {"momentum": extra[:, 1].astype(np.float32), "vertex": extra[:, 2:].astype(np.float32)}
    return Events(
        {
            "event": event,
            "voxels": _table(voxels, n_points, _VOXELS),
            "fragments": _table(fragments, n_clusters, _FRAGMENTS),
        }
    )


def _table(columns: dict[str, NDArray[Any]], counts: NDArray[np.int64], about: dict[str, Column]) -> Table:
    tensors = {name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in columns.items()}
    known = {name: each for name, each in about.items() if name in columns}
    return Table.from_counts(tensors, torch.from_numpy(counts), about=known)


def _writer(revision: int) -> Callable[[Path, Iterable[Events], Detector | None], None]:
    return lambda path, parts, detector: write_pilarnet(path, parts, revision)


def write_pilarnet(path: Path, parts: Iterable[Events], revision: int) -> None:
    """Writes `voxels` with `fragments` in a revision; voxels without a fragment are the event's first cluster.

    What events do not say becomes 0, or -1 for numbers. Runs and event numbers have no place in this format.

    Raises:
        InputError: If voxels or fragments are missing, or voxels are not in 768^3.
    """
    names = {"point": len(_POINT), "cluster": _WIDTH[revision], "cluster_extra": _EXTRA}
    with written_whole(path) as temporary, h5py.File(temporary, "w") as file:
        kind = h5py.vlen_dtype(np.dtype("<f4"))
        sets = [file.create_dataset(n, (0,), kind, maxshape=(None,), chunks=(64,)) for n in list(names)[: revision + 1]]
        for events in parts:
            points, clusters = _point_rows(events), _cluster_rows(events)
            order = np.lexsort([clusters[2], points[1]])
            rows = (
                (points[0][order], np.bincount(points[1], minlength=len(events))),
                (clusters[0][:, : _WIDTH[revision]], clusters[1]),
                (clusters[3], clusters[1]),
            )
            for dataset, (values, counts) in zip(sets, rows, strict=False):
                before = len(dataset)
                dataset.resize(before + len(events), axis=0)
                for i, each in enumerate(np.split(values.astype("<f4"), np.cumsum(counts)[:-1])):
                    dataset[before + i] = each.reshape(-1)  # h5py takes no slice of cells of one length


def _number(table: Table, name: str, missing: float) -> NDArray[Any]:
    """A column as numbers, `missing` if it is not there."""
    return table[name].numpy() if name in table else np.full(len(table), missing)


def _point_rows(events: Events) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Rows of `point` (N, 8), and the event of each."""
    if "voxels" not in events or "fragments" not in events:
        raise InputError(
            f"PILArNet-M needs voxels with fragments, these events have {sorted(events.tables)}; label them"
        )
    voxels = events["voxels"]
    index = voxels["index"].numpy()
    if len(index) and (index.min() < 0 or index.max() >= _SIZE):
        raise InputError(f"voxels lie from {index.min()} to {index.max()}, expected 0 to {_SIZE - 1}; crop the events")
    names = ("value", "energy", "time", "electrons", "length")
    columns = [*index.T, *(_number(voxels, name, 0) for name in names)]
    return np.stack(columns, axis=1).astype(np.float64), voxels.batch.numpy()


def _cluster_rows(
    events: Events,
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Rows of `cluster` (C, 6), clusters of each event, the place (N,) of the cluster of each voxel, extra (C, 5)."""
    voxels, fragments = events["voxels"], events["fragments"]
    owner, n = voxels["fragment"].numpy(), len(events)
    free = np.bincount(voxels.batch.numpy()[owner < 0], minlength=n)
    ids = np.stack([_ids(events, name) for name in _IDS], axis=1).reshape(-1, len(_IDS))
    rows = np.concatenate([np.bincount(owner[owner >= 0], minlength=len(fragments))[:, None], ids], axis=1)
    extra = np.zeros((len(fragments), _EXTRA))
    extra[:, 1] = _number(fragments, "momentum", 0)
    if "vertex" in fragments:
        extra[:, 2:] = fragments["vertex"].numpy()
    loose = np.flatnonzero(free)
    low = np.tile([0, -1, -1, -1, _LOW_ENERGY, _NO_PID], (len(loose), 1))
    low[:, 0] = free[loose]
    event = np.concatenate([loose, fragments.batch.numpy()])
    order = np.argsort(event, kind="stable")
    rows, extra = np.concatenate([low, rows])[order], np.concatenate([np.zeros((len(loose), _EXTRA)), extra])[order]
    return rows.astype(np.float64), np.bincount(event, minlength=n), owner, extra


def _ids(events: Events, name: str) -> NDArray[np.int64]:
    """A column of `fragments`, its own or by its particle."""
    fragments = events["fragments"]
    if name in fragments:
        return fragments[name].numpy()
    within = (torch.arange(len(fragments)) - fragments.offsets[:-1][fragments.batch]).numpy()
    if name == "number":
        return within
    if "particle" not in fragments or "particles" not in events or not len(events["particles"]):
        return np.full(len(fragments), _NO_PID if name == "pid" else -1)
    particles, row = events["particles"], fragments["particle"]
    known, row = (row >= 0).numpy(), row.clamp(min=0)
    if name == "group":
        return np.where(known, (row - particles.offsets[:-1][fragments.batch]).numpy(), -1)
    if name == "interaction_number" and "interaction" in particles and "interactions" in events:
        mine = particles["interaction"][row]
        local = (mine - events["interactions"].offsets[:-1][fragments.batch]).numpy()
        return np.where(known & (mine >= 0).numpy(), local, -1)
    if name == "pid":
        kinds, which = np.unique(particles["pdg"][row].numpy(), return_inverse=True)
        return np.where(known, np.array([_PIDS.get(int(kind), _NO_PID) for kind in kinds])[which], _NO_PID)
    return np.full(len(fragments), -1)


PILARNET = tuple(
    Format(
        f"pilarnet-v{revision}",
        f"PILArNet-M HDF5, revision {revision}",
        "doc",
        _recogniser(revision),
        _reader(revision),
        _writer(revision),
    )
    for revision in (1, 2)
)
