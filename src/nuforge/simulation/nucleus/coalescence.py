"""Coalescence: nucleons that leave a nucleus side by side leave as a deuteron, triton, 3He or alpha.

Nucleons form a light nucleus where all their momenta in the frame of its centre are below a limit, which stands for the
momenta inside of it; the nucleus that they leave takes what does not fit, their relative motion and the binding.

Source of the idea: Butler and Pearson, Phys. Rev. 129 (1963) 836; Kapusta, Phys. Rev. C 21 (1980) 1301. Of the limits:
Gudima, Mashnik, Toneev, Nucl. Phys. A 401 (1983) 329, for hadrons below some GeV.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nuforge.physics.decays import two_body_momentum
from nuforge.physics.kinematics import kinetic_of, momentum
from nuforge.simulation.four_momenta import boosted, four_momentum, mass_squared, reversed_frame
from nuforge.simulation.nucleus.cascade import Swarm
from nuforge.simulation.nucleus.hadrons import CHARGE, MASS, Hadron, is_nucleon

PAIR = 90.0  # MeV/c of each nucleon of a deuteron, at most
TRIPLE = 108.0  # of a triton or a 3He
QUADRUPLE = 115.0  # of an alpha
_LIMITS = {4: QUADRUPLE, 3: TRIPLE, 2: PAIR}
_FORMED = {
    4: (-1, -1, int(Hadron.ALPHA), -1, -1),
    3: (-1, int(Hadron.TRITON), int(Hadron.HELIUM_3), -1),
    2: (-1, int(Hadron.DEUTERON), -1),
}
"""Nuclei by their nucleons and their charge, -1 where none is bound."""


def coalesced(swarm: Swarm) -> Swarm:
    """The hadrons (M,) that leave nuclei, with light nuclei in place of the nucleons that form them.

    Alphas first, then nuclei of three nucleons, then deuterons; of those that share nucleons the one with the least
    relative motion. A light nucleus has the momentum of its nucleons.
    """
    near = _near(swarm)
    bound = torch.zeros(len(swarm), dtype=torch.bool)
    born = []
    for n, limit in _LIMITS.items():
        if not len(near):
            break
        groups = near
        for _ in range(n - 2):
            groups = _longer(groups, near)
        groups = _tightest_first(swarm, groups, limit)
        groups = groups[_disjoint(groups, swarm.owner)]
        born.append(_formed(swarm, groups))
        bound[groups.flatten()] = True
        near = near[~bound[near].any(1)]
    return Swarm.concat([swarm[~bound], *born])


def _near(swarm: Swarm) -> Tensor:
    """Pairs (P, 2), rows in order, of nucleons of a nucleus that could be of one alpha.

    Nothing else can: where two nucleons stay below a limit in the frame of some group, they do in their own.
    """
    rows = is_nucleon(swarm.kind).nonzero().squeeze(1)
    pairs = _pairs_of_one(swarm.owner[rows])
    pairs = rows[pairs].sort(1).values
    total = _four(swarm, pairs).sum(1)
    mass = MASS[swarm.kind[pairs]]
    size = two_body_momentum(torch.sqrt(mass_squared(total)), mass[:, 0], mass[:, 1])
    return pairs[size < QUADRUPLE]


def _pairs_of_one(owner: Tensor) -> Tensor:
    """All pairs (P, 2) of rows of `owner` (M,) of one value."""
    order = owner.argsort(stable=True)
    _, count = torch.unique_consecutive(owner[order], return_counts=True)
    end = count.cumsum(0).repeat_interleave(count)
    place = torch.arange(len(owner))
    return order[_with_all_of(place, place + 1, end)]


def _with_all_of(first: Tensor, begin: Tensor, end: Tensor) -> Tensor:
    """Each of `first` (N,) with all numbers from its `begin` to before its `end` (N,): (P, 2)."""
    count = end - begin
    at = torch.arange(int(count.sum())) - (count.cumsum(0) - count).repeat_interleave(count)
    return torch.stack([first.repeat_interleave(count), begin.repeat_interleave(count) + at], 1)


def _longer(groups: Tensor, near: Tensor) -> Tensor:
    """Groups (G, n) with one nucleon (H, n + 1) more that is near to all and behind them in order."""
    near = near[near[:, 0].argsort(stable=True)]
    begin = torch.searchsorted(near[:, 0].contiguous(), groups[:, -1].contiguous())
    end = torch.searchsorted(near[:, 0].contiguous(), groups[:, -1].contiguous(), right=True)
    each, at = _with_all_of(torch.arange(len(groups)), begin, end).unbind(1)
    found = torch.cat([groups[each], near[at, 1:]], 1)
    names = int(near.max()) + 1 if len(near) else 1
    known = near[:, 0] * names + near[:, 1]
    return found[torch.isin(found[:, :-1] * names + found[:, -1:], known).all(1)]


def _tightest_first(swarm: Swarm, groups: Tensor, limit: float) -> Tensor:
    """Of groups (G, n) of nucleons those that form a nucleus, by their energy in the frame of the centre."""
    n = groups.shape[1]
    charge = CHARGE[swarm.kind[groups]].sum(1)
    groups = groups[torch.tensor(_FORMED[n])[charge] >= 0]
    four = _four(swarm, groups)
    total = four.sum(1)
    inside = boosted(four.flatten(0, 1), reversed_frame(total).repeat_interleave(n, dim=0)).view(-1, n, 4)
    fits = (inside[:, :, 1:].norm(dim=2) < limit).all(1)
    energy = inside[:, :, 0].sum(1) - MASS[swarm.kind[groups]].sum(1)
    return groups[fits][energy[fits].argsort(stable=True)]


def _disjoint(groups: Tensor, owner: Tensor) -> Tensor:
    """Rows of the groups (G, n) that share no nucleon with an earlier one that is taken itself."""
    rank = torch.arange(len(groups))
    taken = [rank[:0]]
    while len(rank):
        nuclei, which = torch.unique(owner[groups[rank, 0]], return_inverse=True)
        first = torch.full((len(nuclei),), len(groups)).scatter_reduce(0, which, rank, "amin")
        taken.append(first)
        used = torch.zeros(len(owner), dtype=torch.bool)
        used[groups[first].flatten()] = True
        rank = rank[~used[groups[rank]].any(1)]
    return torch.cat(taken)


def _formed(swarm: Swarm, groups: Tensor) -> Swarm:
    """The nuclei that groups (G, n) of nucleons form."""
    charge = CHARGE[swarm.kind[groups]].sum(1)
    kind = torch.tensor(_FORMED[groups.shape[1]])[charge]
    vector = _four(swarm, groups).sum(1)[:, 1:]
    size = vector.norm(dim=1)
    direction = vector / size.unsqueeze(1).clamp(min=1e-9)
    return Swarm(
        swarm.owner[groups[:, 0]], kind, swarm.position[groups].mean(1), direction, kinetic_of(size, MASS[kind])
    )


def _four(swarm: Swarm, rows: Tensor) -> Tensor:
    """Four-momenta (..., 4) outside of the hadrons at `rows` (...)."""
    each = swarm[rows.flatten()]
    mass = MASS[each.kind]
    vector = each.direction * momentum(each.energy, mass).unsqueeze(1)
    return four_momentum(vector, mass).view(*rows.shape, 4)
