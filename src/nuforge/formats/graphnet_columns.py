"""GraphNeT's columns: pulses and truth of neutrino telescopes by the names of IceCube, Prometheus and NuBench.

Files have m, ns, GeV and radians. IceCube's angles say where the neutrino comes from; those of Prometheus and NuBench
are of its travel (checked on the muons of an example: their hits fit a track along the angles seven times of eight).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from nuforge import units
from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.events.columns import STANDARD
from nuforge.formats.identity import event_table
from nuforge.formats.ragged import Keyed
from nuforge.formats.telescope import (
    arriving,
    doubles,
    floats,
    integers,
    neutrino_table,
    travelling,
    vectors,
)

KEY = "event_no"

POSITIONS = (("dom_x", "dom_y", "dom_z"), ("sensor_pos_x", "sensor_pos_y", "sensor_pos_z"), ("x", "y", "z"))
_TIMES = ("dom_time", "t", "time")
_STRINGS = ("string", "sensor_string_id", "string_id")
_ENERGIES = ("energy", "injection_energy", "initial_state_energy")
_NEUTRINOS = (12, 14, 16)

_PRIMARY = Column("", "PDG number of what came, a neutrino or a muon of the atmosphere, -1 unknown", "truth")

_INTEGERS = re.compile(
    r"(^|_)(type|number|hlc|awtd|auxiliary|string|pid)$|^is_|_type$|Filter_|_bool$|ID$|(^|_)id$|^stopped_muon$"
)

_MEANINGS = {
    "string": "number of the string",
    "dom_number": "number of the module on its string",
    "pmt_number": "number of the photomultiplier in its module",
    "dom_type": "kind of module",
    "width": "duration of the pulse",
    "rde": "relative efficiency of the photomultiplier",
    "pmt_area": "area of the photocathode",
    "hlc": "whether neighbours were hit too",
    "energy_track": "energy of the track",
    "energy_cascade": "energy of the cascade",
    "track_length": "length of the muon's track",
}


@dataclass(frozen=True)
class Flat:
    """Rows of a batch by event: columns of N rows each, and how many rows each event has (B,)."""

    columns: Mapping[str, NDArray]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, columns: Mapping[str, NDArray], key: NDArray[np.int64], events: NDArray[np.int64]) -> Flat:
        """Rows by their key (N,), for events (B,)."""
        keyed = Keyed.of(key, events)
        return cls({name: keyed.taken(values) for name, values in columns.items()}, keyed.counts)


def is_pulses(names: Iterable[str]) -> bool:
    """Whether columns are those of pulses or photons."""
    there = set(names)
    return any(set(position) <= there for position in POSITIONS) and bool(there & set(_TIMES))


def truth_among(tables: Mapping[str, Iterable[str]]) -> str | None:
    """Which table, by its name and columns, has what is true: that of the usual name, else the first with energies."""
    rest = {name: set(columns) for name, columns in tables.items() if not is_pulses(columns)}
    named = [name for name in ("truth", "mc_truth") if name in rest]
    return next(iter([*named, *(name for name, columns in rest.items() if columns & set(_ENERGIES))]), None)


def scale_of(name: str) -> tuple[float, str]:
    """What a column that has no standard place is multiplied with, and its unit then."""
    if name == "pmt_area":
        return units.m**2, "cm2"
    if name == "width":
        return units.ns, "ns"
    if "energy" in name:
        return units.GeV, "MeV"
    if name.endswith("_length") or re.search(r"position_[xyz]$", name):
        return units.m, "cm"
    if re.search(r"(zenith|azimuth|theta|phi)$", name):
        return 1.0, "rad"
    return 1.0, ""


def _other(name: str, values: NDArray, role_of: Callable[[str], str]) -> tuple[torch.Tensor, Column]:
    """A column without a standard place, and what it is."""
    scale, unit = scale_of(name)
    meaning = _MEANINGS.get(name, f"{name} as the file has it")
    column = Column(unit, meaning, role_of(name))  # type: ignore[arg-type]
    if _INTEGERS.search(name) or (values.dtype.kind in "iub" and scale == 1.0):
        return integers(values), column
    real = doubles(values, scale)
    if unit in ("MeV", "cm") and "position" not in name and (missing := values == -1).any():
        real[torch.from_numpy(missing)] = torch.nan
    return real, column


def pulse_table(flat: Flat) -> Table:
    """Pulses as the table `hits`, its other columns under their own names."""
    found = flat.columns
    position = next(names for names in POSITIONS if set(names) <= set(found))
    time = next(name for name in _TIMES if name in found)
    n = int(flat.counts.sum())
    columns = {
        "position": vectors([found[name] for name in position], units.m),
        "time": doubles(found[time], units.ns),
        "charge": floats(found["charge"]) if "charge" in found else torch.full((n,), torch.nan),
        "sensor": integers(found["sensor_id"]) if "sensor_id" in found else torch.full((n,), -1),
    }
    about = {name: STANDARD["hits"][name] for name in columns}
    string = next((name for name in _STRINGS if name in found), None)
    rest = {"string": found[string]} if string else {}
    used = {*position, time, "charge", "sensor_id", *_STRINGS, KEY}
    rest |= {name: values for name, values in found.items() if name not in used}
    for name, values in rest.items():
        columns[_own(name)], about[_own(name)] = _other(name, values, _role_of_hits)
    return Table.from_counts(columns, integers(flat.counts), about=about)


def _role_of_hits(name: str) -> str:
    return "truth" if re.search(r"truth|noise|signal|^mc_|id_idx", name) else "readout"


def _own(name: str) -> str:
    return name.replace(".", "_")


def other_table(flat: Flat) -> Table:
    """A table that is neither pulses nor truth: what others reconstructed."""
    made = {_own(name): _other(name, values, lambda _: "prediction") for name, values in flat.columns.items()}
    return Table.from_counts(
        {name: values for name, (values, _) in made.items()},
        integers(flat.counts),
        about={name: column for name, (_, column) in made.items()},
    )


@dataclass(frozen=True)
class _Names:
    """What one experiment calls the truth of the neutrino."""

    energy: str
    pid: str
    zenith: str
    azimuth: str
    position: tuple[str, str, str]
    current: str
    inelasticity: str
    direction: Callable[[NDArray, NDArray], NDArray[np.float64]]


XYZ = "xyz"
_TRUTH = (
    _Names(
        "injection_energy",
        "injection_type",
        "injection_zenith",
        "injection_azimuth",
        ("injection_position_x", "injection_position_y", "injection_position_z"),
        "injection_interaction_type",
        "injection_bjorkeny",
        travelling,
    ),
    _Names(
        "initial_state_energy",
        "initial_state_type",
        "initial_state_zenith",
        "initial_state_azimuth",
        ("initial_state_x", "initial_state_y", "initial_state_z"),
        "interaction",
        "bjorken_y",
        travelling,
    ),
    _Names(
        "energy",
        "pid",
        "zenith",
        "azimuth",
        ("position_x", "position_y", "position_z"),
        "interaction_type",
        "inelasticity",
        arriving,
    ),
)
DIRECTION = ("direction_x", "direction_y", "direction_z")
_IDENTITY = ("RunID", "SubrunID", "weight", "interaction_time", "interaction_mode", *DIRECTION)


def truth_tables(flat: Flat, numbers: NDArray[np.int64], source: int) -> dict[str, Table]:
    """The tables `event`, `interactions` and `truth` (what else the file says) of events with these numbers (B,)."""
    found, n = flat.columns, int(flat.counts.sum())
    first = np.concatenate([[0], np.cumsum(flat.counts)])[:-1]

    def of_event(name: str, missing: float) -> NDArray:
        """A column (B,) of the first row of each event."""
        if name not in found or not n:
            return np.full(len(numbers), missing)
        value = found[name][np.minimum(first, n - 1)]
        return np.where(flat.counts > 0, value, missing)

    run, subrun = (integers(of_event(name, 0)).numpy() for name in ("RunID", "SubrunID"))
    tables = {"event": event_table(source, numbers, run, subrun, of_event("weight", 1.0))}
    names = next((each for each in _TRUTH if each.energy in found), None)
    used = {KEY, *_IDENTITY}
    if names is not None:
        tables["interactions"] = _interactions(flat, names, n)
        used |= {names.energy, names.pid, names.zenith, names.azimuth, *names.position}
        used |= {names.current, names.inelasticity}
    rest = {name: values for name, values in found.items() if name not in used}
    if rest:
        made = {_own(name): _other(name, values, lambda _: "truth") for name, values in rest.items()}
        about = {name: column for name, (_, column) in made.items()}
        columns = {name: values for name, (values, _) in made.items()}
        tables["truth"] = Table.from_counts(columns, integers(flat.counts), about=about)
    return tables


def _interactions(flat: Flat, names: _Names, n: int) -> Table:
    """The table `interactions`; an event of which nothing is known has none."""
    nothing = np.full(n, np.nan)

    def real(name: str, sentinel: bool = False) -> NDArray[np.float64]:
        values = np.asarray(flat.columns.get(name, nothing), np.float64)
        return np.where(values == -1, np.nan, values) if sentinel and (values == -1).any() else values

    energy = real(names.energy, sentinel=True) * units.GeV
    vertex = vectors([real(name) for name in names.position], units.m).numpy()
    pid = integers(flat.columns.get(names.pid, nothing)).numpy()
    current = _counted(flat.columns.get(names.current, nothing))
    unknown, counts = np.isnan(energy) & (pid <= 0), flat.counts
    there: slice | NDArray[np.bool_] = slice(None)  # all are taken as they are
    if unknown.any():
        there = ~(unknown & np.isnan(vertex).all(axis=1))
        event = np.repeat(np.arange(len(counts)), counts)
        counts = np.bincount(event[there], minlength=len(counts))
    if set(DIRECTION) <= set(flat.columns):
        direction = np.stack([real(name) for name in DIRECTION], axis=1)
    else:
        direction = names.direction(real(names.zenith), real(names.azimuth))
    table = neutrino_table(
        counts,
        vertex[there],
        energy[there],
        direction[there],
        np.where(np.isin(np.abs(pid), _NEUTRINOS), pid, 0)[there],
        np.maximum(current, 0)[there],
        real(names.inelasticity, sentinel=True)[there],
        real("interaction_time")[there] * units.ns if "interaction_time" in flat.columns else None,
    )
    mode = torch.from_numpy(_counted(flat.columns.get("interaction_mode", nothing))[there])
    primary = integers(pid[there])
    return table.with_columns({"mode": mode, "primary": primary}, about={"primary": _PRIMARY})


def _counted(values: NDArray) -> NDArray[np.int64]:
    """Numbers (N,) of kinds; 0 for what is not there."""
    return integers(np.nan_to_num(values, nan=0) if values.dtype.kind == "f" else values).numpy()


def events_of(numbers: NDArray[np.int64], rows: Mapping[str, Flat], source: int) -> Events:
    """Events with these numbers (B,) of rows of tables: the first with pulses is `hits`, others keep their names."""
    tables = {name: flat.columns for name, flat in rows.items()}
    pulses = [name for name, columns in tables.items() if is_pulses(columns)]
    truth = truth_among(tables)
    made = truth_tables(rows[truth] if truth else Flat({}, np.zeros(len(numbers), np.int64)), numbers, source)
    for i, name in enumerate(pulses):
        made["hits" if i == 0 else name_of(name)] = pulse_table(rows[name])
    for name, flat in rows.items():
        if name not in pulses and name != truth and flat.columns:
            made[name_of(name)] = other_table(flat)
    return Events(made)


def name_of(name: str) -> str:
    """The name of a table of the file that keeps its own."""
    plain = _own(name)
    return f"file_{plain}" if plain in STANDARD or plain == "truth" else plain


def without_events(path: Path, tables: Iterable[str] = ()) -> InputError:
    """What to say of a file that has no events."""
    empty = f": its tables {sorted(tables)} are empty" if tables else ""
    return InputError(f"{path} has no events{empty}; give one with events")


def nothing_for(path: Path) -> InputError:
    """What to say if there is nothing to write."""
    return InputError(f"there are no events to write to {path}; give some")


def number_twice() -> InputError:
    """What to say if a number of an event comes again."""
    return InputError(f"two events have one number, GraphNeT needs each '{KEY}' once; write two files")


def check_columns(now: Sequence[str], before: Sequence[str]) -> None:
    """Refuses events with other columns than those written before."""
    if list(now) != list(before):
        raise InputError(f"these events have the columns {list(now)}, those before {list(before)}; write two files")
