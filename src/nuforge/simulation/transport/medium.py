"""Everything that the built-in transport tabulates for one material and one pair of production thresholds."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
import torch
from torch import Tensor

from nuforge.physics import bremsstrahlung as brems
from nuforge.physics import knock_on, photons
from nuforge.physics.annihilation import annihilation, annihilation_split, lowest_share
from nuforge.physics.constants import AVOGADRO, CROSS_SECTION_SCALE, ELECTRON_MASS, HBAR_C, SPEED_OF_LIGHT
from nuforge.physics.fluctuations import collision_scale, vavilov_quantiles
from nuforge.physics.fluorescence import fluorescence
from nuforge.physics.kinematics import beta_squared, momentum
from nuforge.physics.material import Material
from nuforge.physics.ranges import integrate_range
from nuforge.physics.scattering import coulomb_screening, coulomb_strength, electron_share, nuclei
from nuforge.physics.stopping import electron_stopping_power, maximum_transfer, stopping_power
from nuforge.simulation.transport.nuclear import hadronic_rate
from nuforge.simulation.transport.species import PROPERTIES, Species
from nuforge.simulation.transport.tables import EnergyTable, Spectrum, bilinear
from nuforge.units import GeV, keV

_LOWEST, _HIGHEST, _POINTS = 1 * keV, 100 * GeV, 500
ABSORBED = 10 * keV  # photons below this are absorbed where they are: within 0.1 mm of argon, 2 mm of water
NORMALS = np.linspace(-5.0, 5.0, 81)
KAPPAS = np.logspace(-3.5, 1.5, 41)

LOSS, SLOPE, RANGE, KNOCK, RADIATE, DECAY, NUCLEAR, SCALE, TRANSFER, STRENGTH, SCREENING = range(11)
"""Columns of `MediumTables.charged`.

LOSS restricted dE/dx (MeV/cm), SLOPE its derivative by T (1/cm), RANGE (cm); rates per cm of KNOCK-on electrons above
the threshold, of RADIATEd photons above theirs, of DECAY in flight (of positrons: annihilation), of
NUCLEAR interactions; SCALE xi per cm
(MeV/cm) and TRANSFER (MeV), the largest that is part of LOSS, of the fluctuations; STRENGTH (1/cm) and SCREENING of
Coulomb scattering.
"""
PAIR, COMPTON, PHOTO, RAYLEIGH = range(4)
"""Columns of `MediumTables.photons`: rates per cm."""


@dataclass(frozen=True)
class MediumTables:
    """Tables of one material.

    Args:
        charged: By species and ln T, the columns LOSS to SCREENING.
        photons: By ln k, the columns PAIR to RAYLEIGH.
        knock: Spectrum of an electron's transfer W, W = threshold (W_max / threshold)^v, T / 2 at most.
        knock_positron: The same of a positron, T at most.
        radiated: Spectrum of a radiated photon's energy k, k = threshold (T / threshold)^v.
        pair: Spectrum of the electron's fraction of a photon's energy between the kinematic edges.
        compton: Spectrum of the ratio r of energies after and before, r = r_min^(1 - v).
        rayleigh: Spectrum of v, see `photons.forward`, of the angle of coherent scattering.
        coherent_scale: Its scale is this times (MeV / k)^2.
        photoelectron: Spectrum of v of the angle of photoelectrons of kinetic energy T, `photoelectron_scale`.
        lines: Energies of the X-rays of the K shell (MeV) that absorption leaves behind, L of them.
        fluorescence: Their probabilities at an absorption, by ln k.
        annihilation: Spectrum of a photon's share x of the energy, x = x_min (x_max / x_min)^v.
        fluctuation: Standardised energy loss by ln kappa and a unit normal.
        threshold: MeV, electrons below are not made.
        photon_threshold: MeV, photons below are not radiated.
        electron_share: Share of the electrons in the strength of Coulomb scattering.
        nuclei: Share in the scattering by nuclei, and radius over hbar c (1/MeV), one pair an element.
    """

    charged: EnergyTable
    photons: EnergyTable
    knock: Spectrum
    knock_positron: Spectrum
    radiated: Spectrum
    pair: Spectrum
    compton: Spectrum
    rayleigh: Spectrum
    coherent_scale: float
    photoelectron: Spectrum
    lines: tuple[float, ...]
    fluorescence: EnergyTable
    annihilation: Spectrum
    fluctuation: Tensor
    threshold: float
    photon_threshold: float
    electron_share: float
    nuclei: tuple[tuple[float, float], ...]

    def fluctuate(self, kappa: Tensor, normal: Tensor) -> Tensor:
        """Standardised loss (N,): Vavilov's distribution at kappa (N,), drawn by unit normals (N,)."""
        rows, points = self.fluctuation.shape
        low, step = math.log(KAPPAS[0]), math.log(KAPPAS[1] / KAPPAS[0])
        x = ((kappa.log() - low) / step).clamp(0, rows - 1.001)
        y = ((normal - NORMALS[0]) / (NORMALS[1] - NORMALS[0])).clamp(0, points - 1.001)
        return bilinear(self.fluctuation, x, y)


