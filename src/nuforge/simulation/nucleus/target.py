"""Nuclei on the way through a cascade: density, potential, what they have lost."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nuforge.physics.constants import NEUTRON_MASS, PROTON_MASS
from nuforge.physics.nuclei import (
    DIFFUSENESS,
    coulomb_barrier,
    fermi_momentum,
    half_density_radius,
    nuclear_mass,
    nucleon_density,
)
from nuforge.simulation.nucleus.hadrons import MASS, Hadron, is_nucleon

_EDGE = 5.0 * DIFFUSENESS  # fm beyond the half-density radius, where 1/150 of the density is left
TUNNEL = 0.7  # of the Coulomb barrier: protons below stay


@dataclass(frozen=True)
class Target:
    """N nuclei.

    Args:
        z0: Protons at the start (N,).
        a0: Nucleons at the start (N,).
        z: Protons now (N,); changed in place.
        a: Nucleons now (N,); changed in place.
        radius: Half-density radius (N,) in fm.
        separation: Separation energies (N, 2) in MeV of a proton and of a neutron, of the nucleus at the start.
        gain: The same of the nucleus with one more: what who comes in gains.
        barrier: Coulomb barrier (N,) of a proton, MeV.
    """

    z0: Tensor
    a0: Tensor
    z: Tensor
    a: Tensor
    radius: Tensor
    separation: Tensor
    gain: Tensor
    barrier: Tensor

    @classmethod
    def of(cls, z: Tensor, a: Tensor) -> Target:
        """Nuclei of charges z and nucleons a, int64 (N,)."""
        separation, gain = (
            _separation(z, a),
            torch.stack([_separation(z + 1, a + 1)[:, 0], _separation(z, a + 1)[:, 1]], 1),
        )
        barrier = coulomb_barrier(1, z - 1, 1, a - 1).clamp(min=0)
        return cls(z, a, z.clone(), a.clone(), half_density_radius(a), separation, gain, barrier)

    @property
    def edge(self) -> Tensor:
        """Radius (N,) in fm beyond which there is nothing."""
        return self.radius + _EDGE

    def density(self, owner: Tensor, r: Tensor) -> Tensor:
        """Nucleons per fm^3 (M,) that were at r (M,) fm of nuclei at rows `owner` (M,) at the start."""
        return nucleon_density(r, self.radius[owner], self.a0[owner].double())

    def fermi_momentum(self, owner: Tensor, kind: Tensor, density: Tensor) -> Tensor:
        """Fermi momentum (M,) in MeV of protons or neutrons where there are `density` nucleons per fm^3."""
        protons = (self.z0 / self.a0)[owner]
        return fermi_momentum(density * torch.where(kind == Hadron.PROTON, protons, 1 - protons))

    def depth(self, owner: Tensor, kind: Tensor, density: Tensor, comes: bool = False) -> Tensor:
        """Depth (M,) in MeV of the potential of hadrons: Fermi energy and separation energy, 0 but for nucleons.

        For who `comes` from outside the separation energy is that of the nucleus with one more.
        """
        nucleon = is_nucleon(kind)
        which = kind.clamp(max=1)
        mass = MASS[which]
        fermi = torch.sqrt(self.fermi_momentum(owner, kind, density) ** 2 + mass**2) - mass
        separation = self.gain if comes else self.separation
        return torch.where(nucleon, fermi + separation[owner, which], 0.0)

    def lowest(self, owner: Tensor, kind: Tensor) -> Tensor:
        """Kinetic energy (M,) outside, in MeV, below which a nucleon does not leave; -1 for other hadrons."""
        out = torch.where(kind == Hadron.PROTON, TUNNEL * self.barrier[owner], 0.0)
        return torch.where(is_nucleon(kind), out, -1.0)

    def change(self, owner: Tensor, protons: Tensor, nucleons: Tensor) -> None:
        """Adds protons (M,) and nucleons (M,) to the nuclei at rows `owner`."""
        self.z.index_add_(0, owner, protons)
        self.a.index_add_(0, owner, nucleons)


def _separation(z: Tensor, a: Tensor) -> Tensor:
    """Separation energies (N, 2) in MeV of a proton and of a neutron from nuclei (N,)."""
    whole = nuclear_mass(z, a)
    proton = nuclear_mass((z - 1).clamp(min=0), a - 1) + PROTON_MASS - whole
    neutron = nuclear_mass(torch.minimum(z, a - 1), a - 1) + NEUTRON_MASS - whole
    return torch.stack([proton, neutron], 1).clamp(0.0, 20.0)
