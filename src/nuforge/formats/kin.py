"""sntools' and WCSim's kinematics files (.kin): text in NUANCE's tracker format, lines `$ name values`.

`$ begin`, `$ nuance <code>`, `$ vertex x y z t` (cm, ns), `$ track <pdg> <total energy, MeV> <direction> <status>` (-1
comes in, 0 goes out, -2 inside the nucleus), `$ info ...`, `$ end`; a file may close with `$ stop`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from nuforge.errors import InputError
from nuforge.events import Events
from nuforge.formats.format import Format
from nuforge.formats.geant4 import masses
from nuforge.formats.generators import (
    BEAM,
    COHERENT,
    DEEP,
    DOCUMENTATION,
    FINAL,
    OTHER,
    OWN_STATUS,
    QUASI_ELASTIC,
    RESONANT,
    TARGET,
    Generated,
    current_of,
    probes,
)
from nuforge.formats.glimpse import Glimpse, Kind
from nuforge.formats.identity import source_of

_LONGEST = 1 << 16  # characters of a line
_MOST = 1_000_000  # tracks of an event
_NEUTRINOS = (12, 14, 16)
_MODES = {
    1: QUASI_ELASTIC,
    2: QUASI_ELASTIC + 50,
    **dict.fromkeys((3, 4, 5, 10, 11, 12), RESONANT),
    **dict.fromkeys((6, 7, 8, 9, 13, 14, 15, 16), RESONANT + 50),
    91: DEEP,
    92: DEEP + 50,
    95: QUASI_ELASTIC,
    96: COHERENT + 50,
    97: COHERENT,
    98: OTHER + 50,
    99: OTHER,
}
"""NuHepMC's number of NUANCE's reaction codes (D. Casper, NUANCE manual); the others stay 0."""


@dataclass
class _Record:
    """One event as its lines say."""

    mode: int = 0
    vertex: tuple[float, ...] = (np.nan, np.nan, np.nan, np.nan)
    tracks: list[list[float]] = field(default_factory=list)  # pdg, energy, direction, status


def _recognises(seen: Glimpse) -> bool:
    words = seen.head.split(None, 2)[:2]
    return seen.kind is Kind.BYTES and words in ([b"$", b"begin"], [b"$", b"info"]) and b"$ track" in seen.head


def read_kin(path: Path, batch_events: int = 64) -> Iterator[Events]:
    """The events of a file, some at a time; the number of an event is its place in the file.

    Raises:
        InputError: If a line is not as expected, or the last event does not end.
    """
    source, first = source_of(path), 0
    records: list[_Record] = []
    for record in _records(path):
        records.append(record)
        if len(records) == batch_events:
            yield _events(records, first, source)
            first += len(records)
            records = []
    if records:
        yield _events(records, first, source)


def _records(path: Path) -> Iterator[_Record]:
    """The events of a file, one by one, as text comes."""
    record: _Record | None = None
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(iter(lambda: file.readline(_LONGEST), ""), start=1):
            words = line.split()
            try:
                if words[:2] == ["$", "begin"]:
                    record = _Record()
                elif words[:2] == ["$", "end"] and record is not None:
                    yield record
                    record = None
                elif words and record is not None:
                    _read_line(words, record)
            except (ValueError, IndexError, OverflowError):
                raise InputError(
                    f"line {number} of {path} is no line of a .kin file: {line[:80].rstrip()!r}; copy or write it again"
                ) from None
    if record is not None:
        raise InputError(f"{path} is cut short: its last event has no '$ end'; copy or write it again")


def _read_line(words: list[str], record: _Record) -> None:
    """Add what a line inside an event says."""
    if words[0] != "$":
        raise ValueError
    if words[1] == "nuance":
        record.mode = _MODES.get(int(words[2]), 0)
    elif words[1] == "vertex":
        record.vertex = tuple(map(float, words[2:6])) if len(words) > 5 else (*map(float, words[2:5]), np.nan)
        if len(record.vertex) != 4:
            raise ValueError
    elif words[1] == "track":
        if len(record.tracks) >= _MOST:
            raise ValueError
        record.tracks.append([float(int(words[2])), *map(float, words[3:7]), float(int(words[7]))])


def _events(records: list[_Record], first: int, source: int) -> Events:
    """Events of records."""
    n = len(records)
    counts = np.array([len(record.tracks) for record in records], dtype=np.int64)
    rows = np.array([row for record in records for row in record.tracks], dtype=np.float64).reshape(-1, 6)
    pdg, energy, own = rows[:, 0].astype(np.int64), rows[:, 1], rows[:, 5].astype(np.int64)
    light = np.isin(np.abs(pdg), _NEUTRINOS)
    status = np.select(
        [(own == -1) & light, own == -1, own == 0, own == -2], [BEAM, TARGET, FINAL, DOCUMENTATION], own + OWN_STATUS
    )
    size = np.sqrt(np.maximum(energy**2 - np.nan_to_num(masses(pdg)) ** 2, 0.0))
    vertex = np.array([record.vertex for record in records])
    mode = np.array([record.mode for record in records], dtype=np.int64)
    neutrino, neutrino_energy = probes(pdg, energy, status, counts)
    batch = np.repeat(np.arange(n), counts)
    return Generated(
        event=first + np.arange(n),
        weight=None,
        neutrino=neutrino,
        energy=neutrino_energy,
        mode=mode,
        current=current_of(mode),
        vertex=vertex[:, :3],
        time=vertex[:, 3],
        counts=counts,
        pdg=pdg,
        status=status,
        parent=np.full(len(pdg), -1),
        start=vertex[batch, :3],
        momentum=rows[:, 2:5] * size[:, None],
        particle_energy=energy,
    ).events(source)


KIN = Format("kin", "kinematics of sntools and NUANCE (.kin text)", "doc", _recognises, read_kin)
