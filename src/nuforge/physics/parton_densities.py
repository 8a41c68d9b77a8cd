"""Parton densities of the proton: the dynamical set GRV98 in leading order, evolved from its own starting scale.

Source: Glueck, Reya and Vogt, Eur. Phys. J. C 5 (1998) 461 (hep-ph/9806404): densities at 0.26 GeV^2, three light
flavours, strange quarks made by evolution alone. Evolution by the splitting functions of Altarelli and Parisi in the
space of moments, where it is exact; nothing is read from a grid. The authors' grid (of PDFLIB, as GENIE has it) has the
same densities to 1.5 per cent up to x of 0.7, mostly to 0.4, and above but for quarks of the sea, of which nothing is
left there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import loggamma, psi
from torch import Tensor

from nuforge.units import GeV

Moments = NDArray[np.complexfloating]

_START = 0.26  # GeV^2
_CHARM = 1.4  # GeV: heavier scales run with four flavours
_LAMBDA = {3: 0.204, 4: 0.175}  # GeV
_FLAVOURS, _COLOUR_QUARK, _COLOUR_GLUON = 3, 4 / 3, 3.0
_LOW, _HIGH = 0.8, 100.0  # GeV^2, of the table
_SCALES, _FRACTIONS, _NODES = 18, 200, 96
_ROOT = 0.3  # the table is even in x^0.3
_LEAST = 1e-4
_LARGE = 3  # densities are tabulated over (1 - x)^3


@dataclass(frozen=True)
class _Shape:
    """N x^a (1 - x)^b (1 + c x^1/2 + d x), of x times a density."""

    norm: float
    a: float
    b: float
    c: float = 0.0
    d: float = 0.0

    def moment(self, n: Moments) -> Moments:
        """Integral of x^(n-2) times the shape."""

        def beta(shift: float) -> Moments:
            first = n - 1 + self.a + shift
            value: Moments = np.exp(loggamma(first) + loggamma(self.b + 1) - loggamma(first + self.b + 1))
            return value

        whole: Moments = self.norm * (beta(0.0) + self.c * beta(0.5) + self.d * beta(1.0))
        return whole


UP_VALENCE = _Shape(1.239, 0.48, 2.72, -1.8, 9.5)
DOWN_VALENCE = _Shape(0.614 * 1.239, 0.48, 3.62, -1.8, 9.5)
DIFFERENCE = _Shape(0.23, 0.48, 11.3, -12.0, 50.9)  # of anti-down and anti-up
LIGHT_SEA = _Shape(1.52, 0.15, 9.1, -3.6, 7.8)  # of anti-up and anti-down together
GLUON = _Shape(17.47, 1.6, 3.8)


class Partons(NamedTuple):
    """x times the densities of valence quarks and of antiquarks in the proton, gluons last."""

    up_valence: Tensor
    down_valence: Tensor
    anti_up: Tensor
    anti_down: Tensor
    strange: Tensor
    gluon: Tensor


def partons(x: Tensor, q2: Tensor) -> Partons:
    """Densities at momentum fractions x and scales Q^2 (MeV^2), which is held between 0.8 and 100 GeV^2.

    Zero at x of 1 and above; constant below 1e-4.
    """
    table = _table()
    root = x.clamp(_LEAST, 1.0) ** _ROOT
    at = (root - _LEAST**_ROOT) * ((_FRACTIONS - 1) / (1 - _LEAST**_ROOT))
    i = at.long().clamp(max=_FRACTIONS - 2)
    scale = torch.log((q2 / GeV**2).clamp(_LOW, _HIGH) / _LOW) * ((_SCALES - 1) / math.log(_HIGH / _LOW))
    j = scale.long().clamp(max=_SCALES - 2)
    u, v = (at - i).unsqueeze(-1), (scale - j).unsqueeze(-1)
    low = torch.lerp(table[j, i], table[j, i + 1], u)
    high = torch.lerp(table[j + 1, i], table[j + 1, i + 1], u)
    values = torch.lerp(low, high, v) * ((1 - x).clamp(min=0) ** _LARGE).unsqueeze(-1)
    return Partons(*values.unbind(-1))


@cache
def _table() -> Tensor:
    """Densities over (1 - x)^3 by scale and x^0.3, float64 (S, X, 6)."""
    x = np.linspace(_LEAST**_ROOT, 1.0, _FRACTIONS) ** (1 / _ROOT)
    inside = np.minimum(x, 0.995)
    scales = np.exp(np.linspace(math.log(_LOW), math.log(_HIGH), _SCALES))
    values = np.maximum(evolved(inside, scales), 0) / (1 - inside)[None, :, None] ** _LARGE
    return torch.from_numpy(values)


def evolved(x: NDArray[np.floating], scales: NDArray[np.floating]) -> NDArray[np.floating]:
    """x times the densities (S, X, 6) in the order of `Partons`, at fractions (X,) and scales (S,) in GeV^2.

    The inverse of Mellin's transform along a contour bent to the left, whose length falls with ln(1/x).
    """
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    length = 6.0 + 12.0 / -np.log(x)
    z = 0.5 * length[:, None] * (nodes + 1)
    bend = np.exp(0.75j * math.pi)
    n = 1.9 + z * bend
    kernel = 0.5 * length[:, None] * weights * bend * np.exp((1 - n) * np.log(x)[:, None]) / math.pi
    out = np.empty((len(scales), len(x), len(Partons._fields)))
    start = _start(n)
    rates = _rates(n)
    for row, scale in enumerate(scales):
        for column, moments in enumerate(_evolve(start, rates, _running(scale))):
            out[row, :, column] = (kernel * moments).imag.sum(1)
    return out


def _running(scale: float) -> float:
    """Integral of alpha_s / 2 pi over ln Q^2 from the starting scale to one (GeV^2)."""
    total, low = 0.0, _START
    for flavours, high in ((3, min(scale, _CHARM**2)), (4, scale)):
        if high > low:
            square = _LAMBDA[flavours] ** 2
            total += 2 / (11 - 2 * flavours / 3) * math.log(math.log(high / square) / math.log(low / square))
            low = high
    return total


class _Start(NamedTuple):
    up_valence: Moments
    down_valence: Moments
    difference: Moments
    sea: Moments
    gluon: Moments


def _start(n: Moments) -> _Start:
    shapes = (UP_VALENCE, DOWN_VALENCE, DIFFERENCE, LIGHT_SEA, GLUON)
    return _Start(*(shape.moment(n) for shape in shapes))


class _Rates(NamedTuple):
    """Splitting functions' moments: quark, quark from gluon (all flavours), gluon from quark, gluon."""

    quark: Moments
    made: Moments
    radiated: Moments
    gluon: Moments


