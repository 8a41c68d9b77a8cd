"""Who was there: particles and interactions of files of energy deposits, their numbers made row numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nuforge.events.process import Process
from nuforge.formats.geant4 import masses, processes_of_names, processes_of_subtypes
from nuforge.formats.ragged_table import Rows

Integers = NDArray[np.int64]
Reals = NDArray[np.floating]

_BITS = 34
_SPAN = 1 << _BITS  # above twice any number of a track or vertex: those are 32 bits wide in files


def _key(event: Integers, number: NDArray) -> Integers:
    """One number for an event of the batch and a number within it."""
    return event.astype(np.int64) * _SPAN + (number.astype(np.int64) + _SPAN // 2)


@dataclass(frozen=True)
class Numbering:
    """Where the numbers of a file are among the rows of a table; they need be neither sorted nor without gaps.

    Most often they count up in each event: a number is looked up where it then is, and searched if it is not there.
    """

    sorted_keys: Integers
    row: Integers

    @classmethod
    def of(cls, event: Integers, number: NDArray) -> Numbering:
        """The numbering of rows (N,) by their event and number."""
        keys = _key(event, number)
        if (keys[1:] >= keys[:-1]).all():
            return cls(keys, np.arange(len(keys)))
        order = np.argsort(keys, kind="stable")
        return cls(keys[order], order)

    @cached_property
    def _base(self) -> Integers:
        """What is added to a key of each event for the place that it has if numbers count up from the first one."""
        rows = np.bincount(self.sorted_keys >> _BITS)
        first: Integers = np.minimum(np.cumsum(rows) - rows, len(self.sorted_keys) - 1)
        base: Integers = first - self.sorted_keys[first]
        return base

    def rows_of(self, event: Integers, number: NDArray) -> Integers:
        """The row (M,) of each event and number, -1 where there is none."""
        if not len(self.row):
            return np.full(len(event), -1)
        first, length = _runs(event, number)
        if len(first) < len(event):
            repeated: Integers = np.repeat(self.rows_of(event[first], number[first]), length)
            return repeated
        keys, last = _key(event, number), len(self.row) - 1
        place = np.clip(keys + self._base[np.minimum(event, len(self._base) - 1)], 0, last)
        elsewhere = np.flatnonzero(self.sorted_keys[place] != keys)
        place[elsewhere] = np.minimum(np.searchsorted(self.sorted_keys, keys[elsewhere]), last)
        found: Integers = self.row[place]
        found[elsewhere[self.sorted_keys[place[elsewhere]] != keys[elsewhere]]] = -1
        return found


def _runs(event: Integers, number: NDArray) -> tuple[Integers, Integers]:
    """Where rows of one event and number that follow each other begin (R,), and how many they are (R,)."""
    new = (event[1:] != event[:-1]) | (number[1:] != number[:-1])
    first = np.concatenate([np.zeros(min(len(event), 1), np.int64), np.flatnonzero(new) + 1])
    return first, np.diff(np.append(first, len(event)))


@dataclass(frozen=True)
class Interactions:
    """Interactions of a batch, by event: positions (I, 3) cm and times (I,) ns."""

    event: Integers
    vertex: Reals
    time: Reals
    numbering: Numbering


@dataclass(frozen=True)
class Particles:
    """Particles of a batch, by event, as the columns of the table `particles`."""

    event: Integers
    pdg: Integers
    parent: Integers
    process: Integers
    start: Reals
    time: Reals
    momentum: Reals
    interaction: Integers
    numbering: Numbering

    def rows_of(self, event: Integers, number: NDArray) -> Integers:
        """The particle of each event and track number, -1 where there is none."""
        return self.numbering.rows_of(event, number)


def interactions_of(rows: Mapping[str, Rows], length: float, time: float) -> Interactions:
    """The interactions of a batch: the file's vertices, or where primaries with one interaction number began.

    Args:
        rows: Tables of the file by name.
        length: Unit of length of the file.
        time: Unit of time of the file.
    """
    if "vertices" in rows:
        table = rows["vertices"]
        number, vertex = table["vertex_id"], table.vector("x_vert", "y_vert", "z_vert")
        when = table["t_vert"].astype(np.float64) if "t_vert" in table else np.zeros(len(table))
    elif "primaries" in rows and {"interaction_id", "x", "y", "z"} <= set(rows["primaries"].columns):
        table = rows["primaries"]
        number, vertex, when = table["interaction_id"], table.vector("x", "y", "z"), np.zeros(len(table))
    else:
        nothing = np.zeros(0, np.int64)
        return Interactions(nothing, np.zeros((0, 3)), np.zeros(0), Numbering(nothing, nothing))
    _, first = np.unique(_key(table.event, number), return_index=True)
    first = np.sort(first)
    event = table.event[first]
    numbering = Numbering.of(event, number[first])
    return Interactions(event, vertex[first] * length, when[first] * time, numbering)


def particles_of(
    rows: Mapping[str, Rows], interactions: Interactions, length: float, energy: float, time: float
) -> Particles:
    """The particles of a batch: its trajectories, primaries that have none, and tracks that only left deposits.

    Args:
        rows: Tables of the file by name.
        interactions: The interactions of the batch.
        length: Unit of length of the file.
        energy: Unit of energy of the file.
        time: Unit of time of the file.
    """
    parts = [_from_trajectories(rows["trajectories"])] if "trajectories" in rows else []
    if "primaries" in rows:
        parts.append(_from_primaries(rows["primaries"]))
    parts.append(_from_segments(rows["segments"]))
    own = _joined(parts)
    numbering = Numbering.of(own["event"], own["number"])
    parent = numbering.rows_of(own["event"], own["parent"])
    parent[parent == np.arange(len(parent))] = -1
    began_in = interactions.numbering.rows_of(own["event"], own["interaction"])
    if "primaries" in rows and "interaction_id" in rows["primaries"]:
        primaries = rows["primaries"]
        where = numbering.rows_of(primaries.event, primaries["traj_id"])
        began_in[where] = interactions.numbering.rows_of(primaries.event, primaries["interaction_id"])
    interaction = inherited(began_in, parent)
    return Particles(
        event=own["event"],
        pdg=own["pdg"],
        parent=parent,
        process=own["process"],
        start=own["start"] * length,
        time=_times(own, interaction, interactions, time),
        momentum=_momentum(own, energy),
        interaction=interaction,
        numbering=numbering,
    )


def _joined(parts: Sequence[dict[str, NDArray]]) -> dict[str, NDArray]:
    """Particles of several parts by event, each once: the first of the same track is the one that knows most."""
    _, first = np.unique(np.concatenate([_key(part["event"], part["number"]) for part in parts]), return_index=True)
    is_first = np.zeros(sum(len(part["event"]) for part in parts), bool)
    is_first[first] = True
    kept, begin = [], 0
    for part in parts:
        mine = is_first[begin : begin + len(part["event"])]
        begin += len(mine)
        if mine.any():
            kept.append(part if mine.all() else {name: values[mine] for name, values in part.items()})
    if len(kept) == 1:
        joined = kept[0]
    else:
        joined = {name: np.concatenate([part[name] for part in kept or parts]) for name in parts[0]}
    event = joined["event"]
    if (event[1:] >= event[:-1]).all():
        return joined
    order = np.argsort(event, kind="stable")
    return {name: values[order] for name, values in joined.items()}


def inherited(value: Integers, parent: Integers) -> Integers:
    """Each row's value, or where it is -1 that of its nearest ancestor that has one.

    Args:
        value: (N,) int64, -1 for none.
        parent: (N,) int64 row of the parent, -1 for none.

    Returns:
        (N,) int64. Every round doubles the distance looked at, so the number of rounds is that of the depth's digits.
    """
    here = np.arange(len(value))
    ancestor = np.where((value >= 0) | (parent < 0), here, parent)
    for _ in range(len(value).bit_length() + 1):
        further = ancestor[ancestor]
        if (further == ancestor).all():
            break
        ancestor = further
    return value[ancestor]


def _times(own: Mapping[str, NDArray], interaction: Integers, interactions: Interactions, time: float) -> Reals:
    """When particles began (N,), in ns: as the file says, else primaries with their interaction, NaN for others."""
    known = own["time"] * time
    of_interaction = np.append(interactions.time, np.nan)[interaction]
    return np.where(np.isnan(known) & (own["process"] == Process.PRIMARY), of_interaction, known)


def _momentum(own: Mapping[str, NDArray], energy: float) -> Reals:
    """Momenta (N, 3) in MeV: those of the file, else from kinetic energy and direction by p^2 = T (T + 2 m)."""
    momentum = own["momentum"] * energy
    lacking = np.flatnonzero(np.isnan(momentum).any(axis=1))
    if len(lacking):
        kinetic = own["kinetic_energy"][lacking] * energy
        size = np.sqrt(kinetic * (kinetic + 2 * masses(own["pdg"][lacking])))
        known = momentum[lacking]
        momentum[lacking] = np.where(np.isnan(known), size[:, None] * own["direction"][lacking], known)
    return momentum


def _blank(rows: Rows) -> dict[str, NDArray]:
    """The columns of particles of which nothing is known but event and number."""
    n = len(rows)
    return {
        "event": rows.event,
        "number": rows["traj_id"].astype(np.int64),
        "pdg": rows["pdg_id"].astype(np.int64) if "pdg_id" in rows else np.zeros(n, np.int64),
        "parent": np.full(n, -1),
        "process": np.full(n, int(Process.UNKNOWN)),
        "interaction": rows["vertex_id"].astype(np.int64) if "vertex_id" in rows else np.full(n, -1),
        "start": np.full((n, 3), np.nan),
        "time": np.full(n, np.nan),
        "kinetic_energy": np.full(n, np.nan),
        "direction": np.full((n, 3), np.nan),
        "momentum": np.full((n, 3), np.nan),
    }


def _from_trajectories(rows: Rows) -> dict[str, NDArray]:
    """Particles of the table `trajectories`."""
    part = _blank(rows)
    part["parent"] = rows["parent_id"].astype(np.int64)
    for name, vector, scalars in (
        ("start", "xyz_start", ("x_start", "y_start", "z_start")),
        ("momentum", "pxyz_start", ("px_start", "py_start", "pz_start")),
        ("direction", "dir", ("dir_x", "dir_y", "dir_z")),
    ):
        if vector in rows:
            part[name] = rows[vector].astype(np.float64)
        elif all(scalar in rows for scalar in scalars):
            part[name] = rows.vector(*scalars)
    if "t_start" in rows:
        part["time"] = rows["t_start"].astype(np.float64)
    if "ke_start" in rows:
        part["kinetic_energy"] = rows["ke_start"].astype(np.float64)
    part["process"] = _processes(rows, part)
    return part


def _processes(rows: Rows, part: Mapping[str, NDArray]) -> Integers:
    """How the trajectories began: Geant4's names, or its numbers as edep-sim writes them."""
    if "start_process" not in rows:
        return part["process"]
    words = rows["start_process"]
    if words.dtype.kind in "SUO":
        names = words if words.dtype.kind == "S" else words.astype("S64")
        return processes_of_names(names, part["pdg"], part["kinetic_energy"])
    subtype = "start_subprocess" if "start_subprocess" in rows else "start_process"
    return processes_of_subtypes(rows[subtype].astype(np.int64), part["parent"] < 0)


def _from_primaries(rows: Rows) -> dict[str, NDArray]:
    """Particles of the table `primaries`."""
    part = _blank(rows)
    part["process"] = np.full(len(rows), int(Process.PRIMARY))
    if all(name in rows for name in ("x", "y", "z")):
        part["start"] = rows.vector("x", "y", "z")
    if all(name in rows for name in ("ke", "dir_x", "dir_y", "dir_z")):
        part["kinetic_energy"] = rows["ke"].astype(np.float64)
        part["direction"] = rows.vector("dir_x", "dir_y", "dir_z")
    return part


def _from_segments(rows: Rows) -> dict[str, NDArray]:
    """Particles of the deposits: each track begins where its first deposit does."""
    runs, _ = _runs(rows.event, rows["traj_id"])
    _, first = np.unique(_key(rows.event[runs], rows["traj_id"][runs]), return_index=True)
    place = ("x_start", "y_start", "z_start")
    tracks = rows.at(runs[first], ("traj_id", "pdg_id", "vertex_id", *place))
    return _blank(tracks) | {"start": tracks.vector(*place)}
