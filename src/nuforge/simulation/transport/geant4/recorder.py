"""What Geant4 does, written down while it does it. Runs in a worker process.

A Python call at every step is what recording costs, so it asks nothing: it copies the numbers of the step from where
Geant4 keeps them (one `G4Step` and two `G4StepPoint`s serve all steps of a run). Where they are within these objects
is a matter of the version; the first step of every task is compared with what Geant4's own functions say.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import geant4_pybind as g4
import numpy as np
from numpy.typing import NDArray

from nuforge.simulation.transport.geant4.cutting import Segments, Steps, segments_of

_STEP = slice(0, 5)  # words of a G4Step: energy (MeV), three others, path (mm)
_BEFORE = slice(0, 10)  # of a G4StepPoint: position (mm), time (ns), two others, direction, kinetic energy (MeV)
_AFTER = slice(0, 10)
_WIDTH = 25  # words of one row: step, point before, point after
_ENERGY, _PATH, _X0, _T0, _DIRECTION, _KINETIC, _X1, _T1 = 0, 4, slice(5, 8), 8, slice(11, 14), 14, slice(15, 18), 18
_REMAINING = 24  # kinetic energy after the step
_AT_WALL = 1e-6  # cm: Geant4 ends a step at a wall to some 1e-8
_NOTHING = 1e-12  # MeV: what the empty space around the volumes takes is less, any excitation more


class Recorder:
    """The steps and tracks of a task, and at its end as arrays.

    Args:
        longest: Longest path of a segment, cm.
        wall: Distances of the walls of the world from its centre along x, y and z, cm.
    """

    def __init__(self, longest: float, wall: Sequence[float]) -> None:
        self.longest, self._wall = longest, np.array(wall)
        self.event = -1
        self.rows = np.empty((4096, _WIDTH))
        self.used = 0
        self._tracks: list[tuple[int, ...]] = []  # event, number, parent, kind, process, first step
        self._kinds: dict[Any, int] = {}
        self._processes: dict[Any, int] = {}

    def begin(self, track: Any) -> None:  # noqa: ANN401
        """Enter a track. Where, when and how fast it begins is in its first step."""
        kind, process = track.GetParticleDefinition(), track.GetCreatorProcess()
        self._tracks.append(
            (
                self.event,
                track.GetTrackID(),
                track.GetParentID(),
                self._kinds.setdefault(kind, len(self._kinds)),
                self._processes.setdefault(process, len(self._processes)),
                self.used,
            )
        )

    def grow(self) -> None:
        """Twice the room for steps."""
        self.rows = np.concatenate([self.rows, np.empty_like(self.rows)])

    def take(self) -> dict[str, NDArray[Any]]:
        """All that was recorded as arrays (cm, ns, MeV), to be forgotten here."""
        tracks = np.array(self._tracks, np.int64).reshape(-1, 6)
        event, number, parent, kind, process, first = tracks.T
        pdg, mass, charge = self._properties()
        begin = self.rows[first]
        kinetic = begin[:, _KINETIC] / g4.MeV
        momentum = begin[:, _DIRECTION] * np.sqrt(kinetic * (kinetic + 2 * mass[kind]))[:, None]
        segments = self._segments(first, charge[kind] != 0)
        found = {
            "track_event": event,
            "track_number": number,
            "track_parent": parent,
            "track_pdg": pdg[kind],
            "track_process": self._process_names()[process],
            "track_start": (begin[:, _X0] / g4.cm).astype(np.float32),
            "track_time": begin[:, _T0] / g4.ns,
            "track_momentum": momentum.astype(np.float32),
            "track_escaped": self._escaped(first).astype(np.float32),
            "segment_track": segments.track,
            "segment_start": segments.start.astype(np.float32),
            "segment_end": segments.end.astype(np.float32),
            "segment_time": segments.time,
            "segment_energy": segments.energy.astype(np.float32),
            "segment_length": segments.length.astype(np.float32),
        }
        self.used, self._tracks = 0, []
        return found

    def _escaped(self, first: NDArray[np.int64]) -> NDArray[np.float64]:
        """Kinetic energies (MeV) with which tracks left the world, -1 for those that ended inside."""
        last = self.rows[np.append(first[1:], self.used) - 1] if len(first) else self.rows[:0]
        at_wall = np.abs(np.abs(last[:, _X1] / g4.cm) - self._wall).min(axis=1) < _AT_WALL
        return np.where(at_wall, last[:, _REMAINING] / g4.MeV, -1.0)

    def _properties(self) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """PDG numbers, masses (MeV) and charges (e) of the kinds of particles that were met."""
        pdg = [kind.GetPDGEncoding() for kind in self._kinds]
        mass = [kind.GetPDGMass() / g4.MeV for kind in self._kinds]
        charge = [kind.GetPDGCharge() for kind in self._kinds]
        return np.array(pdg, np.int64), np.array(mass, np.float64), np.array(charge, np.float64)

    def _process_names(self) -> NDArray[np.bytes_]:
        """Names of the processes that were met."""
        names = ["primary" if process is None else process.GetProcessName() for process in self._processes]
        return np.array(names, "S64")

    def _segments(self, first: NDArray[np.int64], is_charged: NDArray[np.bool_]) -> Segments:
        """Segments, whose `track` is a row of the tracks, of which the first step and the charge are given."""
        rows = self.rows[: self.used]
        of = np.repeat(np.arange(len(first)), np.diff(np.append(first, self.used)))
        apart = np.linalg.norm(rows[:, _X1] - rows[:, _X0], axis=1)  # rarely more than the path that Geant4 states
        length, energy = np.maximum(rows[:, _PATH], apart) / g4.cm, rows[:, _ENERGY] / g4.MeV
        energy[energy < _NOTHING] = 0
        steps = Steps(
            track=of,
            is_line=is_charged[of] & (length > 0) & (energy > 0),
            start=rows[:, _X0] / g4.cm,
            end=rows[:, _X1] / g4.cm,
            begin=rows[:, _T0] / g4.ns,
            finish=rows[:, _T1] / g4.ns,
            energy=energy,
            length=length,
        )
        return segments_of(steps, self.longest)


class Stepping(g4.G4UserSteppingAction):  # type: ignore[misc]
    """Copies every step to the recorder."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self._recorder = recorder
        self._known: Any = None

    def check_again(self) -> None:
        """Compare the next step with what Geant4 says."""
        self._known = None

    def UserSteppingAction(self, step: Any) -> None:  # noqa: ANN401
        """At the end of every step."""
        if step is not self._known:
            self._look_at(step)
        recorder = self._recorder
        row = recorder.used
        if row == len(recorder.rows):
            recorder.grow()
        into = recorder.rows[row]
        into[0:5] = self._step
        into[5:15] = self._before
        into[15:25] = self._after
        recorder.used = row + 1

    def _look_at(self, step: Any) -> None:  # noqa: ANN401
        """Where the numbers are; and whether they are."""
        before, after = step.GetPreStepPoint(), step.GetPostStepPoint()
        self._step = _words(step, _STEP)
        self._before, self._after = _words(before, _BEFORE), _words(after, _AFTER)
        found = [self._step[0], self._step[4], *self._before[:4], *self._before[6:], *self._after[:4], self._after[9]]
        x, direction, y = before.GetPosition(), before.GetMomentumDirection(), after.GetPosition()
        expected = [step.GetTotalEnergyDeposit(), step.GetStepLength(), x.x, x.y, x.z, before.GetGlobalTime()]
        expected += [direction.x, direction.y, direction.z, before.GetKineticEnergy()]
        expected += [y.x, y.y, y.z, after.GetGlobalTime(), after.GetKineticEnergy()]
        if found != expected:
            raise RuntimeError("Geant4 keeps its steps otherwise than expected; install geant4-pybind==0.1.3")
        self._known = step  # held, so that pybind11 need not wrap it anew at every step, and is the same object


class Tracking(g4.G4UserTrackingAction):  # type: ignore[misc]
    """Tells the recorder of every track."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self._recorder = recorder

    def PreUserTrackingAction(self, track: Any) -> None:  # noqa: ANN401
        """At the beginning of every track."""
        self._recorder.begin(track)


def _words(wrapped: Any, which: slice) -> NDArray[np.float64]:  # noqa: ANN401
    """Words of 8 bytes of a C++ object, as numbers and in place.

    pybind11 keeps the object's address behind a pointer that follows the header of the Python object (16 bytes).
    """
    holder = ctypes.c_void_p.from_address(id(wrapped) + 16).value
    address = ctypes.c_void_p.from_address(holder or 0).value
    return np.ctypeslib.as_array((ctypes.c_double * which.stop).from_address(address or 0))[which]
