"""What Geant4 processes recorded, as events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nuforge.events import Events, Table
from nuforge.formats.ancestry import inherited
from nuforge.formats.geant4 import masses, processes_of_names
from nuforge.physics.kinematics import kinetic_of
from nuforge.physics.particles import is_neutrino, mass_of

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Flown:
    """The tracks and segments of one task (`recorder.Recorder.take`) and the number of its first event."""

    arrays: Mapping[str, NDArray[Any]]
    first_event: int


def deposited(events: Events, flying: Tensor, flown: Sequence[Flown]) -> Events:
    """The events with the particles and segments of all tasks.

    Args:
        events: What was given to the engine.
        flying: int64 (F,), the rows of the particles that were flown.
        flown: The tasks, in the order of their events.
    """
    tracks = {name: _joined(flown, f"track_{name}") for name in _TRACKS}
    event = _with_first(flown, tracks["event"])
    n_given, n_tracks = len(events["particles"]), len(event)
    is_given = tracks["parent"] == 0
    rows = np.zeros(n_tracks, np.int64)  # among the given ones and then the others, before they are sorted
    rows[is_given] = _given_rows(events, flying, event[is_given], tracks["number"][is_given])
    rows[~is_given] = n_given + np.arange(n_tracks - int(is_given.sum()))
    parent = rows[_track_rows(event, tracks["number"], tracks["parent"])]

    given, born = events["particles"], ~is_given
    born_event = torch.from_numpy(event[born])
    columns = {
        "pdg": torch.from_numpy(tracks["pdg"][born]),
        "parent": torch.from_numpy(parent[born]),
        "process": torch.from_numpy(_processes(tracks, born)),
        "start": torch.from_numpy(tracks["start"][born]),
        "time": torch.from_numpy(tracks["time"][born]),
        "momentum": torch.from_numpy(tracks["momentum"][born]),
        "interaction": torch.full((int(born.sum()),), -1),
    }
    escaped = torch.cat([_kept_back(given, flying), torch.full((int(born.sum()),), -1.0)])
    escaped[torch.from_numpy(rows)] = torch.from_numpy(tracks["escaped"])
    all_events = torch.cat([given.batch, born_event])
    order = torch.argsort(all_events, stable=True)
    new = torch.empty_like(order)
    new[order] = torch.arange(len(order))
    values = {name: torch.cat([given[name], column])[order] for name, column in columns.items()}
    values["escaped"] = torch.where(is_neutrino(values["pdg"]), -1, escaped[order])
    values["parent"] = torch.where(values["parent"] < 0, -1, new[values["parent"].clamp(min=0)])
    interaction = inherited(values["interaction"].numpy(), values["parent"].numpy())
    values["interaction"] = torch.from_numpy(interaction)
    particles = Table.from_counts(values, torch.bincount(all_events, minlength=len(events)))
    segments = _segments(flown, event, new[torch.from_numpy(rows)], len(events))
    return events.with_table("particles", particles).with_table("segments", segments)


def _kept_back(given: Table, flying: Tensor) -> Tensor:
    """Kinetic energies (n,) in MeV of primaries that do not fly; -1 for those that do."""
    kinetic = kinetic_of(given["momentum"].double().norm(dim=1), mass_of(given["pdg"])).float()
    kinetic[flying] = -1
    return kinetic


_TRACKS = ("event", "number", "parent", "pdg", "process", "start", "time", "momentum", "escaped")
_EMPTY: Mapping[str, NDArray[Any]] = {
    "track_event": np.zeros(0, np.int64),
    "track_number": np.zeros(0, np.int64),
    "track_parent": np.zeros(0, np.int64),
    "track_pdg": np.zeros(0, np.int64),
    "track_process": np.zeros(0, "S64"),
    "track_start": np.zeros((0, 3), np.float32),
    "track_time": np.zeros(0),
    "track_momentum": np.zeros((0, 3), np.float32),
    "track_escaped": np.zeros(0, np.float32),
    "segment_track": np.zeros(0, np.int64),
    "segment_start": np.zeros((0, 3), np.float32),
    "segment_end": np.zeros((0, 3), np.float32),
    "segment_time": np.zeros(0),
    "segment_energy": np.zeros(0, np.float32),
    "segment_length": np.zeros(0, np.float32),
}


def _joined(flown: Sequence[Flown], name: str) -> NDArray[Any]:
    """A column of all tasks."""
    return np.concatenate([_EMPTY[name], *(task.arrays[name] for task in flown)])


def _with_first(flown: Sequence[Flown], event: NDArray[Any]) -> Integers:
    """Events of all tracks, numbered within the task before."""
    first = [np.full(len(task.arrays["track_event"]), task.first_event, np.int64) for task in flown]
    numbers: Integers = event + np.concatenate([np.zeros(0, np.int64), *first])
    return numbers


def _given_rows(events: Events, flying: Tensor, event: Integers, number: NDArray[Any]) -> Integers:
    """The rows of primary tracks: Geant4 numbers those of an event from 1, in the order in which they were given."""
    counts = torch.bincount(events["particles"].batch[flying], minlength=len(events)).numpy()
    first = np.cumsum(counts) - counts
    rows: Integers = flying.numpy()[first[event] + number - 1]
    return rows


def _track_rows(event: Integers, number: NDArray[Any], wanted: NDArray[Any]) -> Integers:
    """The row (N,) of the track of that number in the same event, of any row where there is none (primaries)."""
    span = np.int64(max(number.max(initial=0), wanted.max(initial=0))) + 1
    keys = event * span + number
    order = np.argsort(keys, kind="stable")
    place = np.searchsorted(keys[order], event * span + wanted)
    rows: Integers = order[np.minimum(place, max(len(order) - 1, 0))]
    return rows


def _processes(tracks: Mapping[str, NDArray[Any]], born: NDArray[np.bool_]) -> Integers:
    """How the secondaries began."""
    pdg, momentum = tracks["pdg"][born], tracks["momentum"][born].astype(np.float64)
    mass = np.nan_to_num(masses(pdg))
    kinetic = np.sqrt((momentum**2).sum(axis=1) + mass**2) - mass
    return processes_of_names(tracks["process"][born], pdg, kinetic)


def _segments(flown: Sequence[Flown], event: Integers, row: Tensor, n_events: int) -> Table:
    """The table of segments; `event` and `row` are those of the tracks."""
    counts = [len(task.arrays["track_event"]) for task in flown]
    starts = np.repeat(np.cumsum(counts) - counts, [len(task.arrays["segment_track"]) for task in flown])
    track = _joined(flown, "segment_track") + starts.astype(np.int64)
    names = ("start", "end", "time", "energy", "length")
    columns = {name: torch.from_numpy(_joined(flown, f"segment_{name}")) for name in names}
    per_event = torch.bincount(torch.from_numpy(event[track]), minlength=n_events)
    return Table.from_counts({**columns, "particle": row[torch.from_numpy(track)]}, per_event)
