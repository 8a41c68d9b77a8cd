"""Objects in many entries of a ROOT branch, decoded side by side: a step of numpy a member, not one an entry.

The entries of a branch hold objects of one class, whose members come in one order; only how many elements their vectors
have differs. So a cursor stands in every entry, and all cursors read a member at once. Vectors of objects are written
member by member: the first member of all elements, then the second; a vector in a vector so, too, which uproot does
not read. The order of members is that of the file's streamer information. Nothing is read past the end of an entry.

Source: ROOT's TBufferFile::ReadVersion, and the cases kSTL of TStreamerInfo::ReadBuffer and WriteBufferAux.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nuforge.formats.clones import Damaged, Layouts, Member
from nuforge.formats.ragged import Integers

_COUNT = 0x40000000  # flag of a number of bytes
_MEMBERWISE = 0x4000  # bit of the version of a vector whose elements are written member by member
_BASE, _OBJECTS, _TSTRING = 0, (61, 62), 65  # ROOT's types of members
_VECTOR = re.compile(r"(?:std::)?vector<(.+?)(?:,\s*(?:std::)?allocator<.*>)?\s*>")
_PLAIN = {
    "bool": "?",
    "char": "i1",
    "unsigned char": "u1",
    "short": "i2",
    "unsigned short": "u2",
    "int": "i4",
    "unsigned int": "u4",
    "long": "i8",
    "unsigned long": "u8",
    "Long64_t": "i8",
    "ULong64_t": "u8",
    "long long": "i8",
    "unsigned long long": "u8",
    "float": "f4",
    "double": "f8",
}


@dataclass
class Cursors:
    """A place in each of some entries of a branch.

    Args:
        data: (N,) uint8, the bytes of all entries.
        place: (B,) the next byte of each entry.
        end: (B,) where each entry ends.
        entry: (E,) the entries that these cursors are in.
    """

    data: NDArray[np.uint8]
    place: Integers
    end: Integers
    entry: Integers

    @classmethod
    def of(cls, data: NDArray[np.uint8], places: Integers) -> Cursors:
        """Cursors at the beginning of entries, by where these begin and the last one ends (B + 1,)."""
        return cls(data, places[:-1].copy(), places[1:], np.arange(len(places) - 1))

    def only(self, mask: NDArray[np.bool_]) -> Cursors:
        """Some of the cursors; they go on together with these."""
        return Cursors(self.data, self.place, self.end, self.entry[mask])

    def at(self) -> Integers:
        """(E,) the next byte of each."""
        return self.place[self.entry]

    def left(self) -> Integers:
        """(E,) bytes to the end of the entry of each."""
        return self.end[self.entry] - self.place[self.entry]

    def skip(self, n: Integers | int) -> None:
        """Goes on by n bytes (E,).

        Raises:
            Damaged: If an entry has fewer.
        """
        left = self.left()
        wrong = np.flatnonzero((n < 0) | (n > left))
        if len(wrong):
            i = int(wrong[0])
            wanted = n if isinstance(n, int) else int(n[i])
            raise Damaged(f"{wanted} bytes expected, {left[i]} are left in an entry; copy the file again")
        self.place[self.entry] += n

    def numbers(self, dtype: str) -> Integers:
        """(E,) the next number of each."""
        first, size = self.at(), np.dtype(dtype).itemsize
        self.skip(size)
        values: Integers = self.data[first[:, None] + np.arange(size)].view(dtype)[:, 0].astype(np.int64)
        return values

    def counted(self) -> Integers:
        """(E,) where the object that begins here ends; the number of its bytes is read."""
        declared = self.numbers(">u4")
        ends = self.at() + (declared & ~_COUNT)
        if (declared & _COUNT == 0).any() or (ends > self.end[self.entry]).any():
            raise Damaged("an object does not begin with the number of its bytes in its entry; copy the file again")
        return ends

    def arrive(self, ends: Integers) -> None:
        """Goes on to the ends (E,) of objects."""
        self.skip(ends - self.at())

    def version(self) -> int:
        """The version of a class, which is that of all; 0 and a check sum for classes that do not count theirs."""
        versions = self.numbers(">u2")
        if (versions != versions[:1]).any():
            raise Damaged(f"objects have versions {np.unique(versions).tolist()}, expected one; convert the file")
        if not len(versions) or versions[0]:
            return int(versions[0]) if len(versions) else 0
        self.skip(4)
        return 0


@dataclass(frozen=True)
class Runs:
    """Where the elements of a member lie in the bytes of entries, in order.

    Args:
        data: (N,) uint8.
        dtype: Of the elements; none if only their number is known.
        entry: (R,) the entry that a run of elements is in.
        start: (R,) its first byte.
        count: (R,) its elements.
    """

    data: NDArray[np.uint8]
    dtype: np.dtype[Any] | None
    entry: Integers
    start: Integers
    count: Integers

    def values(self) -> NDArray[Any]:
        """(N,) the elements of all runs."""
        if self.dtype is None:
            raise TypeError("objects have no values, their members do")
        found = _gathered(self.data, self.start, self.count * self.dtype.itemsize).view(self.dtype)
        return found.astype(self.dtype.newbyteorder("="))

    def text(self, width: int) -> NDArray[np.bytes_]:
        """(R,) what the runs of characters say, cut at a width."""
        sizes = np.minimum(self.count, width)
        letters = np.zeros((len(sizes), width), np.uint8)
        letters[np.arange(width) < sizes[:, None]] = _gathered(self.data, self.start, sizes)
        return letters.view(f"S{width}").reshape(-1)

    def per_entry(self, n: int) -> Integers:
        """(n,) elements of each entry."""
        found = np.zeros(n, np.int64)
        np.add.at(found, self.entry, self.count)
        return found


def _gathered(data: NDArray[np.uint8], start: Integers, size: Integers) -> NDArray[np.uint8]:
    """Runs of bytes end to end; they follow each other in the data."""
    if not len(start):
        return data[:0]
    first, last = int(start[0]), int(start[-1] + size[-1])
    gaps = np.append(start[1:] - start[:-1] - size[:-1], 0)
    if not gaps.any():
        return data[first:last]
    inside = np.repeat(np.tile([True, False], len(start)), np.stack([size, gaps], 1).reshape(-1))
    kept: NDArray[np.uint8] = data[first:last][inside]
    return kept


@dataclass
class Reading:
    """Members as they are found.

    Args:
        layouts: The classes of the file.
        wanted: Names of members to keep, with those that they are in: `_voxel_v._id`.
    """

    layouts: Layouts
    wanted: Sequence[str]
    _runs: dict[str, list[tuple[Integers, Integers, Integers]]] = field(default_factory=dict)
    _types: dict[str, np.dtype[Any] | None] = field(default_factory=dict)

    def found(self, data: NDArray[np.uint8]) -> dict[str, Runs]:
        """What was kept, by name, in the order of the bytes."""
        runs = {}
        for name, parts in self._runs.items():
            entry, start, count = (np.concatenate(part) for part in zip(*parts, strict=True))
            order = np.lexsort((start, entry))
            runs[name] = Runs(data, self._types[name], entry[order], start[order], count[order])
        return runs

    def members(self, at: Cursors, of: str, version: int, prefix: str) -> None:
        """The members of one object at each cursor."""
        one = np.ones(len(at.entry), np.int64)
        for member in _layout(self.layouts, of, version):
            self.member(at, member, prefix, one)

    def member(self, at: Cursors, member: Member, prefix: str, n: Integers | None) -> None:
        """A member of n objects (E,) at each cursor; of as many as come to the end of the entry if n is not given.

        Raises:
            Damaged: If the bytes are not what the streamer information says.
        """
        name = prefix + member.name
        vector = _VECTOR.fullmatch(member.of)
        if member.dtype is not None:
            self._numbers(at, name, member.dtype, max(member.length, 1), n)
        elif vector:
            self._vectors(at, vector[1], name, n)
        elif member.of in ("string", "std::string", "TString"):
            self._strings(at, name, n, headed=member.kind != _TSTRING)
        elif member.kind == _BASE:
            self._objects(at, member.name, prefix, n)
        elif member.kind in _OBJECTS:
            self._objects(at, member.of, name + ".", n)
        else:
            raise Damaged(f"member '{name}' has an unknown type {member.kind} ({member.of}); convert the file")

    def _keep(self, name: str, at: Cursors, count: Integers, dtype: np.dtype[Any] | None) -> None:
        if self._is_wanted(name):
            self._runs.setdefault(name, []).append((at.entry, at.at(), count))
            self._types[name] = dtype

    def _is_wanted(self, name: str) -> bool:
        return any(each == name or each.startswith(name + ".") for each in self.wanted)

    def _numbers(self, at: Cursors, name: str, dtype: np.dtype[Any], length: int, n: Integers | None) -> None:
        left = at.left()
        if n is None and (left % (dtype.itemsize * length)).any():
            raise Damaged(
                f"entries of '{name}' must be multiples of {dtype.itemsize * length} bytes; copy the file again"
            )
        count = left // dtype.itemsize if n is None else n * length
        self._keep(name, at, count, dtype)
        at.skip(count * dtype.itemsize)

    def _strings(self, at: Cursors, name: str, n: Integers | None, *, headed: bool) -> None:
        at, n = _filled(at, n)
        ends = at.end[at.entry]
        if headed:
            ends = at.counted()
            at.numbers(">u2")
        for now in _steps(at, n, ends):
            size = now.numbers("u1")
            long = size == 255
            if long.any():
                size[long] = now.only(long).numbers(">i4")
            self._keep(name, now, size, np.dtype("S1"))
            now.skip(size)
        if headed:
            at.arrive(ends)

    def _objects(self, at: Cursors, of: str, prefix: str, n: Integers | None) -> None:
        for now in _steps(at, n, at.end[at.entry]):
            ends = now.counted()
            if any(each.startswith(prefix) for each in self.wanted):
                self.members(now, of, now.version(), prefix)
            now.arrive(ends)

    def _vectors(self, at: Cursors, of: str, name: str, n: Integers | None) -> None:
        at, n = _filled(at, n)
        ends = at.counted()
        versions = at.numbers(">u2")
        if not self._is_wanted(name) or not len(ends):
            at.arrive(ends)
            return
        memberwise = versions & _MEMBERWISE != 0
        if memberwise.any() != memberwise.all():
            raise Damaged(f"some of '{name}' are written member by member and some are not; convert the file")
        layout = _layout(self.layouts, of, at.version()) if memberwise.any() else None
        if layout is not None and any(member.kind == _BASE for member in layout):
            raise Damaged(f"'{of}' in '{name}' has a base class and is written member by member; convert the file")
        for now in _steps(at, n, ends):
            count = now.numbers(">i4")
            if (count < 0).any() or (count > now.left()).any():
                raise Damaged(f"{count.max()} elements of '{name}' in {now.left().max()} bytes; copy the file again")
            if of in _PLAIN:
                self._numbers(now, name, np.dtype(f">{_PLAIN[of]}"), 1, count)
                continue
            self._keep(name, now, count, None)
            some, filled = now.only(count > 0), count[count > 0]
            if layout is None:
                self._objects(some, of, name + ".", filled)
            for each in layout or ():
                self.member(some, each, name + ".", filled)
        at.arrive(ends)


def _filled(at: Cursors, n: Integers | None) -> tuple[Cursors, Integers | None]:
    """The cursors that have something to read; ROOT writes no head of nothing."""
    return (at.only(at.left() > 0), None) if n is None else (at.only(n > 0), n[n > 0])


def _steps(at: Cursors, n: Integers | None, ends: Integers) -> Iterator[Cursors]:
    """The cursors that have a first object, then those that have a second, and so on: n (E,), or up to the ends."""
    k = 0
    while (more := at.at() < ends if n is None else n > k).any():
        yield at.only(more)
        k += 1


def _layout(layouts: Layouts, of: str, version: int) -> Sequence[Member]:
    """The members of a class; of its newest version if it does not count them."""
    known = [v for name, v in layouts if name == of]
    if (version > 1 and version not in known) or not known:
        raise Damaged(f"the file does not say what {of} of version {version} has; copy it again")
    return layouts[of, version if version in known else max(known)]


def _member(layouts: Layouts, of: str, name: str) -> Member:
    """A member of a class or of the classes that it is made from."""
    members = _layout(layouts, of, 0)
    own = next((member for member in members if member.name == name and member.kind != _BASE), None)
    if own is not None:
        return own
    for base in members:
        if base.kind == _BASE and any(known == base.name for known, _ in layouts):
            try:
                return _member(layouts, base.name, name)
            except Damaged:
                continue
    raise Damaged(f"{of} has no member '{name}' in the file's description of it; copy the file again")


def describes(layouts: Layouts, of: str, name: str) -> bool:
    """Whether objects of a class have a member, by its name with those that it is in."""
    for part in name.split("."):
        try:
            member = _member(layouts, of, part)
        except Damaged:
            return False
        vector = _VECTOR.fullmatch(member.of)
        of = vector[1] if vector else member.of
    return True


def read_split(
    data: NDArray[np.uint8], places: Integers, layouts: Layouts, of: str, branch: str, wanted: Sequence[str]
) -> dict[str, Runs]:
    """What a branch holds that ROOT made for one member, by the names of members.

    Args:
        data: (N,) bytes of entries.
        places: (B + 1,) where each begins, and the end.
        layouts: The classes of the file.
        of: The class of the objects that were split into branches.
        branch: Its name: the member with those that it is in, as `_voxel_vv._voxel_v`.
        wanted: Members to keep, named alike.
    """
    *outer, last = branch.split(".")
    in_vector = False
    for name in outer:
        member = _member(layouts, of, name)
        vector = _VECTOR.fullmatch(member.of)
        of, in_vector = (vector[1], True) if vector else (member.of, in_vector)
    at, reading = Cursors.of(data, places), Reading(layouts, wanted)
    one = None if in_vector else np.ones(len(places) - 1, np.int64)
    reading.member(at, _member(layouts, of, last), "".join(f"{name}." for name in outer), one)
    return reading.found(data)


def read_whole(
    data: NDArray[np.uint8], places: Integers, layouts: Layouts, of: str, wanted: Sequence[str]
) -> dict[str, Runs]:
    """What a branch holds that ROOT did not split: objects of a class, with or without a head of their own."""
    at, reading = Cursors.of(data, places), Reading(layouts, wanted)
    head = Cursors.of(data, places)
    declared = head.numbers(">u4")
    if (declared == _COUNT | head.left()).all():
        at.counted()
        reading.members(at, of, at.version(), "")
    else:
        reading.members(at, of, 0, "")
    return reading.found(data)
