"""Energies from charge: what recombination, threshold and escape take is put back, as far as it is known.

Values of voxels are already corrected for the mean loss of a minimum-ionising particle, whatever made them. Along a
track dE/dx is seen, so each step is corrected by the recombination at its own dE/dx. A shower has no dE/dx to
go by: one factor for each class, measured on simulation, stands for recombination, for voxels below threshold, and for
what photons carry to other clusters.
"""

from __future__ import annotations

import torch

from nuforge.detectors import TimeProjectionChamber
from nuforge.detectors.constant import number
from nuforge.reconstruction.clusters import totals
from nuforge.reconstruction.profiles import Profiles
from nuforge.shapes import Scalars
from nuforge.simulation.response.electronics import MINIMUM_IONISING
from nuforge.simulation.response.recombination import ISOTROPIC_COSINE, escaping_fraction

SHOWER_FACTOR = 1.25
"""Kinetic energy of an electron or photon over the sum of its shower's voxels: median of simulated showers of 50 to 700
MeV that are contained (electrons 1.24, photons 1.26, the same at all energies), voxels of class shower alone."""
SHOWER_SPREAD = (0.3, 0.045)
"""Relative spread of the same: a / sqrt(E / MeV) and b, in quadrature."""
MICHEL_FACTOR = 1.6
"""The same of Michel electrons: the photons that they radiate and voxels shared with the muon are other clusters."""
MICHEL_SPREAD = (0.0, 0.35)
TRACK_FACTOR = 1.07
"""Kinetic energy of a track that stops over the sum of its steps: what voxels below threshold and knock-on electrons in
clusters of their own take. Mean of simulated muons and protons (1.075 both) and pions (1.045)."""
TRACK_SPREAD = (0.3, 0.03)
"""Relative spread of the energy of a track that stops: a / sqrt(E / MeV) and b, in quadrature."""


def stopping_power_of(visible: Scalars, detector: TimeProjectionChamber) -> Scalars:
    """dE/dx (N,) MeV/cm from the energy per cm that voxels show, (N,) MeV/cm: recombination inverted.

    Voxels show dE/dx R(dE/dx) / R(2.1 MeV/cm) on average, R the escaping fraction, which rises with dE/dx;
    the inverse is interpolated in a table from 0.5 to 100 MeV/cm and proportional outside. Tracks are taken to have the
    mean angle with the drift field.
    """
    loss = torch.logspace(-0.3, 2, 400, dtype=torch.float64)
    losses = torch.cat([loss, loss.new_tensor([MINIMUM_IONISING])])
    cosine = torch.full_like(losses, ISOTROPIC_COSINE)
    escaped = escaping_fraction(losses, cosine, number(detector.readout.field), detector.medium).detach()
    shown = (loss * escaped[:-1] / escaped[-1]).cummax(0).values
    at = torch.searchsorted(shown, visible.contiguous()).clamp(1, len(loss) - 1)
    part = (visible - shown[at - 1]) / (shown[at] - shown[at - 1]).clamp(min=1e-9)
    inside = loss[at - 1] + part.clamp(0, 1) * (loss[at] - loss[at - 1])
    scale = torch.where(
        visible < shown[0], visible / shown[0], torch.where(visible > shown[-1], visible / shown[-1], 1.0)
    )
    return inside * scale


def track_energy(profiles: Profiles, n: int) -> tuple[Scalars, Scalars]:
    """Kinetic energy (C,) MeV that each track deposits, by its dE/dx in steps, and its error; NaN without steps."""
    steps = totals(torch.ones_like(profiles.width), profiles.cluster, n)
    energy = TRACK_FACTOR * totals(profiles.stopping_power * profiles.width, profiles.cluster, n)
    energy = torch.where(steps > 0, energy, torch.nan)
    return energy, energy * _relative(energy, TRACK_SPREAD)


def shower_energy(total: Scalars) -> tuple[Scalars, Scalars]:
    """Kinetic energy (C,) MeV of showers from the sum of their voxels, and its uncertainty."""
    energy = SHOWER_FACTOR * total
    return energy, energy * _relative(energy, SHOWER_SPREAD)


def michel_energy(total: Scalars) -> tuple[Scalars, Scalars]:
    """Kinetic energy (C,) MeV of Michel electrons from the sum of their voxels, and its uncertainty."""
    energy = MICHEL_FACTOR * total
    return energy, energy * _relative(energy, MICHEL_SPREAD)


def _relative(energy: Scalars, spread: tuple[float, float]) -> Scalars:
    """Relative uncertainty (N,): a / sqrt(E) and b in quadrature."""
    return torch.sqrt(spread[0] ** 2 / energy.clamp(min=1.0) + spread[1] ** 2)
