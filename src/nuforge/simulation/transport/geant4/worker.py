"""A Geant4 process: `python -m nuforge.simulation.transport.geant4.worker FOLDER` under `crew.working`.

It reads `setup.json` in the folder, then from standard input the name of a task, one a line; it flies the particles of
`NAME.npz`, leaves what happened in `NAME.out.npz`, and answers one line of JSON: {} or {"error": "..."}. What Geant4
says goes to standard error. It ends with its input, or with the process that started it.
"""

from __future__ import annotations

import ctypes
import json
import math
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geant4_pybind as g4
import numpy as np
from numpy.typing import NDArray

from nuforge.simulation.transport.geant4.geometry import Boxes
from nuforge.simulation.transport.geant4.physics_list import WithoutData, standard
from nuforge.simulation.transport.geant4.recorder import Recorder, Stepping, Tracking

_PR_SET_PDEATHSIG = 1  # linux/prctl.h

Arrays = Mapping[str, NDArray[Any]]


class Gun(g4.G4VUserPrimaryGeneratorAction):  # type: ignore[misc]
    """The primaries of a task, event by event, each with its own random numbers."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self._gun = g4.G4ParticleGun(1)
        self._recorder = recorder
        self.n_events = 0
        self._task: Arrays = {}
        self._particles: list[Any] = []

    def load(self, task: Arrays) -> None:
        """The next task.

        Raises:
            ValueError: If Geant4 does not know a particle.
        """
        self._particles = [_particle(int(pdg)) for pdg in task["pdg"]]
        self._offsets = np.searchsorted(task["event"], np.arange(len(task["seeds"]) + 1)).tolist()
        self._task, self.n_events = task, len(task["seeds"])

    def GeneratePrimaries(self, event: Any) -> None:  # noqa: ANN401
        """The primaries of one event, their track numbers counted from 1 in this order."""
        number = event.GetEventID()
        self._recorder.event = number
        g4.HepRandom.setTheSeeds([int(seed) for seed in self._task["seeds"][number]] + [0])
        gun = self._gun
        for row in range(self._offsets[number], self._offsets[number + 1]):
            particle, momentum = self._particles[row], self._task["momentum"][row]
            size, mass = math.hypot(*momentum), particle.GetPDGMass() / g4.MeV
            gun.SetParticleDefinition(particle)
            gun.SetParticleMomentumDirection(g4.G4ThreeVector(*(momentum / size if size else (0.0, 0.0, 1.0))))
            gun.SetParticleEnergy(size**2 / (math.hypot(size, mass) + mass) * g4.MeV if size else 0.0)
            gun.SetParticlePosition(g4.G4ThreeVector(*(self._task["position"][row] * g4.cm)))
            gun.SetParticleTime(self._task["time"][row] * g4.ns)
            gun.GeneratePrimaryVertex(event)


class Actions(g4.G4VUserActionInitialization):  # type: ignore[misc]
    """What is called while Geant4 runs."""

    def __init__(self, *actions: Any) -> None:  # noqa: ANN401
        super().__init__()
        self._actions = actions

    def Build(self) -> None:
        """All of them."""
        for action in self._actions:
            self.SetUserAction(action)


def main(folder: Path) -> None:
    """Flies one task after the other."""
    _end_with_parent()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    setup = json.loads((folder / "setup.json").read_text())
    manager = g4.G4RunManagerFactory.CreateRunManager(g4.G4RunManagerType.Serial)
    manager.SetVerboseLevel(0)
    boxes = Boxes(setup["volumes"], setup["material"])
    physics = standard(setup["cut"]) if setup["data"] else WithoutData(setup["cut"])
    manager.SetUserInitialization(boxes)
    manager.SetUserInitialization(physics)
    recorder = Recorder(setup["step"], boxes.wall)
    gun, stepping = Gun(recorder), Stepping(recorder)  # after the physics, without which Geant4 has no particles
    actions = Actions(gun, stepping, Tracking(recorder)) if setup["record"] else Actions(gun)
    manager.SetUserInitialization(actions)
    commands = g4.G4UImanager.GetUIpointer()
    commands.ApplyCommand("/process/had/verbose 0")
    share, last = setup["electron_steps"]
    commands.ApplyCommand(f"/process/eLoss/StepFunction {share} {last} cm")
    commands.ApplyCommand(f"/run/setCut {setup['cut']} cm")  # the list's own default comes too late
    manager.Initialize()
    for line in sys.stdin:
        name, answer = line.strip(), {}
        with np.load(folder / f"{name}.npz") as arrays:
            task = dict(arrays)
        try:
            gun.load(task)
        except ValueError as error:
            answer = {"error": str(error)}
        else:
            stepping.check_again()
            manager.BeamOn(gun.n_events)
            np.savez(folder / f"{name}.out.npz", **recorder.take())  # type: ignore[arg-type]
        print(json.dumps(answer), file=answers, flush=True)
    os._exit(0)  # Geant4's and Python's clean-up would free the same objects


def _particle(pdg: int) -> Any:  # noqa: ANN401
    """Geant4's definition of a particle or nucleus.

    Raises:
        ValueError: If there is none.
    """
    found = g4.G4ParticleTable.GetParticleTable().FindParticle(pdg)
    if found is None and 1_000_000_000 < pdg < 1_010_000_000 and _is_nucleus(pdg):
        found = g4.G4IonTable.GetIonTable().GetIon(pdg // 10_000 % 1000, pdg // 10 % 1000, 0.0)
    if found is None:
        raise ValueError(f"Geant4 does not know the particle {pdg}; expected a PDG number of one that it flies")
    return found


def _is_nucleus(pdg: int) -> bool:
    charge, nucleons = pdg // 10_000 % 1000, pdg // 10 % 1000
    return pdg // 10_000_000 == 100 and 1 <= charge <= nucleons


def _end_with_parent() -> None:
    """End when the process that started this one does, however; Ctrl-C is its business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
