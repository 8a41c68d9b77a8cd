"""Beams of neutrinos from pions and kaons in flight: their spectra by kinematics, their make-up by what is published.

Spectra: mesons of a smooth spectrum, spread a little about the axis, decay in two bodies along a pipe; what reaches the
detector follows from its angle alone: E = (M^2 - m^2) / 2 (E_M - p cos), flux (M / (E_M - p cos))^2. Electron neutrinos
come of muons and of kaons in three bodies. The spectra of mesons are chosen so that peaks and widths are those that
the experiments show; nothing follows the horns.

Shares of the kinds: NOvA, Phys. Rev. Lett. 123 (2019) 151803, 1 to 5 GeV; BNB: MiniBooNE, Phys. Rev. D 79 (2009)
072002, all energies; DUNE: Technical Design Report, arXiv:2002.03005, figure of the fluxes, 0.5 to 8 GeV.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from nuforge.errors import InputError
from nuforge.physics.constants import (
    KAON_LIFETIME,
    KAON_MASS,
    MUON_LIFETIME,
    MUON_MASS,
    PION_LIFETIME,
    PION_MASS,
    SPEED_OF_LIGHT,
)
from nuforge.physics.neutrino_flux import HIGHEST, LOWEST, Flux
from nuforge.units import GeV, m

Polarity = Literal["forward", "reverse"]
"""Forward horn current makes neutrinos, reverse antineutrinos."""
Array = NDArray[np.floating]

_BINS = 240
_MOMENTA, _ANGLES, _TURNS, _ENERGIES = 600, 16, 16, 16
_KAONS, _KAON_TO_MUON, _KAON_TO_ELECTRON = 0.1, 0.636, 0.051  # of pions made; Review of Particle Physics 2024
_MEAN_MUON = 0.5 * (1 + (MUON_MASS / PION_MASS) ** 2)  # of the pion's energy, on average


@dataclass(frozen=True)
class BeamLine:
    """A beam of neutrinos, as far as its spectra need it.

    Args:
        peak: Momentum in MeV at which the focused mesons are most, a gamma distribution of momenta.
        power: Its power.
        most: Largest momentum in MeV, that of the protons.
        spread: Width of the mesons' angles to the axis, rad.
        pipe: Length of the decay pipe in cm.
        angle: Of the detector off the axis, rad.
        shares: Shares of nu_mu, antinu_mu, nu_e, antinu_e with forward current.
        reverse_shares: Shares of antinu_mu, nu_mu, antinu_e, nu_e with reverse current.
        window: Energies in MeV between which these are the shares.
        stray: Share of the muon neutrinos of the right sign in the window whose mesons are no more focused than those
            of the wrong sign; they fill the spectrum above a narrow peak.
    """

    peak: float
    power: float
    most: float
    spread: float
    pipe: float
    angle: float
    shares: tuple[float, float, float, float]
    reverse_shares: tuple[float, float, float, float]
    window: tuple[float, float]
    stray: float = 0.0


NUMI_OFF_AXIS = BeamLine(
    peak=9 * GeV,
    power=2.0,
    most=120 * GeV,
    spread=0.0025,
    pipe=675 * m,
    angle=0.0146,
    shares=(0.96, 0.03, 0.0083, 0.0017),
    reverse_shares=(0.93, 0.06, 0.0075, 0.0017),
    window=(1 * GeV, 5 * GeV),
    stray=0.06,
)
"""NuMI in its medium-energy setting, seen 14.6 mrad off the axis, as by NOvA.

NOvA's far detector is at (11.04, -4.16, 810.4) km of the beam's coordinates (locations.txt of dk2nu): 14.56 mrad.
GLoBES has a simulated flux at the far detector (0709-nova-plus.dat, of Messier): its peak is at 1.93 GeV, half as high
at 1.63 and 2.25. Here it is at 2.05 GeV, half as high at 1.55 and 2.4. At 5, 8 and 12 GeV both have 0.6 to 0.9 % of the
peak, for which `stray` is chosen.

