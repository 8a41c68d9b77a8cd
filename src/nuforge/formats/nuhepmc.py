"""NuHepMC: events of neutrino generators in the ASCII form of HepMC3 (version 3 of its text).

A line begins with what it is: `E` an event (number, vertices, particles), `U` its units, `W` its weights, `A` an
attribute (of the event if its number is 0), `P` a particle (number, where from, PDG, momentum, energy, mass, status),
`V` a vertex (number, status, the particles that come in, position). A particle comes from a vertex (negative), or from
another particle (positive), or from nowhere (0).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from nuforge import units
from nuforge.errors import InputError
from nuforge.events import Events
from nuforge.formats.format import Format
from nuforge.formats.generators import BEAM, OWN_STATUS, STRUCK, TARGET, Generated, current_of, probes
from nuforge.formats.glimpse import Glimpse, Kind
from nuforge.formats.identity import source_of

_BEGIN, _END = b"HepMC::Asciiv3-START_EVENT_LISTING", "HepMC::Asciiv3-END_EVENT_LISTING"
_ENERGIES = {"MEV": units.MeV, "GEV": units.GeV}
_LENGTHS = {"MM": units.mm, "CM": units.cm}
_KNOWN = (1, 2, 3, BEAM, TARGET, STRUCK)
_LONGEST = 1 << 20  # characters of a line
_MOST = 1_000_000  # particles of an event


@dataclass
class _Record:
    """One event as its lines say."""

    number: int
    particles: list[list[float]] = field(default_factory=list)  # from, pdg, px, py, pz, E, status
    incoming: dict[int, int] = field(default_factory=dict)  # of a vertex, the first particle that comes in
    weight: float = 1.0
    mode: int = 0
    position: tuple[float, ...] = (np.nan, np.nan, np.nan)
    time: float = np.nan
    energy_unit: float = units.GeV
    length_unit: float = units.mm

    def parents(self) -> list[int]:
        """The particle that each particle comes from, -1 for none, counted from 0."""
        origins = [int(row[0]) for row in self.particles]
        return [(origin if origin > 0 else self.incoming.get(origin, 0)) - 1 for origin in origins]


def _recognises(seen: Glimpse) -> bool:
    return seen.kind is Kind.BYTES and _BEGIN in seen.head and seen.head.lstrip().startswith(b"HepMC::Version")


def read_nuhepmc(path: Path, batch_events: int = 64) -> Iterator[Events]:
    """The events of a file, some at a time, in bounded memory.

    Yields:
        `event`, `interactions` (vertex from `lab_pos`, whose fourth number is seconds; mode as the file has it) and
        `particles`; a particle with several parents has the first.

    Raises:
        InputError: If a line is not as HepMC3 writes it, or the file is cut short.
    """
    source = source_of(path)
    records: list[_Record] = []
    for record in _records(path):
        records.append(record)
        if len(records) == batch_events:
            yield _events(records, source)
            records = []
    if records:
        yield _events(records, source)


def _records(path: Path) -> Iterator[_Record]:
    """The events of a file, one by one, as text comes."""
    record: _Record | None = None
    ended = False
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(iter(lambda: file.readline(_LONGEST), ""), start=1):
            if line.startswith(_END):
                ended = True
                break
            kind, _, rest = line.partition(" ")
            if kind == "E" and record is not None:
                yield record
            try:
                record = _read_line(kind, rest.split(), record)
            except (ValueError, IndexError, KeyError, OverflowError):
                raise InputError(
                    f"line {number} of {path} is not as HepMC3 writes it: {line[:80].rstrip()!r}; copy it again"
                ) from None
    if not ended:
        raise InputError(f"{path} is cut short: it does not end with {_END}; copy or write it again")
    if record is not None:
        yield record


def _read_line(kind: str, words: list[str], record: _Record | None) -> _Record | None:
    """The record with what a line says; a new one if an event begins."""
    if kind == "E":
        return _Record(int(words[0]))
    if record is None:
        return None
    if kind == "P":
        if int(words[0]) != len(record.particles) + 1 or len(record.particles) >= _MOST:
            raise ValueError
        record.particles.append([*map(float, words[1:7]), float(words[8])])
    elif kind == "V":
        incoming = words[2].strip("[]").split(",")
        if incoming[0]:
            record.incoming[int(words[0])] = int(incoming[0])
    elif kind == "U":
        record.energy_unit, record.length_unit = _ENERGIES[words[0].upper()], _LENGTHS[words[1].upper()]
    elif kind == "W":
        record.weight = float(words[0])
    elif kind == "A" and words[0] == "0":
        if words[1] in ("signal_process_id", "ProcID"):
            record.mode = int(words[2])
        elif words[1] in ("lab_pos", "LabPos"):
            record.position = tuple(map(float, words[2:5]))
            record.time = float(words[5]) * units.s if len(words) > 5 else np.nan
    return record


def _events(records: list[_Record], source: int) -> Events:
    """Events of records."""
    counts = np.array([len(record.particles) for record in records], dtype=np.int64)
    rows = np.array([row for record in records for row in record.particles], dtype=np.float64).reshape(-1, 7)
    first = np.repeat(np.cumsum(counts) - counts, counts)
    parent = np.array([each for record in records for each in record.parents()], dtype=np.int64)
    if (parent >= np.repeat(counts, counts)).any():
        raise InputError("a particle comes from one that its event does not have; copy or write the file again")
    energy_unit = np.repeat([record.energy_unit for record in records], counts)
    status = rows[:, 6].astype(np.int64)
    status = np.where(np.isin(status, _KNOWN), status, status + OWN_STATUS)
    batch = np.repeat(np.arange(len(records)), counts)
    pdg, energies = rows[:, 1].astype(np.int64), rows[:, 5] * energy_unit
    neutrino, energy = probes(pdg, energies, status, counts)
    mode = np.array([record.mode for record in records], dtype=np.int64)
    vertex = np.array([record.position for record in records]) * np.array([[record.length_unit] for record in records])
    return Generated(
        event=np.array([record.number for record in records], dtype=np.int64),
        weight=np.array([record.weight for record in records]),
        neutrino=neutrino,
        energy=energy,
        mode=mode,
        current=current_of(mode),
        vertex=vertex,
        time=np.array([record.time for record in records]),
        counts=counts,
        pdg=pdg,
        status=status,
        parent=np.where(parent >= 0, parent + first, -1),
        start=vertex[batch],
        momentum=rows[:, 2:5] * energy_unit[:, None],
        particle_energy=energies,
    ).events(source)


NUHEPMC = Format("nuhepmc", "NuHepMC (HepMC3 text, version 3)", "seen", _recognises, read_nuhepmc)