@lru_cache(maxsize=8)
def medium_tables(material: Material, threshold: float = 0.3, photon_threshold: float = 0.02) -> MediumTables:
    """The tables of a material, made once.

    Args:
        material: What is passed.
        threshold: Kinetic energy (MeV) above which electrons that are knocked out are particles.
        photon_threshold: Energy (MeV) above which radiated photons are particles.

    Raises:
        ValueError: If a threshold is outside the tables' validity.
    """
    if not 0.02 <= threshold <= 100:
        raise ValueError(f"threshold must be between 0.02 and 100 MeV, got {threshold}; electrons below it do not fly")
    energies = EnergyTable.grid(_LOWEST, _HIGHEST, _POINTS)
    charged = torch.stack([_charged_columns(s, energies, material, threshold, photon_threshold) for s in Species])
    interactions = (photons.pair_production, photons.compton, photons.photoelectric, photons.rayleigh)
    rates = torch.stack([rate(energies, material) for rate in interactions], 1)
    lines, fluorescent = fluorescence(energies, material, ABSORBED)
    coarse = EnergyTable.grid(2 * keV, _HIGHEST, 180)
    return MediumTables(
        EnergyTable.build(energies, charged),
        EnergyTable.build(energies, rates.unsqueeze(0)),
        _knock_spectrum(knock_on.moller, EnergyTable.grid(2.001 * threshold, _HIGHEST, 120), threshold, 0.5),
        _knock_spectrum(knock_on.bhabha, EnergyTable.grid(1.001 * threshold, _HIGHEST, 120), threshold, 1.0),
        _radiated_spectrum(EnergyTable.grid(1.001 * photon_threshold, _HIGHEST, 150), material, photon_threshold),
        _pair_spectrum(EnergyTable.grid(2.001 * ELECTRON_MASS, _HIGHEST, 120), material),
        Spectrum.build(coarse, _compton_density),
        _rayleigh_spectrum(coarse, material),
        float(photons.coherent_scale(torch.ones(()), material)),
        Spectrum.build(coarse, _photoelectron_density),
        tuple(lines),
        EnergyTable.build(energies, fluorescent.unsqueeze(0)),
        Spectrum.build(coarse, _annihilation_density),
        _fluctuation(),
        threshold,
        photon_threshold,
        electron_share(material),
        tuple((share, radius / HBAR_C) for share, radius in nuclei(material)),
    )


@cache
def _fluctuation() -> Tensor:
    return vavilov_quantiles(KAPPAS, NORMALS).to(torch.float32).contiguous()


def _charged_columns(species: Species, energies: Tensor, material: Material, cut: float, photon_cut: float) -> Tensor:
    """The columns LOSS to SCREENING (G, 11) of a species."""
    properties = PROPERTIES[species]
    mass = properties.mass
    p, b2 = momentum(energies, mass), beta_squared(energies, mass)
    if species in (Species.ELECTRON, Species.POSITRON):
        loss, total, knock, radiate, transfer = _electron_columns(species, energies, material, cut, photon_cut)
    else:
        loss, total = (stopping_power(energies, mass, material, cut=c) for c in (cut, math.inf))
        transfer = maximum_transfer(energies, mass).clamp(max=cut)
        density = 2 * CROSS_SECTION_SCALE * ELECTRON_MASS * electron_density(material) / b2
        knock = density * (1 / cut - 1 / maximum_transfer(energies, mass)).clamp(min=0)
        radiate = torch.zeros_like(loss)
    decay = mass / (p * SPEED_OF_LIGHT * properties.lifetime) if properties.lifetime else torch.zeros_like(p)
    if species == Species.POSITRON:
        decay = annihilation(energies, material)
    return torch.stack(
        [
            loss,
            torch.gradient(loss, spacing=(energies,))[0],
            integrate_range(energies, total),
            knock,
            radiate,
            decay,
            hadronic_rate(properties.pdg[0], energies, material),
            collision_scale(1.0, b2, material),
            transfer,
            coulomb_strength(p, b2.sqrt(), material),
            coulomb_screening(p, b2.sqrt(), material),
        ],
        dim=1,
    )


