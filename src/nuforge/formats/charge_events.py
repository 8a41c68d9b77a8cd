"""Events of LArPix's charge event builder (HDF5): hits, and straight tracks that it fitted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from numpy.typing import NDArray

from nuforge import units
from nuforge.events import Column, Events, Table
from nuforge.formats.format import Format
from nuforge.formats.glimpse import Glimpse, Kind
from nuforge.formats.hdf5 import attribute, columns_of, dataset_of, open_hdf5, whole
from nuforge.formats.identity import event_table, source_of
from nuforge.formats.larpix import TICK
from nuforge.formats.ragged import Spans

_EVENTS = ("evid", "nhit", "ntracks", "ts_start")
_HITS = ("px", "py", "ts", "q", "iochain", "chipid", "channelid")
_TRACKS = ("theta", "phi", "nhit", "q", "residual", "length", "start", "end")
_NAMES = {
    "hits": {
        "position": Column(
            "cm", "pixel in x and y; z: drift since the event's first hit, NaN without z_scale", "readout"
        ),
        "charge": Column("", "mV above the pedestal", "readout"),
        "sensor": Column("", "number of the channel: (chain 256 + chip) 256 + channel", "readout"),
    },
    "tracks": {
        "start": Column("cm", "where it starts", "prediction"),
        "end": Column("cm", "where it ends", "prediction"),
        "time": Column("ns", "time at its start, by the clock of the readout", "prediction"),
        "theta": Column("", "polar angle in rad", "prediction"),
        "phi": Column("", "azimuth in rad", "prediction"),
        "length": Column("cm", "length", "prediction"),
        "residual": Column("cm", "root mean square distance of its hits along x, y, z", "prediction"),
        "charge": Column("", "mV of all its hits", "prediction"),
        "n_hits": Column("", "number of its hits", "prediction"),
    },
}


def _recognises(seen: Glimpse) -> bool:
    if seen.kind is not Kind.HDF5 or not seen.has("events", "hits"):
        return False
    with open_hdf5(seen.path) as file:
        tables = [file["events"], file["hits"]]
        if not all(isinstance(table, h5py.Dataset) for table in tables):
            return False
        return all({"hit_ref" if i == 0 else "event_ref"} <= set(t.dtype.names or ()) for i, t in enumerate(tables))


def read_charge_events(path: Path, batch_events: int) -> Iterator[Events]:
    """The events of a file, some at a time: `event`, `hits`, `tracks`.

    Hits and tracks lie end to end, those of an event together; its counts say how many there are.

    Raises:
        InputError: If the file is not as expected.
    """
    with open_hdf5(path) as file:
        events = whole(path, columns_of(path, dataset_of(path, file, "events"), _EVENTS), _EVENTS)
        hits = columns_of(path, dataset_of(path, file, "hits"), _HITS)
        of_hits = Spans.of_counts(events["nhit"], len(hits), f"'nhit' of {path}")
        tracks = columns_of(path, dataset_of(path, file, "tracks"), _TRACKS) if "tracks" in file else None
        n_tracks = events["ntracks"] if tracks is not None else np.zeros(len(events), np.int64)
        of_tracks = Spans.of_counts(n_tracks, 0 if tracks is None else len(tracks), f"'ntracks' of {path}")
        scale = float(attribute(tracks, "z_scale", np.nan)) * units.mm if tracks is not None else np.nan
        source = source_of(path)
        for begin in range(0, len(events), batch_events):
            end = min(begin + batch_events, len(events))
            ids = events[begin:end]
            rows = hits.fields(list(_HITS))[of_hits.range_of(begin, end)]
            tables = {
                "event": event_table(source, ids["evid"]),
                "hits": _hits(rows, ids["ts_start"], of_hits.count[begin:end], scale),
            }
            if tracks is not None:
                fitted = tracks.fields(list(_TRACKS))[of_tracks.range_of(begin, end)]
                tables["tracks"] = _tracks(fitted, of_tracks.count[begin:end])
            yield Events(tables)


def _hits(rows: NDArray[Any], start: NDArray[np.integer], counts: NDArray[np.int64], scale: float) -> Table:
    """The table `hits`: `start` (B,) ticks of each event's first hit, `scale` cm of drift in a tick."""
    drift = (rows["ts"] - np.repeat(start, counts)) * scale
    chain, chip, channel = (rows[name].astype(np.int64) for name in ("iochain", "chipid", "channelid"))
    columns: dict[str, NDArray[Any]] = {
        "position": np.stack([rows["px"] * units.mm, rows["py"] * units.mm, drift], axis=1).astype(np.float32),
        "time": rows["ts"].astype(np.float64) * TICK,
        "charge": rows["q"].astype(np.float32),
        "sensor": (chain * 256 + chip) * 256 + channel,
    }
    return _table(columns, counts, _NAMES["hits"])


def _tracks(rows: NDArray[Any], counts: NDArray[np.int64]) -> Table:
    """The table `tracks`."""
    columns: dict[str, NDArray[Any]] = {
        "start": (rows["start"][:, :3] * units.mm).astype(np.float32),
        "end": (rows["end"][:, :3] * units.mm).astype(np.float32),
        "time": rows["start"][:, 3] * TICK,
        "theta": rows["theta"].astype(np.float32),
        "phi": rows["phi"].astype(np.float32),
        "length": (rows["length"] * units.mm).astype(np.float32),
        "residual": (rows["residual"] * units.mm).astype(np.float32),
        "charge": rows["q"].astype(np.float32),
        "n_hits": rows["nhit"].astype(np.int64),
    }
    return _table(columns, counts, _NAMES["tracks"])


def _table(columns: dict[str, NDArray[Any]], counts: NDArray[np.int64], about: dict[str, Column]) -> Table:
    tensors = {name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in columns.items()}
    return Table.from_counts(tensors, torch.from_numpy(counts), about=about)


CHARGE_EVENTS = Format(
    "charge-events",
    "events of LArPix's charge event builder (HDF5)",
    "seen",
    _recognises,
    read_charge_events,
)
