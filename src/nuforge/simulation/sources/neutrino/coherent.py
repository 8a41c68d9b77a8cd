"""Coherent production of a pion on a whole nucleus, which recoils and stays in its ground state."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import torch
from torch import Tensor

from nuforge.physics.coherent_pions import coherent, slope
from nuforge.physics.constants import NEUTRAL_PION_MASS, PION_MASS
from nuforge.simulation.directions import turned
from nuforge.simulation.nucleus.hadrons import pion_of_charge
from nuforge.simulation.sources.neutrino.channel import OfProbe
from nuforge.simulation.sources.neutrino.modes import Probe
from nuforge.simulation.sources.neutrino.nuclei import Nuclei
from nuforge.simulation.sources.neutrino.tables import Energies, quantiles
from nuforge.simulation.sources.neutrino.vertex import Born, Hadrons

MODE = 100
_POINTS, _LOSSES, _TRANSFERS = 60, 80, 80
_KNEE = 2e3  # MeV^2
_LARGEST = 3e6  # MeV^2
_MOST_ROUNDS = 1000


@dataclass(frozen=True)
class _Tables:
    """Of one nucleus: cross sections (E,), quantiles (E, U) of energy loss and (E, L, U) of Q^2."""

    energies: Energies
    total: Tensor
    losses: Tensor
    transfers: Tensor


@dataclass(frozen=True)
class CoherentChannel(OfProbe):
    """Coherent production of pions.

    Args:
        probe: What scatters.
    """

    by_charged_current: ClassVar[int] = MODE
    whole: ClassVar[bool] = True

    def cross_sections(self, energy: Tensor, nuclei: Nuclei) -> Tensor:
        """Cross sections (K, E) in cm^2, none on hydrogen."""
        rows = []
        for a in nuclei.a.tolist():
            tables = _tables(self.probe.charged, self.probe.lepton_mass, a)
            total = tables.energies.interpolated(tables.total, energy)
            rows.append(total * ((a > 1) & (energy > tables.energies.lowest)))
        return torch.stack(rows)

    def scatter(self, neutrino: Tensor, which: Tensor, nuclei: Nuclei, generator: torch.Generator) -> Born:
        """What neutrinos leave: a lepton and a pion; the nucleus takes what is missing."""
        n = len(which)
        lepton, pion = torch.zeros_like(neutrino), torch.zeros_like(neutrino)
        for row in torch.unique(which).tolist():
            mine = (which == row).nonzero().squeeze(1)
            lepton[mine], pion[mine] = self._on(neutrino[mine], int(nuclei.a[row]), float(nuclei.mass[row]), generator)
        kind = pion_of_charge(torch.full((n, 1), self.probe.charge))
        none, nowhere = torch.zeros(n, dtype=torch.int64), torch.zeros(n, 3, dtype=torch.float64)
        w = torch.full((n,), PION_MASS if self.probe.charged else NEUTRAL_PION_MASS, dtype=torch.float64)
        return Born(lepton, Hadrons(kind, pion.unsqueeze(1)), nowhere, nowhere[:, :2], none, none, none, w, none > 0)

    def _on(self, neutrino: Tensor, a: int, mass: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Leptons and pions (N, 4) that leave nuclei of one kind."""
        tables = _tables(self.probe.charged, self.probe.lepton_mass, a)
        lepton, pion = torch.zeros_like(neutrino), torch.zeros_like(neutrino)
        waiting = torch.arange(len(neutrino))
        for _ in range(_MOST_ROUNDS):
            uniform = torch.rand((5, len(waiting)), generator=generator, dtype=torch.float64)
            before = neutrino[waiting]
            loss, q2 = _drawn(tables, self.probe, before[:, 0], uniform[:2])
            one = _lepton(before, loss, q2, self.probe.lepton_mass, uniform[2])
            two, good = _pion(before - one, a, mass, self.probe.charged, uniform[3:])
            done = waiting[good]
            lepton[done], pion[done] = one[good], two[good]
            waiting = waiting[~good]
            if not len(waiting):
                return lepton, pion
        raise RuntimeError(f"{len(waiting)} neutrinos made no coherent pion")


def _span(probe_mass: float, pion: float, energy: Tensor, share: Tensor) -> Tensor:
    """Energy losses (MeV) at a share (0 to 1) of what is possible."""
    return pion + (energy - probe_mass - pion).clamp(min=0) * share * (1 - 1e-9)


def _transfers(mass: float, energy: Tensor, loss: Tensor, share: Tensor) -> Tensor:
    """Q^2 (MeV^2) at a share (0 to 1) of what is possible, even in its logarithm."""
    low, high = _limits(mass, energy, loss)
    return (low + _KNEE) * ((high + _KNEE) / (low + _KNEE)) ** share - _KNEE


