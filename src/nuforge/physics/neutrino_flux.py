"""Fluxes of neutrinos: spectra by kind, from a beam or from the whole sky.

A flux is in neutrinos per MeV; only its shape and the shares of its kinds matter to events, so its scale is free.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import torch
from torch import Tensor

from nuforge.errors import InputError
from nuforge.physics.oscillation import FLAVOURS, Mixing, probabilities
from nuforge.units import GeV

Arrival = Literal["beam", "sky"]
LOWEST, HIGHEST = 0.1 * GeV, 20.0 * GeV
"""Energies of the fluxes made here."""
_KINDS = (12, -12, 14, -14, 16, -16)


@dataclass(frozen=True, eq=False)
class Flux:
    """Spectra of neutrinos.

    Args:
        energy: Grid (G,) in MeV, rising.
        spectra: Neutrinos per MeV (G,) by PDG number.
        arrival: All along the beam, or from the sky, evenly in all directions.

    Raises:
        InputError: If a spectrum is negative, of the wrong length, of no neutrino, or all are zero.
    """

    energy: Tensor
    spectra: Mapping[int, Tensor]
    arrival: Arrival = "beam"

    def __post_init__(self) -> None:
        if len(self.energy) < 2 or not bool((self.energy.diff() > 0).all()) or float(self.energy[0]) <= 0:
            raise InputError("energy of a flux must be two values or more that rise from above 0 (MeV)")
        for pdg, spectrum in self.spectra.items():
            if pdg not in _KINDS:
                raise InputError(f"a flux has kinds {_KINDS} (PDG numbers), got {pdg}")
            if spectrum.shape != self.energy.shape or not bool((spectrum >= 0).all()):
                raise InputError(f"spectrum of {pdg} must be {len(self.energy)} values of 0 or more, one an energy")
        if not any(float(spectrum.sum()) > 0 for spectrum in self.spectra.values()):
            raise InputError("a flux of nothing makes no events; give a spectrum that is not 0 everywhere")
        object.__setattr__(self, "spectra", MappingProxyType(dict(self.spectra)))

    def at(self, pdg: int, energy: Tensor) -> Tensor:
        """The spectrum (N,) of one kind at energies (N,) in MeV, straight between the points of its grid, 0 outside."""
        if pdg not in self.spectra:
            return torch.zeros_like(energy)
        grid, values = self.energy.to(energy), self.spectra[pdg].to(energy)
        after = torch.searchsorted(grid, energy, right=True).clamp(1, len(grid) - 1)
        on = (energy - grid[after - 1]) / (grid[after] - grid[after - 1])
        inside = (energy >= grid[0]) & (energy <= grid[-1])
        return torch.where(inside, torch.lerp(values[after - 1], values[after], on), 0.0)

    def share(self, pdg: int, low: float = 0.0, high: float = math.inf) -> float:
        """Share of one kind among all neutrinos between two energies (MeV)."""
        inside = (self.energy >= low) & (self.energy <= high)

        def count(kind: int) -> float:
            return float(torch.trapezoid(torch.where(inside, self.spectra[kind], 0.0), self.energy))

        return count(pdg) / sum(count(kind) for kind in self.spectra) if pdg in self.spectra else 0.0


def flat_flux(
    low: float = 0.5 * GeV, high: float = 5.0 * GeV, kinds: tuple[int, ...] = (14,), arrival: Arrival = "beam"
) -> Flux:
    """As many neutrinos of each kind at each energy between two (MeV)."""
    if not 0 < low < high:
        raise InputError(f"a flat flux needs 0 < low < high (MeV), got {low} and {high}")
    energy = torch.linspace(low, high, 200, dtype=torch.float64)
    return Flux(energy, {pdg: torch.ones_like(energy) for pdg in kinds}, arrival)


def oscillated(flux: Flux, baseline: float, density: float = 2.84, mixing: Mixing | None = None) -> Flux:
    """What of a flux arrives as which kind after a way through matter of one density.

    Args:
        flux: At the source.
        baseline: cm.
        density: g/cm^3.
        mixing: Of neutrinos, the best fit in normal ordering if None.
    """
    found = {pdg: torch.zeros_like(flux.energy) for pdg in _KINDS}
    for sign in (1, -1):
        chance = probabilities(flux.energy, baseline, density, mixing, anti=sign < 0)
        for i, before in enumerate(FLAVOURS):
            if sign * before in flux.spectra:
                for j, after in enumerate(FLAVOURS):
                    found[sign * after] += flux.spectra[sign * before] * chance[:, i, j]
    return Flux(flux.energy, found, flux.arrival)


_SKY_ENERGY = (0.1, 0.15849, 0.25119, 0.39811, 0.63096, 1.0)  # GeV
_SKY = {
    -14: (6290.3, 3576.3, 1773.6, 776.93, 310.03, 114.47),
    -12: (2936.7, 1639.5, 807.32, 351.22, 138.04, 49.632),
}
"""Per m^2 s sr GeV, mean over all directions at solar minimum.

Source: Honda et al., Phys. Rev. D 92 (2015) 023004, tables for JUNO's site.
"""
_SKY_SLOPES = {14: -2.79, -14: -2.82, 12: -3.05, -12: -3.08}
"""Powers of the energy above 1 GeV, that give Honda's ratio of kinds 14 to 12 of 3 at 10 GeV."""
_SKY_RATIOS = {14: 1.02, 12: 1.15}
"""Neutrinos over antineutrinos at 1 GeV and below."""


def atmospheric_flux() -> Flux:
    """Neutrinos of the atmosphere from 0.1 to 20 GeV, evenly from all directions, before they oscillate.

    Antineutrinos below 1 GeV are Honda's; the rest is continued with powers and ratios, good to 10 % or 20 %.
    """
    energy = torch.logspace(-1, math.log10(HIGHEST / GeV), 161, dtype=torch.float64)
    spectra = {}
    for pdg, slope in _SKY_SLOPES.items():
        base = _SKY[-abs(pdg)]
        grid = torch.tensor(_SKY_ENERGY, dtype=torch.float64).log()
        value = torch.tensor(base, dtype=torch.float64).log()
        x = energy.log()
        i = torch.searchsorted(grid, x).clamp(1, len(grid) - 1)
        inside = torch.lerp(value[i - 1], value[i], (x - grid[i - 1]) / (grid[i] - grid[i - 1])).exp()
        spectrum = torch.where(energy <= 1, inside, base[-1] * energy**slope)
        spectra[pdg] = _SKY_RATIOS.get(pdg, 1.0) * spectrum / GeV
    return Flux(energy * GeV, spectra, "sky")
