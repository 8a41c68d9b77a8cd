"""Truth of NEXT's files: particles and energy deposits of nexus, in its three layouts.

Since 2020 every row has its `event_id`; before, `extents` has the last row of each event; and before that one table
`MCTracks` has a row a deposit, which repeats its particle. Deposits are points: segments without a length.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from numpy.typing import NDArray
from particle import Particle

from nuforge import units
from nuforge.errors import InputError
from nuforge.events import Column, Process, Table
from nuforge.formats.ancestry import Numbering
from nuforge.formats.distinct import distinct, merged
from nuforge.formats.geant4 import processes_of_names
from nuforge.formats.hdf5 import dataset_of, whole
from nuforge.formats.ragged import Spans, places_of
from nuforge.formats.ragged_table import RaggedTable

Integers = NDArray[np.int64]
Fields = Mapping[str, NDArray[Any]]

GROUPS = ("MC", "Run")
_MOST_PARTICLES = 1 << 30

VOLUMES = ("", "ACTIVE", "BUFFER")
_VOLUME = Column("", "where of the detector; nothing for other volumes", "truth", names=VOLUMES)
_LENGTH = Column("cm", "path length, not known", "truth")
_KINETIC = Column("MeV", "kinetic energy at its start", "truth")

_NAMES = {
    "anti_nu_e": -12,
    "nu_e": 12,
    "anti_nu_mu": -14,
    "nu_mu": 14,
    "anti_nu_tau": -16,
    "nu_tau": 16,
    "proton": 2212,
    "neutron": 2112,
    "deuteron": 1000010020,
    "triton": 1000010030,
    "He3": 1000020030,
    "alpha": 1000020040,
    "opticalphoton": 0,
}
"""PDG numbers of names that only Geant4 has."""

_ALIASES = {
    "event_id": ("event_indx",),
    "number": ("particle_id", "particle_indx", "mctrk_indx"),
    "parent": ("mother_id", "mother_indx"),
    "time": ("hit_time",),
    "energy": ("hit_energy",),
    "volume": ("label",),
}


@lru_cache(maxsize=4096)
def pdg_of_name(name: str) -> int:
    """The PDG number of a particle by Geant4's name, such as `e-`, `Tl208` or `Pb208[583.187]`; 0 if it has none."""
    name = re.sub(r"\[.*", "", name)
    if name in _NAMES:
        return _NAMES[name]
    found = Particle.findall(name=name)
    return int(found[0].pdgid) if found else 0


def _pdgs(names: NDArray[Any]) -> Integers:
    """PDG numbers (N,) of names (N,)."""
    known, which = distinct(names)
    return np.array([pdg_of_name(_word(name)) for name in known], dtype=np.int64)[which]


def _word(name: object) -> str:
    return name.decode("ascii", "replace") if isinstance(name, bytes) else str(name)


@dataclass(frozen=True)
class Truth:
    """The truth of a file: the numbers of its events, and for some of them (B,), sorted, two tables."""

    events: Integers
    tables: Callable[[Integers], dict[str, Table]]


def truth_of(path: Path, file: h5py.File) -> Truth | None:
    """The truth of a file, none if it has none.

    Raises:
        InputError: If it is damaged.
    """
    if isinstance(file.get("MC/MCTracks"), h5py.Dataset):
        return _of_tracks(path, file)
    group = next((file[name] for name in GROUPS if isinstance(file.get(f"{name}/hits"), h5py.Dataset)), None)
    if group is None:
        return None
    particles, hits = (RaggedTable(path, dataset_of(path, group, name), _ALIASES, ()) for name in ("particles", "hits"))
    _check(path, particles, hits)
    if "event_id" in hits.names and "event_id" in particles.names:
        return _of_rows(particles, hits)
    return _of_extents(path, group, particles, hits)


