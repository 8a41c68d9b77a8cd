"""ROOT's arrays of objects that are written member by member (TClonesArray), which uproot does not read.

The order of the members is that of the file's streamer information, so that classes may change between versions. What
a file declares is believed only as far as its bytes go: every array is a view of them, and nothing is read past their
end.

Source: ROOT's TBufferFile, TObjArray::Streamer, TClonesArray::Streamer and TStreamerInfo::ReadBufferClones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nuforge.errors import InputError

_COUNT = 0x40000000  # flag of a number of bytes
_NEW_CLASS = 0xFFFFFFFF  # tag before the name of a class
_REFERENCED = 1 << 4  # bit of a TObject with two more bytes
_BYPASS = 1 << 12  # bit of a TClonesArray that is written member by member
_TOBJECT = 10  # bytes: version, id, bits

_TYPES = {1: "i1", 2: "i2", 3: "i4", 4: "i8", 5: "f4", 6: "i4", 8: "f8", 11: "u1", 12: "u2", 13: "u4", 14: "u8"}
_TYPES |= {15: "u4", 16: "i8", 17: "u8", 18: "?"}
_BASE, _COUNTED, _STRING = 66, (0, 61, 62, 63, 67, 300, 365, 500), 65  # streamer types
_POINTER = 64


@dataclass(frozen=True)
class Member:
    """One member of a class as the streamer information has it.

    Args:
        name: Its name.
        kind: ROOT's number of its type.
        length: Elements of a fixed array, 0 for none.
        of: Its class.
    """

    name: str
    kind: int
    length: int
    of: str

    @property
    def dtype(self) -> np.dtype[Any] | None:
        """The type of a plain number, big-endian; none for what is no number."""
        code = _TYPES.get(self.kind % 20 if self.kind < 40 else -1)
        return None if code is None else np.dtype(f">{code}")


Layouts = Mapping[tuple[str, int], Sequence[Member]]
"""Members by class and version."""


def layouts_of(streamers: Mapping[str, Mapping[int, Any]]) -> dict[tuple[str, int], list[Member]]:
    """The classes of a file, by name and version, from uproot's streamers."""
    found = {}
    for name, versions in streamers.items():
        for version, streamer in versions.items():
            members = [(e.name, e.all_members, e.typename) for e in streamer.elements]
            found[name, version] = [Member(n, m["fType"], m["fArrayLength"], of) for n, m, of in members]
    return found


class Damaged(InputError):
    """Bytes that are not what their streamer information says."""


@dataclass
class Buffer:
    """Bytes read from the front.

    Args:
        data: (N,) uint8.
        place: The next byte.
    """

    data: NDArray[np.uint8]
    place: int = 0

    def skip(self, n: int) -> None:
        """Goes on by n bytes.

        Raises:
            Damaged: If there are fewer.
        """
        if not 0 <= n <= len(self.data) - self.place:
            raise Damaged(f"{n} bytes expected, {len(self.data) - self.place} are left; copy the file again")
        self.place += n

    def array(self, dtype: np.dtype[Any] | str, n: int, width: int = 1) -> NDArray[Any]:
        """The next n elements, (n,) or (n, width), as a view."""
        kind, first = np.dtype(dtype), self.place
        self.skip(n * width * kind.itemsize)
        values = self.data[first : self.place].view(kind)
        return values if width == 1 else values.reshape(n, width)

    def number(self, dtype: str) -> int:
        """The next number."""
        return int(self.array(dtype, 1)[0])

    def counted(self) -> int:
        """Where the object that begins here ends; the number of its bytes is read."""
        declared = self.number(">u4")
        if not declared & _COUNT:
            raise Damaged(f"an object must begin with its number of bytes, got {declared:#x}; copy the file again")
        n = declared & ~_COUNT
        end = self.place + n
        if end > len(self.data):
            raise Damaged(f"an object of {n} bytes has {len(self.data) - self.place}; copy the file again")
        return end

    def tobject(self) -> int:
        """The bits of a TObject."""
        self.number(">u2")
        self.number(">u4")
        bits = self.number(">u4")
        if bits & _REFERENCED:
            self.skip(2)
        return bits

    def string(self) -> str:
        """A TString."""
        n = self.number("u1")
        n = self.number(">i4") if n == 255 else n
        return self.array("u1", n).tobytes().decode("latin-1")

    def object_end(self) -> int | None:
        """Where an object behind a pointer ends; its class is passed. None if it is null."""
        begin = self.place
        if self.number(">u4") == 0:
            return None
        self.place = begin
        end = self.counted()
        if self.number(">u4") == _NEW_CLASS:
            rest = self.data[self.place : end]
            zero = np.flatnonzero(rest[:256] == 0)
            if not len(zero):
                raise Damaged("a class without a name; copy the file again")
            self.skip(int(zero[0]) + 1)
        return end


