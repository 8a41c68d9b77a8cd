"""What a hadron and a nucleon can do: cross sections by channel, angles, and who comes out with which charge."""

from __future__ import annotations

from enum import IntEnum

import torch
from torch import Tensor

from nuforge.physics.constants import DELTA_MASS, DELTA_WIDTH
from nuforge.physics.elastic_transfer import nucleon_slope
from nuforge.physics.hadron_nucleon import kaon_nucleon, nucleon_channels, pion_channels
from nuforge.simulation.nucleus.hadrons import (
    CHARGE,
    MASS,
    Hadron,
    is_nucleon,
    is_pion,
    nucleon_of_charge,
    pion_of_charge,
)
from nuforge.units import GeV

RESONANT = 520.0
"""MeV: pions below scatter as the Delta decays (400 MeV of kinetic energy)."""


class Channel(IntEnum):
    """Columns of `cross_sections`."""

    ELASTIC = 0
    EXCHANGE = 1
    PRODUCTION = 2
    HYPERON = 3


def cross_sections(kind: Tensor, partner: Tensor, momentum: Tensor) -> Tensor:
    """Cross sections (N, 4) in mb of hadrons on nucleons at rest, by `Channel`.

    Args:
        kind: Hadrons (N,).
        partner: Nucleons (N,).
        momentum: Of the hadron (N,) in MeV.
    """
    zero = torch.zeros_like(momentum)
    out = torch.stack([zero] * len(Channel), 1)
    rows = is_nucleon(kind).nonzero().squeeze(1)
    if len(rows):
        same, p = kind[rows] == partner[rows], momentum[rows]
        channels = nucleon_channels(p, same)
        out[rows, Channel.ELASTIC], out[rows, Channel.PRODUCTION] = channels[:, 0], channels[:, 1]
    rows = is_pion(kind).nonzero().squeeze(1)
    if len(rows):
        out[rows, : Channel.HYPERON] = _pion_channels(CHARGE[kind[rows]], partner[rows], momentum[rows])
    rows = ((kind >= Hadron.K_PLUS) & (kind <= Hadron.ANTI_K_ZERO)).nonzero().squeeze(1)
    if len(rows):
        anti = kind[rows] >= Hadron.K_MINUS
        elastic, exchange, hyperon = kaon_nucleon(momentum[rows], anti)
        up = CHARGE[kind[rows]] + anti.long()  # isospin up: K+ and anti-K0
        allowed = (up > 0) != (partner[rows] == Hadron.PROTON)
        out[rows] = torch.stack([elastic, torch.where(allowed, exchange, 0.0), 0 * elastic, hyperon], 1)
    return out


def _pion_channels(charge: Tensor, partner: Tensor, momentum: Tensor) -> Tensor:
    """Elastic, exchange, production (N, 3) of pions; a neutral one is the mean of both charges."""
    on_p, made_on_p, on_n, exchange, made_on_n = pion_channels(momentum).unbind(1)
    strong = charge == torch.where(partner == Hadron.PROTON, 1, -1)  # a pure isospin of 3/2
    elastic = torch.where(strong, on_p, on_n)
    swap = torch.where(strong, 0.0, exchange)
    made = torch.where(strong, made_on_p, made_on_n)
    neutral = charge == 0
    elastic = torch.where(neutral, (0.5 * (on_p + on_n - exchange)).clamp(min=0), elastic)
    return torch.stack(
        [elastic, torch.where(neutral, exchange, swap), torch.where(neutral, 0.5 * (made_on_p + made_on_n), made)], 1
    )


def forward_slope(kind: Tensor, partner: Tensor, momentum: Tensor) -> Tensor:
    """Slope b (N,) in 1/GeV^2 of the forward peak exp(b t) of elastic scatters: Cugnon et al. for nucleons.

    Args:
        kind: Hadrons (N,).
        partner: Nucleons (N,).
        momentum: MeV (N,), of the hadron where the nucleon rests.
    """
    p = momentum / GeV
    unlike_slope = torch.where(p < 0.6, 16.53 * (p - 0.225), 7.16 - 1.63 * p).clamp(min=0)
    slope = torch.where((kind != partner) & (p < 1.6), unlike_slope, nucleon_slope(p))
    return torch.where(is_nucleon(kind), slope, 6.0).clamp(min=1e-3)


def backward_chance(kind: Tensor, partner: Tensor, momentum: Tensor) -> Tensor:
    """Chance (N,) that unlike nucleons scatter backwards (Cugnon et al.); arguments as of `forward_slope`."""
    p = momentum / GeV
    back = torch.where(p < 0.8, 1.0, (0.64 / p**2).clamp(max=1.0))
    return torch.where(is_nucleon(kind) & (kind != partner), back / (1 + back), 0.0)


