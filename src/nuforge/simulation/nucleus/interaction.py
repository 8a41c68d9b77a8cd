"""An inelastic interaction of a hadron with a nucleus, from the first collision to the ground state."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nuforge.errors import InputError
from nuforge.physics.kinematics import momentum
from nuforge.physics.nuclei import nuclear_mass
from nuforge.simulation.four_momenta import four_momentum
from nuforge.simulation.nucleus.cascade import Swarm, cascade, first_collisions
from nuforge.simulation.nucleus.closing import closed
from nuforge.simulation.nucleus.coalescence import coalesced
from nuforge.simulation.nucleus.evaporation import Excited, evaporate
from nuforge.simulation.nucleus.hadrons import MASS, PDG, hadron_that_comes, is_nucleon
from nuforge.simulation.nucleus.target import Target

TRIES = 300  # for a first collision
SLOW = 10.0  # MeV: slower nucleons try once, others 1 + (T / 10 MeV)^2 times: a nucleus rather swallows the slow


@dataclass(frozen=True)
class Products:
    """M particles that N interactions leave, remnants of the nuclei among them.

    Args:
        owner: Rows (M,) of the interactions.
        pdg: PDG numbers (M,).
        four: Four-momenta (M, 4) in MeV.
    """

    owner: Tensor
    pdg: Tensor
    four: Tensor


def interact(
    pdg: Tensor, kinetic: Tensor, direction: Tensor, z: Tensor, a: Tensor, generator: torch.Generator
) -> Products:
    """What inelastic interactions of hadrons with nuclei at rest leave.

    Energy, momentum, charge and baryon number of hadron and nucleus are those of the products, to rounding.

    Args:
        pdg: Nucleons, pions, kaons (N,).
        kinetic: MeV (N,).
        direction: Unit vectors (N, 3).
        z: Protons of the nuclei (N,).
        a: Nucleons of the nuclei (N,), 3 or more.
        generator: Source of randomness.

    Raises:
        InputError: If a particle is not a hadron of the cascade, or a nucleus too small.
    """
    kind = hadron_that_comes(pdg)
    if bool((a < 3).any()):
        raise InputError(f"a nucleus of {int(a.min())} nucleons has no cascade; expected 3 or more")
    direction, kinetic = torch.nn.functional.normalize(direction.double(), dim=1), kinetic.double()
    target = Target.of(z, a)
    swallowed = 1 + (kinetic / SLOW).square().clamp(max=TRIES)
    tries = torch.where(is_nucleon(kind), swallowed.long().clamp(max=TRIES), TRIES)
    swarm = first_collisions(kind, kinetic, direction, target, tries, generator)
    gone = cascade(swarm, target, generator)
    mass = MASS[kind]
    total = four_momentum(direction * momentum(kinetic, mass).unsqueeze(1), mass)
    total = total + torch.nn.functional.pad(nuclear_mass(z, a).unsqueeze(1), (0, 3))
    return settle(gone, target, total, generator, kind)


def settle(
    gone: Swarm, target: Target, total: Tensor, generator: torch.Generator, came: Tensor | None = None
) -> Products:
    """The end of N cascades: nucleons form light nuclei, what is left takes the rest of energy and momentum, and cools.

    Args:
        gone: Hadrons that left.
        target: What stays.
        total: Four-momenta (N, 4) of everything.
        generator: Source of randomness.
        came: `Hadron` (N,) that came to each nucleus, if one came.
    """
    gone, four = closed(coalesced(gone), target, total, came)
    rest = total.clone().index_add_(0, gone.owner, -four)
    emitted, cold = evaporate(Excited(target.z, target.a, rest), generator)
    remains = (cold.a > 0).nonzero().squeeze(1)
    return Products(
        torch.cat([gone.owner, emitted.owner, remains]),
        torch.cat([PDG[gone.kind], emitted.pdg, nucleus_number(cold.z[remains], cold.a[remains])]),
        torch.cat([four, emitted.four, cold.four[remains]]),
    )


def nucleus_number(z: Tensor, a: Tensor) -> Tensor:
    """PDG numbers (N,) of nuclei; of single nucleons their own."""
    number = 1000000000 + z * 10000 + a * 10
    return torch.where(a == 1, torch.where(z == 1, 2212, 2112), number)
