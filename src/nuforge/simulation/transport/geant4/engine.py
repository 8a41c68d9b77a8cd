"""Geant4 behind the function that the built-in transport has."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from nuforge.detectors import Detector, Volume
from nuforge.errors import InputError
from nuforge.events import Events
from nuforge.physics.material import Material
from nuforge.physics.particles import is_neutrino
from nuforge.simulation.transport.geant4.crew import require_geant4, working
from nuforge.simulation.transport.geant4.data_sets import data_folders, warn_without_data_sets
from nuforge.simulation.transport.geant4.results import Flown, deposited

_HEAVIEST = 98  # atomic numbers of which Geant4 knows the isotopes
_THINNEST = 1e-25  # g/cm^3, Geant4's vacuum
_SEED = 2**31 - 1

STANDARD_STEPS, FINE_STEPS = (0.2, 0.1), (0.05, 1e-3)
"""Steps of electrons: Geant4's standard choice, and one with which their ranges are those of the tables."""


def transport_geant4(
    events: Events,
    detector: Detector,
    generator: torch.Generator,
    *,
    cut: float = 0.07,
    step: float = 0.3,
    electron_steps: tuple[float, float] = STANDARD_STEPS,
    at_once: int = 25,
    workers: int = 1,
    record: bool = True,
) -> Events:
    """The events with all secondary particles and with the energy deposits of all, by Geant4 (`nuforge[geant4]`).

    Geant4 runs in processes of its own. With the user's data sets (`GEANT4_DATA_DIR`) its list FTFP_BERT is used; else
    models that need none, which is said in a warning (`physics_list` says which; up to some 10 GeV). All volumes of the
    detector are filled with its medium, with nothing between them, and particles end where they leave the box around
    them. Neutrinos are recorded where they begin. Neutrons end after 10 us.

    Args:
        events: `particles` (the primaries) and `interactions`.
        detector: Its volumes and its medium are used.
        generator: Source of randomness; the same state gives the same events, with any `workers` and `at_once`.
        cut: Range in cm below which electrons, positrons, photons and protons are not made but deposited (Geant4's
            production cut; 0.07 cm is its default: in liquid argon electrons of 0.27 MeV, photons of 6 keV).
        step: Longest segment in cm. Deposits of a particle are merged up to it.
        electron_steps: The largest share of its remaining range that an electron goes in one step, and the range in cm
            below which it stops within one. With the standard choice electrons scatter too much near their end: the
            extrapolated range of 1 MeV in liquid argon is 0.19 cm, with `FINE_STEPS` 0.28 cm, as measured (Tabata, Ito
            and Okabe, Nucl. Instrum. Meth. 103 (1972) 85).
        at_once: Events in one task of a worker; bounds the memory of a worker.
        workers: Processes.
        record: Without it Geant4 flies the same particles but nothing is noted, to see what that costs.

    Returns:
        The events with `particles` completed (those given first in each event, in their order, then the others; -1 or
        the row of its parent each) and `segments`.

    Raises:
        InputError: If geant4-pybind is missing, a particle is unknown, or a medium or an argument cannot be.
        ChildProcessError: If a Geant4 process dies, with the last that it said.
    """
    _check_arguments(cut, step, electron_steps, at_once, workers)
    _check_material(detector.material)
    _check_volumes(detector.volumes)
    require_geant4()
    flying = _launched(events, detector)
    seeds = torch.randint(1, _SEED, (len(events), 2), generator=generator)
    warn_without_data_sets()
    setup = {
        "volumes": [(volume.lower, volume.upper) for volume in detector.volumes],
        "material": dataclasses.asdict(detector.material),
        "cut": cut,
        "step": step,
        "electron_steps": electron_steps,
        "record": record,
        "data": bool(data_folders()),
    }
    n_tasks = -(-len(events) // at_once)
    parts: dict[int, dict[str, NDArray[Any]]] = {}
    if n_tasks:
        with working(setup, min(workers, n_tasks)) as crew:
            for number, result in crew.work(n_tasks, lambda task: _task(events, flying, seeds, task, at_once)):
                parts[number] = result
    flown = [Flown(parts[number], first_event=number * at_once) for number in range(n_tasks)]
    return deposited(events, flying, flown)


def _launched(events: Events, detector: Detector) -> Tensor:
    """The rows of the primaries that fly: no neutrinos, and none that begin outside the volumes."""
    particles = events["particles"]
    momentum, start = particles["momentum"], particles["start"]
    if not bool(torch.isfinite(momentum).all()):
        bad = int((~torch.isfinite(momentum).all(dim=1)).nonzero()[0])
        raise InputError(f"momentum of particle {bad} is not finite, got {momentum[bad].tolist()}; expected MeV")
    inside = torch.zeros(len(particles), dtype=torch.bool)
    for volume in detector.volumes:
        lower, upper = torch.tensor(volume.lower), torch.tensor(volume.upper)
        inside |= ((start >= lower) & (start <= upper)).all(dim=1)
    return (inside & ~is_neutrino(particles["pdg"])).nonzero().squeeze(1)


def _task(events: Events, flying: Tensor, seeds: Tensor, number: int, at_once: int) -> Mapping[str, NDArray[Any]]:
    """The arrays of one task: particles by event, and the seeds of the events."""
    first = number * at_once
    particles = events["particles"]
    event = particles.batch[flying]
    rows = flying[(event >= first) & (event < first + at_once)]
    return {
        "seeds": seeds[first : first + at_once].numpy(),
        "event": (particles.batch[rows] - first).numpy(),
        "pdg": particles["pdg"][rows].numpy(),
        "position": particles["start"][rows].double().numpy(),
        "momentum": particles["momentum"][rows].double().numpy(),
        "time": particles["time"][rows].numpy(),
    }


def _check_arguments(cut: float, step: float, electron_steps: tuple[float, float], at_once: int, workers: int) -> None:
    for name, length in (("cut", cut), ("step", step)):
        if not 0 < length < float("inf"):
            raise InputError(f"{name} must be positive (cm), got {length}; 0.07 and 0.3 are usual for cut and step")
    share, last = electron_steps
    if not (0 < share <= 1 and 0 < last < float("inf")):
        raise InputError(
            f"electron_steps must be a share up to 1 and a range above 0 cm, got {electron_steps}; "
            f"{STANDARD_STEPS} is Geant4's choice"
        )
    for name, count in (("at_once", at_once), ("workers", workers)):
        if count < 1:
            raise InputError(f"{name} must be 1 at least, got {count}; give a positive number")


def _check_material(material: Material) -> None:
    """Refuses a medium that Geant4 would abort on."""
    if not material.density > _THINNEST:
        raise InputError(f"density of {material.name} must be above {_THINNEST} g/cm^3, got {material.density}")
    if not material.elements:
        raise InputError(f"{material.name} has no elements, expected one at least; say what it is made of")
    for element in material.elements:
        if not 1 <= element.Z <= _HEAVIEST:
            raise InputError(
                f"Z of {element.symbol} must be from 1 to {_HEAVIEST}, got {element.Z}; Geant4 has no other"
            )
        if not element.A >= element.Z or element.A > 3 * element.Z + 1:
            raise InputError(
                f"A of {element.symbol} must be its molar mass (g/mol), got {element.A} for Z = {element.Z}"
            )
    if not material.mean_excitation > 0:
        raise InputError(f"mean_excitation of {material.name} must be positive (MeV), got {material.mean_excitation}")


def _check_volumes(volumes: tuple[Volume, ...]) -> None:
    """Refuses volumes that share space, which Geant4 would not notice."""
    for number, one in enumerate(volumes):
        for other in volumes[:number]:
            corners = zip(one.lower, one.upper, other.lower, other.upper, strict=True)
            if all(low < high_ and low_ < high for low, high, low_, high_ in corners):
                raise InputError(f"volumes must not overlap, got {other} and {one}; move or merge them")
