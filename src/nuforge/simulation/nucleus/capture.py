"""Captures at rest: a mu-, a pi- or a K- in the orbit of a nucleus, and slow neutrons."""

from __future__ import annotations

import torch
from torch import Tensor

from nuforge.physics.constants import FINE_STRUCTURE, KAON_MASS, MUON_MASS, NEUTRON_MASS, PION_MASS
from nuforge.physics.kinematics import momentum
from nuforge.physics.nuclei import (
    DIFFUSENESS,
    HBAR_C_FM,
    fermi_momentum,
    half_density_radius,
    nuclear_mass,
    nucleon_density,
)
from nuforge.simulation.directions import isotropic
from nuforge.simulation.four_momenta import four_momentum
from nuforge.simulation.nucleus.cascade import Swarm, absorbed_by_pairs, cascade, met, swallow
from nuforge.simulation.nucleus.channels import Channel
from nuforge.simulation.nucleus.evaporation import Excited, evaporate
from nuforge.simulation.nucleus.hadrons import MASS, Hadron
from nuforge.simulation.nucleus.interaction import Products, nucleus_number, settle
from nuforge.simulation.nucleus.target import Target

TRIES = 200
NEUTRINO = 14
EFFECTIVE_MASS = 0.8  # of a nucleon's mass, in a nucleus (Jeukenne, Lejeune, Mahaux, Phys. Rep. 25 (1976) 83)


def capture_muons(z: Tensor, a: Tensor, generator: torch.Generator) -> Products:
    """What mu- leave that nuclei capture from their lowest orbits, mu- p -> n nu on a proton of the Fermi sea.

    Nucleons have the effective mass of nuclear matter, which spreads the excitation as measured neutrons ask for
    (Singer, Springer Tracts Mod. Phys. 71 (1974) 39). The neutrino is among the products. The binding of the orbit is
    not: `binding_energy` has left before.

    Args:
        z: Protons (N,).
        a: Nucleons (N,), 3 or more.
        generator: Source of randomness.
    """
    rest = MUON_MASS - binding_energy(z, a, MUON_MASS)
    whole, daughter = nuclear_mass(z, a), nuclear_mass(z - 1, a)
    neutron, excitation, above = _muon_takes_proton(z, a, rest + whole - daughter, generator)
    target, owner = Target.of(z, a), torch.arange(len(z))
    neutrino = (rest + whole - daughter - excitation).unsqueeze(1) * isotropic(len(z), generator, torch.float64)
    total = _at_rest(rest + whole) - four_momentum(neutrino, torch.zeros_like(rest))
    separation = nuclear_mass(z - 1, a - 1) + NEUTRON_MASS - daughter
    energy = above - separation.clamp(min=0)
    direction = neutron - neutrino
    direction = direction / direction.norm(dim=1, keepdim=True).clamp(min=1e-9)
    target.change(owner, torch.full_like(z, -1), torch.full_like(z, -1))
    kind = torch.full_like(z, int(Hadron.NEUTRON))
    swarm = Swarm(owner, kind, _inside(target, owner, generator), direction, energy)
    stays = energy <= 0
    swallow(swarm[stays], target)
    products = settle(cascade(swarm[~stays], target, generator), target, total, generator)
    return Products(
        torch.cat([products.owner, owner]),
        torch.cat([products.pdg, torch.full_like(z, NEUTRINO)]),
        torch.cat([products.four, four_momentum(neutrino, torch.zeros_like(rest))]),
    )


