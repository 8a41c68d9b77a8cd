"""Electronics: charge to energy, and what is kept."""

import torch

from nuforge.detectors.constant import Constant
from nuforge.detectors.lartpc import TimeProjectionChamber
from nuforge.shapes import Scalars
from nuforge.simulation.response.attenuation import surviving_fraction
from nuforge.simulation.response.drift import drift_time
from nuforge.simulation.response.recombination import ISOTROPIC_COSINE, escaping_fraction

MINIMUM_IONISING = 2.1
"""MeV/cm in liquid argon (Review of Particle Physics: 2.105)."""


def reconstructed_energy(charge: Scalars, distance: Scalars, calibration: TimeProjectionChamber) -> Scalars:
    """Energy (N,) MeV of charges (N,) e that drifted for a distance (N,) cm.

    Corrected for the mean loss by attenuation on the true drift distance (the time of the event is known: beam or
    scintillation light gives it) and for the recombination of a minimum-ionising particle. So a muon's voxel shows what
    was deposited, and a stopping proton's less.

    Args:
        charge: Electrons collected.
        distance: Drift distance.
        calibration: The detector as it is believed to be.
    """
    time = drift_time(distance, calibration.readout.field, calibration.medium.temperature)
    survivors = surviving_fraction(time, calibration.medium.lifetime)
    loss, cosine = charge.new_tensor([MINIMUM_IONISING]), charge.new_tensor([ISOTROPIC_COSINE])
    escaped = escaping_fraction(loss, cosine, calibration.readout.field, calibration.medium)
    return charge * calibration.medium.ionisation_energy / (escaped * survivors)


def soft_threshold(value: Scalars, threshold: Constant, soft: float) -> Scalars:
    """Values (N,) times the logistic function of (value - threshold) / soft, all in MeV.

    The differentiable stand-in of dropping what is below the threshold, which it becomes for soft -> 0.

    Raises:
        ValueError: If soft is not positive.
    """
    if not soft > 0:
        raise ValueError(f"soft must be positive (MeV), got {soft}; a third of the threshold is a good start")
    return value * torch.sigmoid((value - threshold) / soft)
