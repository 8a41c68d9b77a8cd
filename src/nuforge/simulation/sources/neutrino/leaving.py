"""Hadrons on their way out of the nucleus: the cascade, and what the nucleus does afterwards."""

from __future__ import annotations

import torch
from torch import Tensor

from nuforge.simulation.four_momenta import kinetic_energy
from nuforge.simulation.nucleus import Products
from nuforge.simulation.nucleus.cascade import Swarm, cascade
from nuforge.simulation.nucleus.hadrons import BARYON, CHARGE, MASS, PDG, is_nucleon
from nuforge.simulation.nucleus.interaction import settle
from nuforge.simulation.nucleus.target import Target
from nuforge.simulation.sources.neutrino.nuclei import Nuclei
from nuforge.simulation.sources.neutrino.settings import GeneratorSettings
from nuforge.simulation.sources.neutrino.vertex import Born
from nuforge.simulation.transport.kernel.inside import leave
from nuforge.simulation.transport.kernel.library import LIBRARY


def straight_out(born: Born, rows: Tensor, remnant: Tensor, remnant_pdg: Tensor) -> Products:
    """Hadrons of the vertices `rows` that leave as they are, and what is left of their nuclei.

    Args:
        born: Vertices.
        rows: Those (R,).
        remnant: Four-momenta (R, 4) of what is left.
        remnant_pdg: Its PDG number (R,), 0 for nothing.
    """
    kind, four = born.hadrons.kind[rows], born.hadrons.four[rows]
    there = kind >= 0
    owner = torch.arange(len(rows)).unsqueeze(1).expand_as(kind)[there]
    left = (remnant_pdg != 0).nonzero().squeeze(1)
    return Products(
        torch.cat([owner, left]),
        torch.cat([PDG[kind[there]], remnant_pdg[left]]),
        torch.cat([four[there], remnant[left]]),
    )


def through_nucleus(
    born: Born,
    rows: Tensor,
    row: int,
    nuclei: Nuclei,
    total: Tensor,
    settings: GeneratorSettings,
    generator: torch.Generator,
) -> Products:
    """What leaves nuclei of one kind after vertices `rows` (R,) in them.

    Args:
        born: Vertices.
        rows: Those in nuclei of the kind.
        row: The kind, a row of `nuclei`.
        nuclei: Kinds of nuclei.
        total: Four-momenta (R, 4) of everything but the lepton.
        settings: Of the generator.
        generator: Source of randomness.
    """
    z, a = int(nuclei.z[row]), int(nuclei.a[row])
    swarm, left = _swarm(born, rows, nuclei, row, settings.formation_time)
    if LIBRARY.backend() == "compiled":
        return leave(swarm, z, a, left, total, settings.cascade, generator)
    target = Target.of(*(torch.full((len(rows),), value) for value in (z, a)))
    target.change(torch.arange(len(rows)), left[:, 0] - z, left[:, 1] - a)
    return settle(cascade(swarm, target, generator, settings.cascade), target, total, generator)


def _swarm(born: Born, rows: Tensor, nuclei: Nuclei, row: int, formation_time: float) -> tuple[Swarm, Tensor]:
    """Who flies inside, and protons and nucleons (R, 2) beside; nucleons that cannot leave are among these."""
    kinds = born.hadrons.kind[rows]
    there = kinds >= 0
    owner = torch.arange(len(rows)).unsqueeze(1).expand_as(kinds)[there]
    kind, four = kinds[there], born.hadrons.four[rows][there]
    mass = MASS[kind]
    nucleon = is_nucleon(kind)
    depth = born.depth[rows][owner].gather(1, kind.clamp(0, 1).unsqueeze(1)).squeeze(1)
    energy = kinetic_energy(four, mass) - torch.where(nucleon, depth, 0.0)
    size = four[:, 1:].norm(dim=1).clamp(min=1e-9)
    direction = four[:, 1:] / size.unsqueeze(1)
    path = torch.where(born.forms[rows][owner], formation_time * size / mass, 0.0)
    position = born.position[rows][owner] + direction * path.unsqueeze(1)
    stays = energy <= nuclei.target.lowest(torch.full_like(kind, row), kind)
    lost = torch.stack([born.protons[rows], born.nucleons[rows]], 1)
    left = torch.stack([nuclei.z[row], nuclei.a[row]]) - lost
    left = left.index_add(0, owner[stays], torch.stack([CHARGE[kind[stays]], BARYON[kind[stays]]], 1))
    flies = ~stays
    return Swarm(owner[flies], kind[flies], position[flies], direction[flies], energy[flies]), left
