"""Nuclei that neutrinos meet: where nucleons are in them, how they move, and what holds them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nuforge.errors import InputError
from nuforge.physics.fermi_gas import global_fermi_momentum, removal_energy
from nuforge.physics.nuclei import nuclear_mass
from nuforge.simulation.directions import polar
from nuforge.simulation.four_momenta import four_momentum, mass_squared, scalar_product
from nuforge.simulation.nucleus.hadrons import MASS, Hadron
from nuforge.simulation.nucleus.target import Target
from nuforge.simulation.sources.neutrino.settings import Gas

FEWEST = 4
"""Nucleons of a nucleus with a cascade; hydrogen has none to need one."""
UNIFORMS = 6
"""Uniform numbers that a struck nucleon takes."""
_RADII = 257


@dataclass(frozen=True)
class Struck:
    """N nucleons as a neutrino finds them.

    Args:
        position: From the middle of the nucleus (N, 3), fm.
        four: Four-momenta (N, 4) in MeV that scatter.
        fermi: Momenta (N, 2) in MeV below which there is no room for a proton or a neutron.
        depth: MeV (N, 2) that a proton or a neutron pays to leave.
    """

    position: Tensor
    four: Tensor
    fermi: Tensor
    depth: Tensor

    def __getitem__(self, key: Tensor) -> Struck:
        return Struck(self.position[key], self.four[key], self.fermi[key], self.depth[key])


@dataclass(frozen=True)
class Nuclei:
    """K kinds of nuclei.

    Args:
        z: Protons (K,).
        a: Nucleons (K,).
        gas: How nucleons move in them.
        target: The same for cascades.
        radii: Quantiles (K, R) of the distance of nucleons from the middle, fm.
        fermi: Fermi momenta (K, 2) of protons and neutrons in a global gas, MeV.
        removal: Removal energy (K,) from a global gas, MeV.
        mass: Mass (K,) in MeV.
        ground: Masses (3, K) in MeV of the nuclei with a charge of 0, 1, and -1 more.
    """

    z: Tensor
    a: Tensor
    gas: Gas
    target: Target
    radii: Tensor
    fermi: Tensor
    removal: Tensor
    mass: Tensor
    ground: Tensor

    @classmethod
    def of(cls, z: Tensor, a: Tensor, gas: Gas) -> Nuclei:
        """Nuclei of charges and nucleons, int64 (K,).

        Raises:
            InputError: If a nucleus is neither hydrogen nor of 4 nucleons or more, or no nucleus.
        """
        bad = (z < 1) | (a < z) | ((a > 1) & (a < FEWEST))
        if bool(bad.any()):
            protons, nucleons = int(z[bad][0]), int(a[bad][0])
            raise InputError(
                f"no neutrino is scattered on {protons} protons among {nucleons} nucleons; "
                f"expected hydrogen (1, 1) or a nucleus of {FEWEST} nucleons or more"
            )
        pairs = list(zip(z.tolist(), a.tolist(), strict=True))
        target = Target.of(z, a)
        alone = [(0.0, 0.0) if nucleons == 1 else global_fermi_momentum(p, nucleons) for p, nucleons in pairs]
        cost = [0.0 if nucleons == 1 else removal_energy(nucleons) for _, nucleons in pairs]
        fermi, removal = torch.tensor(alone, dtype=torch.float64), torch.tensor(cost, dtype=torch.float64)
        ground = torch.stack([nuclear_mass((z + charge).clamp(min=0), a) for charge in (0, 1, -1)])
        return cls(z, a, gas, target, _radii(target), fermi, removal, nuclear_mass(z, a), ground)

    def leaves_enough(self, which: Tensor, transfer: Tensor, charge: int) -> Tensor:
        """Whether nuclei at rows `which` (N,) that get a four-momentum (N, 4) and a charge reach a ground state."""
        total = transfer.clone()
        total[:, 0] += self.mass[which]
        return mass_squared(total) >= self.ground[charge][which] ** 2

    def struck(self, which: Tensor, kind: Hadron, uniform: Tensor) -> Struck:
        """Nucleons of one kind in nuclei at rows `which` (N,), by uniform numbers (6, N)."""
        return self.struck_at(which, self.place(which, uniform[:3]), kind, uniform[3:])

    def place(self, which: Tensor, uniform: Tensor) -> Tensor:
        """Points (N, 3) in fm of nucleons in nuclei at rows `which` (N,), by uniform numbers (3, N)."""
        return _direction(uniform[1:]) * self.radius(which, uniform[0]).unsqueeze(1)

    def struck_at(self, which: Tensor, position: Tensor, kind: Hadron, uniform: Tensor) -> Struck:
        """Nucleons where they are (N, 3), in fm, by uniform numbers (3, N)."""
        if self.gas == "global":
            return self._of_global_gas(which, position, kind, uniform)
        bound = (self.a > 1)[which]
        density = self.target.density(which, position.norm(dim=1))
        species = [torch.full_like(which, int(nucleon)) for nucleon in (Hadron.PROTON, Hadron.NEUTRON)]
        fermi = torch.stack([self.target.fermi_momentum(which, each, density) for each in species], 1)
        depth = torch.stack([self.target.depth(which, each, density) for each in species], 1)
        fermi, depth = (torch.where(bound.unsqueeze(1), value, 0.0) for value in (fermi, depth))
        momentum = _direction(uniform[:2]) * (fermi[:, int(kind)] * uniform[2] ** (1 / 3)).unsqueeze(1)
        return Struck(position, four_momentum(momentum, MASS[int(kind)]), fermi, depth)

    def _of_global_gas(self, which: Tensor, position: Tensor, kind: Hadron, uniform: Tensor) -> Struck:
        """Off their mass shell by the removal energy, and by more where the remnant would miss energy."""
        fermi = self.fermi[which]
        momentum = _direction(uniform[:2]) * (fermi[:, int(kind)] * uniform[2] ** (1 / 3)).unsqueeze(1)
        square = scalar_product(momentum, momentum)
        energy = torch.sqrt(square + MASS[int(kind)] ** 2) - self.removal[which]
        protons = 1 if kind is Hadron.PROTON else 0
        rest = nuclear_mass(self.z - protons, self.a - 1)[which]
        bound = (self.a > 1)[which]
        most = torch.where(bound, self.mass[which] - torch.sqrt(rest**2 + square), MASS[int(kind)])
        four = torch.cat([torch.minimum(energy, most).unsqueeze(1), momentum], 1)
        return Struck(position, four, fermi, torch.zeros_like(fermi))

    def radius(self, which: Tensor, uniform: Tensor) -> Tensor:
        """Distances (N,) in fm from the middle, as nucleons are distributed."""
        at = uniform * (_RADII - 1)
        i = at.long().clamp(max=_RADII - 2)
        return torch.lerp(self.radii[which, i], self.radii[which, i + 1], at - i)


def _radii(target: Target) -> Tensor:
    """Quantiles (K, R) of the distance from the middle, 0 in hydrogen."""
    share = torch.linspace(0, 1, 2001, dtype=torch.float64)
    r = target.edge.unsqueeze(1) * share
    owner = torch.arange(len(target.a0)).repeat_interleave(len(share))
    value = target.density(owner, r.flatten()).view_as(r) * r**2
    sums = value.cumsum(1) - 0.5 * value
    sums = sums / sums[:, -1:]
    sums[:, 0] = 0.0
    wanted = torch.linspace(0, 1, _RADII, dtype=torch.float64).expand(len(r), _RADII).contiguous()
    right = torch.searchsorted(sums.contiguous(), wanted).clamp(1, r.shape[1] - 1)
    low, high = sums.gather(1, right - 1), sums.gather(1, right)
    on = ((wanted - low) / (high - low).clamp(min=1e-12)).clamp(0, 1)
    radii = torch.lerp(r.gather(1, right - 1), r.gather(1, right), on)
    return torch.where(target.a0.unsqueeze(1) > 1, radii, 0.0)


def _direction(uniform: Tensor) -> Tensor:
    """Unit vectors (N, 3) without a preferred direction by uniform numbers (2, N)."""
    return polar(2 * uniform[0] - 1, 2 * torch.pi * uniform[1])