def _muon_takes_proton(
    z: Tensor, a: Tensor, available: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """The capture on a proton of the Fermi sea in the middle of the nucleus, where both kinds fill up to one energy.

    Args:
        z: Protons (N,).
        a: Nucleons (N,).
        available: Energy (N,) in MeV for neutrino and excitation.
        generator: Source of randomness.

    Returns:
        The proton's momentum (N, 3) in MeV, the excitation (N,) in MeV of what follows, of which the neutron above the
        Fermi sea has the last (N,).
    """
    fermi = middle_fermi_momentum(a)
    mass = 2 * EFFECTIVE_MASS * NEUTRON_MASS
    vector = torch.zeros(len(z), 3, dtype=torch.float64)
    excitation, above = available - 90.0, torch.zeros_like(available)
    rows = torch.arange(len(z))
    for _ in range(TRIES):
        if not len(rows):
            break
        u = torch.rand((3, len(rows)), generator=generator, dtype=torch.float64)
        size = fermi[rows] * u[0] ** (1 / 3)
        vector[rows] = isotropic(len(rows), generator, torch.float64) * size.unsqueeze(1)
        guess = torch.full_like(size, 15.0)
        for _ in range(4):  # the neutrino's energy and the excitation depend on each other
            neutrino = (available[rows] - guess).clamp(min=0)
            square = size**2 + neutrino**2 + 2 * size * neutrino * (2 * u[1] - 1)
            guess = (square - size**2) / mass
        excitation[rows], above[rows] = guess, (square - fermi[rows] ** 2) / mass
        allowed = (square > fermi[rows] ** 2) & (guess > 0) & (u[2] < (neutrino / MUON_MASS) ** 2)
        rows = rows[~allowed]
    return vector, excitation.clamp(min=0), above


def capture_pions(z: Tensor, a: Tensor, generator: torch.Generator) -> Products:
    """What pi- leave that pairs of nucleons at the edge of nuclei absorb from their orbits.

    Args:
        z: Protons (N,).
        a: Nucleons (N,), 5 or more.
        generator: Source of randomness.
    """
    return _capture(z, a, Hadron.PI_MINUS, PION_MASS, generator)


def capture_kaons(z: Tensor, a: Tensor, generator: torch.Generator) -> Products:
    """What K- leave that nucleons at the edge of nuclei take from their orbits, K- N -> Lambda pi.

    Args:
        z: Protons (N,).
        a: Nucleons (N,), 5 or more.
        generator: Source of randomness.
    """
    return _capture(z, a, Hadron.K_MINUS, KAON_MASS, generator)


def capture_neutrons(kinetic: Tensor, direction: Tensor, z: Tensor, a: Tensor, generator: torch.Generator) -> Products:
    """The photons and the nucleus (N,) after nuclei (z, a) took slow neutrons of kinetic energy (MeV) in."""
    mass = MASS[Hadron.NEUTRON]
    size = momentum(kinetic.double(), mass).unsqueeze(1)
    direction = torch.nn.functional.normalize(direction.double(), dim=1)
    total = four_momentum(direction * size, mass.expand(len(z))) + _at_rest(nuclear_mass(z, a))
    emitted, cold = evaporate(Excited(z, a + 1, total), generator, photons_only=True)
    number = nucleus_number(cold.z, cold.a)
    owner = torch.arange(len(z))
    return Products(
        torch.cat([emitted.owner, owner]), torch.cat([emitted.pdg, number]), torch.cat([emitted.four, cold.four])
    )


def binding_energy(z: Tensor, a: Tensor, mass: float) -> Tensor:
    """Binding energy (N,) in MeV of the lowest orbit of a particle of `mass` (MeV) about nuclei.

    Hydrogen-like, with the potential inside a sphere where the orbit is smaller than the nucleus: the harmonic mean of
    the point charge's energy and that of the middle of the sphere. Within some 5 % of muonic K lines.
    """
    reduced = mass / (1 + mass / nuclear_mass(z, a))
    strength = z.double() * FINE_STRUCTURE
    point = 0.5 * reduced * strength**2
    radius = 1.29 * half_density_radius(a)  # of a sphere of even charge: sqrt(5/3) of the root mean square
    bohr = HBAR_C_FM / (reduced * strength)
    return point / (1 + 0.8 * (radius / bohr) ** 2 / (1 + 2.4 * radius / bohr))


def muon_levels(z: Tensor, a: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Binding energies (N,) in MeV of a muon about nuclei in 1s, 2p and 3d, the last two as about points."""
    first = binding_energy(z, a, MUON_MASS)
    second = torch.minimum(0.125 * MUON_MASS * (z.double() * FINE_STRUCTURE) ** 2, 0.5 * first)
    return first, second, second * 4 / 9


def middle_fermi_momentum(a: Tensor) -> Tensor:
    """Fermi momentum (N,) in MeV in the middle of nuclei where both kinds fill up to one energy."""
    return fermi_momentum(0.5 * nucleon_density(torch.zeros(1), half_density_radius(a), a.double()))


def _capture(z: Tensor, a: Tensor, kind: Hadron, mass: float, generator: torch.Generator) -> Products:
    """Hadrons of `kind` at rest meet nucleons where the density falls, until Pauli's principle allows what follows.

    Where it never does, the nucleus swallows charge and energy.
    """
    target = Target.of(z, a)
    n = len(z)
    total = _at_rest(mass + nuclear_mass(z, a))
    waiting = torch.arange(n)
    nowhere = torch.zeros(0, 3, dtype=torch.float64)
    born = [Swarm(waiting[:0], waiting[:0], nowhere, nowhere, total[:0, 0])]
    for _ in range(TRIES):
        if not len(waiting):
            break
        position = _at_edge(target, waiting, generator)
        kinds = torch.full_like(waiting, int(kind))
        still = torch.zeros_like(waiting, dtype=torch.float64)
        swarm = Swarm(waiting, kinds, position, isotropic(len(waiting), generator, torch.float64), still)
        if kind == Hadron.PI_MINUS:
            done, new = absorbed_by_pairs(swarm, target, generator)
        else:
            done, new = met(swarm, Channel.HYPERON, target, generator)
        born.append(new)
        left = torch.ones(n, dtype=torch.bool)
        left[done] = False
        waiting = waiting[left[waiting]]
    still = torch.zeros(len(waiting), 3, dtype=torch.float64)
    swallow(Swarm(waiting, torch.full_like(waiting, int(kind)), still, still, still[:, 0]), target)
    swarm = Swarm.concat(born)
    return settle(cascade(swarm, target, generator), target, total, generator)


def _at_rest(mass: Tensor) -> Tensor:
    return torch.nn.functional.pad(mass.unsqueeze(1), (0, 3))


def _at_edge(target: Target, rows: Tensor, generator: torch.Generator) -> Tensor:
    """Points (N, 3) in fm distributed as the slope of the density."""
    u = torch.rand(len(rows), generator=generator, dtype=torch.float64).clamp(1e-3, 1 - 1e-3)
    r = (target.radius[rows] + DIFFUSENESS * torch.log(u / (1 - u))).clamp(min=0)
    return isotropic(len(rows), generator, torch.float64) * r.unsqueeze(1)


def _inside(target: Target, rows: Tensor, generator: torch.Generator) -> Tensor:
    """Points (N, 3) in fm distributed as the density."""
    out = torch.zeros(len(rows), 3, dtype=torch.float64)
    wanting = torch.arange(len(rows))
    for _ in range(TRIES):
        if not len(wanting):
            break
        u = torch.rand((2, len(wanting)), generator=generator, dtype=torch.float64)
        r = target.edge[rows[wanting]] * u[0] ** (1 / 3)
        out[wanting] = isotropic(len(wanting), generator, torch.float64) * r.unsqueeze(1)
        owner = rows[wanting]
        accepted = u[1] * target.density(owner, torch.zeros_like(r)) < target.density(owner, r)
        wanting = wanting[~accepted]
    return out