def scattering_cosine(kind: Tensor, partner: Tensor, momentum: Tensor, centre: Tensor, uniform: Tensor) -> Tensor:
    """Cosine (N,) of the angle of elastic scatters in the frame of the centre.

    Nucleons: exp(b t), with a backward peak of unlike ones (Cugnon et al.); slow pions 1 + 3 cos^2 of the Delta; others
    exp(b t).

    Args:
        kind: Hadrons (N,).
        partner: Nucleons (N,).
        momentum: MeV (N,), of the hadron where the nucleon rests.
        centre: Momentum (N,) in MeV in the frame of the centre.
        uniform: (2, N).
    """
    span = 4 * forward_slope(kind, partner, momentum) * (centre / GeV) ** 2
    cosine = 1 + 2 * torch.log1p(uniform[0] * torch.expm1(-span)) / span
    cosine = torch.where(uniform[1] < backward_chance(kind, partner, momentum), -cosine, cosine)
    k = 2 * uniform[0] - 1
    root = torch.sqrt(k**2 + 1 / 27)
    resonant = torch.sign(k + root) * (k + root).abs() ** (1 / 3) + torch.sign(k - root) * (k - root).abs() ** (1 / 3)
    slow = is_pion(kind) & (momentum < RESONANT)
    return torch.where(slow, resonant, cosine).clamp(-1, 1)


def exchanged(kind: Tensor, partner: Tensor) -> tuple[Tensor, Tensor]:
    """Kinds of both (N,) after a charge exchange of a pion or kaon and a nucleon."""
    charge = CHARGE[kind] + CHARGE[partner]
    other = nucleon_of_charge(1 - CHARGE[partner])
    pion = pion_of_charge((charge - CHARGE[other]).clamp(-1, 1))
    swap = torch.arange(len(Hadron))
    for a, b in ((Hadron.K_PLUS, Hadron.K_ZERO), (Hadron.K_MINUS, Hadron.ANTI_K_ZERO)):
        swap[a], swap[b] = int(b), int(a)
    return torch.where(is_pion(kind), pion, swap[kind]), other


def charges_of_production(kind: Tensor, partner: Tensor, uniform: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Kinds (N,) of three bodies: what a resonance decays to (nucleon, pion), and the third, nucleon or pion.

    Two nucleons: by the isospin of N Delta. Pion and nucleon: the nucleon's charge evenly, two pions as they fit. A
    kaon goes on, and the nucleon becomes a Delta of its charge, which decays by isospin.

    Args:
        kind: Nucleons, pions or kaons (N,).
        partner: Nucleons (N,).
        uniform: (2, N).
    """
    total = CHARGE[kind] + CHARGE[partner]
    u, v = uniform
    # N N -> N Delta: total charge 2 or 0 (pure isospin 1): the Delta of highest charge 3/4; 1: both 1/2
    delta_high = torch.where(total == 1, u < 0.5, u < 0.75)
    delta = torch.where(
        total == 2, torch.where(delta_high, 2, 1), torch.where(total == 1, torch.where(delta_high, 1, 0), 0)
    )
    delta = torch.where(total == 0, torch.where(delta_high, -1, 0), delta)
    spectator = nucleon_of_charge((total - delta).clamp(0, 1))
    proton = torch.where((delta == 2) | ((delta == 1) & (v < 2 / 3)) | ((delta == 0) & (v < 1 / 3)), 1, 0)
    # pi N -> pi pi N
    lowest, highest = (total - 2).clamp(min=0), (total + 2).clamp(max=1)
    charge = torch.where(lowest == highest, lowest, (u < 0.5).long())
    pions = total - charge
    first = torch.where(pions.abs() == 2, pions.sign(), torch.where(v < 0.5, pions, 0))
    first = torch.where(pions == 0, torch.where(v < 1 / 3, 1, torch.where(v < 2 / 3, -1, 0)), first)
    two, kaon = is_nucleon(kind), ~is_nucleon(kind) & ~is_pion(kind)
    kept = torch.where(v < 2 / 3, CHARGE[partner], 1 - CHARGE[partner])
    nucleon = nucleon_of_charge(torch.where(two, proton, torch.where(kaon, kept, charge)))
    made = torch.where(two, delta - proton, torch.where(kaon, CHARGE[partner] - kept, first))
    third = torch.where(two, spectator, torch.where(kaon, kind, pion_of_charge((pions - first).clamp(-1, 1))))
    return nucleon, pion_of_charge(made.clamp(-1, 1)), third


def resonance_mass(root: Tensor, nucleon: Tensor, pion: Tensor, third: Tensor, uniform: Tensor) -> Tensor:
    """Mass (N,) in MeV of a Delta between N + pi and what is left by the third body: Breit and Wigner, cut."""
    low, high = MASS[nucleon] + MASS[pion], root - MASS[third]
    a, b = (torch.atan(2 * (edge - DELTA_MASS) / DELTA_WIDTH) for edge in (low, torch.maximum(high, low)))
    mass = DELTA_MASS + 0.5 * DELTA_WIDTH * torch.tan(torch.lerp(a, b, uniform))
    return torch.minimum(torch.maximum(mass, low), torch.maximum(high, low))
