"""Nuclear capture of bound negative muons: rates by element."""

from __future__ import annotations

from nuforge.physics.decays import MUON_CAPTURE_IN_ARGON
from nuforge.units import s

_MEASURED = {
    6: 3.88e4,
    7: 6.9e4,
    8: 1.026e5,
    9: 2.29e5,
    11: 3.77e5,
    12: 4.80e5,
    13: 7.05e5,
    14: 8.71e5,
    20: 2.56e6,
    26: 4.41e6,
    82: 1.345e7,
}
"""Rates (1/s) in natural elements, by Z. Source: Suzuki, Measday, Roalsvig, Phys. Rev. C 35 (1987) 2212."""
_EFFECTIVE_CHARGE = (
    1.0, 1.98, 2.94, 3.89, 4.81, 5.72, 6.61, 7.49, 8.32, 9.14, 9.95, 10.69, 11.48, 12.22, 12.90, 13.64, 14.24, 14.89,
    15.53, 16.15, 16.77, 17.38, 18.04, 18.49, 19.06, 19.59, 20.13, 20.66, 21.12, 21.61, 22.02, 22.43, 22.84, 23.24,
    23.65, 24.06, 24.47, 24.85, 25.23, 25.61, 25.99, 26.37, 26.69, 27.00, 27.32, 27.63, 27.95, 28.20, 28.42, 28.64,
    28.79, 29.03, 29.27, 29.51, 29.75, 29.99, 30.22, 30.36, 30.53, 30.69, 30.85, 31.01, 31.18, 31.34, 31.48, 31.62,
    31.76, 31.90, 32.05, 32.19, 32.33, 32.47, 32.61, 32.76, 32.94, 33.11, 33.29, 33.46, 33.64, 33.81, 34.21, 34.18,
)  # fmt: skip
"""Effective charges for a muon in the lowest orbit, from Z = 1. Source: Ford and Wills, Nucl. Phys. 35 (1962) 295."""
_RATE, _FIRST, _SECOND, _THIRD = 261.0, -0.040, -0.26, 3.24


def capture_rate(z: int, a: int) -> float:
    """Rate (1/ns) at which a nucleus captures a muon from the lowest orbit: measured, or from a formula.

    The formula is good to some 10 %. Source: Goulard and Primakoff, Phys. Rev. C 10 (1974) 2034.
    """
    if z == 18:
        return MUON_CAPTURE_IN_ARGON
    if z in _MEASURED:
        return _MEASURED[z] / s
    charge = _EFFECTIVE_CHARGE[min(z, len(_EFFECTIVE_CHARGE)) - 1]
    excess = (a - 2 * z) / (2 * z)
    blocked = _THIRD * ((a - z) / (2 * a) + (a - 2 * z) / (8 * a * z))
    return _RATE * charge**4 * (1 + _FIRST * a / (2 * z) - _SECOND * excess - blocked) / s
