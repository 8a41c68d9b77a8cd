"""DUNE CVN pixel maps: a zlib file an event, and a pickle with the labels of many, from which only plain data is taken.

The files are called .gz but are zlib streams of 3 x 500 x 500 bytes: view, wire, time.
"""

from __future__ import annotations

import pickle
import pickletools
import re
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from numpy.typing import NDArray

from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.events.identity import stable_hash
from nuforge.formats.format import Format
from nuforge.formats.glimpse import Glimpse, Kind
from nuforge.formats.identity import event_table, source_of
from nuforge.formats.ragged import dense

_SHAPE = (3, 500, 500)
_BYTES = 750_000
_LABELS = "partition.p"
_MOST_LABELS = 1 << 28  # bytes of a file of labels
_PLAIN = {
    *("PROTO", "FRAME", "MARK", "STOP", "POP", "DUP"),
    *("NONE", "NEWTRUE", "NEWFALSE", "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "FLOAT", "BINFLOAT"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE"),
    *("EMPTY_LIST", "LIST", "APPEND", "APPENDS", "EMPTY_DICT", "DICT", "SETITEM", "SETITEMS"),
    *("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE", "GET", "BINGET", "LONG_BINGET"),
}
"""Opcodes of pickles that build numbers, texts, lists and mappings."""

_NAME = re.compile(r"event(\d{1,18})\.gz")

_EVENT = {
    "antineutrino": Column("", "1 antineutrino, 0 neutrino, -1 neutral current or unknown", "truth"),
    "flavour": Column("", "0 numu CC, 1 nue CC, 2 nutau CC, 3 NC, -1 unknown", "truth"),
    "reaction": Column("", "CC: 0 quasi-elastic, 1 resonant, 2 deep inelastic, 3 other; -1 NC or unknown", "truth"),
    "protons": Column("", "protons: 0, 1, 2, 3 for more, -1 unknown", "truth"),
    "charged_pions": Column("", "charged pions: 0, 1, 2, 3 for more, -1 unknown", "truth"),
    "neutral_pions": Column("", "neutral pions: 0, 1, 2, 3 for more, -1 unknown", "truth"),
    "neutrons": Column("", "neutrons: 0, 1, 2, 3 for more, -1 unknown", "truth"),
}
_PIXELS = {
    "view": Column("", "view: 0 U, 1 V, 2 Z", "readout", names=("U", "V", "Z")),
    "row": Column("", "wire", "readout"),
    "column": Column("", "time", "readout"),
    "charge": Column("", "charge in 1 to 255", "readout"),
}


def _recognises(seen: Glimpse) -> bool:
    if seen.kind is Kind.FOLDER:
        return any(_NAME.fullmatch(name) for name in seen.names)
    if seen.kind is not Kind.BYTES or len(seen.head) < 2 or seen.head[0] != 0x78 or int.from_bytes(seen.head[:2]) % 31:
        return False
    return len(_inflated(seen.path)) == _BYTES


def _inflated(path: Path) -> bytes:
    """What a zlib file holds, one byte more than a map at most; nothing if it is damaged."""
    with path.open("rb") as file:
        packed = file.read(4 * _BYTES)
    try:
        unpack = zlib.decompressobj()
        return unpack.decompress(packed, _BYTES + 1)
    except zlib.error:
        return b""


def read_dune_cvn(path: Path, batch_events: int) -> Iterator[Events]:
    """The events of a folder, or of one file, some at a time: `event` with labels, `pixels`.

    Labels come from the file `partition.p` beside the maps; without it they are -1. The number of an event is that of
    its name, or 0.

    Raises:
        InputError: If a map or the labels are not as expected.
    """
    if path.is_dir():
        found = sorted((int(match.group(1)), each) for each in path.iterdir() if (match := _NAME.fullmatch(each.name)))
    else:
        match = _NAME.fullmatch(path.name)
        found = [(int(match.group(1)) if match else 0, path)]
    beside = (path if path.is_dir() else path.parent) / _LABELS
    labels = labels_of(beside) if beside.exists() else {}
    source = source_of(path) if not path.is_dir() else _source_of_folder(found)
    for first in range(0, len(found), batch_events):
        chosen = found[first : first + batch_events]
        maps = np.stack([_map(each) for _, each in chosen])
        place, value, counts = dense(maps)
        columns = {
            **{name: place[:, i].copy() for i, name in enumerate(("view", "row", "column"))},
            "charge": value.astype(np.float32),
        }
        tensors = {name: torch.from_numpy(values) for name, values in columns.items()}
        pixels = Table.from_counts(tensors, torch.from_numpy(counts), about=_PIXELS)
        yield Events({"event": _event(chosen, labels, source), "pixels": pixels})