def _check(path: Path, particles: RaggedTable, hits: RaggedTable) -> None:
    """Refuse tables without the columns that nothing can stand for."""
    for table, needed in (
        (particles, ({"particle_name"}, {"number"}, {"momentum", "initial_momentum_x"})),
        (hits, ({"energy"}, {"number"}, {"hit_position", "x"})),
    ):
        missing = [sorted(names) for names in needed if not names & set(table.names)]
        if missing:
            raise InputError(
                f"'{table.dataset.name}' of {path} lacks {missing}, it has {list(table.names)}; write it as nexus does"
            )


def _of_rows(particles: RaggedTable, hits: RaggedTable) -> Truth:
    """The newest layout."""
    of_particles, of_hits = particles.indexed(), hits.indexed()

    def tables(events: Integers) -> dict[str, Table]:
        rows, deposits = of_particles.rows_of(events), of_hits.rows_of(events)
        return _tables(len(events), rows.event, rows.columns, deposits.event, deposits.columns)

    return Truth(merged(of_particles.events, of_hits.events), tables)


def _of_extents(path: Path, group: h5py.Group, particles: RaggedTable, hits: RaggedTable) -> Truth:
    """The layout with the last row of each event."""
    extents = dataset_of(path, group, "extents")
    missing = [name for name in ("evt_number", "last_hit", "last_particle") if name not in (extents.dtype.names or ())]
    if missing:
        raise InputError(f"'{extents.name}' of {path} lacks {missing}; write it as nexus does")
    rows = whole(path, extents)
    numbers = rows["evt_number"].astype(np.int64)
    spans = [
        Spans.of_cumulative(rows[field].astype(np.int64) + 1, len(table.dataset), f"'{field}' of {path}")
        for field, table in (("last_particle", particles), ("last_hit", hits))
    ]
    known, place = np.unique(numbers, return_index=True)

    def tables(events: Integers) -> dict[str, Table]:
        found = places_of(events, known)
        there = found >= 0
        parts = []
        chosen = place[found[there]]
        for table, span in zip((particles, hits), spans, strict=True):
            rows, counts = _gathered(table.dataset, span.first[chosen], span.count[chosen])
            event = np.repeat(np.flatnonzero(there), counts)
            parts.append((event, {name: rows[field] for name, field in table.names.items()}))
        (of_particles, fields), (of_hits, deposits) = parts
        return _tables(len(events), of_particles, fields, of_hits, deposits)

    return Truth(known, tables)


def _gathered(dataset: h5py.Dataset, first: Integers, count: Integers) -> tuple[NDArray[Any], Integers]:
    """Rows of events end to end, read in one piece, and how many each has (B,)."""
    filled = count > 0
    if not filled.any():
        return dataset[:0], count
    begin, end = first[filled], (first + count)[filled]
    low = int(begin.min())
    rows = dataset[low : int(end.max())]
    if (begin[1:] == end[:-1]).all():
        return rows, count
    place = np.repeat(first - low - (np.cumsum(count) - count), count) + np.arange(int(count.sum()))
    return rows[place], count


def _of_tracks(path: Path, file: h5py.File) -> Truth:
    """The oldest layout: a row a deposit, with its particle."""
    needed = ("event_id", "number", "pdg_code", "momentum", "initial_vertex", "hit_position", "energy")
    aliases = {**_ALIASES, "energy": ("hit_energy",), "kinetic": ("energy",)}
    table = RaggedTable(path, dataset_of(path, file, "MC/MCTracks"), aliases, needed)
    table.names["kinetic"], table.names["energy"] = "energy", "hit_energy"
    indexed = table.indexed()

    def tables(events: Integers) -> dict[str, Table]:
        rows = indexed.rows_of(events)
        key = rows.event * _MOST_PARTICLES + rows["number"].astype(np.int64)
        _, one = np.unique(key, return_index=True)
        one = np.sort(one)
        particles = {name: rows[name][one] for name in table.names}
        particles["kin_energy"] = particles.pop("kinetic")
        return _tables(len(events), rows.event[one], particles, rows.event, rows.columns)

    return Truth(indexed.events, tables)