Shares of nu_e forward and of both electron kinds in reverse are those of NOvA's flux at the near detector
(publicdocs.fnal.gov, document 8), antinu_e forward is taken to be what nu_e is in reverse.
"""
DUNE_ON_AXIS = BeamLine(
    peak=3 * GeV,
    power=2.0,
    most=120 * GeV,
    spread=0.003,
    pipe=194 * m,
    angle=0.0,
    shares=(0.92, 0.07, 0.009, 0.001),
    reverse_shares=(0.915, 0.076, 0.007, 0.002),
    window=(0.5 * GeV, 8 * GeV),
)
"""The wide band of DUNE, on the axis.

Of the muon neutrinos of 0.5 to 8 GeV 10 % would have to move to another energy to be DUNE's flux at the far detector
with reverse current (files for GLoBES of arXiv:2103.04797), which is flat from 1.9 to 2.9 GeV and half as high at 0.6
and 3.9 GeV. The shares with reverse current are those of that flux.
"""
BOOSTER = BeamLine(
    peak=2.3 * GeV,
    power=2.0,
    most=8.9 * GeV,
    spread=0.05,
    pipe=50 * m,
    angle=0.0,
    shares=(0.936, 0.0586, 0.0052, 0.0005),
    reverse_shares=(0.8373, 0.1571, 0.004, 0.002),
    window=(LOWEST, HIGHEST),
)
"""The Booster beam at Fermilab, as seen by MiniBooNE, MicroBooNE, SBND and ICARUS.

