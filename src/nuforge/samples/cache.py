"""The sample cache: where it is, which code a sample depends on, and what of it is stale."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]

ROOMS = ("units.py", "events/process.py", "events/connected.py", "physics", "detectors", "simulation", "samples")
"""The code that decides what is in a simulated event."""

LOCK = ".lock"

_SEPARATOR = "-"
_DIGITS = 16


def cache_folder() -> Path:
    """The folder of prepared samples: the environment's NUFORGE_CACHE, else one in the user's cache folder."""
    chosen = os.environ.get("NUFORGE_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "nuforge"


def source_hash(package: Path = PACKAGE) -> str:
    """A hash (16 hexadecimal digits) of the bytes of the code that simulates.

    Args:
        package: The package's folder.
    """
    return hash_of_files({p.relative_to(package).as_posix(): p for room in ROOMS for p in _sources(package / room)})


def hash_of_files(files: Mapping[str, Path]) -> str:
    """A hash (blake2b, 16 hexadecimal digits) of the names and bytes of files."""
    digest = blake2b(digest_size=_DIGITS // 2)
    for name, path in sorted(files.items()):
        content = path.read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _sources(path: Path) -> list[Path]:
    """The Python, C++ and table files of a room, in a fixed order."""
    if path.is_file():
        return [path]
    found = [p for p in path.rglob("*") if p.suffix in {".py", ".json", ".csv", ".txt", ".cpp", ".h"}]
    return sorted(found, key=lambda p: p.relative_to(path).as_posix())


def folder_name(name: str, key: str) -> str:
    """The name of a sample's folder in the cache."""
    return f"{name}{_SEPARATOR}{key}"


def prune(cache: Path | None = None) -> list[Path]:
    """Remove the samples in the cache that other code of nuforge made or began, and return their folders.

    What nuforge has not prepared is left alone, and so is a sample that is being prepared.
    """
    cache = cache_folder() if cache is None else cache
    removed = []
    for folder in sorted(cache.glob(f"*{_SEPARATOR}{'[0-9a-f]' * _DIGITS}")):
        made_by = _made_by(folder)
        if made_by is None or made_by == source_hash():
            continue
        with locked(folder, wait=False) as mine:
            if mine:
                shutil.rmtree(folder)
                removed.append(folder)
    return removed


def _made_by(folder: Path) -> str | None:
    """The hash of the code that made or began a sample, None if this is no sample."""
    for name in ("store.json", "unfinished.json"):
        try:
            return str(json.loads((folder / name).read_text(encoding="utf-8"))["provenance"]["source_hash"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return None


@contextmanager
def locked(folder: Path, wait: bool = True) -> Iterator[bool]:
    """Hold a folder against other processes; the system lets it go when the process ends, however it ends.

    Args:
        folder: An existing folder.
        wait: Wait for the others, or give False if there is one.
    """
    try:
        import fcntl
    except ImportError:  # Windows: two processes may do the same work twice, with the same result
        yield True
        return
    with (folder / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True
