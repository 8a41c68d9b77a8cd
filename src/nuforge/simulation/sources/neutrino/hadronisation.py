"""Hadrons of deep inelastic scattering: how many, which, and their momenta in a space with limited transverse momenta.

Numbers by `physics.multiplicity`; kinds as AGKY has them (Yang et al., Eur. Phys. J. C 63 (2009) 1): a nucleon, pions
and pairs of kaons that keep charge, baryon number and strangeness. Momenta in the frame of their centre: transverse
ones of a Gaussian, rapidities even along the momentum transfer, nucleons last (Jadach, Comput. Phys. Commun. 9 (1975)
297); two hadrons below 1.6 GeV go apart in any direction.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nuforge.physics.decays import two_body_momentum
from nuforge.physics.multiplicity import MOST, multiplicities
from nuforge.simulation.directions import polar, turned
from nuforge.simulation.four_momenta import boosted, centre_direction, four_momentum
from nuforge.simulation.nucleus.hadrons import MASS, Hadron, nucleon_of_charge, pion_of_charge
from nuforge.simulation.sources.neutrino.vertex import Hadrons, Vertex

UNIFORMS = 4 + 3 * MOST + MOST // 2
NEUTRAL_PAIRS, KAON_PAIRS = 0.3133, 0.06
"""Shares of pairs of mesons: two pi0, and K+ K- or K0 anti-K0 evenly; others are pi+ pi-. AGKY as tuned in GENIE."""
PROTON = 2 / 3
"""Chance of a proton where its charge is the nearer one to the total, else 1/3. AGKY."""
TRANSVERSE = 320.0
"""MeV: width of each component of a transverse momentum; mean p_T^2 of 0.2 GeV^2 as in bubble chambers."""
ISOTROPIC = 1600.0
"""MeV: two hadrons of less have no preferred direction."""
_ROOM = 0.9  # of the energy, at most, is in masses and transverse momenta
_STEPS = 40


def hadronise(vertex: Vertex, charge: int, anti: bool, on_proton: bool, uniform: Tensor) -> Hadrons:
    """Hadrons (N, H) of one total charge, the nucleon first, by uniform numbers (`UNIFORMS`, N)."""
    n = multiplicities(vertex.w, anti, on_proton, uniform[0])
    pairs = uniform[4 : 4 + MOST // 2]
    kind = _kinds(n, charge, uniform[1], pairs)
    for fewer in (n, torch.full_like(n, 2)):  # without kaons
        heavy = (_masses(kind).sum(1) > _ROOM * vertex.w).unsqueeze(1)
        kind = torch.where(heavy, _kinds(fewer, charge, uniform[1], torch.ones_like(pairs)), kind)
    most = int((kind >= 0).sum(1).max()) if len(n) else 2
    kind = kind[:, :most]
    inside = _momenta(kind, vertex.w, uniform[4 + MOST // 2 :].view(3, MOST, -1)[:, :most])
    free = ((kind >= 0).sum(1) == 2) & (vertex.w < ISOTROPIC)
    inside[:, :2] = torch.where(free[:, None, None], _apart(kind[:, :2], vertex.w, uniform[2:4]), inside[:, :2])
    four = _placed(inside, vertex, _masses(kind))
    return Hadrons(kind, torch.where((kind >= 0).unsqueeze(2), four, 0.0))


def _kinds(n: Tensor, charge: int, which: Tensor, pairs: Tensor) -> Tensor:
    """Kinds (N, 14) of n (N,) hadrons, -1 where there is none, by uniform numbers (N,) and (7, N)."""
    near = 1 if charge >= 1 else 0
    nucleon = torch.where(which < PROTON, near, 1 - near)
    nucleon = torch.where((charge - nucleon).abs() > n - 1, near, nucleon)
    rest = charge - nucleon  # of the mesons
    j = torch.arange(MOST - 1)  # mesons
    after = j - rest.abs().unsqueeze(1)  # those that balance
    left = n - 1 - rest.abs()
    single = (after == (left - 1).unsqueeze(1)) & (left % 2 == 1).unsqueeze(1)
    u = pairs.T.gather(1, (after // 2).clamp(0, len(pairs) - 1))
    first = after % 2 == 0
    pion = pion_of_charge(torch.where(first, 1, -1))
    kaon = torch.where(
        u < KAON_PAIRS / 2,
        torch.where(first, int(Hadron.K_PLUS), int(Hadron.K_MINUS)),
        torch.where(first, int(Hadron.K_ZERO), int(Hadron.ANTI_K_ZERO)),
    )
    meson = torch.where(u < KAON_PAIRS + NEUTRAL_PAIRS, int(Hadron.PI_ZERO), pion)
    meson = torch.where(u < KAON_PAIRS, kaon, meson)
    meson = torch.where(single, int(Hadron.PI_ZERO), meson)
    meson = torch.where(after < 0, pion_of_charge(rest.sign()).unsqueeze(1), meson)
    meson = torch.where(j < (n - 1).unsqueeze(1), meson, -1)
    return torch.cat([nucleon_of_charge(nucleon).unsqueeze(1), meson], 1)


def _masses(kind: Tensor) -> Tensor:
    """Masses (N, H) in MeV, 0 where there is none."""
    return torch.where(kind >= 0, MASS[kind.clamp(min=0)], 0.0)


def _momenta(kind: Tensor, w: Tensor, uniform: Tensor) -> Tensor:
    """Momenta (N, H, 3) in MeV in the frame of the centre, z along the momentum transfer, by uniform (3, H, N)."""
    there, mass = kind >= 0, _masses(kind)
    u = uniform.transpose(1, 2)
    size, phi = TRANSVERSE * torch.sqrt(-2 * torch.log1p(-u[0])), 2 * torch.pi * u[1]
    across = torch.stack([size * phi.cos(), size * phi.sin()], 2) * there.unsqueeze(2)
    across = (across - (across.sum(1) / there.sum(1, keepdim=True)).unsqueeze(1)) * there.unsqueeze(2)
    square, sum_of_masses = across.square().sum(2), mass.sum(1)
    spare = (torch.sqrt(mass**2 + square).sum(1) - sum_of_masses).clamp(min=1e-9)
    factor = (_ROOM * (w - sum_of_masses) / spare).clamp(0, 1)  # the sum of transverse masses is convex in it
    across = across * factor[:, None, None]
    heavy = torch.sqrt(mass**2 + square * factor.square().unsqueeze(1))
    rapidity = _rapidities(heavy, _in_order(u[2], there), w)
    return torch.cat([across, (heavy * torch.sinh(rapidity)).unsqueeze(2)], 2)


def _in_order(place: Tensor, there: Tensor) -> Tensor:
    """Places (N, H) between 0 and 1 along the axis, the nucleon's the lowest."""
    place = torch.where(there, place, 2.0)
    low, at = place.min(1)
    place = place.scatter(1, at.unsqueeze(1), place[:, :1])
    place[:, 0] = low
    return place


