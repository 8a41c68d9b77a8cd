"""What excited nuclei boil off: nucleons and light nuclei, then photons, all nuclei at once."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nuforge.physics.nuclei import coulomb_barrier, nuclear_mass
from nuforge.simulation.directions import isotropic
from nuforge.simulation.drawing import drawn_by_rate
from nuforge.simulation.four_momenta import mass_squared, two_bodies

LIGHT_Z = torch.tensor([0, 1, 1, 1, 2, 2])
LIGHT_A = torch.tensor([1, 1, 2, 3, 3, 4])
SPINS = torch.tensor([2.0, 2.0, 3.0, 2.0, 2.0, 1.0], dtype=torch.float64)
LIGHT_PDG = torch.tensor([2112, 2212, 1000010020, 1000010030, 1000020030, 1000020040])
TUNNEL = torch.tensor([0.0, 0.7, 0.74, 0.78, 0.79, 0.83], dtype=torch.float64)
_LEVELS = 8.0  # MeV: the density of levels is A / 8 MeV
LEAST_THERMAL = 0.05  # of the energy above the barrier, where the gap of pairs would leave nothing
LAST = 0.1  # MeV: an excitation below leaves as one photon
NO_LEVELS = 4  # nucleons: so few have no excited states that are bound
LEAST = 1e-3  # MeV of excitation that is left alone
TRIES = 12
MOST = 60


@dataclass(frozen=True)
class Excited:
    """N excited nuclei.

    Args:
        z: Protons (N,).
        a: Nucleons (N,).
        four: Four-momenta (N, 4) in MeV; their mass is that of the ground state plus the excitation.
    """

    z: Tensor
    a: Tensor
    four: Tensor


@dataclass(frozen=True)
class Emitted:
    """M particles that nuclei emitted: rows of the nuclei, PDG numbers, four-momenta (M, 4)."""

    owner: Tensor
    pdg: Tensor
    four: Tensor


def evaporate(nuclei: Excited, generator: torch.Generator, photons_only: bool = False) -> tuple[Emitted, Excited]:
    """Emits particles until only photons can leave, then photons to the ground state.

    Particles: widths and spectra of Weisskopf with the cross sections of Dostrovsky, Fraenkel, Friedlander (Phys. Rev.
    116 (1959) 683), A / 8 MeV for the density of levels. Photons: E1, to levels spread evenly.

    Args:
        nuclei: Who is hot; unbound ones fall apart.
        generator: Source of randomness.
        photons_only: Whether only photons leave, as after the capture of a slow neutron.

    Returns:
        Who left, and the nuclei in their ground states.
    """
    z, a, four = nuclei.z.clone(), nuclei.a.clone(), nuclei.four.clone()
    none = torch.zeros(0, dtype=torch.int64)
    parts = [Emitted(none, none, four[:0])]
    if not photons_only:
        parts += _boil(z, a, four, generator)
    parts += _shine(z, a, four, generator)
    owner, pdg, fours = (torch.cat([getattr(part, name) for part in parts]) for name in ("owner", "pdg", "four"))
    return Emitted(owner, pdg, fours), Excited(z, a, four)


def _boil(z: Tensor, a: Tensor, four: Tensor, generator: torch.Generator) -> list[Emitted]:
    """Nucleons and light nuclei that leave; z, a (N,) and four (N, 4) become, in place, what stays."""
    parts = []
    rows = (a > 1).nonzero().squeeze(1)
    for _ in range(MOST):
        if not len(rows):
            break
        rows, channel, ground, room, barrier = _open(rows, z, a, four, generator)
        if not len(rows):
            break
        light = nuclear_mass(LIGHT_Z, LIGHT_A)[channel]
        mass = torch.sqrt(mass_squared(four[rows]).clamp(min=0))
        left = _excitation_after(a[rows] - LIGHT_A[channel], mass - ground - light - barrier, room, generator)
        emitted, rest = two_bodies(four[rows], light, ground + left, isotropic(len(rows), generator, torch.float64))
        parts.append(Emitted(rows, LIGHT_PDG[channel], emitted))
        z[rows] -= LIGHT_Z[channel]
        a[rows] -= LIGHT_A[channel]
        four[rows] = rest
        rows = rows[a[rows] > 1]
    return parts


def _shine(z: Tensor, a: Tensor, four: Tensor, generator: torch.Generator) -> list[Emitted]:
    """Photons that leave until nuclei (z, a) are in their ground states; four (N, 4) becomes, in place, what stays."""
    parts = []
    rows = torch.arange(len(z))
    for _ in range(MOST):
        ground = nuclear_mass(z[rows], a[rows])
        excitation = torch.sqrt(mass_squared(four[rows]).clamp(min=0)) - ground
        hot = (excitation > LEAST) & (a[rows] > 1)
        rows, ground, excitation = rows[hot], ground[hot], excitation[hot]
        if not len(rows):
            break
        energy = _photon_energy(excitation, a[rows], generator)
        way = isotropic(len(rows), generator, torch.float64)
        photon, rest = two_bodies(four[rows], torch.zeros_like(energy), ground + excitation - energy, way)
        parts.append(Emitted(rows, torch.full_like(rows, 22), photon))
        four[rows] = rest
    return parts


def level_density(a: Tensor) -> Tensor:
    """Density (N,) of single-particle levels, 1/MeV."""
    return a.double() / _LEVELS


def pairing_gap(a: Tensor) -> Tensor:
    """Energy (N,) in MeV by which pairs of one kind of nucleon shift the levels, 12 / sqrt(A)."""
    return torch.where(a > 4, 12 / a.clamp(min=1).double().sqrt(), 0.0)


def _pairing(z: Tensor, a: Tensor) -> Tensor:
    """Energy (N,) in MeV by which pairs shift the levels, where protons or neutrons are all in pairs."""
    return pairing_gap(a) * ((z % 2 == 0).double() + ((a - z) % 2 == 0).double())


def barriers(z: Tensor, a: Tensor) -> Tensor:
    """Energy (N, 6) in MeV that light nuclei need to leave what is left, of charges z (N, 6) and nucleons a (N, 6)."""
    return TUNNEL * coulomb_barrier(LIGHT_Z, z, LIGHT_A, a).clamp(min=0)


def _room(z: Tensor, a: Tensor, mass: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of nuclei (N,) of a mass (N,): energy (N, 6) above the barrier of each channel, barriers, and ground masses."""
    rest_z, rest_a = z.unsqueeze(1) - LIGHT_Z, a.unsqueeze(1) - LIGHT_A
    possible = (rest_a > 0) & (rest_z >= 0) & (rest_z <= rest_a)
    safe_z, safe_a = rest_z.clamp(min=0), torch.maximum(rest_a, rest_z.clamp(min=0)).clamp(min=1)
    ground = nuclear_mass(safe_z, safe_a)
    one_kind = ((z == 0) | (z == a)).unsqueeze(1)  # never bound
    barrier = torch.where(one_kind, 0.0, barriers(safe_z, safe_a))
    room = mass.unsqueeze(1) - ground - nuclear_mass(LIGHT_Z, LIGHT_A) - barrier
    room = torch.where(one_kind, room.clamp(min=LEAST**2), room)
    return torch.where(possible, room, -1.0), barrier, ground