def _electron_columns(
    species: Species, energies: Tensor, material: Material, cut: float, photon_cut: float
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Restricted loss, total loss, rates of knock-on electrons and photons, largest restricted transfer."""
    positron = species == Species.POSITRON
    cross_section, share = (knock_on.bhabha, 1.0) if positron else (knock_on.moller, 0.5)
    collisions, unrestricted = (electron_stopping_power(energies, material, c, positron) for c in (cut, math.inf))
    v = _middles(600)
    largest = (share * energies).unsqueeze(1)
    span = (largest / cut).clamp(min=1).log()
    w = cut * torch.exp(v * span)
    knock = electron_density(material) * (cross_section(w, energies.unsqueeze(1)) * w * span).mean(1)
    soft, hard = (_radiation(energies, material, a, b) for a, b in ((1e-4, photon_cut), (photon_cut, math.inf)))
    transfer = (share * energies).clamp(max=cut)
    return collisions + soft[1], unrestricted + soft[1] + hard[1], knock, hard[0], transfer


def _radiation(energies: Tensor, material: Material, low: float, high: float) -> tuple[Tensor, Tensor]:
    """Photons per cm and MeV per cm radiated between two photon energies (MeV), each (G,)."""
    top = energies.clamp(max=high).unsqueeze(1)
    span = (top / low).clamp(min=1).log()
    k = low * torch.exp(_middles(600) * span)
    density = brems.bremsstrahlung(k, energies.unsqueeze(1), material) * k * span
    return density.mean(1), (density * k).mean(1)


def _knock_spectrum(
    cross_section: Callable[[Tensor, Tensor], Tensor], energies: Tensor, cut: float, share: float
) -> Spectrum:
    def density(v: Tensor, kinetic: Tensor) -> Tensor:
        w = cut * (share * kinetic / cut) ** v
        return cross_section(w, kinetic) * w

    return Spectrum.build(energies, density)


def _radiated_spectrum(energies: Tensor, material: Material, cut: float) -> Spectrum:
    def density(v: Tensor, kinetic: Tensor) -> Tensor:
        k = cut * (kinetic / cut) ** v
        return brems.bremsstrahlung(k, kinetic, material) * k

    return Spectrum.build(energies, density)


def _pair_spectrum(energies: Tensor, material: Material) -> Spectrum:
    def density(v: Tensor, photon: Tensor) -> Tensor:
        edge = ELECTRON_MASS / photon
        return brems.pair_split(edge + (1 - 2 * edge) * v, photon, material)

    return Spectrum.build(energies, density)


def _compton_density(v: Tensor, photon: Tensor) -> Tensor:
    ratio = (1 + 2 * photon / ELECTRON_MASS) ** (v - 1)
    return photons.compton_split(ratio, photon) * ratio


def _rayleigh_spectrum(energies: Tensor, material: Material) -> Spectrum:
    def density(v: Tensor, photon: Tensor) -> Tensor:
        mu, slope = photons.forward(v, photons.coherent_scale(photon, material))
        return photons.rayleigh_split(mu, photon, material) * slope

    return Spectrum.build(energies, density)


def photoelectron_scale(kinetic: Tensor) -> Tensor:
    """Scale of mu in `photons.forward` of photoelectrons, (1 - beta) / (2 beta)."""
    gamma, beta = 1 + kinetic / ELECTRON_MASS, beta_squared(kinetic, ELECTRON_MASS).sqrt()
    return 1 / (2 * beta * (1 + beta) * gamma**2)


def _photoelectron_density(v: Tensor, kinetic: Tensor) -> Tensor:
    mu, slope = photons.forward(v, photoelectron_scale(kinetic))
    return photons.photoelectron_split(mu, kinetic) * slope


def _annihilation_density(v: Tensor, kinetic: Tensor) -> Tensor:
    low = lowest_share(kinetic)
    share = low * (1 / low - 1) ** v
    return annihilation_split(share, kinetic) * share


def electron_density(material: Material) -> float:
    """Electrons per cm^3."""
    return AVOGADRO * material.density * material.z_over_a


def _middles(n: int) -> Tensor:
    """Middles (1, n) of n even cells of (0, 1)."""
    return ((torch.arange(n, dtype=torch.float64) + 0.5) / n).unsqueeze(0)