def _rapidities(heavy: Tensor, place: Tensor, w: Tensor) -> Tensor:
    """Rapidities (N, H), even in `place`, of transverse masses (N, H) that add up to W and to no momentum.

    With y = A + B x, A follows from B, and B solves ln (sum m exp(B x)) (sum m exp(-B x)) = 2 ln W by Newton's method
    from above: the left is convex.
    """
    there = heavy > 0
    low = torch.where(there, place, 2.0).amin(1, keepdim=True)
    high, last = torch.where(there, place, -1.0).max(1, keepdim=True)
    ends = heavy[:, :1] * heavy.gather(1, last)  # the nucleon is the lowest
    span = (high - low).clamp(min=1e-9)
    x = torch.where(there, (place - low) / span, 0.0)
    goal = 2 * w.log().unsqueeze(1)
    b = goal - ends.log()
    for _ in range(_STEPS):
        up, down = heavy * torch.exp(b * (x - 1)), heavy * torch.exp(-b * x)
        ups, downs = up.sum(1, keepdim=True), down.sum(1, keepdim=True)
        excess = b + ups.log() + downs.log() - goal
        slope = (up * x).sum(1, keepdim=True) / ups - (down * x).sum(1, keepdim=True) / downs
        step = excess / slope.clamp(min=1e-12)
        b = (b - step).clamp(min=0)
        if bool((step.abs() < 1e-12 * (1 + b)).all()):
            break
    up, down = heavy * torch.exp(b * (x - 1)), heavy * torch.exp(-b * x)
    a = 0.5 * (down.sum(1, keepdim=True).log() - up.sum(1, keepdim=True).log() - b)
    return torch.where(there, a + b * x, 0.0)


def _apart(kind: Tensor, w: Tensor, uniform: Tensor) -> Tensor:
    """Momenta (N, 2, 3) in MeV of two hadrons that go apart in any direction."""
    mass = _masses(kind)
    size = two_body_momentum(w, mass[:, 0], mass[:, 1])
    vector = polar(2 * uniform[0] - 1, 2 * torch.pi * uniform[1]) * size.unsqueeze(1)
    return torch.stack([vector, -vector], 1)


def _placed(inside: Tensor, vertex: Vertex, mass: Tensor) -> Tensor:
    """Four-momenta (N, H, 4) where the nucleus rests."""
    axis = centre_direction(vertex.transfer, vertex.system)
    right = torch.full_like(vertex.w, 0.5)
    sides = [turned(axis, right, torch.full_like(vertex.w, phi)) for phi in (0.0, 0.5 * torch.pi)]
    frame = torch.stack([*sides, axis], 1)
    vector = torch.einsum("nhi,nij->nhj", inside, frame)
    n, h = mass.shape
    four = four_momentum(vector.flatten(0, 1), mass.flatten())
    return boosted(four, vertex.system.repeat_interleave(h, 0)).view(n, h, 4)
