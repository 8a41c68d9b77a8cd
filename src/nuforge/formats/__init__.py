"""What others write: one reader for each third-party format, and `read`, which finds out which it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import h5py

from nuforge.errors import InputError, MissingFileError
from nuforge.events import Events
from nuforge.events.store import Store
from nuforge.formats.hdf5 import open_hdf5
from nuforge.formats.segments import is_segments, read_segments
from nuforge.formats.spine import is_spine, read_spine

KNOWN = (
    "a store (a folder of Parquet shards with store.json)",
    "segments HDF5 (edep-sim, larnd-sim, Geant4)",
    "output of SPINE (HDF5, layout version 2)",
)
"""The formats that can be read, in words."""

_HDF5 = b"\x89HDF\r\n\x1a\n"
_PARQUET = b"PAR1"


def read(path: str | Path) -> Events:
    """All events of a file or store; the format is found by its content.

    Raises:
        InputError: If there is nothing, or nothing that can be read.
    """
    return Events.concat(list(stream(path, batch_events=256)))


def stream(path: str | Path, batch_events: int = 64) -> Iterator[Events]:
    """The events of a file or store in order, some at a time, in bounded memory; the format is found by its content.

    Args:
        path: A file or a store's folder.
        batch_events: Events at a time.

    Raises:
        InputError: If there is nothing, or nothing that can be read; before the first events, but for damage inside.
    """
    path = Path(path)
    if not path.exists():
        raise MissingFileError(f"no file or folder {path}; check the path")
    if path.is_dir():
        return Store(path).batches(batch_events)
    with path.open("rb") as raw:
        start = raw.read(8)
    if start == _HDF5 or h5py.is_hdf5(path):
        with open_hdf5(path) as file:
            names, has_segments, from_spine = sorted(file), is_segments(file), is_spine(file)
        if has_segments:
            return read_segments(path, batch_events)
        if from_spine:
            return read_spine(path, batch_events)
        raise InputError(f"{path} is HDF5 without 'segments', it has {names[:20]}; known formats: {'; '.join(KNOWN)}")
    if start[:4] == _PARQUET:
        raise InputError(f"{path} is one Parquet file, expected a store; give its folder if it is a shard of one")
    if not start:
        raise InputError(f"{path} is empty, expected one of the known formats: {'; '.join(KNOWN)}")
    raise InputError(f"{path} is of no known format (it begins with {start!r}); known formats: {'; '.join(KNOWN)}")
