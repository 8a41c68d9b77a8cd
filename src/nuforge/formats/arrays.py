"""NumPy arrays in zip and tar archives, read one after the other and never as pickles."""

from __future__ import annotations

import math
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

import numpy as np
from numpy.typing import NDArray

from nuforge.errors import InputError

MOST = 1 << 28
"""Bytes that an array may have; a frame of a liquid-argon detector has some 10^8."""

_RATIO = 1100  # bytes to those that they are packed in: deflate reaches 1032 to 1
_MOST_NAME = 1 << 16  # bytes of a name or other record of an archive, which tarfile reads whole

_NAMES = 1 << 16  # members of an archive


@dataclass(frozen=True)
class Member:
    """An array of an archive, not yet read.

    Args:
        name: Without its ending.
        where: Archive and name, for messages.
        shape: Of the array.
        dtype: Of the array.
        by_columns: Whether the first axis is the fastest.
        file: Where its numbers begin.
    """

    name: str
    where: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    by_columns: bool
    file: IO[bytes]

    def read(self) -> NDArray[Any]:
        """The whole array."""
        values = self._take(math.prod(self.shape))
        return values.reshape(self.shape[::-1]).T if self.by_columns else values.reshape(self.shape)

    def blocks(self, rows: int) -> Iterator[tuple[int, NDArray[Any]]]:
        """The array as it is stored, some rows at a time, each block with the number of its first row.

        An array whose first axis is the fastest is stored transposed, and its transposed blocks come.
        """
        shape = self.shape[::-1] if self.by_columns else self.shape
        for first in range(0, shape[0], rows):
            n = min(rows, shape[0] - first)
            yield first, self._take(n * math.prod(shape[1:])).reshape(n, *shape[1:])

    def _take(self, count: int) -> NDArray[Any]:
        data = self.file.read(count * self.dtype.itemsize)
        if len(data) != count * self.dtype.itemsize:
            raise InputError(f"{self.where} is cut short, expected an array of shape {self.shape}; copy it again")
        return np.frombuffer(data, self.dtype)


def members_of_zip(path: Path, names: list[str]) -> Iterator[Member]:
    """Arrays of an .npz archive in the order of their names, which have no ending."""
    with zipfile.ZipFile(path) as archive:
        for name in names:
            info = archive.getinfo(f"{name}.npy")
            if info.file_size > min(MOST, _RATIO * info.compress_size + 4096):
                raise InputError(
                    f"'{name}' of {path} declares {info.file_size} bytes packed in {info.compress_size}, "
                    f"expected at most {MOST} and no zip bomb; write it in parts"
                )
            with archive.open(info) as file:
                yield _member(name, f"'{name}' of {path}", file)


def members_of_tar(path: Path) -> Iterator[Member]:
    """Arrays of a tar archive, packed or not, in its order."""
    with _open_tar(path) as archive:
        total, most = 0, _RATIO * path.stat().st_size + MOST
        for i, entry in enumerate(archive):
            total += entry.size
            if total > most:
                raise InputError(f"{path} declares {total} bytes and more, expected at most {most} and no bomb; cut it")
            if i > _NAMES:
                raise InputError(f"{path} has more than {_NAMES} members, expected frames; cut it in parts")
            name = Path(entry.name).stem
            if entry.size > MOST:
                raise InputError(f"'{name}' of {path} declares {entry.size} bytes, expected at most {MOST}")
            if not entry.isfile() or not entry.name.endswith(".npy"):
                continue
            file = archive.extractfile(entry)
            if file is not None:
                yield _member(name, f"'{name}' of {path}", file)


class _Entry(tarfile.TarInfo):
    """A member of an archive, unless it is a name or record of absurd size."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str | None, errors: str) -> Self:
        entry = super().frombuf(buf, encoding, errors)  # type: ignore[arg-type]
        if entry.type not in (*tarfile.REGULAR_TYPES, tarfile.DIRTYPE) and entry.size > _MOST_NAME:
            raise tarfile.ReadError(f"a record of {entry.size} bytes")
        return entry


def first_of_tar(path: Path) -> str | None:
    """The name of the first member of a tar archive, packed or not; None if it is none."""
    try:
        with tarfile.open(path, "r|*", tarinfo=_Entry) as archive:
            entry = archive.next()
            return None if entry is None else entry.name
    except (tarfile.TarError, OSError, EOFError, ValueError):
        return None


@contextmanager
def _open_tar(path: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(path, "r|*", tarinfo=_Entry) as archive:
            yield archive
    except (tarfile.TarError, OSError, EOFError) as error:
        raise InputError(f"{path} is no whole tar archive ({str(error) or 'cut short'}); copy it again") from None


def _member(name: str, where: str, file: IO[bytes]) -> Member:
    """An array by its header, which is parsed as a literal."""
    try:
        version = np.lib.format.read_magic(file)
        if version not in ((1, 0), (2, 0)):
            raise ValueError(f"version {version}")
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, by_columns, dtype = read(file)
    except (ValueError, EOFError, SyntaxError) as error:
        raise InputError(f"{where} is no NumPy array ({str(error).splitlines()[0][:100]}); copy it again") from None
    if dtype.hasobject:
        raise InputError(f"{where} holds pickled objects, expected numbers; write it as numbers")
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize > MOST:
        raise InputError(
            f"{where} declares the shape {shape} of {dtype}, expected at most {MOST} bytes; cut it in parts"
        )
    if dtype.kind not in "iufb":
        raise InputError(f"{where} has type {dtype}, expected numbers; write it as numbers")
    return Member(name, where, shape, dtype, by_columns, file)
