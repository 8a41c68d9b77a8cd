"""Interactions of given neutrinos with given nuclei."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal, get_args

import torch
from torch import Tensor

from nuforge.errors import InputError
from nuforge.simulation.four_momenta import mass_squared
from nuforge.simulation.nucleus import Products
from nuforge.simulation.nucleus.interaction import nucleus_number
from nuforge.simulation.sources.neutrino.channel import Channel
from nuforge.simulation.sources.neutrino.channels import channels
from nuforge.simulation.sources.neutrino.leaving import straight_out, through_nucleus
from nuforge.simulation.sources.neutrino.modes import Probe
from nuforge.simulation.sources.neutrino.nuclei import Nuclei
from nuforge.simulation.sources.neutrino.settings import GeneratorSettings
from nuforge.simulation.sources.neutrino.tables import Energies
from nuforge.simulation.sources.neutrino.vertex import Born

Current = Literal["both", "charged", "neutral"]
LOWEST, HIGHEST = 50.0, 20_000.0
"""MeV, of neutrinos; the models are good from 100 MeV."""
_POINTS = 60
_TOGETHER = 1 << 16  # interactions that are made at once: their columns stay in the caches
_NEUTRAL_KAON, _SHORT, _LONG = 311, 310, 130


@dataclass(frozen=True)
class Interactions:
    """N interactions and the M particles that leave them.

    Args:
        mode: NuHepMC's number (N,).
        charged: Whether (N,) by a charged current.
        struck: PDG number (N,) of the nucleon that was hit, 0 for two or the whole nucleus.
        q2: Q^2 (N,) in MeV^2, minus the square of the four-momentum that the neutrino gives.
        w: Mass (N,) in MeV of the hadrons that are made, before they meet the nucleus.
        owner: Interaction (M,) of each particle, rising; the lepton is the first of its own.
        pdg: PDG number (M,).
        four: Four-momentum (M, 4) in MeV.
    """

    mode: Tensor
    charged: Tensor
    struck: Tensor
    q2: Tensor
    w: Tensor
    owner: Tensor
    pdg: Tensor
    four: Tensor

    def __len__(self) -> int:
        return len(self.mode)

    @staticmethod
    def concat(parts: list[Interactions]) -> Interactions:
        """Interactions end to end."""
        starts = torch.tensor([0, *(len(part) for part in parts)]).cumsum(0)
        owner = torch.cat([part.owner + start for part, start in zip(parts, starts, strict=False)])
        columns = {
            name: torch.cat([getattr(part, name) for part in parts])
            for name in ("mode", "charged", "struck", "q2", "w", "pdg", "four")
        }
        return Interactions(owner=owner, **columns)


@dataclass(frozen=True)
class Rates:
    """Cross sections of one kind of neutrino on one nucleus.

    Args:
        channels: What may happen.
        energies: Grid of the table.
        table: Cross sections (C, E) in cm^2 by channel.
    """

    channels: tuple[Channel, ...]
    energies: Energies
    table: Tensor

    def by_channel(self, energy: Tensor) -> Tensor:
        """Cross sections (C, N) in cm^2 at energies (N,) in MeV, 0 from the last point where they are 0."""
        row, on = self.energies.place(energy)
        low, high = self.table[:, row], self.table[:, row + 1]
        return torch.where(low > 0, torch.lerp(low, high, on), 0.0)

    def total(self, energy: Tensor) -> Tensor:
        """Their sum (N,)."""
        return self.by_channel(energy).sum(0)


@cache
def rates(pdg: int, z: int, a: int, settings: GeneratorSettings, current: Current = "both") -> Rates:
    """Cross sections of a kind of neutrino on a nucleus, made once for each setting."""
    if current not in get_args(Current):
        raise InputError(f"current must be one of {get_args(Current)}, got '{current}'")
    charges = {"both": (True, False), "charged": (True,), "neutral": (False,)}[current]
    tables = [_probed(_any_flavour(Probe(pdg, charged)), z, a, settings) for charged in charges]
    found = tuple(channel for table in tables for channel in table.channels)
    return Rates(found, tables[0].energies, torch.cat([table.table for table in tables]))


@cache
def _probed(probe: Probe, z: int, a: int, settings: GeneratorSettings) -> Rates:
    """Those of one current."""
    found = channels(probe, settings)
    energies = Energies(0.0, _POINTS, HIGHEST)
    nuclei = Nuclei.of(torch.tensor([z]), torch.tensor([a]), settings.gas)
    at = energies.values().clamp(min=1.0)
    table = torch.stack([channel.cross_sections(at, nuclei)[0] for channel in found])
    table[:, at < LOWEST / 2] = 0.0
    return Rates(found, energies, table)


def _any_flavour(probe: Probe) -> Probe:
    """The probe, or for neutral currents, to which all flavours are the same, that of muons."""
    return probe if probe.charged else Probe(-14 if probe.anti else 14, probe.charged)


def interact(
    pdg: Tensor,
    neutrino: Tensor,
    z: Tensor,
    a: Tensor,
    settings: GeneratorSettings,
    generator: torch.Generator,
    current: Current = "both",
) -> Interactions:
    """Interactions of neutrinos with nuclei at rest, each by a channel drawn by its cross section.

    Energy, momentum, charge, baryon and lepton number of neutrino and nucleus are those of the particles.

    Args:
        pdg: PDG numbers (N,) of the neutrinos.
        neutrino: Their four-momenta (N, 4) in MeV.
        z: Protons of the nuclei (N,).
        a: Nucleons of the nuclei (N,): 1, or 4 or more.
        settings: Of the model.
        generator: Source of randomness.
        current: Which currents.

    Raises:
        InputError: If a neutrino has an energy that is not covered, or can do nothing by the current.
    """
    energy = neutrino[:, 0]
    bad = ~((energy >= LOWEST) & (energy <= HIGHEST))
    if bool(bad.any()):
        raise InputError(
            f"neutrinos must have {LOWEST:g} to {HIGHEST:g} MeV, got {float(energy[bad][0]):g}; cut the flux"
        )
    parts = [
        _together(pdg[s], neutrino[s].double(), z[s], a[s], settings, generator, current)
        for s in (slice(i, i + _TOGETHER) for i in range(0, max(len(pdg), 1), _TOGETHER))
    ]
    return Interactions.concat(parts)


def _together(
    pdg: Tensor,
    neutrino: Tensor,
    z: Tensor,
    a: Tensor,
    settings: GeneratorSettings,
    generator: torch.Generator,
    current: Current,
) -> Interactions:
    kinds, which = torch.unique(torch.stack([z, a], 1), dim=0, return_inverse=True)
    nuclei = Nuclei.of(kinds[:, 0], kinds[:, 1], settings.gas)
    found, rows, total = [_no_facts()], [which[:0]], neutrino.clone()
    total[:, 0] += nuclei.mass[which]
    products = [Products(which[:0], which[:0], neutrino[:0])]
    for number in torch.unique(pdg).tolist():
        mine = (pdg == number).nonzero().squeeze(1)
        chosen, ways = _choose(number, neutrino[mine, 0], which[mine], nuclei, settings, generator, current)
        for index, channel in enumerate(ways):
            here = mine[chosen == index]
            if not len(here):
                continue
            born = channel.scatter(neutrino[here], which[here], nuclei, generator)
            lepton = Probe(number, channel.charged).lepton
            leaving = _leave(channel, born, which[here], nuclei, total[here] - born.lepton, settings, generator)
            products.append(_with_lepton(leaving, born, lepton, here))
            found.append(_facts(channel, born, neutrino[here]))
            rows.append(here)
    order = torch.cat(rows).argsort()
    mode, charged, struck, q2, w = (torch.cat(columns)[order] for columns in zip(*found, strict=True))
    owner, number, four = (torch.cat([getattr(p, n) for p in products]) for n in ("owner", "pdg", "four"))
    order = owner.argsort(stable=True)
    numbers = _kaons(number[order], generator)
    return Interactions(mode, charged, struck, q2, w, owner[order], numbers, four[order])


def _choose(
    pdg: int,
    energy: Tensor,
    which: Tensor,
    nuclei: Nuclei,
    settings: GeneratorSettings,
    generator: torch.Generator,
    current: Current,
) -> tuple[Tensor, tuple[Channel, ...]]:
    """Which channel (N,) each neutrino takes, of which."""
    uniform = torch.rand(len(energy), generator=generator, dtype=torch.float64)
    chosen = torch.zeros(len(energy), dtype=torch.int64)
    ways: tuple[Channel, ...] = ()
    for row in torch.unique(which).tolist():
        mine = (which == row).nonzero().squeeze(1)
        of = rates(pdg, int(nuclei.z[row]), int(nuclei.a[row]), settings, current)
        sums = of.by_channel(energy[mine]).cumsum(0)
        if bool((sums[-1] <= 0).any()):
            least = float(energy[mine][sums[-1] <= 0].min())
            raise InputError(
                f"neutrinos {pdg} of {least:g} MeV have no cross section by currents '{current}'; give more energy"
            )
        chosen[mine] = (uniform[mine] * sums[-1] >= sums).sum(0).clamp(max=len(of.channels) - 1)
        ways = of.channels
    return chosen, ways


def _leave(
    channel: Channel,
    born: Born,
    which: Tensor,
    nuclei: Nuclei,
    total: Tensor,
    settings: GeneratorSettings,
    generator: torch.Generator,
) -> Products:
    """Particles but the lepton, by rows of the vertices."""
    parts = []
    for row in torch.unique(which).tolist():
        rows = (which == row).nonzero().squeeze(1)
        z, a = int(nuclei.z[row]), int(nuclei.a[row])
        if channel.whole or a == 1:
            remnant = total[rows] - born.hadrons.four[rows].sum(1)
            target = nucleus_number(torch.full_like(rows, z), torch.full_like(rows, a))
            part = straight_out(born, rows, remnant, target if channel.whole else torch.zeros_like(rows))
        else:
            part = through_nucleus(born, rows, row, nuclei, total[rows], settings, generator)
        parts.append(Products(rows[part.owner], part.pdg, part.four))
    return Products(*(torch.cat([getattr(part, name) for part in parts]) for name in ("owner", "pdg", "four")))


def _with_lepton(leaving: Products, born: Born, lepton: int, here: Tensor) -> Products:
    """Particles by rows of the batch, leptons first."""
    number = torch.full((len(here),), lepton)
    return Products(
        torch.cat([here, here[leaving.owner]]),
        torch.cat([number, leaving.pdg]),
        torch.cat([born.lepton, leaving.four]),
    )


def _facts(channel: Channel, born: Born, neutrino: Tensor) -> tuple[Tensor, ...]:
    """Columns of `Interactions` before the particles."""
    n = len(born.w)
    q2 = -mass_squared(neutrino - born.lepton)
    return torch.full((n,), channel.mode), torch.full((n,), channel.charged), born.struck, q2, born.w


def _no_facts() -> tuple[Tensor, ...]:
    whole, real = torch.zeros(0, dtype=torch.int64), torch.zeros(0, dtype=torch.float64)
    return whole, whole.bool(), whole, real, real


def _kaons(pdg: Tensor, generator: torch.Generator) -> Tensor:
    """PDG numbers with K0 and anti-K0 as K0_S and K0_L evenly."""
    rows = (pdg.abs() == _NEUTRAL_KAON).nonzero().squeeze(1)
    short = torch.rand(len(rows), generator=generator) < 0.5
    pdg = pdg.clone()
    pdg[rows] = torch.where(short, _SHORT, _LONG)
    return pdg
