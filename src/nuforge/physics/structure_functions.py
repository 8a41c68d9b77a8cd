"""Structure functions of nucleons for neutrinos in deep inelastic scattering, down to small Q^2.

Leading order with GRV98 densities. Target mass, higher orders and the approach to Q^2 = 0 by the scaling variable and
factors of Bodek and Yang (Nucl. Phys. B Proc. Suppl. 139 (2005) 113, hep-ex/0308007; parameters for GRV98 in leading
order), the same for vector and axial currents. Longitudinal part: R of Whitlow et al., Phys. Lett. B 250 (1990) 193.
Charm is made by slow rescaling. Structure functions 4 and 5 by Albright and Jarlskog, Nucl. Phys. B 84 (1975) 467.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from nuforge.physics.constants import NUCLEON_MASS, WEAK_MIXING
from nuforge.physics.inelastic import Response, ResponseTable
from nuforge.physics.parton_densities import Partons, partons
from nuforge.units import GeV

_A, _B = 0.538 * GeV**2, 0.305 * GeV**2
_VALENCE_UP, _VALENCE_DOWN = (0.291, 0.189), (0.202, 0.255)  # GeV^2, below and above the bar
_SEA_UP, _SEA_DOWN = 0.363, 0.621  # GeV^2
_DOWN_OVER_UP = (-0.00817, 0.0506, 0.0798)
_DIPOLE = 0.71 * GeV**2
_HELICITY = (0.914, 0.296, -0.374, 0.165)
"""Next order of x F_3 over that of F_2, a polynomial in x. Source: Bodek and Yang, arXiv:1011.6592."""
NORMALISATION = 1.032
"""Factor that joins the world average of neutrinos at high energy, as in GENIE's default."""
CHARM_MASS = 1.43 * GeV
"""Of slow rescaling, as GENIE has it."""
LEAST_CHARMED = 2.3 * GeV
"""Hadronic mass from which there is charm: Lambda_c."""
_CKM = {"ud": 0.97417, "us": 0.2248, "cd": 0.220, "cs": 0.995}
"""Review of Particle Physics 2016."""
_UP_LEFT, _UP_RIGHT = 0.5 - 2 / 3 * WEAK_MIXING, -2 / 3 * WEAK_MIXING
_DOWN_LEFT, _DOWN_RIGHT = -0.5 + 1 / 3 * WEAK_MIXING, 1 / 3 * WEAK_MIXING


class Quarks(NamedTuple):
    """x times densities in the nucleon that is hit, as the current sees them."""

    up: Tensor
    down: Tensor
    strange: Tensor
    anti_up: Tensor
    anti_down: Tensor


def deep_inelastic(w: Tensor, q2: Tensor, anti: bool, charged: bool, on_proton: bool) -> Response:
    """Response of a free nucleon at hadronic mass W (MeV) and Q^2 (MeV^2, positive)."""
    q2 = q2.clamp(min=1.0)
    excess = w**2 - NUCLEON_MASS**2 + q2
    x = q2 / excess
    nu = excess / (2 * NUCLEON_MASS)
    if charged:
        second, third = _charged(x, q2, w, anti, on_proton)
    else:
        second, third = _neutral(x, q2, on_proton)
    second, third = NORMALISATION * second, NORMALISATION * third * _polynomial(_HELICITY, x)
    stretch = 1 + 4 * NUCLEON_MASS**2 * x**2 / q2
    first = second * stretch / (2 * x * (1 + longitudinal_ratio(x, q2)))
    fifth = second / (2 * x)
    return Response(first / NUCLEON_MASS, second / nu, third / (x * nu), 0 * x, fifth / nu)


@cache
def deep_inelastic_table(anti: bool, charged: bool, on_proton: bool) -> ResponseTable:
    """`deep_inelastic` on a grid that covers neutrinos to 30 GeV, made once."""

    def of(w: Tensor, q2: Tensor) -> Response:
        return deep_inelastic(w, q2, anti, charged, on_proton)

    return ResponseTable.of(of, (1080.0, 7600.0, 128), (60 * GeV**2, 96), power=2.0)