def read_objects(buffer: Buffer) -> list[tuple[int, int]]:
    """Where each object of a TObjArray begins and ends; null ones are left out."""
    end = buffer.counted()
    buffer.number(">u2")
    buffer.tobject()
    buffer.string()
    n, _ = buffer.number(">i4"), buffer.number(">i4")
    if not 0 <= n <= (end - buffer.place) // 4:
        raise Damaged(f"an array of {n} objects in {end - buffer.place} bytes; copy the file again")
    found = []
    for _ in range(n):
        last = buffer.object_end()
        if last is not None:
            found.append((buffer.place, last))
            buffer.place = last
    return found


def read_object(buffer: Buffer, name: str, layouts: Layouts, wanted: Sequence[str]) -> dict[str, Any]:
    """Members of the object that begins here; objects within it as mappings, arrays of clones as mappings of columns.

    Args:
        buffer: At its number of bytes; behind the object after that.
        name: Its class.
        layouts: The classes of the file.
        wanted: Names of members to keep, of whatever object.
    """
    end = buffer.counted()
    found = read_members(buffer, name, buffer.number(">u2"), layouts, wanted)
    if buffer.place > end:
        raise Damaged(f"an object of {name} is longer than it says; copy the file again")
    buffer.place = end
    return found


def read_members(buffer: Buffer, name: str, version: int, layouts: Layouts, wanted: Sequence[str]) -> dict[str, Any]:
    """Members of an object whose number of bytes and version are behind us (see `read_object`)."""
    found: dict[str, Any] = {}
    for member in _members(name, version, layouts):
        if member.dtype is not None:
            values = buffer.array(member.dtype, max(member.length, 1))
            if member.name in wanted:
                found[member.name] = values if member.length else values[0]
        elif member.kind == _BASE and member.name == "TObject":
            buffer.tobject()
        elif member.kind == _STRING:
            buffer.string()
        elif member.kind in (_POINTER, _BASE, *_COUNTED):
            value = _inner(buffer, member, layouts, wanted)
            if value is not None:
                found[member.name] = value
        else:
            raise Damaged(f"member '{member.name}' of {name} has an unknown type {member.kind}; convert the file")
    return found


def _members(name: str, version: int, layouts: Layouts) -> Sequence[Member]:
    """The members of a class."""
    members = layouts.get((name, version))
    if members is None:
        raise Damaged(f"the file does not say what {name} of version {version} has; copy it again")
    return members


def _inner(buffer: Buffer, member: Member, layouts: Layouts, wanted: Sequence[str]) -> Mapping[str, Any] | None:
    """An object in or behind a member, if it is wanted and there; the buffer goes on behind it."""
    behind = buffer.object_end() if member.kind == _POINTER else None
    if member.kind == _POINTER and behind is None:
        return None
    inner = Buffer(buffer.data, buffer.place)
    buffer.place = Buffer(buffer.data, buffer.place).counted() if behind is None else behind
    if member.name not in wanted:
        return None
    of = member.of.rstrip("*")
    return read_clones(inner, layouts, wanted) if of == "TClonesArray" else read_object(inner, of, layouts, wanted)


def read_clones(buffer: Buffer, layouts: Layouts, wanted: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Columns (n,) or (n, width) of an array of clones that begins here, by the names of members.

    Raises:
        Damaged: If it is not written member by member, or is not what the streamer information says.
    """
    end = buffer.counted()
    buffer.number(">u2")
    bits = buffer.tobject()
    buffer.string()
    name, _, version = buffer.string().partition(";")
    n, _ = abs(buffer.number(">i4")), buffer.number(">i4")
    members = _members(name, int(version) if version.isdecimal() else -1, layouts)
    if not bits & _BYPASS:
        raise Damaged(f"objects of {name} are not written member by member; write the file with ROOT's defaults")
    if n > end - buffer.place:
        raise Damaged(f"{n} objects of {name} in {end - buffer.place} bytes; copy the file again")
    found = {}
    for member in members:
        if not n:
            kind = member.dtype
            if kind is not None and member.name in wanted:
                found[member.name] = np.zeros((0, member.length) if member.length > 1 else 0, kind)
        elif member.dtype is not None:
            values = buffer.array(member.dtype, n, max(member.length, 1))
            if member.name in wanted:
                found[member.name] = values
        elif member.kind == _BASE and member.name == "TObject":
            headers = buffer.array("u1", n, _TOBJECT)
            if (headers[:, 9] & _REFERENCED).any():
                raise Damaged(f"objects of {name} are referred to by others, which is not known; convert the file")
        elif member.kind in _COUNTED:  # a container: one number of bytes for those of all objects
            buffer.skip(Buffer(buffer.data, buffer.place).counted() - buffer.place)
        else:
            raise Damaged(f"member '{member.name}' of {name} has an unknown type {member.kind}; convert the file")
    if buffer.place != end:
        raise Damaged(f"objects of {name} end {end - buffer.place} bytes before their array; copy the file again")
    return found
