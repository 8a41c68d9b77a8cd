"""Decays of tau leptons, which live 0.09 mm: what a detector sees of them.

Unpolarised taus by phase space: leptons with Michel's spectrum, one pion in two bodies, two from a rho, three from an
a_1, four from a mass between. Branching fractions: Review of Particle Physics 2024, smaller ones left out.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nuforge.physics.constants import TAU_MASS
from nuforge.physics.decays import michel_fraction
from nuforge.physics.particles import antiparticle, mass_of
from nuforge.simulation.directions import isotropic
from nuforge.simulation.four_momenta import boosted, four_momentum, two_bodies
from nuforge.simulation.nucleus import Products

TAU = 15
_NEUTRINO = 16
CHANNELS: tuple[tuple[float, tuple[int, ...]], ...] = (
    (0.1782, (11, -12)),
    (0.1739, (13, -14)),
    (0.1082, (-211,)),
    (0.2549, (-211, 111)),
    (0.0926, (-211, 111, 111)),
    (0.0902, (-211, -211, 211)),
    (0.0274, (-211, -211, 211, 111)),
    (0.0104, (-211, 111, 111, 111)),
)
"""Share of each channel of a tau-, and what it makes beside its neutrino."""
_RESONANCES = {2: (775.3, 149.1), 3: (1230.0, 420.0), 4: (1465.0, 400.0)}  # MeV, by the number of pions
_LEPTONS = (11, 13)


def decayed(owner: Tensor, pdg: Tensor, four: Tensor, generator: torch.Generator) -> Products:
    """Particles (M,) with the taus among them replaced by what they decay to.

    Args:
        owner: Interactions (M,), rising; they still rise after.
        pdg: PDG numbers (M,).
        four: Four-momenta (M, 4) in MeV.
        generator: Source of randomness.
    """
    tau = pdg.abs() == TAU
    if not bool(tau.any()):
        return Products(owner, pdg, four)
    rows = tau.nonzero().squeeze(1)
    shares = torch.tensor([share for share, _ in CHANNELS], dtype=torch.float64)
    sums = shares.cumsum(0) / shares.sum()
    uniform = torch.rand(len(rows), generator=generator, dtype=torch.float64)
    chosen = torch.searchsorted(sums, uniform).clamp(max=len(CHANNELS) - 1)
    parts = []
    for index, (_, made) in enumerate(CHANNELS):
        mine = rows[chosen == index]
        if len(mine):
            parts.append(_decay(owner[mine], pdg[mine], four[mine], made, generator))
    stays = ~tau
    owner, pdg, four = (
        torch.cat([kept[stays], *(getattr(part, name) for part in parts)])
        for kept, name in ((owner, "owner"), (pdg, "pdg"), (four, "four"))
    )
    lepton = torch.cat([torch.ones(int(stays.sum())), torch.zeros(len(owner) - int(stays.sum()))])
    order = (2 * owner + lepton.long()).argsort(stable=True)  # what was a tau comes first
    return Products(owner[order], pdg[order], four[order])


def _decay(owner: Tensor, pdg: Tensor, four: Tensor, made: tuple[int, ...], generator: torch.Generator) -> Products:
    """Products of taus (N, 4) by one channel."""
    n = len(owner)
    kinds = (made[0], *made[1:], _NEUTRINO) if made[0] in _LEPTONS else (*made, _NEUTRINO)
    at_rest = _leptonic(n, made[0], generator) if made[0] in _LEPTONS else _hadronic(n, made, generator)
    moving = boosted(at_rest.flatten(0, 1), four.repeat_interleave(len(kinds), 0))
    matter = torch.tensor(kinds)
    antimatter = torch.tensor([antiparticle(kind) for kind in kinds])
    number = torch.where((pdg > 0).unsqueeze(1), matter, antimatter)
    return Products(owner.repeat_interleave(len(kinds)), number.flatten(), moving)


def _leptonic(n: int, lepton: int, generator: torch.Generator) -> Tensor:
    """Lepton and two neutrinos (N, 3, 4) of taus at rest: Michel's spectrum, neutrinos apart in any direction."""
    mass = float(mass_of(torch.tensor([lepton])))
    most = (TAU_MASS**2 + mass**2) / (2 * TAU_MASS)
    x = michel_fraction(torch.rand(n, generator=generator, dtype=torch.float64))
    energy = (x * most).clamp(min=mass)
    vector = isotropic(n, generator, torch.float64) * torch.sqrt(energy**2 - mass**2).unsqueeze(1)
    first = four_momentum(vector, torch.full((n,), mass, dtype=torch.float64))
    rest = -first
    rest[:, 0] += TAU_MASS
    none = torch.zeros(n, dtype=torch.float64)
    second, third = two_bodies(rest, none, none, isotropic(n, generator, torch.float64))
    return torch.stack([first, second, third], 1)


def _hadronic(n: int, made: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Pions and a neutrino (N, P + 1, 4) of taus at rest, pion by pion from a mass of a resonance."""
    masses = mass_of(torch.tensor(made))
    mass = masses.sum().expand(n).clone()
    if len(made) > 1:
        peak, width = _RESONANCES[len(made)]
        low, high = float(mass[0]) + 1.0, TAU_MASS - 1.0
        ends = torch.atan(2 * (torch.tensor([low, high], dtype=torch.float64) - peak) / width)
        u = torch.rand(n, generator=generator, dtype=torch.float64)
        mass = (peak + 0.5 * width * torch.tan(torch.lerp(ends[0], ends[1], u))).clamp(low, high)
    tau = torch.zeros(n, 4, dtype=torch.float64)
    tau[:, 0] = TAU_MASS
    rest, neutrino = two_bodies(tau, mass, torch.zeros_like(mass), isotropic(n, generator, torch.float64))
    pions = []
    for i in range(len(made) - 1):
        others = masses[i + 1 :].sum()
        spare = mass - masses[i] - others
        u = torch.rand(n, generator=generator, dtype=torch.float64)
        after = others + (spare * u if i < len(made) - 2 else 0 * u)
        first, rest = two_bodies(rest, masses[i].expand(n), after, isotropic(n, generator, torch.float64))
        pions.append(first)
        mass = after
    return torch.stack([*pions, rest, neutrino], 1)
