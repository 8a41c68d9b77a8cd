"""What Geant4 does, written down while it does it. Runs in a worker process.

A Python call at every step is what recording costs, so it asks nothing: it copies the numbers of the step from where
Geant4 keeps them (one `G4Step` and two `G4StepPoint`s serve all steps of a run). Where they are within these objects
is a matter of the version; the first step of every task is compared with what Geant4's own functions say.
"""

from __future__ import annotations

import ctypes
from typing import Any

import geant4_pybind as g4
import numpy as np
from numpy.typing import NDArray

from nuforge.simulation.transport.geant4.cutting import Segments, Steps, segments_of

_POINT = slice(0, 4)  # words of a G4StepPoint: position (mm), global time (ns)
_STEP = slice(0, 5)  # words of a G4Step: energy (MeV), three others, path (mm)
_WIDTH = 13  # words of one row: step, point before, point after

TRACK = np.dtype(
    [
        ("event", "i4"),
        ("number", "i4"),
        ("parent", "i4"),
        ("pdg", "i8"),
        ("process", "i4"),
        ("charged", "?"),
        ("start", "f8", 3),
        ("time", "f8"),
        ("momentum", "f8", 3),
    ]
)
"""A track as it begins, in Geant4's units; `process` numbers the recorder's names."""


class Recorder:
    """The steps and tracks of a task, and at its end as arrays.

    Args:
        longest: Longest path of a segment, cm.
    """

    def __init__(self, longest: float) -> None:
        self.longest = longest
        self.event = -1
        self.rows = np.empty((4096, _WIDTH))
        self.used = 0
        self.tracks: list[tuple[Any, ...]] = []
        self.first: list[int] = []
        self.processes: dict[str, int] = {"primary": 0}

    def begin(self, track: Any) -> None:  # noqa: ANN401
        """Enter a track."""
        creator, particle = track.GetCreatorProcess(), track.GetParticleDefinition()
        name = "primary" if creator is None else creator.GetProcessName()
        x, p = track.GetPosition(), track.GetMomentum()
        self.first.append(self.used)
        self.tracks.append(
            (
                self.event,
                track.GetTrackID(),
                track.GetParentID(),
                particle.GetPDGEncoding(),
                self.processes.setdefault(name, len(self.processes)),
                particle.GetPDGCharge() != 0,
                (x.x, x.y, x.z),
                track.GetGlobalTime(),
                (p.x, p.y, p.z),
            )
        )

    def grow(self) -> None:
        """Twice the room for steps."""
        self.rows = np.concatenate([self.rows, np.empty_like(self.rows)])

    def take(self) -> dict[str, NDArray[Any]]:
        """All that was recorded as arrays (cm, ns, MeV), to be forgotten here."""
        tracks = np.array(self.tracks, TRACK)
        segments = self._segments(tracks)
        found = {
            "track_event": tracks["event"],
            "track_number": tracks["number"],
            "track_parent": tracks["parent"],
            "track_pdg": tracks["pdg"],
            "track_process": np.array(list(self.processes), "S64")[tracks["process"]],
            "track_start": (tracks["start"] / g4.cm).astype(np.float32),
            "track_time": tracks["time"] / g4.ns,
            "track_momentum": (tracks["momentum"] / g4.MeV).astype(np.float32),
            "segment_track": segments.track,
            "segment_start": segments.start.astype(np.float32),
            "segment_end": segments.end.astype(np.float32),
            "segment_time": segments.time,
            "segment_energy": segments.energy.astype(np.float32),
            "segment_length": segments.length.astype(np.float32),
        }
        self.used, self.tracks, self.first = 0, [], []
        return found

    def _segments(self, tracks: NDArray[Any]) -> Segments:
        """Segments, whose `track` is a row of the tracks."""
        rows = self.rows[: self.used]
        of = np.repeat(np.arange(len(tracks)), np.diff(np.append(self.first, self.used)).astype(np.int64))
        length = rows[:, 4] / g4.cm
        steps = Steps(
            track=of,
            is_line=tracks["charged"][of] & (length > 0),
            start=rows[:, 5:8] / g4.cm,
            end=rows[:, 9:12] / g4.cm,
            begin=rows[:, 8] / g4.ns,
            finish=rows[:, 12] / g4.ns,
            energy=rows[:, 0] / g4.MeV,
            length=length,
        )
        return segments_of(steps, self.longest)


class Stepping(g4.G4UserSteppingAction):  # type: ignore[misc]
    """Copies every step to the recorder."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self._recorder = recorder
        self._checked = False

    def check_again(self) -> None:
        """Compare the next step with what Geant4 says."""
        self._checked = False

    def UserSteppingAction(self, step: Any) -> None:  # noqa: ANN401, N802
        """At the end of every step."""
        if not self._checked:
            self._look_at(step)
        recorder = self._recorder
        row = recorder.used
        if row == len(recorder.rows):
            recorder.grow()
        into = recorder.rows[row]
        into[0:5] = self._step
        into[5:9] = self._before
        into[9:13] = self._after
        recorder.used = row + 1

    def _look_at(self, step: Any) -> None:  # noqa: ANN401
        """Where the numbers are; and whether they are."""
        before, after = step.GetPreStepPoint(), step.GetPostStepPoint()
        self._step = _words(step, _STEP)
        self._before, self._after = _words(before, _POINT), _words(after, _POINT)
        expected = [step.GetTotalEnergyDeposit(), step.GetStepLength()]
        for point in (before, after):
            x = point.GetPosition()
            expected += [x.x, x.y, x.z, point.GetGlobalTime()]
        if [self._step[0], self._step[4], *self._before, *self._after] != expected:
            raise RuntimeError("Geant4 keeps its steps otherwise than expected; install geant4-pybind==0.1.3")
        self._checked = True


class Tracking(g4.G4UserTrackingAction):  # type: ignore[misc]
    """Tells the recorder of every track."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self._recorder = recorder

    def PreUserTrackingAction(self, track: Any) -> None:  # noqa: ANN401, N802
        """At the beginning of every track."""
        self._recorder.begin(track)


def _words(wrapped: Any, which: slice) -> NDArray[np.float64]:  # noqa: ANN401
    """Words of 8 bytes of a C++ object, as numbers and in place.

    pybind11 keeps the object's address behind a pointer that follows the header of the Python object (16 bytes).
    """
    holder = ctypes.c_void_p.from_address(id(wrapped) + 16).value
    address = ctypes.c_void_p.from_address(holder or 0).value
    return np.ctypeslib.as_array((ctypes.c_double * which.stop).from_address(address or 0))[which]