def quarks(x: Tensor, q2: Tensor, on_proton: bool, mass: float = 0.0) -> Quarks:
    """Densities of Bodek and Yang at x and Q^2 (MeV^2), for a quark of `mass` (MeV) to be made."""
    root = torch.sqrt(1 + 4 * NUCLEON_MASS**2 * x**2 / q2)
    scaling = 2 * x * (q2 + mass**2 + _B) / (q2 * (1 + root) + 2 * _A * x)
    found = _down_over_up(scaling, partons(scaling, q2))
    scale = q2 / GeV**2
    fall = 1 - (1 + q2 / _DIPOLE) ** -4
    up_valence, down_valence = (
        fall * (scale + above) / (scale + below) * density
        for (below, above), density in ((_VALENCE_UP, found.up_valence), (_VALENCE_DOWN, found.down_valence))
    )
    up_sea, down_sea = scale / (scale + _SEA_UP), scale / (scale + _SEA_DOWN)
    anti_up, anti_down, strange = up_sea * found.anti_up, down_sea * found.anti_down, down_sea * found.strange
    up, down = up_valence + anti_up, down_valence + anti_down
    if on_proton:
        return Quarks(up, down, strange, anti_up, anti_down)
    return Quarks(down, up, strange, anti_down, anti_up)


def _down_over_up(x: Tensor, found: Partons) -> Partons:
    """Densities with Bodek and Yang's larger ratio of down to up, whose sum stays."""
    delta = _polynomial(_DOWN_OVER_UP, x)
    up, down = found.up_valence, found.down_valence
    share = 1 + delta * up / (up + down).clamp(min=1e-30)
    return found._replace(up_valence=up / share, down_valence=(down + delta * up) / share)


def _polynomial(coefficients: tuple[float, ...], x: Tensor) -> Tensor:
    return sum((c * x**i for i, c in enumerate(coefficients)), start=0 * x)


def _charged(x: Tensor, q2: Tensor, w: Tensor, anti: bool, on_proton: bool) -> tuple[Tensor, Tensor]:
    """F_2 and x F_3."""
    light = quarks(x, q2, on_proton)
    heavy = quarks(x, q2, on_proton, CHARM_MASS)
    charmed = (w > LEAST_CHARMED).to(x.dtype)
    ud, us, cd, cs = (value**2 for value in _CKM.values())
    if anti:
        matter = light.up * (ud + us)
        antimatter = ud * light.anti_down + us * light.strange
        antimatter = antimatter + charmed * (cd * heavy.anti_down + cs * heavy.strange)
    else:
        matter = ud * light.down + us * light.strange + charmed * (cd * heavy.down + cs * heavy.strange)
        antimatter = light.anti_up * (ud + us)
    return 2 * (matter + antimatter), 2 * (matter - antimatter)


def _neutral(x: Tensor, q2: Tensor, on_proton: bool) -> tuple[Tensor, Tensor]:
    """F_2 and x F_3."""
    light = quarks(x, q2, on_proton)
    up, down = _UP_LEFT**2 + _UP_RIGHT**2, _DOWN_LEFT**2 + _DOWN_RIGHT**2
    second = up * (light.up + light.anti_up) + down * (light.down + light.anti_down + 2 * light.strange)
    up, down = _UP_LEFT**2 - _UP_RIGHT**2, _DOWN_LEFT**2 - _DOWN_RIGHT**2
    third = up * (light.up - light.anti_up) + down * (light.down - light.anti_down)
    return 2 * second, 2 * third


def longitudinal_ratio(x: Tensor, q2: Tensor) -> Tensor:
    """R, longitudinal over transverse, at x and Q^2 (MeV^2).

    Whitlow's fit above 0.35 GeV^2; below falling to zero as Bodek and Yang say, 3.207 Q^2 / (Q^4 + 1): the constants
    are those of GENIE's RWhitlow, which has them from NuTeV's code.
    """
    low, scale = 0.35, q2 / GeV**2
    held = scale.clamp(min=low)
    theta = 1 + 12 * held / (held + 1) * 0.125**2 / (0.125**2 + x**2)
    ratio = 0.0635 / torch.log(held / 0.04) * theta + 0.5747 / held - 0.3534 / (held**2 + 0.09)
    return ratio * torch.where(scale < low, 3.207 * scale / (scale**2 + 1), 1.0)
