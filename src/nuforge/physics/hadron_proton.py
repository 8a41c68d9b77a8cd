"""Cross sections of hadrons on free protons and, for kaons, on the average nucleon.

Sources: nucleons below 3 GeV/c: Cugnon, Vandermeulen and L'Hote, NIM B 111 (1996) 215; above: fits of the Review of
Particle Properties 1994. Slow neutrons: effective-range theory. Pions and kaons: smooth curves read from the total and
elastic cross sections in the compilation of the Particle Data Group; charge exchange of slow pi- from the Delta(1232),
2/9 of the elastic cross section of pi+. Good to 10 % where data are dense, 20 % elsewhere. Coulomb scattering is left
out.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from nuforge.physics.constants import KAON_MASS, PROTON_MASS
from nuforge.physics.effective_range import neutron_proton

_JOIN = (2500.0, 4000.0)  # MeV/c, where the low parametrisation passes into the fit
_SLOWEST = 0.1  # GeV/c: below (5 MeV) the repulsion of charges stops the rise of pp scattering
_SLOW_NEUTRON = (15.0, 25.0)  # MeV, where effective range passes into the parametrisation

# fmt: off
_PION_ENERGIES = (
    1, 10, 20, 40, 60, 80, 100, 120, 140, 160, 180, 200, 220, 250, 300, 350, 400, 450, 500, 560, 600, 650, 700, 800,
    900, 1000, 1150, 1300, 1500, 2000, 3000, 5000, 10000, 20000, 50000, 100000,
)  # MeV
_PI_PLUS_ELASTIC = (
    0.6, 2.5, 4.5, 10.5, 20, 35, 58, 94, 142, 180, 200, 178, 143, 104, 65, 42.5, 29.5, 21.5, 17.5, 13.5, 11.5, 9.7, 8.5,
    10, 11.8, 14, 13, 18.5, 14.5, 9.4, 7, 5.9, 4.8, 3.9, 3.2, 3.3,
)
_PI_PLUS_INELASTIC = (
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.02, 0.06, 0.2, 0.5, 1, 1.6, 2.4, 3.4, 4.3, 4.9, 5.8, 7, 9, 11, 11.5, 15,
    21.5, 21.5, 20, 21.5, 20.6, 20.1, 19.9, 19.9, 20,
)
_PI_MINUS_ELASTIC = (
    1.4, 1.6, 1.7, 2, 3, 4.8, 7.2, 11, 16.5, 21.5, 23.3, 21.5, 18.2, 13.6, 9.9, 9.6, 10.8, 11.8, 13.8, 18.6, 20, 17.5,
    14.6, 16.5, 18.6, 15.3, 13.3, 12.5, 10.2, 9.2, 6.9, 5.8, 4.5, 3.8, 3.3, 3.3,
)
_PI_MINUS_INELASTIC = (
    5, 5.3, 5.6, 7, 9, 12, 17, 24.5, 34, 43, 45.5, 41, 34, 27, 19, 17, 16.3, 16.5, 18, 23, 27, 24, 22, 31, 40, 34, 26,
    22.5, 24.5, 26.7, 25.3, 23.2, 21.6, 21, 20.8, 20.9,
)  # charge exchange included
_KAON_MOMENTA = (
    100, 200, 250, 300, 390, 500, 600, 700, 800, 900, 1000, 1100, 1200, 1400, 1600, 2000, 3000, 5000, 10000, 20000,
    50000, 100000,
)  # MeV/c
_K_PLUS_NUCLEON = (
    10, 11, 11.3, 11.5, 12, 12.5, 12.8, 13.3, 14.2, 15.5, 17.3, 19.2, 19.6, 18.8, 18.4, 18.1, 17.5, 17.4, 17.4, 17.6,
    18.4, 19,
)
_K_MINUS_NUCLEON = (
    150, 100, 85, 65, 65, 40, 34, 32.5, 37, 40, 44, 38, 32, 30, 31.5, 28.3, 25.8, 22.9, 21.5, 20.5, 20, 20.1,
)
_K_PLUS_PROTON = (
    10.5, 11.5, 12, 12.3, 12.6, 12.7, 12.7, 12.3, 12.8, 14.2, 15.9, 17.6, 18.4, 18.2, 17.8, 17.6, 17.1, 17.3, 17.3,
    17.4, 18.2, 18.9,
)
_K_PLUS_PROTON_ELASTIC = (
    10.5, 11.5, 12, 12.3, 12.6, 12.7, 12.6, 12.1, 12, 11.9, 11.8, 11.3, 10.6, 9, 7.9, 6.5, 5, 4, 3, 2.6, 2.4, 2.4,
)
_K_MINUS_PROTON = (
    200, 125, 103, 79, 90, 44.5, 36, 34.7, 40.6, 43.5, 50.5, 43, 33, 31, 33.8, 30.4, 28, 24.6, 22.6, 21, 20.4, 20.4,
)
_K_MINUS_PROTON_ELASTIC = (
    80, 62, 55, 46, 38, 24, 18, 14.8, 19, 20.7, 21, 17.5, 12.8, 9.8, 8.9, 7.6, 6.3, 4.9, 3.3, 2.8, 2.5, 2.5,
)
# fmt: on

# A, B, n, C, D of A + B p^n + C ln^2 p + D ln p, mb and GeV/c.
# Source: Review of Particle Properties, Phys. Rev. D 50 (1994) 1335.
_PP_TOTAL = (48.0, 0.0, 0.0, 0.522, -4.51)
_NP_TOTAL = (47.30, 0.0, 0.0, 0.513, -4.27)
_PP_ELASTIC = (11.9, 26.9, -1.21, 0.169, -1.85)


def elastic(pdg: int, kinetic: Float[Tensor, " g"]) -> Float[Tensor, " g"]:
    """Elastic cross section (mb) of a hadron of kinetic energy (MeV) on a proton."""
    if pdg in (2212, 2112):
        return _nucleon(pdg, kinetic)[0]
    if pdg in (211, -211):
        return _between(kinetic, _PION_ENERGIES, _PI_PLUS_ELASTIC if pdg > 0 else _PI_MINUS_ELASTIC)
    momentum = torch.sqrt(kinetic * (kinetic + 2 * KAON_MASS))
    plus = _between(momentum, _KAON_MOMENTA, _K_PLUS_PROTON_ELASTIC)
    minus = _between(momentum, _KAON_MOMENTA, _K_MINUS_PROTON_ELASTIC)
    return {321: plus, -321: minus, 130: (plus + minus) / 2}[pdg]


def inelastic(pdg: int, kinetic: Float[Tensor, " g"]) -> Float[Tensor, " g"]:
    """Cross section (mb) of all other reactions with a proton: production; for pi-, K- and K0_L charge exchange."""
    if pdg in (2212, 2112):
        return _nucleon(pdg, kinetic)[1]
    if pdg in (211, -211):
        return _between(kinetic, _PION_ENERGIES, _PI_PLUS_INELASTIC if pdg > 0 else _PI_MINUS_INELASTIC)
    momentum = torch.sqrt(kinetic * (kinetic + 2 * KAON_MASS))
    plus = _between(momentum, _KAON_MOMENTA, _K_PLUS_PROTON) - _between(momentum, _KAON_MOMENTA, _K_PLUS_PROTON_ELASTIC)
    minus = _between(momentum, _KAON_MOMENTA, _K_MINUS_PROTON)
    minus = minus - _between(momentum, _KAON_MOMENTA, _K_MINUS_PROTON_ELASTIC)
    return {321: plus, -321: minus, 130: (plus + minus) / 2}[pdg]


def kaon_nucleon(pdg: int, momentum: Float[Tensor, " g"]) -> Float[Tensor, " g"]:
    """Total cross section (mb) of K+, K- or K0_L of momentum (MeV/c) on the average of proton and neutron."""
    plus, minus = (_between(momentum, _KAON_MOMENTA, row) for row in (_K_PLUS_NUCLEON, _K_MINUS_NUCLEON))
    return {321: plus, -321: minus, 130: (plus + minus) / 2}[pdg]


def _between(x: Float[Tensor, " g"], grid: tuple[int, ...], values: tuple[float, ...]) -> Float[Tensor, " g"]:
    """Linear interpolation in ln x, constant outside."""
    log = torch.tensor(grid, dtype=x.dtype).log()
    y = torch.tensor(values, dtype=x.dtype)
    at = x.log().clamp(log[0], log[-1])
    k = torch.searchsorted(log, at, right=True).clamp(1, len(log) - 1)
    return torch.lerp(y[k - 1], y[k], (at - log[k - 1]) / (log[k] - log[k - 1]))


def _nucleon(pdg: int, kinetic: Float[Tensor, " g"]) -> tuple[Float[Tensor, " g"], Float[Tensor, " g"]]:
    """Elastic and inelastic cross section (mb) of a nucleon on a proton."""
    momentum = torch.sqrt(kinetic * (kinetic + 2 * PROTON_MASS)) / 1000
    like = pdg == 2212
    total, elastic = _cugnon_like(momentum) if like else _cugnon_unlike(momentum)
    high = (torch.log(1000 * momentum) - math.log(_JOIN[0])) / math.log(_JOIN[1] / _JOIN[0])
    high = high.clamp(0, 1)
    total = torch.lerp(total, _fit(momentum, _PP_TOTAL if like else _NP_TOTAL), high)
    elastic = torch.lerp(elastic, _fit(momentum, _PP_ELASTIC), high)
    inelastic = (total - elastic).clamp(min=0)
    if not like:
        fast = ((kinetic - _SLOW_NEUTRON[0]) / (_SLOW_NEUTRON[1] - _SLOW_NEUTRON[0])).clamp(0, 1)
        elastic = torch.lerp(neutron_proton(kinetic), elastic, fast)
    return elastic, inelastic


def _fit(p: Float[Tensor, " g"], fit: tuple[float, float, float, float, float]) -> Float[Tensor, " g"]:
    p = p.clamp(min=2.0)
    return fit[0] + fit[1] * p ** fit[2] + fit[3] * p.log() ** 2 + fit[4] * p.log()


def _cugnon_like(p: Float[Tensor, " g"]) -> tuple[Float[Tensor, " g"], Float[Tensor, " g"]]:
    """Total and elastic cross section (mb) of pp at p (GeV/c)."""
    slow = 34 * (p.clamp(min=_SLOWEST) / 0.4) ** -2.104
    middle = 23.5 + 1000 * (p - 0.7) ** 4
    rising = 23.5 + 24.6 / (1 + torch.exp(-(p - 1.2) / 0.1))
    fast = 41 + 60 * (p - 0.9) * torch.exp(-1.2 * p)
    total = _pieces(p, (0.44, 0.8, 1.5), (slow, middle, rising, fast))
    late = 1250 / (p + 50) - 4 * (p - 1.3) ** 2
    return total, _pieces(p, (0.8, 2.0), (total, torch.minimum(late, total), 77 / (p + 1.5)))


def _cugnon_unlike(p: Float[Tensor, " g"]) -> tuple[Float[Tensor, " g"], Float[Tensor, " g"]]:
    """Total and elastic cross section (mb) of np at p (GeV/c)."""
    log = p.log()
    slow = 6.3555 * torch.exp(-3.2481 * log - 0.377 * log**2)
    dip = 33 + 196 * (p - 0.95).abs() ** 2.5
    total = _pieces(p, (0.446, 1.0, 2.0), (slow, dip, 24.2 + 8.9 * p, torch.full_like(p, 42.0)))
    return total, _pieces(p, (0.8, 2.0), (total, torch.minimum(31 / p.sqrt(), total), 77 / (p + 1.5)))


def _pieces(x: Tensor, edges: tuple[float, ...], values: tuple[Tensor, ...]) -> Tensor:
    out = values[0]
    for edge, value in zip(edges, values[1:], strict=True):
        out = torch.where(x >= edge, value, out)
    return out
