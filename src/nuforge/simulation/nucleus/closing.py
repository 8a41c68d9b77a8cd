"""The last word of energy and momentum on who leaves a nucleus after its cascade.

The separation energies of a cascade are those of the first nucleon, and its Fermi gas knows no shells: now and then
hadrons would carry away more than there is, and leave a nucleus below its ground state.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nuforge.physics.kinematics import momentum
from nuforge.physics.nuclei import nuclear_mass
from nuforge.simulation.four_momenta import boosted, four_momentum, mass_squared, reversed_frame
from nuforge.simulation.nucleus.cascade import Swarm, swallow
from nuforge.simulation.nucleus.hadrons import MASS, is_light_nucleus, is_nucleon, is_pion
from nuforge.simulation.nucleus.target import Target

_STEPS = 60
SPARE = 1e-9  # MeV by which masses must stay below what there is


def closed(gone: Swarm, target: Target, total: Tensor, came: Tensor | None = None) -> tuple[Swarm, Tensor]:
    """Who leaves, and four-momenta (M, 4) in MeV with which all of what stays is at or above its ground state.

    Where they leave it below, their momenta in the frame of the centre are scaled by one factor; so they are where one
    nucleon is left, which has no excited states. Where there is too little energy even for all at rest, nucleons stay
    in the nucleus, then light nuclei, then pions; at last what came flies on, and the nucleus is what it was.

    Args:
        gone: Who would leave.
        target: What stays; changed in place.
        total: Four-momenta (N, 4) of everything.
        came: `Hadron` (N,) that came to each nucleus; without it the last resort is not taken.
    """
    four = _four(gone)
    if not bool(_fails(gone, four, target, total).any()):
        return gone, four
    for stays in (is_nucleon, is_light_nucleus, is_pion):
        back = _impossible(gone, target, total)[gone.owner] & stays(gone.kind)
        swallow(gone[back], target)
        gone = gone[~back]
    if came is not None:
        gone = _unchanged(gone, _impossible(gone, target, total), target, came)
    four = _four(gone)
    fails = _fails(gone, four, target, total)
    rows = fails[gone.owner].nonzero().squeeze(1)
    four[rows] = _scaled(four[rows], MASS[gone.kind[rows]], gone.owner[rows], nuclear_mass(target.z, target.a), total)
    return gone, four


def _four(gone: Swarm) -> Tensor:
    mass = MASS[gone.kind]
    return four_momentum(gone.direction * momentum(gone.energy, mass).unsqueeze(1), mass)


def _fails(gone: Swarm, four: Tensor, target: Target, total: Tensor) -> Tensor:
    """Whether what is left of nuclei (N,) has too little mass, or is one nucleon with too much."""
    rest = total.clone().index_add_(0, gone.owner, -four)
    ground = nuclear_mass(target.z, target.a)
    missing = torch.sqrt(ground**2 + rest[:, 1:].square().sum(1)) - rest[:, 0]
    return (missing > 0) | ((target.a == 1) & (missing.abs() > SPARE))


def _impossible(gone: Swarm, target: Target, total: Tensor) -> Tensor:
    """Whether all (N,) would be too heavy even at rest."""
    masses = nuclear_mass(target.z, target.a).index_add_(0, gone.owner, MASS[gone.kind])
    return masses + SPARE > torch.sqrt(mass_squared(total))


def _unchanged(gone: Swarm, rows: Tensor, target: Target, came: Tensor) -> Swarm:
    """The swarm where in the nuclei of `rows`, a mask (N,), what came leaves alone and nothing else has happened."""
    owner = rows.nonzero().squeeze(1)
    target.change(owner, (target.z0 - target.z)[owner], (target.a0 - target.a)[owner])
    ahead = torch.zeros(len(owner), 3, dtype=torch.float64)
    ahead[:, 2] = 1.0
    alone = Swarm(owner, came[owner], torch.zeros_like(ahead), ahead, torch.ones(len(owner), dtype=torch.float64))
    return Swarm.concat([gone[~rows[gone.owner]], alone])


def _scaled(four: Tensor, mass: Tensor, owner: Tensor, ground: Tensor, total: Tensor) -> Tensor:
    """Four-momenta (M, 4) whose momenta in the frame of the centre have one factor, so that energies add up.

    The factor by Newton's method from above: the sum of energies is convex.

    Args:
        four: Before (M, 4).
        mass: MeV (M,).
        owner: Rows (M,) of the nuclei.
        ground: Mass (N,) in MeV of what is left of each nucleus, which takes the opposite momentum.
        total: Four-momenta (N, 4) of everything.
    """
    vector = boosted(four, reversed_frame(total)[owner])[:, 1:]
    opposite = torch.zeros(len(total), 3, dtype=torch.float64).index_add_(0, owner, vector)
    squared, rest_squared = vector.square().sum(1), opposite.square().sum(1)
    size = torch.zeros_like(ground).index_add_(0, owner, squared.sqrt())
    root = torch.sqrt(mass_squared(total))
    factor = root / size.clamp(min=1e-9)
    for _ in range(_STEPS):
        each = torch.sqrt(mass**2 + factor[owner] ** 2 * squared)
        rest = torch.sqrt(ground**2 + factor**2 * rest_squared)
        excess = (rest - root).index_add_(0, owner, each)
        slope = (factor * rest_squared / rest).index_add_(0, owner, factor[owner] * squared / each)
        factor = (factor - excess / slope.clamp(min=1e-12)).clamp(min=0)
    return boosted(four_momentum(vector * factor[owner].unsqueeze(1), mass), total[owner])
