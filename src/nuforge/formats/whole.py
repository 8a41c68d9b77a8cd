"""Files that are there whole or not at all: written under a temporary name and renamed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nuforge.errors import InputError


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A path beside `path` to write a file or folder to, which takes its place if nothing fails and vanishes otherwise.

    Raises:
        InputError: If there is no folder to write in, or `path` is a folder with something in it.
    """
    if not path.absolute().parent.is_dir():
        raise InputError(f"no folder {path.absolute().parent} to write {path.name} in; make it first")
    if path.is_dir() and any(path.iterdir()):
        raise InputError(f"{path} is a folder with files in it, expected a new or empty one; give another name")
    part = path.with_name(f".{path.name}.part")
    _remove(part)
    try:
        yield part
        if path.is_dir():
            path.rmdir()
        part.replace(path)
    finally:
        _remove(part)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
