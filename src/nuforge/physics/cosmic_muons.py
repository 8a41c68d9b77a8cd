"""Cosmic-ray muons at sea level: intensity by energy and zenith angle, and what a roof leaves of it."""

import torch
from jaxtyping import Float
from torch import Tensor

from nuforge.units import GeV, MeV, cm, g, s

CHARGE_RATIO = 1.27
"""mu+ over mu- at some GeV. Source: Review of Particle Physics, 30.3.1 (1.25 to 1.30 from 1 to 100 GeV)."""

_LOSS = 2.1 * MeV / (g / cm**2)
"""Loss by ionisation of muons of 1 to 10 GeV in concrete.

Source: Groom, Mokhov and Striganov, At. Data Nucl. Data Tables 78 (2001) 183.
"""
_RADIATIVE = 2.0e-6 / (g / cm**2)
"""Relative loss by radiation at 10 GeV: the same."""


def effective_cosine(cosine: Float[Tensor, "*#n"]) -> Float[Tensor, "*#n"]:
    """Cosine of the zenith angle where the muon was born, over a round Earth, for one at sea level.

    Source: Chirkin, hep-ph/0407078; constants as in Guan et al., arXiv:1509.06176, eq. 2.
    """
    p1, p2, p3, p4, p5 = 0.102573, -0.068287, 0.958633, 0.0407253, 0.817285
    c = cosine.clamp(min=0)
    return torch.sqrt((c**2 + p1**2 + p2 * c**p3 + p4 * c**p5) / (1 + p1**2 + p2 + p4))


def muon_intensity(energy: Float[Tensor, "*#n"], cosine: Float[Tensor, "*#n"]) -> Float[Tensor, "*#n"]:
    """Muons of either charge at sea level in 1/(cm^2 ns sr MeV): Gaisser's formula, extended to low energies.

    It agrees with measurements from 0.5 GeV on, at all angles.

    Args:
        energy: Total energy in MeV.
        cosine: Of the zenith angle.

    Source: Guan et al., arXiv:1509.06176, eq. 3.
    """
    e, c = energy / GeV, effective_cosine(cosine)
    spectrum = 0.14 * (e * (1 + 3.64 / (e * c**1.29))) ** -2.7
    pions, kaons = 1 / (1 + 1.1 * e * c / 115), 0.054 / (1 + 1.1 * e * c / 850)
    return spectrum * (pions + kaons) / (cm**2 * s * GeV)


def energy_above(energy: Float[Tensor, "*#n"], depth: Float[Tensor, "*#n"]) -> Float[Tensor, "*#n"]:
    """Energy (MeV) that a muon had above matter of a depth (g/cm^2) along its way, from that which it is left with.

    dE/dx = a + b E, with a and b of concrete.
    """
    scale = _LOSS / _RADIATIVE
    return (energy + scale) * torch.exp(_RADIATIVE * depth) - scale


def muon_intensity_below(
    energy: Float[Tensor, "*#n"], cosine: Float[Tensor, "*#n"], overburden: float
) -> Float[Tensor, "*#n"]:
    """Muons under a flat roof in 1/(cm^2 ns sr MeV), by the energy that the roof leaves them.

    Args:
        energy: Total energy under the roof in MeV.
        cosine: Of the zenith angle.
        overburden: Depth of the roof in g/cm^2, upright.
    """
    depth = overburden / cosine.clamp(min=1e-3)
    return muon_intensity(energy_above(energy, depth), cosine) * torch.exp(_RADIATIVE * depth)
