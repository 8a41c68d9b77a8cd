"""Cross sections by energy, and kinematics drawn from them: tables of quantiles, made once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from nuforge.physics.kinematics import threshold, transfer_limits

HIGHEST = 30_000.0
"""MeV, of neutrinos where the nucleon rests: 20 GeV on one that moves."""
_KNEE = 2e4  # MeV^2: Q^2 is even in ln(Q^2 + knee)
_TRANSFERS, _QUANTILES = 80, 65

Density = Callable[[Tensor, Tensor, Tensor], Tensor]
"""d^2 sigma / dW dQ^2 (cm^2/MeV^3), or d sigma / dQ^2 where W is fixed, at energies, W and Q^2 of one shape."""


@dataclass(frozen=True)
class Energies:
    """Energies even in the cube root of what is above a threshold.

    Args:
        lowest: MeV.
        points: How many.
        highest: MeV.
    """

    lowest: float
    points: int
    highest: float = HIGHEST

    def values(self) -> Tensor:
        """All of them (E,) in MeV, float64."""
        return self.lowest + (self.highest - self.lowest) * torch.linspace(0, 1, self.points, dtype=torch.float64) ** 3

    def place(self, energy: Tensor) -> tuple[Tensor, Tensor]:
        """Row below, and the way (0 to 1) to the next, of energies (N,)."""
        share = ((energy - self.lowest) / (self.highest - self.lowest)).clamp(0, 1)
        at = share ** (1 / 3) * (self.points - 1)
        row = at.long().clamp(max=self.points - 2)
        return row, at - row

    def interpolated(self, table: Tensor, energy: Tensor) -> Tensor:
        """Values at energies (N,) of a table (E,)."""
        row, on = self.place(energy)
        return torch.lerp(table[row], table[row + 1], on)


@dataclass(frozen=True)
class Range:
    """What a process makes of what: masses in MeV.

    Args:
        target: Mass that rests before.
        lepton: Mass of the lepton after.
        lowest: Least hadronic mass after.
        highest: Largest hadronic mass after; the least again if there is one only.
        power: Hadronic masses are even in their power 1 / `power` above the least.
    """

    target: float
    lepton: float
    lowest: float
    highest: float
    power: float = 1.0

    def masses(self, energy: Tensor, share: Tensor) -> Tensor:
        """Hadronic masses at a share (0 to 1) of what an energy allows."""
        return self.lowest + self._span(energy) * share**self.power

    def stretch(self, energy: Tensor, share: Tensor) -> Tensor:
        """Derivative of the hadronic mass by the share."""
        return self._span(energy) * self.power * share ** (self.power - 1)

    def _span(self, energy: Tensor) -> Tensor:
        most = torch.sqrt(self.target * (self.target + 2 * energy)) - self.lepton
        return (most.clamp(max=self.highest) - self.lowest).clamp(min=0) * (1 - 1e-7)

    def transfers(self, energy: Tensor, w: Tensor, share: Tensor) -> Tensor:
        """Q^2 (MeV^2) at a share (0 to 1) of what energy and hadronic mass allow."""
        low, high = transfer_limits(energy, self.target, self.lepton, w)
        return (low + _KNEE) * ((high + _KNEE) / (low + _KNEE)) ** share - _KNEE


@dataclass(frozen=True)
class Scattering:
    """A process on a mass at rest.

    Args:
        range: What it makes of what.
        energies: Of the tables.
        total: Cross sections (E,) in cm^2.
        most: The largest up to each energy (E,).
        masses: Quantiles (E, U) of the share of hadronic mass.
        transfers: Quantiles (E, W, U) of the share of Q^2.
    """

    range: Range
    energies: Energies
    total: Tensor
    most: Tensor
    masses: Tensor
    transfers: Tensor

    @classmethod
    def of(cls, density: Density, range: Range, points: int = 100, n_masses: int = 1) -> Scattering:
        """The tables of a cross section."""
        lowest = max(threshold(range.target, range.lepton, range.lowest), 0.0)
        energies = Energies(lowest, points)
        e = energies.values()[:, None, None].clamp(min=lowest + 1e-3)
        s = torch.linspace(0, 1, n_masses, dtype=torch.float64)[None, :, None]
        t = torch.linspace(0, 1, _TRANSFERS, dtype=torch.float64)[None, None, :]
        shape = (points, n_masses, _TRANSFERS)
        e, s, t = (x.expand(shape).contiguous() for x in (e, s, t))
        w = range.masses(e, s)
        q2 = range.transfers(e, w, t)
        low, high = transfer_limits(e, range.target, range.lepton, w)
        value = density(e, w, q2) * (q2 + _KNEE) * torch.log((high + _KNEE) / (low + _KNEE))
        value = torch.where(high > low, value, 0.0)
        along, transfers = quantiles(value)
        if n_masses == 1:
            total, masses = along[:, 0], torch.zeros(points, _QUANTILES, dtype=torch.float64)
        else:
            total, masses = quantiles(along * range.stretch(e[..., 0], s[..., 0]))
        return cls(range, energies, total, total.cummax(0).values, masses, transfers)

    def cross_section(self, energy: Tensor) -> Tensor:
        """Cross section (N,) in cm^2."""
        return self.energies.interpolated(self.total, energy)

    def bound(self, energy: Tensor) -> Tensor:
        """What the cross section does not exceed up to an energy (N,)."""
        row, _ = self.energies.place(energy)
        return self.most[row + 1]

    def draw(self, energy: Tensor, uniform: Tensor) -> tuple[Tensor, Tensor]:
        """Hadronic masses (N,) in MeV and Q^2 (N,) in MeV^2 by uniform numbers (2, N)."""
        row, on = self.energies.place(energy)
        row = torch.where(self.total[row] > 0, row, row + 1)
        at = uniform * (_QUANTILES - 1)
        u = at.long().clamp(max=_QUANTILES - 2)
        on_u = at - u
        n = self.transfers.shape[1]
        flat, wide = self.transfers.view(-1), n * _QUANTILES
        start = row * wide + u[1]
        if n == 1:
            w = torch.full_like(energy, self.range.lowest)
            low, high = (torch.lerp(flat[i], flat[i + 1], on_u[1]) for i in (start, start + wide))
            return w, self.range.transfers(energy, w, torch.lerp(low, high, on))
        masses, first = self.masses.view(-1), row * _QUANTILES + u[0]
        low, high = (torch.lerp(masses[i], masses[i + 1], on_u[0]) for i in (first, first + _QUANTILES))
        s = torch.lerp(low, high, on)
        w = self.range.masses(energy, s)
        at = s * (n - 1)
        j = at.long().clamp(max=n - 2)
        on_j = at - j
        start = start + j * _QUANTILES
        ends = []
        for begin in (start, start + wide):
            low, high = (torch.lerp(flat[i], flat[i + 1], on_u[1]) for i in (begin, begin + _QUANTILES))
            ends.append(torch.lerp(low, high, on_j))
        return w, self.range.transfers(energy, w, torch.lerp(ends[0], ends[1], on))


def quantiles(value: Tensor) -> tuple[Tensor, Tensor]:
    """Integrals (...) over 0 to 1 of values (..., T) at even points, and their quantiles (..., U) at even chances.

    Where all is 0 the quantiles are even.
    """
    n = value.shape[-1]
    step = 1 / (n - 1)
    parts = 0.5 * step * (value[..., 1:] + value[..., :-1])
    sums = torch.cat([torch.zeros_like(value[..., :1]), parts.cumsum(-1)], -1)
    total = sums[..., -1]
    even = torch.linspace(0, 1, n, dtype=value.dtype).expand_as(sums)
    share = torch.where(total.unsqueeze(-1) > 0, sums / total.unsqueeze(-1).clamp(min=1e-300), even)
    wanted = torch.linspace(0, 1, _QUANTILES, dtype=value.dtype).expand(*share.shape[:-1], _QUANTILES).contiguous()
    right = torch.searchsorted(share.contiguous(), wanted).clamp(1, n - 1)
    low, high = share.gather(-1, right - 1), share.gather(-1, right)
    on = ((wanted - low) / (high - low).clamp(min=1e-300)).clamp(0, 1)
    return total, (right - 1 + on) * step