def _limits(mass: float, energy: Tensor, loss: Tensor) -> tuple[Tensor, Tensor]:
    total = energy - loss
    momentum = torch.sqrt((total**2 - mass**2).clamp(min=0))
    high = (2 * energy * (total + momentum) - mass**2).clamp(max=_LARGEST)
    low = 2 * energy * mass**2 / (total + momentum).clamp(min=1e-9) - mass**2
    return low, torch.maximum(high, low)


@cache
def _tables(charged: bool, mass: float, a: int) -> _Tables:
    """Tables of a nucleus of `a` nucleons, for a lepton of a mass (MeV)."""
    pion = PION_MASS if charged else NEUTRAL_PION_MASS
    energies = Energies(mass + pion, _POINTS)
    e = energies.values()[:, None, None].clamp(min=mass + pion + 1e-3)
    s = torch.linspace(0, 1, _LOSSES, dtype=torch.float64)[None, :, None]
    t = torch.linspace(0, 1, _TRANSFERS, dtype=torch.float64)[None, None, :]
    e, s, t = (x.expand(_POINTS, _LOSSES, _TRANSFERS).contiguous() for x in (e, s, t))
    loss = _span(mass, pion, e, s)
    q2 = _transfers(mass, e, loss, t)
    low, high = _limits(mass, e, loss)
    value = coherent(e, loss, q2, mass, charged, a) * (q2 + _KNEE) * torch.log((high + _KNEE) / (low + _KNEE))
    along, transfers = quantiles(value)
    total, losses = quantiles(along * (e[..., 0] - mass - pion))
    return _Tables(energies, total, losses, transfers)


def _drawn(tables: _Tables, probe: Probe, energy: Tensor, uniform: Tensor) -> tuple[Tensor, Tensor]:
    """Energy losses (N,) in MeV and Q^2 (N,) in MeV^2 by uniform numbers (2, N), from the table of a row beside."""
    row, on = tables.energies.place(energy)
    row = torch.where(tables.total[row] > 0, row, row + 1)
    u = uniform * (tables.losses.shape[1] - 1)
    i = u.long().clamp(max=tables.losses.shape[1] - 2)
    on_u = u - i
    low, high = (torch.lerp(tables.losses[r, i[0]], tables.losses[r, i[0] + 1], on_u[0]) for r in (row, row + 1))
    s = torch.lerp(low, high, on)
    j = (s * (_LOSSES - 1) + 0.5).long()
    q = tables.transfers
    low, high = (torch.lerp(q[r, j, i[1]], q[r, j, i[1] + 1], on_u[1]) for r in (row, row + 1))
    pion = PION_MASS if probe.charged else NEUTRAL_PION_MASS
    loss = _span(probe.lepton_mass, pion, energy, s)
    return loss, _transfers(probe.lepton_mass, energy, loss, torch.lerp(low, high, on))


def _lepton(neutrino: Tensor, loss: Tensor, q2: Tensor, mass: float, uniform: Tensor) -> Tensor:
    """Leptons (N, 4) of an energy loss and a Q^2."""
    energy = neutrino[:, 0]
    total = energy - loss
    size = torch.sqrt((total**2 - mass**2).clamp(min=0))
    cosine = (2 * energy * total - q2 - mass**2) / (2 * energy * size).clamp(min=1e-9)
    direction = turned(neutrino[:, 1:] / energy.unsqueeze(1), (0.5 * (1 - cosine)).clamp(0, 1), 2 * torch.pi * uniform)
    return torch.cat([torch.sqrt(size**2 + mass**2).unsqueeze(1), direction * size.unsqueeze(1)], 1)


def _pion(transfer: Tensor, a: int, mass: float, charged: bool, uniform: Tensor) -> tuple[Tensor, Tensor]:
    """Pions (N, 4) whose |t| falls as exp(-b |t|), and whether (N,) they are possible."""
    pion = PION_MASS if charged else NEUTRAL_PION_MASS
    loss, q = transfer[:, 0], transfer[:, 1:].norm(dim=1)
    ahead = torch.sqrt((loss**2 - pion**2).clamp(min=0))
    b = slope(a)
    t = (q - ahead).square() - torch.log1p(-uniform[0]) / b
    energy = loss - t / (2 * mass)
    size = torch.sqrt((energy**2 - pion**2).clamp(min=0))
    cosine = (q**2 + size**2 - t - (t / (2 * mass)) ** 2) / (2 * q * size).clamp(min=1e-9)
    good = (energy > pion) & (cosine.abs() <= 1)
    axis = transfer[:, 1:] / q.unsqueeze(1).clamp(min=1e-9)
    direction = turned(axis, (0.5 * (1 - cosine)).clamp(0, 1), 2 * torch.pi * uniform[1])
    return torch.cat([torch.sqrt(size**2 + pion**2).unsqueeze(1), direction * size.unsqueeze(1)], 1), good
