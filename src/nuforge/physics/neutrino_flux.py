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
