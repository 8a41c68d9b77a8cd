"""Glimpse: what can be seen of a file without reading it, by which its format is told."""

from __future__ import annotations

import sqlite3
import zipfile
from contextlib import closing
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import h5py

from nuforge.errors import InputError, MissingFileError
from nuforge.formats.arrays import first_of_tar
from nuforge.formats.global_heaps import check_heaps
from nuforge.formats.hdf5 import open_hdf5
from nuforge.formats.local_heaps import check_names

_HEAD = 4096  # bytes
_MOST = 2000  # names


class Kind(Enum):
    """What holds the data."""

    FOLDER = "a folder"
    HDF5 = "HDF5"
    ROOT = "ROOT"
    SQLITE = "SQLite"
    PARQUET = "Parquet"
    ZIP = "a zip archive"
    TAR = "a tar archive"
    BYTES = "a file"


@dataclass(frozen=True)
class Glimpse:
    """A file seen from outside.

    Args:
        path: Where.
        kind: What holds the data.
        names: What is inside, at most some thousands: of HDF5 the paths of groups and datasets down to the third level;
            of ROOT its keys as name:class, without cycles; of SQLite its tables; of Parquet its columns; of a zip
            archive or folder its entries; of a tar archive the first one.
        head: The first bytes.
    """

    path: Path
    kind: Kind
    names: tuple[str, ...]
    head: bytes

    def has(self, *names: str) -> bool:
        """Whether all these are inside."""
        return set(names).issubset(self.names)

    @classmethod
    def of(cls, path: Path) -> Glimpse:
        """A look at a file or folder.

        Raises:
            InputError: If there is nothing, or it is damaged where one must look.
        """
        if not path.exists():
            raise MissingFileError(f"no file or folder {path}; check the path")
        if path.is_dir():
            return cls(path, Kind.FOLDER, tuple(sorted(entry.name for entry in path.iterdir())[:_MOST]), b"")
        with path.open("rb") as raw:
            head = raw.read(_HEAD)
        kind = _kind(path, head)
        return cls(path, kind, _names(path, kind), head)


def _kind(path: Path, head: bytes) -> Kind:
    for kind, sign in _SIGNS.items():
        if head.startswith(sign):
            return kind
    if h5py.is_hdf5(path):  # after a user block
        return Kind.HDF5
    is_tar = head[257:262] == b"ustar" or head.startswith((b"BZh", b"\x1f\x8b", b"\xfd7zXZ\x00"))
    return Kind.TAR if is_tar and first_of_tar(path) is not None else Kind.BYTES


_SIGNS = {
    Kind.HDF5: b"\x89HDF\r\n\x1a\n",
    Kind.ROOT: b"root",
    Kind.SQLITE: b"SQLite format 3\x00",
    Kind.PARQUET: b"PAR1",
    Kind.ZIP: b"PK\x03\x04",
}


def _names(path: Path, kind: Kind) -> tuple[str, ...]:
    match kind:
        case Kind.HDF5:
            check_heaps(path)
            check_names(path)
            with open_hdf5(path) as file:
                return tuple(_hdf5_names(file, "", 3))[:_MOST]
        case Kind.ROOT:
            return _root_names(path)
        case Kind.SQLITE:
            return _sqlite_names(path)
        case Kind.PARQUET:
            return _parquet_names(path)
        case Kind.ZIP:
            try:
                with zipfile.ZipFile(path) as archive:
                    return tuple(archive.namelist()[:_MOST])
            except zipfile.BadZipFile as error:
                raise InputError(f"{path} is no whole zip archive ({error}); copy it again") from None
        case Kind.TAR:
            return tuple(name for name in [first_of_tar(path)] if name is not None)
        case _:
            return ()


def _hdf5_names(group: h5py.Group, prefix: str, depth: int) -> list[str]:
    """Paths inside a group, breadth cut at `_MOST`; links that lead nowhere are left out."""
    names: list[str] = []
    for name in list(group)[:_MOST]:
        names.append(prefix + name)
        item = group.get(name, getclass=True, getlink=False)
        if item is h5py.Group and depth > 1 and len(names) < _MOST:
            names += _hdf5_names(group[name], f"{prefix}{name}/", depth - 1)
    return names


def _root_names(path: Path) -> tuple[str, ...]:
    import uproot

    try:
        with uproot.open(path) as file:
            return tuple(f"{name}:{kind}" for name, kind in file.classnames(cycle=False).items())[:_MOST]
    except Exception as error:  # uproot raises what it meets in damaged files
        raise InputError(f"{path} is no readable ROOT file ({_line(error)}); copy it again") from None


def _sqlite_names(path: Path) -> tuple[str, ...]:
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as base:
            return tuple(row[0] for row in base.execute("SELECT name FROM sqlite_master ORDER BY name"))
    except sqlite3.DatabaseError as error:
        raise InputError(f"{path} is no readable SQLite file ({_line(error)}); copy it again") from None


def _parquet_names(path: Path) -> tuple[str, ...]:
    import pyarrow
    from pyarrow import parquet

    try:
        return tuple(parquet.read_schema(path).names)
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(f"{path} is no readable Parquet file ({_line(error)}); copy it again") from None


def _line(error: Exception) -> str:
    """The first line of what an error says."""
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
