"""Inelastic scattering of neutrinos on nucleons at rest: the cross section of any structure functions.

Energies and masses in MeV, Q^2 in MeV^2, cross sections in cm^2. The mass of the lepton is kept.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from nuforge.physics.constants import FERMI_CONSTANT, HBAR_C, NUCLEON_MASS
from nuforge.units import GeV

_KNEE = 0.05 * GeV**2


class Response(NamedTuple):
    """Structure functions W_1 to W_5 in 1/MeV, by hadronic mass and Q^2.

    The hadronic tensor is -g W_1 + p p W_2 / M^2 - i e(p, q) W_3 / 2 M^2 + q q W_4 / M^2 + (p q + q p) W_5 / M^2. With
    the usual F: W_1 = F_1 / M, the others F_i / nu.
    """

    first: Tensor
    second: Tensor
    third: Tensor
    fourth: Tensor
    fifth: Tensor


@dataclass(frozen=True)
class ResponseTable:
    """Structure functions on a grid, between whose points they are interpolated.

    Args:
        lowest: Least hadronic mass in MeV.
        highest: Largest one.
        power: Masses are even in their power 1 / `power` above the least.
        most: Largest Q^2 in MeV^2; from 0 they are even in ln(Q^2 + 0.05 GeV^2).
        values: W_1 to W_5 (5, W, Q^2).
    """

    lowest: float
    highest: float
    power: float
    most: float
    values: Tensor

    @classmethod
    def of(
        cls,
        function: Callable[[Tensor, Tensor], Response],
        masses: tuple[float, float, int],
        transfers: tuple[float, int],
        power: float = 1.0,
    ) -> ResponseTable:
        """The table of a function of W and Q^2.

        Args:
            function: What is tabulated.
            masses: Least and largest hadronic mass (MeV), and points.
            transfers: Largest Q^2 (MeV^2), and points.
            power: See above.
        """
        low, high, n = masses
        most, m = transfers
        w = low + (high - low) * torch.linspace(0, 1, n, dtype=torch.float64) ** power
        q2 = _KNEE * torch.expm1(torch.linspace(0, math.log1p(most / _KNEE), m, dtype=torch.float64))
        found = function(*torch.meshgrid(w, q2, indexing="ij"))
        return cls(low, high, power, most, torch.stack(found))

    def at(self, w: Tensor, q2: Tensor) -> Response:
        """Structure functions at W (MeV) and Q^2 (MeV^2) of one shape, 0 outside."""
        _, n, m = self.values.shape
        share = (w - self.lowest) / (self.highest - self.lowest)
        row = share.clamp(0, 1) ** (1 / self.power) * (n - 1)
        column = torch.log1p(q2.clamp(min=0) / _KNEE) * ((m - 1) / math.log1p(self.most / _KNEE))
        inside = (share >= 0) & (share <= 1) & (column <= m - 1)
        i, j = row.long().clamp(max=n - 2), column.long().clamp(max=m - 2)
        u, v, corner = row - i, column - j, i * m + j

        def value(table: Tensor) -> Tensor:
            flat = table.reshape(-1)
            low = torch.lerp(flat[corner], flat[corner + 1], v)
            high = torch.lerp(flat[corner + m], flat[corner + m + 1], v)
            return torch.where(inside, torch.lerp(low, high, u), 0.0)

        return Response(*(value(table) for table in self.values))


def cross_section(energy: Tensor, w: Tensor, q2: Tensor, lepton_mass: float, anti: bool, response: Response) -> Tensor:
    """d^2 sigma / dW dQ^2 in cm^2/MeV^3, whatever the limits of W and Q^2.

    G^2 W / (4 pi M E^2) {W_1 (Q^2 + m^2) + W_2 (2 E E' - (Q^2 + m^2) / 2) +- W_3 (Q^2 E - nu (Q^2 + m^2) / 2) / M
    + W_4 m^2 (Q^2 + m^2) / 2 M^2 - 2 W_5 m^2 E / M}, minus for antineutrinos.

    Source: Lalakulich and Paschos, Phys. Rev. D 71 (2005) 074003, eq. 2.12.

    Args:
        energy: Of the neutrino.
        w: Hadronic mass.
        q2: Q^2.
        lepton_mass: Of the lepton that leaves.
        anti: For antineutrinos.
        response: Of the nucleon; without the mixing of quarks if that is not in it.
    """
    m2 = lepton_mass**2
    nu = (w**2 - NUCLEON_MASS**2 + q2) / (2 * NUCLEON_MASS)
    both = q2 + m2
    first, second, third, fourth, fifth = response
    helicity = third * (q2 * energy - 0.5 * nu * both) / NUCLEON_MASS
    inner = first * both + second * (2 * energy * (energy - nu) - 0.5 * both) + (-helicity if anti else helicity)
    if m2:
        inner = inner + fourth * m2 * both / (2 * NUCLEON_MASS**2) - 2 * fifth * m2 * energy / NUCLEON_MASS
    scale = FERMI_CONSTANT**2 * HBAR_C**2 / (4 * torch.pi * NUCLEON_MASS)
    return scale * w / energy**2 * inner.clamp(min=0)
