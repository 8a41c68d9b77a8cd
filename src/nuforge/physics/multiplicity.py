"""How many hadrons a neutrino makes in deep inelastic scattering, by the mass W of all of them together.

Source: Yang, Andreopoulos, Gallagher, Hoffmann and Kehayias, Eur. Phys. J. C 63 (2009) 1 (AGKY): averages and
distributions of Koba, Nielsen and Olesen fitted to bubble chambers; the values are those of GENIE.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from nuforge.units import GeV

MOST = 14
"""Hadrons of one interaction."""
ALL_OVER_CHARGED = 1.5
"""Hadrons per charged one."""
_AVERAGES = {(False, True): (0.40, 1.42), (False, False): (-0.20, 1.42), (True, True): (0.02, 1.28)}
_AVERAGES |= {(True, False): (0.80, 0.95)}
_WIDTHS = {(False, True): 7.93, (False, False): 5.22, (True, True): 5.22, (True, False): 7.93}
_LOW, _HIGH, _MASSES = 1.08 * GeV, 7.5 * GeV, 160


def mean_charged(w: Tensor, anti: bool, on_proton: bool) -> Tensor:
    """Mean number of charged hadrons at W (MeV), a + b ln W^2 with W in GeV."""
    a, b = _AVERAGES[anti, on_proton]
    return a + b * torch.log((w / GeV) ** 2)


def multiplicities(w: Tensor, anti: bool, on_proton: bool, uniform: Tensor) -> Tensor:
    """Numbers of hadrons (N,), 2 to 14, drawn by uniform numbers (N,).

    Args:
        w: Hadronic mass (N,) in MeV.
        anti: For antineutrinos.
        on_proton: Whether the nucleon that was hit is a proton.
        uniform: (N,).
    """
    table = _table(anti, on_proton)
    at = (w.clamp(_LOW, _HIGH) - _LOW) * ((_MASSES - 1) / (_HIGH - _LOW))
    row = (at + 0.5).long()
    return 2 + (uniform.unsqueeze(1) > table[row]).sum(1)


@cache
def _table(anti: bool, on_proton: bool) -> Tensor:
    """Chances (W, MOST - 2) of at most 2, 3, ... hadrons."""
    w = torch.linspace(_LOW, _HIGH, _MASSES, dtype=torch.float64)
    mean = (ALL_OVER_CHARGED * mean_charged(w, anti, on_proton)).clamp(min=1.0).unsqueeze(1)
    c = _WIDTHS[anti, on_proton]
    n = torch.arange(2, MOST + 1, dtype=torch.float64)
    cz = c * n / mean
    chance = torch.exp(cz * torch.log(torch.tensor(c)) - torch.lgamma(cz + 1))
    fits = w.unsqueeze(1) / GeV > 0.94 + 0.139 * (n - 1)
    chance = torch.where(fits | (n == 2), chance, 0.0)
    return (chance.cumsum(1) / chance.sum(1, keepdim=True))[:, :-1]
