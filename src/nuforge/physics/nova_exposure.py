"""What NOvA's detectors were exposed to: neutrinos per area, time, and the oscillation between them."""

from __future__ import annotations

import math

from nuforge.physics.beams import NUMI_OFF_AXIS, Polarity, beam_flux
from nuforge.physics.neutrino_flux import Flux, oscillated
from nuforge.physics.oscillation import Mixing
from nuforge.units import eV, km, s

PROTONS = 14e20
"""Protons on target of the exposure."""
MASS = 14e9
"""g of the far detector."""
BASELINE = 810 * km
BEST_FIT = Mixing(
    sin2_12=0.307,
    sin2_13=0.5 * (1 - math.sqrt(1 - 0.085)),
    sin2_23=0.57,
    delta=0.82 * math.pi,
    dm2_21=7.53e-5 * eV**2,
    dm2_31=(2.41e-3 + 7.53e-5) * eV**2,
)
"""NOvA's best fit in normal ordering: Acero et al., Phys. Rev. D 106 (2022) 032004."""
LIVE_TIME = {"forward": 555.3 * s * PROTONS / 13.6e20, "reverse": 321.1 * s * PROTONS / 12.5e20}
"""ns in which the beam was on, by horn current: the same paper, 13.6e20 and 12.5e20 protons."""
_NEUTRINOS = {"forward": 1.9e7, "reverse": 1.64e7}
"""Neutrinos of 1 to 5 GeV per cm^2 at 810 km, of `PROTONS`.

NOvA's flux at the near detector (publicdocs.fnal.gov, document 8, good to some 10 %) has 9.74e-9 nu_mu of 1 to 5 GeV
per cm^2 and proton with forward current, 8.13e-9 antinu_mu with reverse. The far detector sees 1.34e-6 of it: decays in
two bodies along the pipe of `NUMI_OFF_AXIS`, seen from 12 m beside the axis at 995 m (locations.txt of dk2nu) and from
810 km. Charged currents of nu_mu and antinu_mu in 14 kt, without oscillation and of all energies, are then within 7 %
the candidates that NOvA expects without oscillation, 730 of 8.85e20 and 476 of 12.33e20 protons, over its efficiencies
of 31.2 % and 33.9 % (Acero et al., Phys. Rev. Lett. 123 (2019) 151803).
"""
_FAR_OVER_NEAR = 1.34e-6
"""Neutrinos of 1 to 5 GeV at the far detector over those at the near one, by the same kinematics."""


def exposure(polarity: Polarity, far: bool = True) -> tuple[Flux, Flux]:
    """Neutrinos per cm^2 and MeV of `PROTONS`, without oscillation and as they arrive.

    Both are the same at the near detector, whose spectrum is that of the far one: the line of decays, which makes the
    real one there broader (half as high at 1.3 and 2.4 GeV), is left out.

    Args:
        polarity: Of the horn current.
        far: At 810 km, else at the near detector.
    """
    flux = beam_flux(NUMI_OFF_AXIS, polarity)
    scale = _NEUTRINOS[polarity] * (1.0 if far else 1 / _FAR_OVER_NEAR)
    before = Flux(flux.energy, {pdg: scale * spectrum for pdg, spectrum in flux.spectra.items()})
    return before, oscillated(before, BASELINE, mixing=BEST_FIT) if far else before
