"""LArPix packets in HDF5 (larpix-control, larnd-sim): what pixels digitised, and what larnd-sim knows of it.

Where pixels are is not in such files: hits have the number of their channel and no position.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from numpy.typing import NDArray

from nuforge import units
from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.formats.ancestry import Numbering
from nuforge.formats.decoded import Decoded
from nuforge.formats.distinct import merged
from nuforge.formats.format import Format
from nuforge.formats.glimpse import Glimpse, Kind
from nuforge.formats.hdf5 import attribute, columns_of, dataset_of, open_hdf5, text_of
from nuforge.formats.identity import event_table, source_of
from nuforge.formats.ragged import Integers, Keyed
from nuforge.formats.ragged_table import Rows
from nuforge.formats.segments import SegmentFile, is_segments

TICK = 0.1 * units.us
"""Period of the clock of timestamps: 10 MHz (larpix-control and larnd-sim, CLOCK_CYCLE = 0.1 us)."""

GAP = 400
"""Ticks without a packet that end a burst; the default `event_dt` of the charge event builder (module0_evd)."""

_CHANNEL = ("io_group", "io_channel", "chip_id", "channel_id")
_NEEDED = (*_CHANNEL, "packet_type", "timestamp", "dataword")
_HITS = {
    "sensor": Column(
        "", "number of the channel: (((group 256 + channel) 256 + chip) 256 + channel of the chip", "readout"
    ),
    "io_group": Column("", "group of the readout, such as a tile's controller", "readout"),
    "io_channel": Column("", "channel of the group", "readout"),
    "chip": Column("", "number of the chip on its channel", "readout"),
    "channel": Column("", "channel of the chip", "readout"),
    "time": Column("ns", "when it was digitised, by the clock of its group", "readout"),
    "charge": Column("", "ADC counts, 0 to 255", "readout"),
}
_LINKS = {
    "row": Column("", "the hit", "truth", "hits"),
    "segment": Column("", "a deposit whose charge it has", "truth", "segments"),
    "fraction": Column("", "the fraction of the charge that the deposit gave", "truth"),
}


def _recognises(seen: Glimpse) -> bool:
    if seen.kind is not Kind.HDF5 or not seen.has("packets"):
        return False
    with open_hdf5(seen.path) as file:
        packets = file["packets"]
        return isinstance(packets, h5py.Dataset) and {"packet_type", "timestamp"} <= set(packets.dtype.names or ())


def read_larpix(path: Path, batch_events: int) -> Iterator[Events]:
    """The events of a file of packets, some at a time: `event`, `hits`; with deposits in the file their tables too.

    Simulated events are those of the file. Measured ones are bursts: charge packets by their time, cut where nothing
    was digitised for `GAP` ticks. Only the number and time of packets are held for the whole file.

    Raises:
        InputError: If the file is not as expected.
    """
    with open_hdf5(path) as file:
        dataset = columns_of(path, dataset_of(path, file, "packets"), _NEEDED)
        packets = Decoded(path, dataset)
        kind, time, group = _index(packets)
        data, sync = (_code(dataset, name) for name in ("data", "sync"))
        rows = np.flatnonzero(kind == data)
        simulated = _associations(path, file, len(packets))
        truth = SegmentFile.of(path, file) if simulated is not None and is_segments(file) else None
        if simulated is None:
            rows, counts = _bursts(rows, time, group, kind == sync)
            numbers = np.arange(len(counts))
        else:
            key = _simulated_events(simulated)[rows]
            numbers = merged(key, truth.numbers) if truth else merged(key)
            keyed = Keyed.of(key, numbers)
            rows, counts = keyed.taken(rows), keyed.counts
        ends, source = np.concatenate([[0], np.cumsum(counts)]), truth.source if truth else source_of(path)
        for begin in range(0, len(numbers), batch_events):
            end = min(begin + batch_events, len(numbers))
            mine, chosen = rows[ends[begin] : ends[end]], numbers[begin:end]
            if truth is None or simulated is None:
                ids = event_table(source, chosen)
                yield Events({"event": ids, "hits": _hits(packets.taken(mine), counts[begin:end])})
            else:
                yield _with_truth(truth, simulated, mine, _hits(packets.taken(mine), counts[begin:end]), chosen)


def _with_truth(truth: SegmentFile, simulated: Decoded, rows: Integers, hits: Table, numbers: Integers) -> Events:
    """Simulated events with their hits, which are these rows of the packets."""
    events, segments = truth.events(numbers)
    links = _links(simulated, rows, hits.batch.numpy(), segments, len(numbers))
    return events.with_table("hits", hits).with_table("truth_links", links)


def _index(packets: Decoded) -> tuple[NDArray[np.uint8], Integers, NDArray[np.uint8]]:
    """Type, timestamp and group of all packets (N,)."""
    parts = [[rows[n].copy() for n in ("packet_type", "timestamp", "io_group")] for _, rows in packets.blocks()]
    if not parts:
        return np.zeros(0, np.uint8), np.zeros(0, np.int64), np.zeros(0, np.uint8)
    kind, time, group = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return kind, time.astype(np.int64), group


def _code(packets: h5py.Dataset, name: str) -> int:
    """The number of a type of packets, by the table that the file has of them; -1 if it has none of that name."""
    text = text_of(attribute(packets, "packet_types", "0: 'data'"))
    known = {word: int(number) for number, word in re.findall(r"(\d{1,3}): '([^'\n]*)'", text)}
    return known.get(name, 0 if name == "data" else -1)


def _bursts(
    rows: Integers, time: Integers, group: NDArray[np.uint8], sync: NDArray[np.bool_]
) -> tuple[Integers, Integers]:
    """Charge packets by time, cut into bursts: their rows (D,), and how many each burst has.

    A sync packet sets the clock of its group to 0: times before and after are never of one burst.
    """
    epoch = np.zeros(len(time), np.int64)
    if sync.any():
        for each in np.unique(group):
            mine = group == each
            epoch[mine] = np.cumsum(sync[mine])
    order = rows[np.lexsort([time[rows], epoch[rows]])]
    new = (np.diff(time[order]) > GAP) | (np.diff(epoch[order]) > 0)
    begins = np.concatenate([[0], np.flatnonzero(new) + 1]) if len(order) else np.zeros(0, np.int64)
    return order, np.diff(np.append(begins, len(order)))


def _associations(path: Path, file: h5py.File, n: int) -> Decoded | None:
    """What larnd-sim says of each packet, if the file has it."""
    if "mc_packets_assn" not in file:
        return None
    table = columns_of(path, dataset_of(path, file, "mc_packets_assn"), ())
    if "event_ids" not in (table.dtype.names or ()):
        return None
    if len(table) != n:
        raise InputError(f"'mc_packets_assn' of {path} has {len(table)} rows, expected the {n} of the packets")
    return Decoded(path, columns_of(path, table, ("event_ids",)))


def _simulated_events(table: Decoded) -> Integers:
    """The event (N,) of each packet; those of no event, as noise, are of the one before."""
    parts = [rows["event_ids"].reshape(len(rows), -1)[:, 0].astype(np.int64) for _, rows in table.blocks()]
    ids = np.concatenate([np.zeros(0, np.int64), *parts])
    last = np.maximum.accumulate(np.where(ids >= 0, np.arange(len(ids)), -1)) if len(ids) else ids
    known = ids[last[last >= 0]]
    return np.where(last >= 0, ids[np.maximum(last, 0)], known[0] if len(known) else 0)


def _hits(table: NDArray[Any], counts: Integers) -> Table:
    """The table `hits` of a batch of packets."""
    group, channel, chip, pixel = (table[name].astype(np.int64) for name in _CHANNEL)
    columns = {
        "sensor": ((group * 256 + channel) * 256 + chip) * 256 + pixel,
        "io_group": group,
        "io_channel": channel,
        "chip": chip,
        "channel": pixel,
        "time": table["timestamp"].astype(np.float64) * TICK,
        "charge": table["dataword"].astype(np.float32),
    }
    tensors = {name: torch.from_numpy(values) for name, values in columns.items()}
    return Table.from_counts(tensors, torch.from_numpy(counts.astype(np.int64)), about=_HITS)


def _links(simulated: Decoded, rows: Integers, event: Integers, segments: Rows, n: int) -> Table:
    """Which deposits gave charge to the hits of n events."""
    names = set(simulated.dataset.dtype.names or ())
    if {"segment_ids", "fraction"} <= names and "segment_id" in segments:
        table = simulated.taken(rows)
        ids, fraction = (np.atleast_2d(table[name].T).T for name in ("segment_ids", "fraction"))
        there = ids >= 0
        hit = np.nonzero(there)[0]
        numbering = Numbering.of(segments.event, segments["segment_id"])
        segment = numbering.rows_of(event[hit], ids[there])
        share = fraction[there].astype(np.float32)
    else:
        hit, segment, share = np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32)
    columns = {"row": torch.from_numpy(hit), "segment": torch.from_numpy(segment), "fraction": torch.from_numpy(share)}
    return Table.from_counts(columns, torch.from_numpy(np.bincount(event[hit], minlength=n)), about=_LINKS)


LARPIX = Format("larpix", "LArPix packets HDF5 (larpix-control, larnd-sim)", "seen", _recognises, read_larpix)
