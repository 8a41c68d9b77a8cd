"""Tables over energy: rates and losses by linear interpolation, spectra by their inverse cumulative distribution."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class EnergyTable:
    """Q quantities of S species on an even grid in ln T, interpolated linearly.

    Args:
        lowest: ln T (MeV) of the first point.
        step: Distance of points in ln T.
        values: (S, G, Q) float32.
    """

    lowest: float
    step: float
    values: Tensor

    @staticmethod
    def grid(lowest: float, highest: float, n: int) -> Tensor:
        """Energies (n,) in MeV, float64, even in ln T."""
        return torch.linspace(math.log(lowest), math.log(highest), n, dtype=torch.float64).exp()

    @classmethod
    def build(cls, energies: Tensor, values: Tensor) -> EnergyTable:
        """The table of values (S, G, Q) at energies (G,) of `grid`."""
        logs = energies.log()
        return cls(float(logs[0]), float(logs[1] - logs[0]), values.to(torch.float32).contiguous())

    def __call__(self, species: Tensor | int, log_energy: Tensor) -> Tensor:
        """Quantities (N, Q) at ln T (N,), held constant beyond the ends."""
        n = self.values.shape[1]
        x = ((log_energy - self.lowest) / self.step).clamp(0, n - 1.001)
        i = x.long()
        row = species * n + i
        flat = self.values.view(-1, self.values.shape[2])
        low = flat[row]
        return torch.lerp(low, flat[row + 1], (x - i).unsqueeze(1))


@dataclass(frozen=True)
class Spectrum:
    """Inverse cumulative distributions on an even grid in ln T: draws a variable v(u) by bilinear interpolation.

    `values` is (G, U) float32: v at the cumulative probability u = j / (U - 1).
    """

    lowest: float
    step: float
    values: Tensor

    @classmethod
    def build(cls, energies: Tensor, density: Callable[[Tensor, Tensor], Tensor], points: int = 256) -> Spectrum:
        """The spectrum of v in (0, 1) with `density(v (1, V), T (G, 1))`, not normalised, at energies (G,)."""
        fine = torch.linspace(0, 1, 4097, dtype=torch.float64)
        middle = 0.5 * (fine[1:] + fine[:-1])
        weight = density(middle.unsqueeze(0), energies.unsqueeze(1))
        weight = torch.where(weight.sum(1, keepdim=True) > 0, weight, 1.0)
        cumulative = torch.nn.functional.pad(weight.cumsum(1), (1, 0))
        cumulative = cumulative / cumulative[:, -1:]
        u = torch.linspace(0, 1, points, dtype=torch.float64).expand(len(energies), points).contiguous()
        j = torch.searchsorted(cumulative, u).clamp(1, len(middle))
        low, high = cumulative.gather(1, j - 1), cumulative.gather(1, j)
        inside = ((u - low) / (high - low).clamp(min=1e-30)).clamp(0, 1)
        values = torch.lerp(fine[j - 1], fine[j], inside)
        logs = energies.log()
        return cls(float(logs[0]), float(logs[1] - logs[0]), values.to(torch.float32).contiguous())

    def __call__(self, log_energy: Tensor, uniform: Tensor) -> Tensor:
        """v (N,) at ln T (N,) and uniform numbers (N,)."""
        rows, points = self.values.shape
        x = ((log_energy - self.lowest) / self.step).clamp(0, rows - 1.001)
        return bilinear(self.values, x, uniform.clamp(0, 1) * (points - 1.001))


def bilinear(values: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Values (R, P) at fractional rows x (N,) below R - 1 and columns y (N,) below P - 1."""
    points = values.shape[1]
    i, j = x.long(), y.long()
    flat = values.view(-1)
    at, fx, fy = i * points + j, x - i, y - j
    below, above = at + points, at + points + 1
    return torch.lerp(torch.lerp(flat[at], flat[at + 1], fy), torch.lerp(flat[below], flat[above], fy), fx)