MicroBooNE's published flux has its peak at 0.58 GeV and is broader: half as high at 0.15 and 1.28 GeV, here at 0.3 and
1.0. Of the muon neutrinos below 2.5 GeV 18 % would have to move to another energy.
"""


def numi_off_axis(polarity: Polarity = "forward") -> Flux:
    """NuMI-like beam 14.6 mrad off the axis: a narrow peak near 1.9 GeV, kaons above."""
    return beam_flux(NUMI_OFF_AXIS, polarity)


def dune_on_axis(polarity: Polarity = "forward") -> Flux:
    """DUNE-like wide band on the axis, with its peak near 2.1 GeV."""
    return beam_flux(DUNE_ON_AXIS, polarity)


def booster(polarity: Polarity = "forward") -> Flux:
    """Booster-like beam with its peak near 0.6 GeV."""
    return beam_flux(BOOSTER, polarity)


def beam_flux(line: BeamLine, polarity: Polarity = "forward") -> Flux:
    """Spectra of a beam from 0.1 to 20 GeV, scaled to 1 neutrino in its window.

    Args:
        line: The beam.
        polarity: Of the horn current.

    Raises:
        InputError: If there is no such polarity.
    """
    if polarity not in ("forward", "reverse"):
        raise InputError(f"polarity must be 'forward' or 'reverse', got '{polarity}'")
    forward = polarity == "forward"
    edges = np.linspace(LOWEST, HIGHEST, _BINS + 1)
    middle = 0.5 * (edges[1:] + edges[:-1])
    shares = line.shares if forward else line.reverse_shares
    inside = (middle >= line.window[0]) & (middle <= line.window[1])
    width = edges[1] - edges[0]
    shapes = {pdg: made / (np.sum(made[inside]) * width) for pdg, made in _spectra(line, edges).items()}
    shapes[14] = (1 - line.stray) * shapes[14] + line.stray * shapes[-14]
    spectra = {
        pdg if forward else -pdg: torch.from_numpy(shape * share)
        for (pdg, shape), share in zip(shapes.items(), shares, strict=True)
    }
    return Flux(torch.from_numpy(middle), spectra)


def _spectra(line: BeamLine, edges: Array) -> Mapping[int, Array]:
    """Shapes of the spectra with forward current, by PDG number in the order of the shares."""
    right = _mesons(line, line.spread, 1.0)
    wrong = _mesons(line, 3 * line.spread, 1.6)  # not focused: only the fast ones stay near the axis
    muon = _of_two_bodies(right, edges, line, PION_MASS, PION_LIFETIME)
    muon = muon + _KAONS * _KAON_TO_MUON * _of_two_bodies(right, edges, line, KAON_MASS, KAON_LIFETIME)
    other = _of_two_bodies(wrong, edges, line, PION_MASS, PION_LIFETIME)
    other = other + _KAONS * _KAON_TO_MUON * _of_two_bodies(wrong, edges, line, KAON_MASS, KAON_LIFETIME)
    kaon_most = (KAON_MASS**2 - PION_MASS**2) / (2 * KAON_MASS)
    electron = []
    for mesons in (right, wrong):
        kaons = _of_three_bodies(mesons, edges, line, KAON_MASS, KAON_LIFETIME, kaon_most, 1.0)
        muons = _of_three_bodies(mesons, edges, line, MUON_MASS, MUON_LIFETIME, MUON_MASS / 2, _MEAN_MUON)
        electron.append(muons + _KAONS * _KAON_TO_ELECTRON * kaons)
    return {14: muon, -14: other, 12: electron[0], -12: electron[1]}


@dataclass(frozen=True)
class _Mesons:
    """Momenta (MeV), weights, and cosines to the detector of mesons, (P, A) each."""

    momentum: Array
    weight: Array
    cosine: Array


def _mesons(line: BeamLine, spread: float, harder: float) -> _Mesons:
    """Mesons on a grid of momenta and directions about the axis."""
    p = np.linspace(0.2 * GeV, line.most, _MOMENTA)
    scale = harder * line.peak / line.power
    weight = (p / scale) ** line.power * np.exp(-p / scale) * (1 - p / line.most)
    share = (np.arange(_ANGLES) + 0.5) / _ANGLES
    theta = spread * np.sqrt(-2 * np.log1p(-share))  # of a Gaussian in both directions
    phi = 2 * np.pi * (np.arange(_TURNS) + 0.5) / _TURNS
    theta, phi = (x.ravel() for x in np.meshgrid(theta, phi, indexing="ij"))
    cosine = np.cos(theta) * np.cos(line.angle) + np.sin(theta) * np.sin(line.angle) * np.cos(phi)
    momentum, cosine = np.meshgrid(p, cosine, indexing="ij")
    return _Mesons(momentum, np.repeat(weight[:, None], cosine.shape[1], 1), cosine)


def _decays(momentum: Array, mass: float, lifetime: float, length: float) -> Array:
    """Chance to decay within a length (cm)."""
    chance: Array = -np.expm1(-length * mass / (momentum * SPEED_OF_LIGHT * lifetime))
    return chance


def _of_two_bodies(mesons: _Mesons, edges: Array, line: BeamLine, mass: float, lifetime: float) -> Array:
    """Muon neutrinos by energy, of mesons of a mass (MeV) and lifetime (ns)."""
    p = mesons.momentum
    along = np.hypot(p, mass) - p * mesons.cosine
    energy = (mass**2 - MUON_MASS**2) / (2 * along)
    weight = mesons.weight * _decays(p, mass, lifetime, line.pipe) * (mass / along) ** 2
    found: Array = np.histogram(energy, edges, weights=weight)[0]
    return found


def _of_three_bodies(
    mesons: _Mesons, edges: Array, line: BeamLine, mass: float, lifetime: float, most: float, share: float
) -> Array:
    """Electron neutrinos by energy, whose energy at rest is distributed as 12 x^2 (1 - x) up to `most` (MeV).

    `share` is the momentum of what decays over that of the meson.
    """
    p = mesons.momentum * share
    along = np.hypot(p, mass) - p * mesons.cosine
    x = (np.arange(_ENERGIES) + 0.5) / _ENERGIES
    energy = (most * mass / along)[..., None] * x
    weight = mesons.weight * _decays(p, mass, lifetime, line.pipe) * (mass / along) ** 2
    made = weight[..., None] * (12 * x**2 * (1 - x))
    found: Array = np.histogram(energy, edges, weights=made)[0]
    return found
