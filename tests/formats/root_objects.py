"""Objects in ROOT files, byte by byte as ROOT streams them: what ROOT itself would write, without ROOT.

uproot writes trees with branches of numbers. A branch of lists of bytes has the same baskets as a branch of objects, so
the bytes of an object go into it as they are; the description of the classes (TStreamerInfo) is added to the file. Only
the class of the branches differs: TBranch here, TBranchElement in ROOT.

Source: TBufferFile::WriteVersion, TStreamerInfo::WriteBufferAux, TStreamerElement.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import awkward as ak
import numpy as np
import uproot
from uproot.writing._cascade import RawStreamerInfo

PLAIN = {
    "bool": (18, ">?"),
    "short": (2, ">i2"),
    "int": (3, ">i4"),
    "float": (5, ">f4"),
    "double": (8, ">f8"),
    "unsigned short": (12, ">u2"),
    "unsigned int": (13, ">u4"),
    "unsigned long": (14, ">u8"),
    "ULong64_t": (17, ">u8"),
}
"""ROOT's number and the bytes of plain types."""

Classes = Mapping[str, Sequence[tuple[str, str]]]
"""Members (type, name) of classes; the type of a base class is BASE."""


def counted(body: bytes) -> bytes:
    """Bytes with their number before them."""
    return struct.pack(">I", 0x40000000 | len(body)) + body


def string(text: str) -> bytes:
    """A TString."""
    return (bytes([len(text)]) if len(text) < 255 else b"\xff" + struct.pack(">i", len(text))) + text.encode()


@dataclass(frozen=True)
class Streamer:
    """Objects (mappings of their members) as bytes.

    Args:
        classes: What classes have.
    """

    classes: Classes

    def check_sum(self, name: str) -> bytes:
        """A number for a class without version of its own, which ROOT writes in place of the version."""
        return struct.pack(">I", zlib.crc32(repr(self.classes[name]).encode()))

    def object(self, name: str, value: Mapping) -> bytes:
        """An object with the number of its bytes and its version."""
        return counted(b"\0\0" + self.check_sum(name) + self.members(name, value))

    def members(self, name: str, value: Mapping) -> bytes:
        """The members of an object without any head."""
        return b"".join(self.member(kind, member, [value]) for kind, member in self.classes[name])

    def member(self, kind: str, name: str, objects: Sequence[Mapping]) -> bytes:
        """A member of some objects, one after the other."""
        if not objects:
            return b""
        if kind == "BASE":
            return b"".join(self.object(name, each) for each in objects)
        if kind in PLAIN:
            return np.array([each[name] for each in objects], PLAIN[kind][1]).tobytes()
        if kind == "string":
            return counted(b"\0\x09" + b"".join(string(each[name]) for each in objects))
        if kind.startswith("vector<"):
            return self.vectors(kind[7:-1], [each[name] for each in objects])
        return b"".join(self.object(kind, each[name]) for each in objects)

    def vectors(self, kind: str, values: Sequence[Sequence]) -> bytes:
        """Vectors: of numbers as they are, of objects member by member."""
        sizes = [struct.pack(">i", len(each)) for each in values]
        if kind in PLAIN:
            rows = [np.asarray(each, PLAIN[kind][1]).tobytes() for each in values]
            return counted(b"\0\x09" + b"".join(a + b for a, b in zip(sizes, rows, strict=True)))
        rows = [b"".join(self.member(of, name, each) for of, name in self.classes[kind]) for each in values]
        head = b"\x40\x09\0\0" + self.check_sum(kind)
        return counted(head + b"".join(a + b for a, b in zip(sizes, rows, strict=True)))

    def leaf(self, name: str, branch: str, value: Mapping) -> bytes:
        """What the branch of one member has of an object that ROOT splits, by its name with those that it is in."""
        objects, *outer = [value], *branch.split(".")
        for part in outer[:-1]:
            kind = self.kind(name, part)
            inner = [each[part] for each in objects]
            objects = [element for each in inner for element in each] if kind.startswith("vector<") else inner
            name = kind[7:-1] if kind.startswith("vector<") else kind
        return self.member(self.kind(name, outer[-1]), outer[-1], objects)

    def kind(self, name: str, member: str) -> str:
        """The type of a member of a class or of its base classes."""
        for kind, own in self.classes[name]:
            if kind != "BASE" and own == member:
                return kind
        for kind, base in self.classes[name]:
            found = self.kind(base, member) if kind == "BASE" else ""
            if found:
                return found
        return ""

    def write(
        self, path, trees: Mapping[str, Mapping[str, Sequence[bytes]]], compression=None, basket: int = 1000
    ) -> None:
        """A file with trees whose branches have the bytes of an entry each, so many entries to a basket."""
        with uproot.recreate(path, compression=compression) as file:
            raw = [RawStreamerInfo(None, self._info(name), name, 1) for name in self.classes]
            file.file._cascading.streamers.update_streamers(file.file.sink, raw)
            for tree, branches in trees.items():
                made = file.mktree(tree, dict.fromkeys(branches, "var * uint8"))
                for first in range(0, len(next(iter(branches.values()))), basket):
                    made.extend({name: _lists(each[first : first + basket]) for name, each in branches.items()})

    def _info(self, name: str) -> bytes:
        """The TStreamerInfo of a class."""
        elements = [self._element(kind, member) for kind, member in self.classes[name]]
        array = b"\0\3" + bytes([0, 1, 0, 0, 0, 0, 2, 0, 0, 0]) + b"\0" + struct.pack(">ii", len(elements), 0)
        info = _named(name, "") + self.check_sum(name) + struct.pack(">i", 1)
        return _tagged("TStreamerInfo", 9, info + _behind("TObjArray", counted(array + b"".join(elements)))) + b"\0"

    def _element(self, kind: str, name: str) -> bytes:
        """The TStreamerElement of a member."""
        if kind == "BASE":
            return _tagged("TStreamerBase", 3, _plain(name, 0, "BASE") + struct.pack(">i", 0))
        if kind in PLAIN:
            return _tagged("TStreamerBasicType", 2, _plain(name, PLAIN[kind][0], kind))
        if kind == "string":
            base = counted(b"\0\3" + _plain(name, 365, kind) + struct.pack(">ii", 365, 365))
            return _tagged("TStreamerSTLstring", 2, base)
        if kind.startswith("vector<"):
            return _tagged("TStreamerSTL", 3, _plain(name, 500, kind) + struct.pack(">ii", 1, 61))
        return _tagged("TStreamerObjectAny", 2, _plain(name, 62, kind))


def _behind(name: str, body: bytes) -> bytes:
    """An object behind a pointer, with its class."""
    return counted(b"\xff\xff\xff\xff" + name.encode() + b"\0" + body)


def _tagged(name: str, version: int, body: bytes) -> bytes:
    return _behind(name, counted(struct.pack(">H", version) + body))


def _named(name: str, title: str) -> bytes:
    """A TNamed."""
    return counted(b"\0\1" + bytes([0, 1, 0, 0, 0, 0, 3, 0, 0, 0]) + string(name) + string(title))


def _plain(name: str, number: int, kind: str) -> bytes:
    """A TStreamerElement."""
    body = _named(name, "") + struct.pack(">9i", number, 0, 0, 0, 0, 0, 0, 0, 0) + string(kind)
    return counted(b"\0\4" + body)


def _lists(entries: Sequence[bytes]) -> ak.Array:
    data = np.frombuffer(b"".join(entries), np.uint8)
    return ak.unflatten(data, [len(each) for each in entries])
