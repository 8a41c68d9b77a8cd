"""Wire-Cell frames and depositions: arrays in .npz or tar archives, whose names say tag and number of the event."""

from __future__ import annotations

import math
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from nuforge import units
from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.formats.arrays import Member, members_of_tar, members_of_zip
from nuforge.formats.format import Format
from nuforge.formats.glimpse import Glimpse, Kind
from nuforge.formats.identity import event_table, source_of
from nuforge.formats.wirecell_write import DEPOS, write_depos, write_frames

_FRAME = re.compile(r"(frame|channels|tickinfo|summary|chanmask)_(.+)_(\d{1,18})")
_DEPO = re.compile(r"depo_(data|info)_(\d{1,18})")
_SPARSE = ("ch", "tick", "value", "shape", "channels", "tickinfo")
_ROWS_AT_ONCE = 256
_PIXELS_AT_ONCE = 1 << 22
_MOST_DEPOS = 1 << 24  # numbers of an array of depositions
_MOST_PIXELS = 1 << 24  # that are not zero, of an array

_EVENT = {
    "start": Column("ns", "time of the frame", "readout"),
    "tick": Column("ns", "length of a tick", "readout"),
    "first_tick": Column("", "number of the first tick", "readout"),
    "ticks": Column("", "ticks of the frame", "readout"),
}
_PIXELS = {
    "view": Column("", "view; -1, the file does not say", "readout"),
    "row": Column("", "row of the frame", "readout"),
    "column": Column("", "tick of the frame", "readout"),
    "charge": Column("", "electrons if deconvolved, else ADC counts", "readout"),
}
_CHANNELS = {
    "channel": Column("", "number of the channel of each row of the frame", "readout"),
    "summary": Column("", "summary of the channel, as its threshold; NaN if there is none", "readout"),
}
_MASKS = {
    "channel": Column("", "number of a channel that is masked", "readout"),
    "begin": Column("", "first tick that is masked", "readout"),
    "end": Column("", "tick after the last that is masked", "readout"),
}


@dataclass
class _Frame:
    """What one event has of one tag."""

    row: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    column: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    value: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    shape: tuple[int, int] = (0, 0)
    channels: NDArray[np.int64] | None = None
    summary: NDArray[np.float64] | None = None
    info: NDArray[np.float64] = field(default_factory=lambda: np.full(3, np.nan))


@dataclass
class _Event:
    """One event: frames by tag, and masked channels."""

    number: int
    frames: dict[str, _Frame] = field(default_factory=dict)
    masks: list[NDArray[np.int64]] = field(default_factory=list)


def _names(seen: Glimpse) -> list[str]:
    """Names of arrays without their ending."""
    return [Path(name).stem for name in seen.names if name.endswith(".npy")]


def _is_frames(seen: Glimpse) -> bool:
    if seen.kind not in (Kind.ZIP, Kind.TAR):
        return False
    names = _names(seen)
    return set(_SPARSE[:4]) <= set(names) or any(_FRAME.fullmatch(name) for name in names)


def _is_depos(seen: Glimpse) -> bool:
    return seen.kind in (Kind.ZIP, Kind.TAR) and any(_DEPO.fullmatch(name) for name in _names(seen))


def _members(path: Path, pattern: re.Pattern[str]) -> Iterator[tuple[int, Iterator[Member]]]:
    """Arrays of each event, with its number."""

    def number(name: str) -> int:
        match = pattern.fullmatch(name)
        return int(match.group(match.lastindex or 0)) if match else -1

    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            names = [name[:-4] for name in archive.namelist() if name.endswith(".npy")]
        order = {number(name): i for i, name in reversed(list(enumerate(names)))}
        chosen = sorted((name for name in names if number(name) >= 0), key=lambda name: order[number(name)])
        arrays = members_of_zip(path, chosen)
    else:
        arrays = (member for member in members_of_tar(path) if number(member.name) >= 0)
    yield from groupby(arrays, key=lambda member: number(member.name))