def _vector(fields: Fields, whole: str, parts: str) -> NDArray[np.float64]:
    """A vector (N, 3) that is one field, or three with x, y and z in the place of `{}`."""
    if whole in fields:
        return fields[whole][:, :3].astype(np.float64)
    found = np.full((len(next(iter(fields.values()))), 3), np.nan)
    for i, axis in enumerate("xyz"):
        if parts.format(axis) in fields:
            found[:, i] = fields[parts.format(axis)]
    return found


def _tables(n: int, of_particles: Integers, fields: Fields, of_hits: Integers, deposits: Fields) -> dict[str, Table]:
    """Particles and segments of n events.

    Args:
        n: Events.
        of_particles: (P,) event of each particle, sorted.
        fields: Their fields.
        of_hits: (H,) event of each deposit, sorted.
        deposits: Their fields.
    """
    number = fields["number"].astype(np.int64)
    numbering = Numbering.of(of_particles, number)
    names = fields["particle_name"] if "particle_name" in fields else np.zeros(len(number), "S1")
    pdg = _pdgs(names)
    kinetic = fields["kin_energy"].astype(np.float64) if "kin_energy" in fields else np.full(len(number), np.nan)
    if "parent" in fields:
        primary = fields["primary"] != 0 if "primary" in fields else fields["parent"].astype(np.int64) <= 0
        parent = np.where(primary, -1, numbering.rows_of(of_particles, fields["parent"]))
    else:
        primary, parent = np.zeros(len(number), bool), np.full(len(number), -1)
    creator = fields["creator_proc"] if "creator_proc" in fields else np.zeros(len(number), "S1")
    process = np.where(primary, int(Process.PRIMARY), processes_of_names(creator, pdg, np.nan_to_num(kinetic)))
    particles = {
        "pdg": torch.from_numpy(pdg),
        "parent": torch.from_numpy(parent.astype(np.int64)),
        "process": torch.from_numpy(process.astype(np.int64)),
        "start": _floats(_vector(fields, "initial_vertex", "initial_{}") * units.mm),
        "time": torch.from_numpy(_time(fields)),
        "momentum": _floats(_vector(fields, "momentum", "initial_momentum_{}")),
        "kinetic_energy": _floats(kinetic),
    }
    position = _floats(_vector(deposits, "hit_position", "{}") * units.mm)
    when = deposits["time"].astype(np.float64) if "time" in deposits else np.full(len(of_hits), np.nan)
    segments = {
        "start": position,
        "end": position,
        "time": torch.from_numpy(when),
        "energy": _floats(deposits["energy"]),
        "length": torch.full((len(of_hits),), torch.nan),
        "particle": torch.from_numpy(numbering.rows_of(of_hits, deposits["number"].astype(np.int64))),
        "volume": torch.from_numpy(_volumes(deposits, len(of_hits))),
    }
    return {
        "particles": Table.from_counts(particles, _counts(of_particles, n), about={"kinetic_energy": _KINETIC}),
        "segments": Table.from_counts(segments, _counts(of_hits, n), about={"volume": _VOLUME, "length": _LENGTH}),
    }


def _time(fields: Fields) -> NDArray[np.float64]:
    """When particles began (N,), ns."""
    if "initial_vertex" in fields and fields["initial_vertex"].shape[1:] == (4,):
        return fields["initial_vertex"][:, 3].astype(np.float64)
    n = len(fields["number"])
    return fields["initial_t"].astype(np.float64) if "initial_t" in fields else np.full(n, np.nan)


def _volumes(deposits: Fields, n: int) -> Integers:
    """Numbers (N,) of the volumes of deposits."""
    if "volume" not in deposits:
        return np.zeros(n, np.int64)
    known, which = distinct(deposits["volume"])
    numbers = [VOLUMES.index(word) if (word := _word(name)) in VOLUMES else 0 for name in known]
    return np.array(numbers, dtype=np.int64)[which]


def _counts(event: Integers, n: int) -> torch.Tensor:
    return torch.from_numpy(np.bincount(event, minlength=n).astype(np.int64))


def _floats(values: NDArray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
