"""What N neutrinos and what they hit become: a lepton and hadrons, still inside the nucleus."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from nuforge.physics.decays import two_body_momentum
from nuforge.simulation.directions import turned
from nuforge.simulation.four_momenta import centre_direction, mass_squared, two_bodies
from nuforge.simulation.sources.neutrino.nuclei import Struck


@dataclass(frozen=True)
class Vertex:
    """N scatters of a neutrino on something.

    Args:
        neutrino: Four-momenta (N, 4) in MeV before.
        struck: What was hit.
        lepton: Four-momenta (N, 4) after.
        system: Four-momenta (N, 4) of all hadrons together.
        w: Their mass (N,).
    """

    neutrino: Tensor
    struck: Struck
    lepton: Tensor
    system: Tensor
    w: Tensor

    @property
    def transfer(self) -> Tensor:
        """Four-momenta (N, 4) that the neutrino gives."""
        return self.neutrino - self.lepton


@dataclass(frozen=True)
class Hadrons:
    """Hadrons of N vertices.

    Args:
        kind: `Hadron` (N, H), -1 where there is none.
        four: Four-momenta (N, H, 4) in MeV.
    """

    kind: Tensor
    four: Tensor

    def __getitem__(self, key: Tensor) -> Hadrons:
        return Hadrons(self.kind[key], self.four[key])

    @staticmethod
    def concat(parts: list[Hadrons]) -> Hadrons:
        """Hadrons end to end, with room for as many as the largest has."""
        most = max(part.kind.shape[1] for part in parts)
        pads = [most - part.kind.shape[1] for part in parts]
        kinds = [pad(part.kind, (0, more), value=-1) for part, more in zip(parts, pads, strict=True)]
        fours = [pad(part.four, (0, 0, 0, more)) for part, more in zip(parts, pads, strict=True)]
        return Hadrons(torch.cat(kinds), torch.cat(fours))


@dataclass(frozen=True)
class Born:
    """N vertices of one channel, before anything else happens in their nuclei.

    Args:
        lepton: Four-momenta (N, 4) in MeV.
        hadrons: What was made.
        position: Where in the nucleus (N, 3), fm.
        depth: MeV (N, 2) that a proton or a neutron pays to leave.
        protons: Protons (N,) that the nucleus has lost.
        nucleons: Nucleons (N,) that it has lost.
        struck: PDG number (N,) of the nucleon that was hit, 0 for two of them or the whole nucleus.
        w: Mass (N,) of the hadrons in MeV.
        forms: Whether (N,) hadrons take time to form.
    """

    lepton: Tensor
    hadrons: Hadrons
    position: Tensor
    depth: Tensor
    protons: Tensor
    nucleons: Tensor
    struck: Tensor
    w: Tensor
    forms: Tensor


def energy_at_rest(neutrino: Tensor, struck: Tensor, mass: float) -> Tensor:
    """Energy (N,) in MeV with which a neutrino comes to a mass at rest with the same mass of both together."""
    return (mass_squared(neutrino + struck) - mass**2) / (2 * mass)


def scatter(
    neutrino: Tensor, struck: Struck, target: float, lepton: float, w: Tensor, q2: Tensor, uniform: Tensor
) -> Vertex:
    """Scatters whose angle in the frame of the centre is that on a free target with the same energy there.

    Args:
        neutrino: Four-momenta (N, 4).
        struck: What is hit, perhaps off its mass shell.
        target: Its mass when free.
        lepton: Mass of the lepton.
        w: Hadronic masses (N,).
        q2: Q^2 on the free target (N,).
        uniform: Of the azimuth (N,).
    """
    total = neutrino + struck.four
    s = mass_squared(total)
    root = torch.sqrt(s)
    before = (s - target**2) / (2 * root)
    energy = (s + lepton**2 - w**2) / (2 * root)
    after = two_body_momentum(root, torch.full_like(w, lepton), w)
    cosine = (2 * before * energy - q2 - lepton**2) / (2 * before * after).clamp(min=1e-9)
    mu = (0.5 * (1 - cosine)).clamp(0, 1)
    direction = turned(centre_direction(neutrino, total), mu, 2 * torch.pi * uniform)
    first, second = two_bodies(total, torch.full_like(w, lepton), w, direction)
    return Vertex(neutrino, struck, first, second, w)