def read_frames(path: Path, batch_events: int) -> Iterator[Events]:
    """The events of an archive of frames, some at a time, kept sparse.

    Yields:
        `event`, `pixels` and `channels` of the tag `data`, else `gauss...`, `raw...`, `orig...` or the first, the same
        of further tags with the tag in the name of the table, and `masks`.

    Raises:
        InputError: If the archive is not as expected.
    """
    source, tags, batch = source_of(path), list[str](), list[_Event]()
    for event in _frames(path):
        if not tags:
            tags = sorted(event.frames, key=_preference)
        new = sorted(set(event.frames) - set(tags))
        if new:
            raise InputError(f"event {event.number} of {path} has the tags {new}, the first has {tags}; split the file")
        batch.append(event)
        if len(batch) == batch_events:
            yield _events(batch, tags, source)
            batch = []
    if not tags:
        raise InputError(f"{path} has no frames, expected arrays such as frame_gauss0_1; give an archive with frames")
    if batch:
        yield _events(batch, tags, source)


def _preference(tag: str) -> tuple[int, str]:
    known = ("data", "gauss", "raw", "orig")
    return next((i for i, word in enumerate(known) if tag.startswith(word)), len(known)), tag


def _frames(path: Path) -> Iterator[_Event]:
    """The events of an archive one by one."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            names = {name.removesuffix(".npy") for name in archive.namelist()}
        if set(_SPARSE[:4]) <= names:
            yield _sparse(path, [name for name in _SPARSE if name in names])
            return
    for number, members in _members(path, _FRAME):
        event = _Event(number)
        for member in members:
            match = _FRAME.fullmatch(member.name)
            if match is None:
                continue
            kind, tag = match.group(1), match.group(2)
            if kind == "chanmask":
                event.masks.append(_shaped(member, 2)[:, :3].astype(np.int64))
                continue
            frame = event.frames.setdefault(tag, _Frame())
            if kind == "frame":
                _fill(frame, member)
            elif kind == "channels":
                frame.channels = _shaped(member, 1).astype(np.int64)
            elif kind == "summary":
                frame.summary = _shaped(member, 1).astype(np.float64)
            else:
                frame.info = _info(member)
        for frame in event.frames.values():
            _check(frame, f"event {number} of {path}")
        yield event


def _shaped(member: Member, dimension: int) -> NDArray[Any]:
    """An array of so many dimensions; one of two has three columns."""
    if len(member.shape) != dimension or (dimension == 2 and member.shape[1] != 3):
        raise InputError(f"{member.where} has shape {member.shape}, expected {dimension} dimensions; write it again")
    return member.read()


def _info(member: Member) -> NDArray[np.float64]:
    """Time, tick and first tick."""
    values = _shaped(member, 1).astype(np.float64)
    if len(values) < 3:
        raise InputError(
            f"{member.where} has {len(values)} numbers, expected time, tick and first tick; write it again"
        )
    return values[:3]


def _fill(frame: _Frame, member: Member) -> None:
    """Keep what is not zero of a dense frame."""
    if len(member.shape) != 2:
        raise InputError(f"{member.where} has shape {member.shape}, expected channels and ticks; write it again")
    rows, columns, values, filled = [frame.row], [frame.column], [frame.value], 0
    width = member.shape[0 if member.by_columns else 1]
    for first, block in member.blocks(max(1, min(_ROWS_AT_ONCE, _PIXELS_AT_ONCE // max(1, width)))):
        flat = block.reshape(-1)
        place = np.flatnonzero(flat != 0)  # of booleans it is several times faster than of floats
        row, column = np.divmod(place, max(1, block.shape[1]))
        rows.append(row + first)
        columns.append(column)
        values.append(flat[place].astype(np.float32))
        filled += len(place)
        if filled > _MOST_PIXELS:
            raise InputError(f"{member.where} has more than {_MOST_PIXELS} pixels that are not zero; cut it in parts")
    frame.row, frame.column, frame.value = np.concatenate(rows), np.concatenate(columns), np.concatenate(values)
    if member.by_columns:  # stored tick by tick
        small = frame.column.astype(np.uint16) if member.shape[0] < 1 << 16 else frame.column
        order = np.argsort(small, kind="stable")  # of 16 bits it is a radix sort
        frame.row, frame.column, frame.value = frame.column[order], frame.row[order], frame.value[order]
    frame.shape = (member.shape[0], member.shape[1])


def _check(frame: _Frame, what: str) -> None:
    """A frame has a row for each channel."""
    for name, values in (("channels", frame.channels), ("summary", frame.summary)):
        if values is not None and len(values) != frame.shape[0]:
            raise InputError(f"{what} has {len(values)} {name}, expected {frame.shape[0]}, a row each; write it again")


def _sparse(path: Path, names: list[str]) -> _Event:
    """The one event of an archive whose frame is kept as places and values."""
    arrays = {}
    for member in members_of_zip(path, names):
        if math.prod(member.shape) > _MOST_PIXELS:
            raise InputError(f"{member.where} has shape {member.shape}, expected {_MOST_PIXELS} pixels at most; cut it")
        arrays[member.name] = member.read()
    shape = arrays["shape"].reshape(-1).astype(np.int64)
    row, column, value = (arrays[name].reshape(-1) for name in ("ch", "tick", "value"))
    if len(shape) != 2 or not len(row) == len(column) == len(value):
        raise InputError(f"{path} has {len(row)}, {len(column)}, {len(value)} of ch, tick, value; write it again")
    row, column = row.astype(np.int64), column.astype(np.int64)
    if len(row) and (min(row.min(), column.min()) < 0 or row.max() >= shape[0] or column.max() >= shape[1]):
        raise InputError(f"{path} has pixels outside its shape {shape.tolist()}; write it again")
    info = arrays.get("tickinfo", np.full(3, np.nan)).astype(np.float64).reshape(-1)
    frame = _Frame(row, column, value.astype(np.float32), (int(shape[0]), int(shape[1])), info=np.resize(info, 3))
    if "channels" in arrays:
        frame.channels = arrays["channels"].reshape(-1).astype(np.int64)
    _check(frame, str(path))
    return _Event(0, {"data": frame})


def _events(batch: list[_Event], tags: list[str], source: int) -> Events:
    """Events of a batch; an event that lacks a tag has no pixels of it."""
    ids = event_table(source, np.array([event.number for event in batch]))
    first = [event.frames.get(tags[0], _Frame()) for event in batch]
    info = np.stack([frame.info for frame in first])
    columns = {
        "start": torch.from_numpy(info[:, 0].copy()),
        "tick": torch.from_numpy(info[:, 1].copy()),
        "first_tick": torch.from_numpy(np.nan_to_num(info[:, 2], nan=0).astype(np.int64)),
        "ticks": torch.tensor([frame.shape[1] for frame in first]),
    }
    tables = {"event": ids.with_columns(columns, about=_EVENT)}
    for i, tag in enumerate(tags):
        end = f"_{tag}" if i else ""
        tables |= _tables([event.frames.get(tag, _Frame()) for event in batch], end)
    masks = [np.concatenate([np.zeros((0, 3), np.int64), *event.masks]) for event in batch]
    values = np.concatenate(masks)
    tables["masks"] = _table(
        dict(zip(("channel", "begin", "end"), values.T, strict=True)), [len(each) for each in masks], _MASKS
    )
    return Events(tables)


def _tables(frames: list[_Frame], end: str) -> dict[str, Table]:
    """Pixels and channels of the frames of one tag."""
    row = np.concatenate([frame.row for frame in frames])
    pixels = {
        "view": np.full(len(row), -1),
        "row": row,
        "column": np.concatenate([frame.column for frame in frames]),
        "charge": np.concatenate([frame.value for frame in frames]),
    }
    numbers = [np.full(f.shape[0], -1) if f.channels is None else f.channels for f in frames]
    summaries = [np.full(f.shape[0], np.nan) if f.summary is None else f.summary for f in frames]
    channels = {"channel": np.concatenate(numbers), "summary": np.concatenate(summaries)}
    return {
        f"pixels{end}": _table(pixels, [len(frame.row) for frame in frames], _PIXELS),
        f"channels{end}": _table(channels, [frame.shape[0] for frame in frames], _CHANNELS),
    }


def _table(columns: Mapping[str, NDArray[Any]], counts: list[int], about: Mapping[str, Column]) -> Table:
    tensors = {name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in columns.items()}
    return Table.from_counts(tensors, torch.tensor(counts, dtype=torch.int64), about=about)


def read_depos(path: Path, batch_events: int) -> Iterator[Events]:
    """The events of an archive of depositions, some at a time: `event`, `depos`.

    Raises:
        InputError: If the archive is not as expected.
    """
    source, numbers, batch = source_of(path), list[int](), list[NDArray[np.float64]]()
    for number, members in _members(path, _DEPO):
        arrays = {member.name.split("_")[1]: _shaped_depos(member) for member in members}
        numbers.append(number)
        batch.append(_depos(arrays, f"event {number} of {path}"))
        if len(batch) == batch_events:
            yield _depo_events(numbers, batch, source)
            numbers, batch = [], []
    if batch:
        yield _depo_events(numbers, batch, source)


def _shaped_depos(member: Member) -> NDArray[Any]:
    if len(member.shape) != 2:
        raise InputError(f"{member.where} has shape {member.shape}, expected two dimensions; write it again")
    if math.prod(member.shape) > _MOST_DEPOS:
        raise InputError(f"{member.where} has shape {member.shape}, expected {_MOST_DEPOS} numbers at most; cut it")
    return member.read()


def _depos(arrays: Mapping[str, NDArray[Any]], what: str) -> NDArray[np.float64]:
    """Depositions (D, 11): t, q, x, y, z, longitudinal and transverse sigma; id, pdg, generation, child.

    Files have them as (7, D) and (4, D), or as (D, 7) and (D, 4); seven or four depositions fit both ways, but not
    in both arrays.
    """
    shapes = {name: array.shape for name, array in arrays.items()}
    if set(arrays) != {"data", "info"}:
        raise InputError(f"{what} has the arrays {shapes}, expected depo_data and depo_info; write it again")
    data, info = arrays["data"], arrays["info"]
    if data.shape[0] == 7 and info.shape[0] == 4 and data.shape[1] == info.shape[1]:
        data, info = data.T, info.T
    if data.shape[1] != 7 or info.shape[1] != 4 or len(data) != len(info):
        raise InputError(f"{what} has depositions of shapes {shapes}, expected 7 and 4 rows or columns; write it again")
    return np.concatenate([data, info], axis=1, dtype=np.float64)


def _depo_events(numbers: list[int], batch: list[NDArray[np.float64]], source: int) -> Events:
    rows = np.concatenate(batch)
    columns: dict[str, NDArray[Any]] = {
        "time": rows[:, 0] * units.ns,
        "charge": rows[:, 1].astype(np.float32),
        "position": (rows[:, 2:5] * units.mm).astype(np.float32),
        "sigma": (rows[:, 5:7] * units.mm).astype(np.float32),
        "number": rows[:, 7].astype(np.int64),
        "pdg": rows[:, 8].astype(np.int64),
        "generation": rows[:, 9].astype(np.int64),
        "child": rows[:, 10].astype(np.int64),
    }
    tables = {
        "event": event_table(source, np.array(numbers)),
        "depos": _table(columns, [len(each) for each in batch], DEPOS),
    }
    return Events(tables)


WIRECELL_FRAMES = Format(
    "wire-cell-frames",
    "Wire-Cell frames (.npz, or .npy in a tar archive)",
    "seen",
    _is_frames,
    read_frames,
    write_frames,
)
WIRECELL_DEPOS = Format(
    "wire-cell-depos",
    "Wire-Cell depositions (.npz, or .npy in a tar archive)",
    "seen",
    _is_depos,
    read_depos,
    write_depos,
)
