"""Oscillations of three neutrinos in vacuum and in matter of constant density, exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from nuforge.physics.constants import AVOGADRO, FERMI_CONSTANT, HBAR_C
from nuforge.units import eV

FLAVOURS = (12, 14, 16)
"""PDG numbers in the order of rows and columns."""


@dataclass(frozen=True)
class Mixing:
    """Angles and mass splittings. Default: NuFit 5.2 (2022), normal ordering, with the atmospheric data of Super-K.

    Args:
        sin2_12: sin^2 theta_12.
        sin2_13: sin^2 theta_13.
        sin2_23: sin^2 theta_23.
        delta: Phase of CP violation, rad.
        dm2_21: m_2^2 - m_1^2 in MeV^2 (7.41e-5 eV^2 is 7.41e-17 MeV^2).
        dm2_31: m_3^2 - m_1^2 in MeV^2, negative for inverted ordering.

    Source: Esteban et al., JHEP 09 (2020) 178 and www.nu-fit.org.
    """

    sin2_12: float = 0.303
    sin2_13: float = 0.02225
    sin2_23: float = 0.451
    delta: float = math.radians(232)
    dm2_21: float = 7.41e-5 * eV**2
    dm2_31: float = 2.507e-3 * eV**2

    def matrix(self) -> Tensor:
        """The matrix U of Pontecorvo, Maki, Nakagawa and Sakata (3, 3), complex: rows flavours, columns masses."""
        (s12, c12), (s13, c13), (s23, c23) = (
            (math.sqrt(s), math.sqrt(1 - s)) for s in (self.sin2_12, self.sin2_13, self.sin2_23)
        )
        phase = complex(math.cos(self.delta), math.sin(self.delta))
        return torch.tensor(
            [
                [c12 * c13, s12 * c13, s13 / phase],
                [-s12 * c23 - c12 * s23 * s13 * phase, c12 * c23 - s12 * s23 * s13 * phase, s23 * c13],
                [s12 * s23 - c12 * c23 * s13 * phase, -c12 * s23 - s12 * c23 * s13 * phase, c23 * c13],
            ],
            dtype=torch.complex128,
        )


def matter_potential(density: float, electrons: float = 0.5) -> float:
    """sqrt(2) G_F n_e in MeV, of a density (g/cm^3) with some electrons a nucleon."""
    return math.sqrt(2) * FERMI_CONSTANT * density * electrons * AVOGADRO * HBAR_C**3


def probabilities(
    energy: Tensor,
    baseline: Tensor | float,
    density: float = 0.0,
    mixing: Mixing | None = None,
    anti: bool = False,
    electrons: float = 0.5,
) -> Tensor:
    """Chances (N, 3, 3) that a flavour (first index) arrives as another (second).

    The Hamiltonian U diag(m^2) U^+ / 2 E + diag(V, 0, 0) is diagonalised at each energy; nothing is expanded.

    Args:
        energy: MeV (N,).
        baseline: cm, one or (N,).
        density: g/cm^3, 0 for vacuum.
        mixing: Of neutrinos.
        anti: For antineutrinos.
        electrons: Per nucleon of the matter.
    """
    mixing = Mixing() if mixing is None else mixing
    u = mixing.matrix()
    u = u.conj() if anti else u
    masses = torch.tensor([0.0, mixing.dm2_21, mixing.dm2_31], dtype=torch.complex128)
    potential = torch.zeros(3, 3, dtype=torch.complex128)
    potential[0, 0] = (-1 if anti else 1) * matter_potential(density, electrons)
    vacuum = u @ torch.diag(masses) @ u.conj().T
    energy = energy.double()
    levels, states = torch.linalg.eigh(vacuum / (2 * energy)[:, None, None] + potential)
    way = torch.as_tensor(baseline, dtype=torch.float64) / HBAR_C
    turned = torch.exp(-1j * levels * way.reshape(-1, 1))
    amplitude = torch.einsum("nbk,nk,nak->nab", states, turned, states.conj())
    return amplitude.abs().square()
