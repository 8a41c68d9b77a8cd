"""Range in the continuous-slowing-down approximation, and the energy that a range needs."""

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from nuforge.physics.material import Material
from nuforge.physics.stopping import stopping_power

_POINTS_PER_DECADE = 200


def integrate_range(energies: Float[Tensor, " n"], loss: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    """Range (cm) on a rising grid of energies (MeV), the integral of dT / loss, loss (MeV/cm) given on the grid.

    Below the first energy the loss is taken to fall with the velocity, so that the first range is 2 T / loss.
    The grid must be fine: 100 points a decade give 1e-4.
    """
    inverse = energies / loss  # the integrand in ln T
    steps = 0.5 * (inverse[1:] + inverse[:-1]) * energies.log().diff()
    first = 2 * inverse[:1]
    return torch.cat([first, first + steps.cumsum(0)])


def csda_range(kinetic: Float[Tensor, "*#n"], mass: float, material: Material) -> Float[Tensor, "*#n"]:
    """Mean path length (cm) of a heavy charged particle of kinetic energy (MeV) until it stops.

    Bethe's formula without radiative losses: 0.1 % high for muons of 1 GeV, 1 % for 10 GeV.
    """
    energies, ranges = _range_table(mass, material, float(kinetic.max()))
    return torch.as_tensor(np.exp(np.interp(kinetic.log().numpy(), energies, ranges)), dtype=kinetic.dtype)


def energy_of_range(length: Float[Tensor, "*#n"], mass: float, material: Material) -> Float[Tensor, "*#n"]:
    """Kinetic energy (MeV) of a heavy charged particle that stops after `length` (cm): the inverse of `csda_range`."""
    highest = 10 * mass + 10 * float(length.max()) * material.density
    energies, ranges = _range_table(mass, material, highest)
    return torch.as_tensor(np.exp(np.interp(length.log().numpy(), ranges, energies)), dtype=length.dtype)


def _range_table(mass: float, material: Material, highest: float) -> tuple[np.ndarray, np.ndarray]:
    """ln T and ln R on a fine grid from T = 1e-4 m up."""
    lowest = 1e-4 * mass
    n = max(2, math.ceil(_POINTS_PER_DECADE * math.log10(2 * highest / lowest)))
    energies = torch.logspace(math.log10(lowest), math.log10(2 * highest), n, dtype=torch.float64)
    ranges = integrate_range(energies, stopping_power(energies, mass, material))
    return energies.log().numpy(), ranges.log().numpy()