def _map(path: Path) -> NDArray[np.uint8]:
    """The pixel map of a file."""
    data = _inflated(path)
    if len(data) != _BYTES:
        got = f"{len(data)}" if len(data) <= _BYTES else f"more than {_BYTES}"
        raise InputError(f"{path} holds {got} bytes, expected a zlib file of {_BYTES}, 3 x 500 x 500; copy it again")
    return np.frombuffer(data, np.uint8).reshape(_SHAPE)


def _source_of_folder(found: list[tuple[int, Path]]) -> int:
    """The identity of a folder: numbers and sizes of its maps, and the first of them."""
    return stable_hash([[number, path.stat().st_size] for number, path in found], source_of(found[0][1]))


def _event(chosen: list[tuple[int, Path]], labels: Mapping[str, NDArray[np.int64]], source: int) -> Table:
    """The table `event` of some files."""
    unknown = np.full(len(_EVENT), -1)
    rows = np.stack([labels.get(str(number), unknown) for number, _ in chosen])
    ids = event_table(source, np.array([number for number, _ in chosen]))
    columns = {name: torch.from_numpy(rows[:, i].copy()) for i, name in enumerate(_EVENT)}
    return ids.with_columns(columns, about=_EVENT)


class _PlainUnpickler(pickle.Unpickler):
    """Loads numbers, strings, lists and mappings; anything that names code is refused before it is found."""

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 (the signature of the base class)
        raise InputError(f"the labels name the code {module}.{name}, expected plain numbers; do not use this file")

    def persistent_load(self, pid: Any) -> Any:  # noqa: ANN401 (the signature of the base class)
        raise InputError("the labels refer to objects elsewhere, expected plain numbers; do not use this file")


def _check_opcodes(file: IO[bytes]) -> None:
    """Refuses a pickle that does anything but build numbers, texts, lists and mappings, before any of it is done.

    Tuples are not among them: nested ones make a mapping that never ends to be built.
    """
    for opcode, _, _ in pickletools.genops(file):
        if opcode.name not in _PLAIN:
            raise InputError(f"the labels have the opcode {opcode.name}, expected plain numbers; do not use this file")


def _shown(values: object) -> str:
    """A few words on labels that are none: lists may hold each other, so that they are not printed."""
    return f"{len(values)} of them" if isinstance(values, list) else f"of type {type(values).__name__}"


def labels_of(path: Path) -> dict[str, NDArray[np.int64]]:
    """Labels (7,) of events by their number as text, of a file `partition.p`.

    Raises:
        InputError: If it holds anything but lists, mappings, strings and numbers, or others than expected.
    """
    if path.stat().st_size > _MOST_LABELS:
        raise InputError(f"{path} has {path.stat().st_size} bytes, expected at most {_MOST_LABELS} of labels")
    with path.open("rb") as file:
        try:
            _check_opcodes(file)
            file.seek(0)
            content = _PlainUnpickler(file).load()
        except InputError as error:
            raise InputError(f"{path}: {error}") from None
        except Exception as error:
            raise InputError(f"{path} is no readable list of labels ({type(error).__name__}); copy it again") from None
    found = content[1] if isinstance(content, list) and len(content) == 2 else None
    if not isinstance(found, dict):
        raise InputError(f"{path} holds {type(content).__name__}, expected a list of numbers and a mapping of labels")
    n = len(_EVENT)
    for key, values in found.items():  # keys are texts or numbers, for there are no opcodes of anything else
        if not isinstance(values, list) or len(values) != n or not all(isinstance(v, int) for v in values):
            raise InputError(f"label '{str(key)[:20]}' of {path} is {_shown(values)}, expected {n} integers; copy it")
    return {str(key): np.array(values, np.int64) for key, values in found.items()}


DUNE_CVN = Format("dune-cvn", "DUNE CVN pixel maps (zlib files, or their folder)", "seen", _recognises, read_dune_cvn)
