"""LEGEND's files (LH5: HDF5 whose attribute `datatype` says what a group is): tiers raw, dsp and hit, by channel.

A row of a channel's table is a record of that channel, and an event here: coincidences of channels are built later, in
files of the tiers tcm and evt, which are not read. Records have a number in their channel, which is `event`; the
channel is `subrun`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nuforge import units
from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.formats.format import Format
from nuforge.formats.glimpse import Glimpse, Kind
from nuforge.formats.hdf5 import attribute, dataset_of, numbers_of, open_hdf5, plausible, text_of
from nuforge.formats.identity import event_table, source_of
from nuforge.formats.taken import integers

_TIERS = ("raw", "dsp", "hit", "psp", "pht")
_CHANNEL = re.compile(r"(?:^|/)ch(\d+)(?:/|$)")
_UNITS = {
    "s": ("ns", units.s),
    "ms": ("ns", units.ms),
    "us": ("ns", units.us),
    "ns": ("ns", units.ns),
    "keV": ("MeV", units.keV),
    "MeV": ("MeV", units.MeV),
    "mm": ("cm", units.mm),
    "cm": ("cm", units.cm),
    "m": ("cm", units.m),
}
_CALIBRATED = "keV"  # unit of columns that end in _cal, by convention
_LIMIT = 1 << 24  # bytes of one waveform
_SAMPLE = 4  # bytes of a sample here
_BLOCK = 1 << 22  # bytes of waveforms decoded together


@dataclass(frozen=True)
class _Channel:
    """The table of one channel and one tier.

    Args:
        path: The file.
        number: Of the channel, -1 if it is not said.
        rows: How many records it has.
        scalars: Columns with a number a row.
        waveforms: Tables of waveforms.
    """

    path: Path
    number: int
    rows: int
    scalars: Mapping[str, h5py.Dataset]
    waveforms: Mapping[str, h5py.Group]


def _tables(file: h5py.File) -> list[str]:
    """Paths of the tables of channels."""
    found = []
    for first in file:
        for second in _TIERS:
            item = file.get(f"{first}/{second}") if isinstance(file.get(first), h5py.Group) else None
            if isinstance(item, h5py.Group) and text_of(attribute(item, "datatype", "")).startswith("table{"):
                found.append(f"{first}/{second}")
    return sorted(found)


def _recognises(seen: Glimpse) -> bool:
    if seen.kind is not Kind.HDF5 or not any(
        name.endswith(tuple(f"/{tier}" for tier in _TIERS)) for name in seen.names
    ):
        return False
    with open_hdf5(seen.path) as file:
        return bool(_tables(file))


def read_lh5(path: Path, batch_events: int = 64) -> Iterator[Events]:
    """The records of a file, channel by channel, some at a time.

    Yields:
        `event`; `records`, a row each, with the columns of the file; of the raw tier `waveforms` (and `waveforms_...`
        for other ones that the data acquisition kept).

    Raises:
        InputError: If waveforms are compressed by a codec of LEGEND's own, or a part of the file is damaged.
    """
    source = source_of(path)
    with open_hdf5(path) as file:
        channels = [_channel(path, file, name) for name in _tables(file)]
        about = _columns(channels)
        waveforms = _waveform_lengths(channels)
        widest = _SAMPLE * max(1, sum(waveforms.values()))
        step = batch_events * max(1, _BLOCK // widest // batch_events)
        for channel in channels:
            for first in range(0, channel.rows, step):
                events = _events(channel, first, min(first + step, channel.rows), about, waveforms, source)
                yield from (events[i : i + batch_events] for i in range(0, len(events), batch_events))


def _channel(path: Path, file: h5py.File, name: str) -> _Channel:
    """The table at a place; its columns have one length.

    Raises:
        InputError: If they have not.
    """
    items = dict(sorted(file[name].items()))
    lengths = {
        each: len(plausible(path, item)) for each, item in items.items() if isinstance(item, h5py.Dataset) and item.ndim
    }
    if len(set(lengths.values())) > 1:
        raise InputError(f"columns of '{name}' of {path} have lengths {sorted(set(lengths.values()))}; copy it again")
    if not lengths:
        raise InputError(f"'{name}' of {path} has no columns, it has {list(items)[:20]}; copy or write it again")
    match = _CHANNEL.search(name)
    scalars = {
        each: items[each]
        for each in lengths
        if items[each].ndim == 1 and items[each].dtype.kind in "iufb" and "." not in each
    }
    waveforms = {
        each: item
        for each, item in items.items()
        if isinstance(item, h5py.Group) and each.startswith("waveform") and "values" in item
    }
    number, rows = int(match.group(1)) if match else -1, next(iter(lengths.values()))
    return _Channel(path, number, rows, scalars, waveforms)


def _columns(channels: list[_Channel]) -> dict[str, tuple[Column, torch.dtype, float]]:
    """What the scalar columns of all channels are, their type and scale."""
    found: dict[str, tuple[Column, torch.dtype, float]] = {}
    for channel in channels:
        for name, dataset in channel.scalars.items():
            said = text_of(attribute(dataset, "units", _CALIBRATED if name.endswith("_cal") else ""))
            kind = _type(dataset)
            unit, scale = ("", 1.0) if kind is torch.bool else _UNITS.get(said, (said, 1.0))
            kind = kind if scale == 1.0 else torch.float64
            if name not in found:
                found[name] = Column(unit, "as the file has it", "readout"), kind, scale
            elif found[name][1] != kind:
                found[name] = found[name][0], torch.float64, scale
    return found


def _type(dataset: h5py.Dataset) -> torch.dtype:
    """The type of a column here."""
    if "{bool}" in text_of(attribute(dataset, "datatype", "")) or dataset.dtype.kind == "b":
        return torch.bool
    return torch.float64 if dataset.dtype.kind == "f" else torch.int64


def _waveform_lengths(channels: list[_Channel]) -> dict[str, int]:
    """The samples of each kind of waveform, the same in all channels.

    Raises:
        InputError: If they are not, or are not there as plain numbers.
    """
    found: dict[str, int] = {}
    for channel in channels:
        for name, group in channel.waveforms.items():
            values = group["values"]
            if not isinstance(values, h5py.Dataset) or "codec" in values.attrs:
                codec = text_of(attribute(values, "codec", "lists"))
                raise InputError(
                    f"waveforms '{values.name}' of {channel.path} are stored as {codec}, expected plain numbers; "
                    "decode the file with legend-pydataobj first"
                )
            shape = numbers_of(channel.path, plausible(channel.path, values)).shape
            if len(shape) != 2 or shape[1] * values.dtype.itemsize > _LIMIT or len(values) < channel.rows:
                raise InputError(
                    f"'{values.name}' of {channel.path} has shape {shape}, expected {channel.rows} waveforms of "
                    f"at most {_LIMIT} bytes; copy it again"
                )
            if found.setdefault(name, shape[1]) != shape[1]:
                raise InputError(
                    f"waveforms '{values.name}' of {channel.path} have {shape[1]} samples, other channels "
                    f"{found[name]}; write them to files of their own"
                )
    return found


def _events(
    channel: _Channel,
    first: int,
    end: int,
    about: dict[str, tuple[Column, torch.dtype, float]],
    waveforms: dict[str, int],
    source: int,
) -> Events:
    """The records of a channel from first to before end."""
    n = end - first
    rows, offsets = np.arange(first, end), torch.arange(n + 1)
    scalars = channel.scalars
    numbers = scalars["channel"][first:end] if channel.number < 0 and "channel" in scalars else np.zeros(0)
    subrun = numbers if len(numbers) else np.full(n, channel.number)
    columns = {
        name: _values(scalars[name][first:end], kind, scale) if name in scalars else _nothing(n, kind)
        for name, (_, kind, scale) in about.items()
    }
    tables = {
        "event": event_table(source, rows, subrun=np.maximum(integers(subrun).numpy(), 0)),
        "records": Table(columns, offsets, about={name: column for name, (column, _, _) in about.items()}),
    }
    for name, samples in waveforms.items():
        tables[name.replace("waveform", "waveforms", 1)] = _waveforms(channel, name, samples, first, end, subrun)
    return Events({name: table for name, table in tables.items() if len(table.columns)})


def _values(values: NDArray[Any], kind: torch.dtype, scale: float) -> Tensor:
    """A column in its type here."""
    if kind is torch.bool:
        return torch.from_numpy(values != 0)
    if kind is torch.int64:
        return integers(values)
    real = values.astype(np.float64)
    return torch.from_numpy(real if scale == 1 else real * scale)


def _nothing(n: int, kind: torch.dtype) -> Tensor:
    """A column that a channel does not have."""
    if kind is torch.bool:
        return torch.zeros(n, dtype=torch.bool)
    return torch.full((n,), -1) if kind is torch.int64 else torch.full((n,), torch.nan, dtype=torch.float64)


_ABOUT = {
    "adc": Column("", "samples in ADC counts", "readout"),
    "channel": Column("", "number of the channel", "readout"),
    "start": Column("ns", "time of the first sample", "readout"),
    "period": Column("ns", "time between samples", "readout"),
}


def _waveforms(channel: _Channel, name: str, samples: int, first: int, end: int, subrun: NDArray[Any]) -> Table:
    """The waveforms of the records of a channel, one each; none if the channel has none of this kind."""
    group = channel.waveforms.get(name)
    n = end - first if group is not None else 0
    adc = np.zeros((0, samples), np.uint16) if group is None else dataset_of(channel.path, group, "values")[first:end]
    columns = {
        "adc": torch.from_numpy(adc.astype(np.int32 if adc.dtype.kind in "iu" else np.float32)),
        "channel": integers(subrun[:n]),
        "start": torch.from_numpy(_times(group, "t0", first, n)),
        "period": torch.from_numpy(_times(group, "dt", first, n)),
    }
    counts = torch.full((end - first,), 0 if group is None else 1)
    return Table.from_counts(columns, counts, about=_ABOUT)


def _times(group: h5py.Group | None, name: str, first: int, n: int) -> NDArray[np.float64]:
    """Times (n,) of waveforms, ns; NaN if the file does not say them."""
    found = group.get(name) if group is not None else None
    if not isinstance(found, h5py.Dataset) or found.ndim != 1 or found.dtype.kind not in "iuf":
        return np.full(n, np.nan)
    _, scale = _UNITS.get(text_of(attribute(found, "units", "ns")), ("ns", 1.0))
    values = found[first : first + n].astype(np.float64) * scale
    return values if len(values) == n else np.full(n, np.nan)


LH5 = Format("lh5", "LEGEND LH5 (tiers raw, dsp, hit)", "seen", _recognises, read_lh5)