def _rates(n: Moments) -> _Rates:
    harmonic = psi(n + 1) + np.euler_gamma
    shared = n * n + n + 2
    gluon = 2 * _COLOUR_GLUON * (1 / (n * (n - 1)) + 1 / ((n + 1) * (n + 2)) - harmonic)
    return _Rates(
        _COLOUR_QUARK * (1.5 + 1 / (n * (n + 1)) - 2 * harmonic),
        _FLAVOURS * shared / (n * (n + 1) * (n + 2)),
        _COLOUR_QUARK * shared / ((n - 1) * n * (n + 1)),
        gluon + 0.5 * (11 - 2 * _FLAVOURS / 3),
    )


def _evolve(start: _Start, rates: _Rates, running: float) -> tuple[Moments, ...]:
    """Moments in the order of `Partons` after evolution."""
    alone = np.exp(running * rates.quark)
    up, down, difference = alone * start.up_valence, alone * start.down_valence, alone * start.difference
    octet = alone * (start.up_valence + start.down_valence + 2 * start.sea)  # less 2 (s + anti-s), 0 at first
    total = start.up_valence + start.down_valence + 2 * start.sea
    mean, half = 0.5 * (rates.quark + rates.gluon), 0.5 * (rates.quark - rates.gluon)
    root = np.sqrt(half**2 + rates.made * rates.radiated)
    cosh, sinh = np.cosh(running * root), np.sinh(running * root) / root
    growth = np.exp(running * mean)
    singlet = growth * ((cosh + half * sinh) * total + rates.made * sinh * start.gluon)
    gluon = growth * ((cosh - half * sinh) * start.gluon + rates.radiated * sinh * total)
    strange = (singlet - octet) / 6
    light = 0.5 * (singlet - 2 * strange - up - down)  # anti-up and anti-down together
    return up, down, 0.5 * (light - difference), 0.5 * (light + difference), strange, gluon
