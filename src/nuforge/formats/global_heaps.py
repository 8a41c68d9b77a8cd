"""Global heaps of HDF5 files, where texts and lists of any length lie: whether one can be walked to its end.

The HDF5 library (2.0 and before) walks the objects of a heap without looking whether it gets on, and never returns
from a damaged one, as where a page of the file is zero. So heaps are looked at before it does.

Source: HDF5 File Format Specification 3.0, III.E (disk format level 1E, global heap).
"""

from __future__ import annotations

import mmap
from pathlib import Path

from nuforge.errors import InputError

MOST = 1 << 28
"""Bytes of the files that are looked through, in some 0.15 s; the heaps of larger ones are believed."""

_SIGN = b"GCOL\x01\x00\x00\x00"
_HEADER = 16  # bytes of a heap, and of an object, before what they hold
_WIDTH = 8  # bytes of lengths, as all libraries write them


def check_heaps(path: Path) -> None:
    """Looks through the global heaps of an HDF5 file.

    Raises:
        InputError: If one cannot be walked to its end.
    """
    if not _HEADER < path.stat().st_size <= MOST:
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        first = data.find(_SIGN)
        while first >= 0:
            size = _number(data, first + 8, _WIDTH)
            if 4096 <= size <= len(data) - first and not _ends(data, first + _HEADER, first + size):
                raise InputError(f"{path} has a damaged heap of texts or lists at byte {first}; copy it again")
            first = data.find(_SIGN, first + len(_SIGN))


def _ends(data: mmap.mmap, place: int, end: int) -> bool:
    """Whether the objects from `place` on lead to the end of their heap; the last one is what is free."""
    while end - place >= _HEADER:
        size = _number(data, place + 8, _WIDTH)
        is_free = _number(data, place, 2) == 0
        size = size if is_free else _HEADER + -(-size // 8) * 8
        if not 0 < size <= end - place:
            return False
        place += size
    return True


def _number(data: mmap.mmap, place: int, width: int) -> int:
    return int.from_bytes(data[place : place + width], "little")
