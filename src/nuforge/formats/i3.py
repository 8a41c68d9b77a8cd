"""IceCube's I3 files, which only IceCube's own software reads: how one is told, and what to do with it."""

from __future__ import annotations

import bz2
import zlib

import pyarrow as pa

from nuforge.formats.glimpse import Glimpse, Kind

_MAGIC = b"[i3]"  # before every frame


def is_i3(seen: Glimpse) -> bool:
    """Whether a file begins as I3 files do, plain or compressed with gzip, bzip2 or zstd."""
    return seen.kind is Kind.BYTES and _begin(seen.head).startswith(_MAGIC)


def refusal(seen: Glimpse) -> str:
    """What to say to whoever gives one."""
    return (
        f"{seen.path} is an IceCube I3 file, which needs IceCube's icetray; "
        "convert it with GraphNeT's I3 readers to SQLite or Parquet, which are read"
    )


def _begin(head: bytes) -> bytes:
    """The first bytes of what is in a file, of which the head is known; at most some are unpacked."""
    try:
        if head.startswith(b"\x1f\x8b"):
            return zlib.decompressobj(wbits=31).decompress(head, len(_MAGIC))
        if head.startswith(b"BZh"):
            return bz2.BZ2Decompressor().decompress(head, len(_MAGIC))
        if head.startswith(b"\x28\xb5\x2f\xfd"):
            return bytes(pa.CompressedInputStream(pa.BufferReader(head), "zstd").read(len(_MAGIC)))
    except (OSError, zlib.error, pa.ArrowException):
        return b""
    return head
