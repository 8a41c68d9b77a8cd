"""Local heaps of HDF5 files, where the names of what is in a group lie: whether what is free in one has an end.

The HDF5 library (2.0 and before) follows the free pieces of a heap, each of which says where the next one is, without
looking whether it was there before: from a damaged heap it takes memory for them until there is none. So heaps are
looked at before it does.

Source: HDF5 File Format Specification 3.0, III.D (disk format level 1D, local heaps).
"""

from __future__ import annotations

import mmap
from pathlib import Path

from nuforge.errors import InputError
from nuforge.formats.global_heaps import MOST

_SIGN = b"HEAP\x00\x00\x00\x00"
_HEADER = 32  # bytes: sign and version, and three numbers
_WIDTH = 8  # bytes of numbers, as all libraries write them
_PIECE = 2 * _WIDTH  # bytes of a free piece at least: where the next is, and its size
_END = 1  # in the place of the next free piece, after the last


def check_names(path: Path) -> None:
    """Looks through the local heaps of an HDF5 file.

    Raises:
        InputError: If the free pieces of one lead round in a circle.
    """
    if not _HEADER < path.stat().st_size <= MOST:
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        left = len(data) // _PIECE  # pieces, for no two share bytes
        first = data.find(_SIGN)
        while first >= 0:
            size, free, place = (_number(data, first + _WIDTH * i) for i in (1, 2, 3))
            while place + size <= len(data) and free != _END and free + _PIECE <= size:
                free, left = _number(data, place + free), left - 1
                if left < 0:
                    raise InputError(f"{path} has a damaged heap of names at byte {first}; copy it again")
            first = data.find(_SIGN, first + len(_SIGN))


def _number(data: mmap.mmap, place: int) -> int:
    return int.from_bytes(data[place : place + _WIDTH], "little")
