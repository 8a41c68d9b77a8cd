"""Hadrons on free nucleons: cross sections (mb) by momentum of the projectile where the nucleon rests.

Sources: nucleons: Cugnon, L'Hote, Vandermeulen, Nucl. Instr. Meth. B111 (1996) 215, 5 MeV to some GeV. Pions: the
Delta as in Cugnon et al., and above points read from the Review of Particle Physics' compilation. Kaons: rounded from
the same compilation. Good to some 10 %: the rate of reactions on nuclei does not depend on them, their shares do.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from nuforge.physics.constants import PION_MASS, PROTON_MASS
from nuforge.units import GeV

_PION_ENERGY = (300.0, 400.0, 500.0, 600.0, 700.0, 800.0, 900.0, 1000.0, 1200.0, 1350.0, 1600.0, 2000.0, 3000.0, 5000.0)
_PLUS_TOTAL = (105.0, 50.0, 28.0, 17.0, 15.0, 19.0, 24.0, 27.0, 37.0, 41.0, 32.0, 29.0, 28.5, 27.0)
_PLUS_ELASTIC = (105.0, 50.0, 27.0, 15.5, 11.0, 10.0, 11.0, 12.0, 16.0, 18.0, 12.0, 8.5, 7.0, 5.5)
_MINUS_TOTAL = (43.0, 31.0, 31.0, 43.0, 38.0, 42.0, 58.0, 47.0, 37.0, 36.0, 36.0, 35.0, 32.0, 29.0)
_MINUS_ELASTIC = (15.0, 11.5, 13.0, 19.0, 16.0, 18.0, 26.0, 20.0, 14.0, 12.0, 10.5, 9.5, 8.0, 6.0)
_EXCHANGE = (28.0, 18.0, 11.0, 10.0, 7.0, 5.0, 6.0, 4.0, 3.0, 2.2, 1.5, 1.0, 0.4, 0.2)


def nucleon_elastic(momentum: Tensor, same: Tensor) -> Tensor:
    """Elastic cross section (N,) in mb of nucleons of momentum (N,) in MeV on the same kind or the other kind."""
    p = momentum.clamp(min=20.0) / GeV
    like = torch.where(p < 0.8, 23.5 + 1000 * (p - 0.7) ** 4, 1250 / (p + 50) - 4 * (p - 1.3) ** 2)
    like = torch.where(p < 0.44, 34 * (p / 0.4) ** -2.104, like)
    unlike = torch.where(p < 0.8, 33 + 196 * (p - 0.95).abs() ** 2.5, 31 / p.sqrt())
    unlike = torch.where(p < 0.45, 6.3555 * p**-3.2481 * torch.exp(-0.377 * p.log() ** 2), unlike)
    return torch.where(p >= 2.0, 77 / (p + 1.5), torch.where(same, like, unlike))


def nucleon_inelastic(momentum: Tensor, same: Tensor) -> Tensor:
    """Cross section (N,) in mb of nucleons (momentum in MeV) for making pions on the same kind or the other kind."""
    p = momentum / GeV
    like = torch.where(
        p < 1.5, 23.5 + 24.6 / (1 + torch.exp(-(p - 1.2) / 0.10)), 41 + 60 * (p - 0.9) * (-1.2 * p).exp()
    )
    unlike = torch.where(p < 2.0, 24.2 + 8.9 * p, 42.0)
    inelastic = torch.where(same, like, unlike) - nucleon_elastic(momentum, same)
    return torch.where(p > 0.80, inelastic.clamp(min=0), 0.0)


def pion_nucleon(momentum: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Cross sections (N,) in mb of pi+ of momentum (N,) in MeV.

    Returns:
        Elastic on p, inelastic on p; elastic on n, charge exchange on n, inelastic on n (pi-: p and n exchanged).
    """
    energy = torch.sqrt(momentum**2 + PION_MASS**2)
    kinetic = energy - PION_MASS
    root = torch.sqrt(PION_MASS**2 + PROTON_MASS**2 + 2 * energy * PROTON_MASS)
    q3 = (momentum * PROTON_MASS / root) ** 3
    delta = 326.5 * q3 / (q3 + 5.832e6) / (1 + (2 * (root - 1215.0) / 110.0) ** 2)
    low = kinetic < _PION_ENERGY[0]
    plus, plus_total, minus, minus_total, exchange = (
        _interpolated(kinetic, y) for y in (_PLUS_ELASTIC, _PLUS_TOTAL, _MINUS_ELASTIC, _MINUS_TOTAL, _EXCHANGE)
    )
    return (
        torch.where(low, delta, plus),
        torch.where(low, 0.0, (plus_total - plus).clamp(min=0)),
        torch.where(low, delta / 9 + 1.5, minus),
        torch.where(low, delta * 2 / 9 + 3.5, exchange),
        torch.where(low, 0.0, (minus_total - minus - exchange).clamp(min=0)),
    )


def pion_deuteron_absorption(momentum: Tensor) -> Tensor:
    """Cross section (N,) in mb of pi+ d -> p p by momentum (MeV), above a kinetic energy of 2 MeV.

    Source: Ritchie, Phys. Rev. C 28 (1983) 926.
    """
    energy = torch.sqrt(momentum**2 + PION_MASS**2)
    kinetic = (energy - PION_MASS).clamp(min=2.0)
    deuteron = 1875.613
    root = torch.sqrt(PION_MASS**2 + deuteron**2 + 2 * (kinetic + PION_MASS) * deuteron)
    return (-1.2 / kinetic.sqrt() + 3.5e6 / ((root - 2136.0) ** 2 + 7.4e4) - 5.7).clamp(min=0.3)


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


def _interpolated(kinetic: Tensor, values: tuple[float, ...]) -> Tensor:
    return torch.from_numpy(np.interp(kinetic.numpy(), _PION_ENERGY, values)).to(kinetic.dtype)