def _open(
    rows: Tensor, z: Tensor, a: Tensor, four: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The nuclei of `rows` that emit.

    Returns:
        Their rows and channels; in MeV: ground masses of what is left, energy above the barrier, barrier.
    """
    mass = torch.sqrt(mass_squared(four[rows]).clamp(min=0))
    room, barrier, ground = _room(z[rows], a[rows], mass)
    rest_a = (a[rows].unsqueeze(1) - LIGHT_A).clamp(min=1)
    rest_z = z[rows].unsqueeze(1) - LIGHT_Z
    thermal = (room - _pairing(rest_z, rest_a)).clamp(min=0) + LEAST_THERMAL * room.clamp(min=0)
    level = level_density(rest_a)
    y = 2 * torch.sqrt(level * thermal)
    integral = (torch.exp(y) * (2 * y**2 - 6 * y + 6) + y**2 - 6).clamp(min=0) / level**2
    integral = torch.where(y < 0.3, 0.5 * y**4 / level**2, integral)
    width = SPINS * nuclear_mass(LIGHT_Z, LIGHT_A) * rest_a.double() ** (2 / 3) * integral
    width = torch.where(room > 0, width, 0.0)
    total = width.sum(1)
    emits = total > 0
    u = torch.rand(len(rows), generator=generator, dtype=torch.float64)
    channel = drawn_by_rate(u * total, width)
    at = channel.unsqueeze(1)[emits]
    ground, room, barrier = (x[emits].gather(1, at).squeeze(1) for x in (ground, room, barrier))
    return rows[emits], channel[emits], ground, room, barrier


def _excitation_after(a: Tensor, available: Tensor, room: Tensor, generator: torch.Generator) -> Tensor:
    """Excitation (N,) in MeV that is left: energy above the barrier x drawn from x exp(2 sqrt(a (R - x))).

    By rejection from x exp(-x sqrt(a / R)), which lies above it.

    Args:
        a: Nucleons (N,) of what is left.
        available: Energy (N,) in MeV above masses and barrier.
        room: R (N,) in MeV: the same, but a little more than nothing for nuclei that are never bound.
        generator: Source of randomness.
    """
    room = room.clamp(min=1e-9)
    level = level_density(a.clamp(min=1))
    u = torch.rand((3, TRIES, len(a)), generator=generator, dtype=torch.float64).clamp(min=1e-30)
    x = -torch.sqrt(room / level) * torch.log(u[0] * u[1])
    bound = (
        2 * torch.sqrt(level * (room - x).clamp(min=0)) - 2 * torch.sqrt(level * room) + x * torch.sqrt(level / room)
    )
    good = (x < room) & (u[2].log() < bound)
    first = good.long().argmax(0)
    drawn = x.gather(0, first.unsqueeze(0)).squeeze(0)
    drawn = torch.where(good.any(0), drawn, room * u[0, 0])
    left = (available - drawn).clamp(min=0)
    return torch.where(a > 1, left, 0.0)  # a nucleon alone has no excited states


def _photon_energy(excitation: Tensor, a: Tensor, generator: torch.Generator) -> Tensor:
    """Energies (N,) in MeV of the next photons: E^3 up to the excitation, as dipoles go to levels spread evenly.

    All that is left when it is little, or when there are no levels between.
    """
    u = torch.rand(len(a), generator=generator, dtype=torch.float64)
    return torch.where((excitation < LAST) | (a <= NO_LEVELS), excitation, excitation * u**0.25)
