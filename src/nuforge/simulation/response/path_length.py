"""The path on which a deposit was made, also where it is recorded as a point.

Recombination needs dE/dx. Transports record electrons that stop where they are made (photo-electrons, the last step
of a shower) as points, whose dE/dx would be infinite; such an electron ran at least its own range.
"""

from functools import lru_cache

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from nuforge.physics.material import Material
from nuforge.physics.ranges import integrate_range
from nuforge.physics.stopping import electron_stopping_power
from nuforge.units import MeV, cm, keV

_LOWEST, _HIGHEST, _POINTS = 1.0 * keV, 100.0 * MeV, 1001
_DENSEST = 1000.0 * MeV / cm
"""A guard for other particles recorded as points: above the Bragg maximum of protons in liquid argon."""


def electron_range(energy: Float[Tensor, " n"], material: Material) -> Float[Tensor, " n"]:
    """Mean path length (N,) cm of electrons of kinetic energy (N,) MeV until they stop.

    The integral of 1 / (dE/dx), interpolated in ln T between 1 keV and 100 MeV. It is 10 % uncertain at 10 keV, where
    the stopping power (no shell corrections) begins to fail; below 1 keV dE/dx stays that of 1 keV, and above 100 MeV
    the mean stays that of 100 MeV.

    Source: Berger and Seltzer, ICRU Report 37 (1984), collision losses only.
    """
    table = _mean_loss(material).to(energy)
    low, high = torch.tensor([_LOWEST, _HIGHEST], dtype=torch.float64).log().tolist()
    place = (energy.clamp(_LOWEST, _HIGHEST).log() - low) * ((_POINTS - 1) / (high - low))
    below = place.floor().clamp(0, _POINTS - 2).to(torch.int64)
    return energy / torch.lerp(table[below], table[below + 1], place - below)


def path_length(
    energy: Float[Tensor, " n"],
    length: Float[Tensor, " n"],
    is_electron: Bool[Tensor, " n"],
    material: Material,
) -> Float[Tensor, " n"]:
    """Path (N,) cm of deposits: the recorded one, but no shorter than is possible for the energy.

    An electron's deposit of energy T is at least as long as the range of an electron of energy T. Any other particle
    loses at most 1000 MeV/cm. The path of a deposit without energy is its recorded one.

    Args:
        energy: MeV.
        length: Recorded path in cm.
        is_electron: Made by an electron, a positron or a photon.
        material: What it was made in.
    """
    least = torch.where(is_electron, electron_range(energy, material), energy / _DENSEST)
    return torch.maximum(length, least)


@lru_cache(maxsize=8)
def _mean_loss(material: Material) -> Tensor:
    """T / range(T), the mean dE/dx (MeV/cm) of an electron that stops, on a grid even in ln T."""
    low, high = torch.tensor([_LOWEST, _HIGHEST], dtype=torch.float64).log().tolist()
    energy = torch.linspace(low, high, _POINTS, dtype=torch.float64).exp()
    reached = integrate_range(energy, electron_stopping_power(energy, material))
    return energy / (reached - reached[0] / 2)  # it begins with 2 T / loss, of a loss that falls with the velocity
