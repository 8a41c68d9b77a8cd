"""WCSim's ROOT files: simulated water Cherenkov detectors, their digitised hits, true photoelectrons and tracks.

An entry is an event; its triggers are rows of the table `triggers`. Files have cm, ns, photoelectrons and MeV. Numbers
of photomultipliers begin with 1 there and with 0 here; where they are is read from the geometry of the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from nuforge import units
from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.events.process import Process
from nuforge.formats.baskets import basket_of
from nuforge.formats.clones import Buffer, Layouts, layouts_of, read_members, read_object, read_objects
from nuforge.formats.format import Format
from nuforge.formats.glimpse import Glimpse, Kind
from nuforge.formats.identity import event_table, source_of
from nuforge.formats.telescope import doubles, floats, integers

_TREE, _BRANCH = "wcsimT", "wcsimrootevent"
_EMPTY = np.zeros(0, np.float32)
_TRACK = ("fIpnu", "fFlag", "fP", "fE", "fDir", "fStop", "fStart", "fParenttype", "fTime", "fId")
_WANTED = (
    *("fEvtHdr", "fEvtNum", "fRun", "fDate", "fVtx", "fTracks", *_TRACK),
    *("fCherenkovDigiHits", "fQ", "fT", "fTubeId", "fCherenkovHits", "fTubeID", "fTotalPe"),
    *("fCherenkovHitTimes", "fTruetime", "fPrimaryParentID"),
)
_NEUTRINOS = (12, 14, 16)
_ABOUT = {
    "hits": {"trigger": Column("", "the trigger that it belongs to", "readout", "triggers")},
    "triggers": {"time": Column("ns", "time of the trigger", "readout")},
    "particles": {
        "energy": Column("MeV", "total energy at its start", "truth"),
        "end": Column("cm", "where it stopped or left", "truth"),
        "number": Column("", "number of the track in Geant4", "truth"),
        "parent_pdg": Column("", "PDG number of its parent, 0 for none", "truth"),
    },
    "photoelectrons": {
        "time": Column("ns", "when the photon arrived", "truth"),
        "sensor": Column("", "sensor number", "truth"),
        "particle": Column("", "the primary that it comes from", "truth", "particles"),
    },
}


@dataclass(frozen=True)
class _Entry:
    """One event as arrays: of hits, photoelectrons and tracks their columns, of triggers a row each."""

    run: int
    number: int
    vertex: NDArray[np.float32]
    trigger_time: NDArray[np.float64]
    hits: dict[str, NDArray]
    light: dict[str, NDArray]
    tracks: dict[str, NDArray]


def read_wcsim(path: str | Path, batch_events: int = 64) -> Iterator[Events]:
    """The events of a file in order, some at a time, in bounded memory.

    Args:
        path: The ROOT file.
        batch_events: Events at a time.

    Yields:
        Events with `event`, `interactions`, `particles`, `triggers`, `hits` (digitised) and `photoelectrons` (true).

    Raises:
        InputError: If the file is not as expected.
    """
    import uproot

    path = Path(path)
    with uproot.open(path) as file:
        layouts = layouts_of(file.file.streamers)
        positions = _positions(path, file, layouts)
        source, waiting = source_of(path), []
        for entry in _entries(path, file, layouts):
            waiting.append(entry)
            if len(waiting) == batch_events:
                yield _events(waiting, positions, source)
                waiting = []
        if waiting:
            yield _events(waiting, positions, source)


def _entries(path: Path, file: Any, layouts: Layouts) -> Iterator[_Entry]:  # noqa: ANN401
    """The events of a file one by one."""
    branch = file[_TREE][_BRANCH]["fEventList"]
    if not branch.num_entries:
        raise InputError(f"{path} has no events: its tree '{_TREE}' is empty; give a file with events")
    for i in range(branch.num_baskets):
        data, places = basket_of(path, branch, i)
        for first, end in zip(places[:-1].tolist(), places[1:].tolist(), strict=True):
            yield _entry(data[first:end], layouts)


def _entry(data: NDArray[np.uint8], layouts: Layouts) -> _Entry:
    """The event of some bytes.

    Raises:
        InputError: If they are damaged.
    """
    buffer = Buffer(data)
    there = buffer.object_end() is not None
    places = [first for first, _ in read_objects(buffer)] if there else []
    triggers = [read_object(Buffer(data, place), "WCSimRootTrigger", layouts, _WANTED) for place in places]
    if not triggers:
        raise InputError("an event has no trigger, expected one at least; write the file again")
    header = triggers[0].get("fEvtHdr", {})
    digits = [trigger.get("fCherenkovDigiHits", {}) for trigger in triggers]
    counts = [len(digit.get("fTubeId", ())) for digit in digits]
    hits = {name: np.concatenate([digit.get(name, _EMPTY) for digit in digits]) for name in ("fQ", "fT", "fTubeId")}
    return _Entry(
        run=int(header.get("fRun", 0)),
        number=int(header.get("fEvtNum", -1)),
        vertex=triggers[0].get("fVtx", np.full(3, np.nan, np.float32)),
        trigger_time=np.array([t.get("fEvtHdr", {}).get("fDate", np.nan) for t in triggers], np.float64),
        hits=hits | {"trigger": np.repeat(np.arange(len(triggers)), counts)},
        light=_light(triggers[0]),
        tracks={name: triggers[0].get("fTracks", {}).get(name, _EMPTY) for name in _TRACK},
    )


def _light(trigger: Mapping[str, Any]) -> dict[str, NDArray]:
    """The photoelectrons of an event: the sensor of each, its time and the track that it comes from.

    A hit sensor says where its photoelectrons begin among all, and how many they are.
    """
    sensors, times = trigger.get("fCherenkovHits", {}), trigger.get("fCherenkovHitTimes", {})
    time = times.get("fTruetime", _EMPTY)
    first, count = sensors.get("fTotalPe", np.zeros((0, 2), np.int64)).astype(np.int64).reshape(-1, 2).T
    if len(first) and ((count < 0).any() or (first < 0).any() or (first + count).max() > len(time)):
        raise InputError(f"photoelectrons of sensors must be among the {len(time)} of the event; copy the file again")
    if count.sum() > len(time):
        raise InputError(f"{count.sum()} photoelectrons of sensors are {len(time)} of the event; copy the file again")
    rows = np.repeat(first - (np.cumsum(count) - count), count) + np.arange(int(count.sum()))
    parent = times.get("fPrimaryParentID", np.full(len(time), -1))
    tube = sensors.get("fTubeID", np.zeros(0, np.int64))
    return {"sensor": np.repeat(tube, count).astype(np.int64) - 1, "time": time[rows], "parent": parent[rows]}


def _positions(path: Path, file: Any, layouts: Layouts) -> NDArray[np.float32]:  # noqa: ANN401
    """Positions (S + 1, 3) in cm by number of the sensor from 0; the last row is NaN, for what is not known."""
    nothing = np.full((1, 3), np.nan, np.float32)
    if "wcsimGeoT" not in file or not file["wcsimGeoT"].num_entries:
        return nothing
    data, _ = basket_of(path, file["wcsimGeoT"]["wcsimrootgeom"], 0)
    version = max((v for name, v in layouts if name == "WCSimRootGeom"), default=1)
    wanted = ("fPMTArray", "fTubeNo", "fPosition")
    sensors = read_members(Buffer(data), "WCSimRootGeom", version, layouts, wanted).get("fPMTArray", {})
    tube, place = sensors.get("fTubeNo", np.zeros(0, int)).astype(np.int64), sensors.get("fPosition")
    known = (tube >= 1) & (tube <= len(tube))
    if place is None or not known.any():
        return nothing
    positions = np.full((int(tube[known].max()) + 1, 3), np.nan, np.float32)
    positions[tube[known] - 1] = place[known] * units.cm
    return positions


def _joined(parts: Sequence[NDArray], dtype: type = np.float64) -> NDArray:
    return np.concatenate([np.asarray(part, dtype) for part in parts])


def _events(entries: Sequence[_Entry], positions: NDArray[np.float32], source: int) -> Events:
    """Some events as tables."""
    n_triggers = np.array([len(e.trigger_time) for e in entries])
    first_trigger = np.cumsum(n_triggers) - n_triggers
    particles, numbers = _particles(entries)
    number, run = np.array([e.number for e in entries]), np.array([e.run for e in entries])
    time = doubles(_joined([e.trigger_time for e in entries]) * units.ns)
    return Events(
        {
            "event": event_table(source, number, run),
            "interactions": _interactions(entries),
            "particles": particles,
            "triggers": Table.from_counts({"time": time}, integers(n_triggers), about=_ABOUT["triggers"]),
            "hits": _hits(entries, first_trigger, positions),
            "photoelectrons": _photoelectrons(entries, numbers, particles.offsets.numpy()),
        }
    )


def _hits(entries: Sequence[_Entry], first_trigger: NDArray[np.int64], positions: NDArray[np.float32]) -> Table:
    counts = np.array([len(e.hits["trigger"]) for e in entries])
    sensor = _joined([e.hits["fTubeId"] for e in entries], np.int64) - 1
    known = (sensor >= 0) & (sensor < len(positions) - 1)
    trigger = _joined([e.hits["trigger"] for e in entries], np.int64) + np.repeat(first_trigger, counts)
    columns = {
        "position": floats(positions[np.where(known, sensor, -1)]),
        "time": doubles(_joined([e.hits["fT"] for e in entries]) * units.ns),
        "charge": floats(_joined([e.hits["fQ"] for e in entries])),
        "sensor": integers(sensor),
        "trigger": integers(trigger),
    }
    return Table.from_counts(columns, integers(counts), about=_ABOUT["hits"])


def _interactions(entries: Sequence[_Entry]) -> Table:
    """One vertex an event; the neutrino is the track of flag -1, where it is one."""
    n = len(entries)
    came = [e.tracks["fIpnu"][e.tracks["fFlag"] == -1][:1] for e in entries]
    neutrino = np.array([int(pdg[0]) if len(pdg) and abs(int(pdg[0])) in _NEUTRINOS else 0 for pdg in came])
    columns = {
        "vertex": floats(np.stack([e.vertex for e in entries]) * units.cm),
        "time": doubles(np.full(n, np.nan)),
        "neutrino": integers(neutrino),
        "mode": torch.zeros(n, dtype=torch.int64),
    }
    return Table(columns, torch.arange(n + 1))


def _particles(entries: Sequence[_Entry]) -> tuple[Table, list[NDArray[np.int64]]]:
    """The tracks that are real ones (flag 0), and the numbers of those of each event.

    The file has the kind of a parent, not which it is: primaries are those without one.
    """
    kept = [{name: values[e.tracks["fFlag"] == 0] for name, values in e.tracks.items()} for e in entries]
    counts = np.array([len(tracks["fId"]) for tracks in kept])
    found = {name: _joined([tracks[name] for tracks in kept]) for name in ("fIpnu", "fId", "fParenttype")}
    size, energy, time = (_joined([tracks[name] for tracks in kept]) for name in ("fP", "fE", "fTime"))
    direction, start, end = (
        np.concatenate([tracks[name].reshape(-1, 3) for tracks in kept]).astype(np.float64)
        for name in ("fDir", "fStart", "fStop")
    )
    primary = found["fParenttype"] == 0
    columns = {
        "pdg": integers(found["fIpnu"]),
        "parent": torch.full((len(size),), -1),
        "process": integers(np.where(primary, int(Process.PRIMARY), int(Process.UNKNOWN))),
        "start": floats(start * units.cm),
        "time": doubles(time * units.ns),
        "momentum": floats(size[:, None] * direction * units.MeV),
        "interaction": integers(np.where(primary, np.repeat(np.arange(len(entries)), counts), -1)),
        "energy": floats(energy * units.MeV),
        "end": floats(end * units.cm),
        "number": integers(found["fId"]),
        "parent_pdg": integers(found["fParenttype"]),
    }
    refers = {"parent": "particles", "interaction": "interactions"}
    table = Table.from_counts(columns, integers(counts), about=_ABOUT["particles"], refers_to=refers)
    return table, [tracks["fId"].astype(np.int64) for tracks in kept]


def _photoelectrons(
    entries: Sequence[_Entry], numbers: Sequence[NDArray[np.int64]], offsets: NDArray[np.int64]
) -> Table:
    counts = np.array([len(e.light["time"]) for e in entries])
    first = offsets[:-1].tolist()
    owner = [_rows_of(e.light["parent"], own, i) for e, own, i in zip(entries, numbers, first, strict=True)]
    columns = {
        "time": doubles(_joined([e.light["time"] for e in entries]) * units.ns),
        "sensor": integers(_joined([e.light["sensor"] for e in entries], np.int64)),
        "particle": integers(_joined(owner, np.int64)),
    }
    return Table.from_counts(columns, integers(counts), about=_ABOUT["photoelectrons"])


def _rows_of(wanted: NDArray, numbers: NDArray[np.int64], first: int) -> NDArray[np.int64]:
    """The rows of tracks with some numbers, of an event whose tracks begin with row `first`; -1 for none."""
    if not len(numbers):
        return np.full(len(wanted), -1)
    order = np.argsort(numbers, kind="stable")
    place = order[np.minimum(np.searchsorted(numbers, wanted, sorter=order), len(numbers) - 1)]
    return np.where(numbers[place] == wanted, place + first, -1)


def _recognises(seen: Glimpse) -> bool:
    return seen.kind is Kind.ROOT and any(name.partition(":")[0] == _TREE for name in seen.names)


WCSIM = Format("wcsim", "WCSim ROOT (simulated water Cherenkov detectors)", "seen", _recognises, read_wcsim)
