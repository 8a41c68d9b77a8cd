"""Hadrons on free nucleons: cross sections (mb) of the channels of a cascade, by momentum where the nucleon rests.

The sums are those of `hadron_proton`, tabulated; on neutrons by isospin. Good to some 10 %: the rate of reactions on
nuclei does not depend on them, their shares do.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor

from nuforge.physics import hadron_proton
from nuforge.physics.constants import PION_MASS, PROTON_MASS
from nuforge.units import GeV

_EXCHANGE_ENERGY = (300.0, 400.0, 500.0, 600.0, 700.0, 800.0, 900.0, 1000.0, 1200.0, 1600.0, 2000.0, 3000.0, 5000.0)
_EXCHANGE = (19.0, 13.5, 10.0, 9.5, 7.0, 5.0, 6.0, 4.0, 3.0, 1.5, 1.0, 0.4, 0.2)
"""Charge exchange of pi- on protons (mb) by kinetic energy (MeV), from the Review of Particle Physics' compilation."""
_LOWEST, _HIGHEST, _POINTS = 20.0, 30 * GeV, 700  # MeV
_PION_THRESHOLD = 776.0  # MeV, of a nucleon that makes one on a nucleon at rest


def nucleon_channels(momentum: Tensor, same: Tensor) -> Tensor:
    """Cross sections (N, 2) in mb of nucleons of momentum (N,) in MeV: elastic, and with pions made.

    `same` (N,) says whether both are of one kind.
    """
    out = _at(momentum, _nucleon_table())
    return torch.where(same.unsqueeze(1), out[:, :2], out[:, 2:])


def pion_channels(momentum: Tensor) -> Tensor:
    """Cross sections (N, 5) in mb of pi+ of momentum (N,) in MeV.

    Elastic and inelastic on p; elastic, charge exchange and other inelastic on n. For pi- exchange p and n.
    """
    return _at(momentum, _pion_table())


def _at(momentum: Tensor, table: Tensor) -> Tensor:
    """Rows (N, Q) of a table (P, Q) even in ln p, interpolated."""
    x = (momentum.clamp(min=_LOWEST).log() - np.log(_LOWEST)) * ((_POINTS - 1) / np.log(_HIGHEST / _LOWEST))
    x = x.clamp(max=_POINTS - 1.001)
    i = x.long()
    return torch.lerp(table[i], table[i + 1], (x - i).unsqueeze(1))


def momenta() -> Tensor:
    """Momenta (P,) in MeV, float64, even in their logarithm, of the tables of cross sections."""
    return torch.linspace(np.log(_LOWEST), np.log(_HIGHEST), _POINTS, dtype=torch.float64).exp()


@cache
def _nucleon_table() -> Tensor:
    p = momenta()
    kinetic = torch.sqrt(p**2 + PROTON_MASS**2) - PROTON_MASS
    columns = []
    for pdg in (2212, 2112):
        made = torch.where(p > _PION_THRESHOLD, hadron_proton.inelastic(pdg, kinetic), 0.0)
        columns += [hadron_proton.elastic(pdg, kinetic), made]
    return torch.stack(columns, 1)


@cache
def _pion_table() -> Tensor:
    kinetic = torch.sqrt(momenta() ** 2 + PION_MASS**2) - PION_MASS
    plus, made = hadron_proton.elastic(211, kinetic), hadron_proton.inelastic(211, kinetic)
    minus, other = hadron_proton.elastic(-211, kinetic), hadron_proton.inelastic(-211, kinetic)
    high = torch.from_numpy(np.interp(kinetic.numpy(), _EXCHANGE_ENERGY, _EXCHANGE))
    exchange = torch.where(kinetic < _EXCHANGE_ENERGY[0], other, torch.minimum(high, other))
    return torch.stack([plus, made, minus, exchange, other - exchange], 1)


def pion_deuteron_absorption(momentum: Tensor) -> Tensor:
    """Cross section (N,) in mb of pi+ d -> p p by momentum (MeV), above a kinetic energy of 2 MeV.

    Source: Ritchie, Phys. Rev. C 28 (1983) 926.
    """
    energy = torch.sqrt(momentum**2 + PION_MASS**2)
    kinetic = (energy - PION_MASS).clamp(min=2.0)
    deuteron = 1875.613
    root = torch.sqrt(PION_MASS**2 + deuteron**2 + 2 * (kinetic + PION_MASS) * deuteron)
    return (-1.2 + 3.5 / kinetic.sqrt() + 7.4e4 / ((root - 2136.0) ** 2 + 5600.0)).clamp(min=0)


def kaon_nucleon(momentum: Tensor, anti: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Cross sections (N,) in mb of kaons (`anti`: K- and anti-K0) of momentum (N,) in MeV on a nucleon.

    Returns:
        Elastic, charge exchange, and to a hyperon and a pion.
    """
    p = (momentum / GeV).clamp(min=0.1)
    elastic = torch.where(anti, 8 + 12 / p, 11 + 0 * p)
    exchange = torch.where(anti, 2 + 3 / p, 6 * torch.exp(-((p - 0.9) ** 2)))
    hyperon = torch.where(anti, 6 + 9 / p**1.5, 0.0)
    return elastic.clamp(max=150), exchange.clamp(max=50), hyperon.clamp(max=200)
