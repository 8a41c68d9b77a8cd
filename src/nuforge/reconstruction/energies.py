"""The best kinetic energy of a particle: by range if it stops, by scattering if it leaves, by charge for showers."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from nuforge.physics.kinematics import kinetic_of, momentum
from nuforge.reconstruction.hypotheses import HYPOTHESIS_OF, MASS_OF, MASSES, Species
from nuforge.shapes import Mask, Rows


def best_energies(
    columns: Mapping[str, Tensor], pid: Rows, is_track: Mask, is_electromagnetic: Mask
) -> dict[str, Tensor]:
    """`kinetic_energy`, `kinetic_energy_error` and `momentum` of particles.

    A track that stops has that of its range, one that leaves that of its scattering, whose error is half its interval;
    both for its identification, a muon if that is none of the hypotheses. A shower or Michel electron that is contained
    has the calorimetric one. NaN for all others.

    Args:
        columns: Those of `reco_particles` that are there already.
        pid: (C,) `Species`, -1 unknown.
        is_track: (C,).
        is_electromagnetic: (C,) showers and Michel electrons.
    """
    hypothesis = torch.zeros_like(pid)
    for species, number in HYPOTHESIS_OF.items():
        hypothesis[pid == species] = number
    mass = torch.tensor(MASSES, dtype=torch.float64)[hypothesis]

    def of_hypothesis(name: str) -> Tensor:
        return columns[name].double().gather(1, hypothesis[:, None])[:, 0]

    by_scattering = of_hypothesis("scattering_momentum")
    half = 0.5 * (of_hypothesis("scattering_momentum_high") - of_hypothesis("scattering_momentum_low"))
    p = torch.where(columns["stops"], of_hypothesis("range_momentum"), by_scattering)
    p_error = torch.where(columns["stops"], of_hypothesis("range_momentum_error"), half)
    kinetic = kinetic_of(p, mass)
    error = p_error * p / (kinetic + mass)  # dT = beta dp

    charge = is_electromagnetic & columns["contained"]
    kinetic = torch.where(is_track, kinetic, torch.where(charge, columns["calorimetric_energy"].double(), torch.nan))
    error = torch.where(is_track, error, torch.where(charge, columns["calorimetric_energy_error"].double(), torch.nan))
    light = torch.where(pid == Species.PHOTON, MASS_OF[Species.PHOTON], MASS_OF[Species.ELECTRON])
    size = momentum(kinetic, torch.where(is_track, mass, light))
    return {
        "kinetic_energy": kinetic,
        "kinetic_energy_error": error,
        "momentum": size[:, None] * columns["start_direction"],
    }
