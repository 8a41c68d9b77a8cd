"""What slow neutrons meet in each element: scattering, capture, and where inelastic scattering starts."""

from typing import NamedTuple


class NeutronElement(NamedTuple):
    """Properties of the natural mixture of an element.

    Args:
        bound: Scattering cross section of the bound atom (b), coherent and incoherent. Source: Sears, Neutron News 3
            (1992) 26, as the tables of NIST.
        capture: Radiative capture of neutrons of 2200 m/s (b). Source: as `bound`, and Mughabghab, Atlas of Neutron
            Resonances (2006) where absorption is not radiative (He, Li, B, N, U).
        gamma_energy: Energy of the photons of one capture (MeV), averaged over isotopes with their share of the
            captures. Source: neutron separation energies of the Atomic Mass Evaluation 2020.
        first_level: First excited level (MeV) of the commonest isotope. Source: ENSDF.
    """

    bound: float
    capture: float
    gamma_energy: float
    first_level: float


ELEMENTS: dict[int, NeutronElement] = {
    1: NeutronElement(82.02, 0.3326, 2.2246, 1e9),  # a free proton has no excited level below pion production
    2: NeutronElement(1.34, 0.0, 0.0, 20.21),
    3: NeutronElement(1.37, 0.045, 2.033, 0.478),
    4: NeutronElement(7.63, 0.0076, 6.812, 1.684),
    5: NeutronElement(5.24, 0.11, 11.3, 2.125),
    6: NeutronElement(5.551, 0.0035, 4.946, 4.439),
    7: NeutronElement(11.51, 0.080, 10.833, 2.313),
    8: NeutronElement(4.232, 0.00019, 4.143, 6.049),
    9: NeutronElement(4.018, 0.0096, 6.601, 0.110),
    10: NeutronElement(2.628, 0.039, 6.761, 1.634),
    11: NeutronElement(3.28, 0.530, 6.959, 0.440),
    12: NeutronElement(3.71, 0.063, 8.4, 1.369),
    13: NeutronElement(1.503, 0.231, 7.725, 0.844),
    14: NeutronElement(2.167, 0.171, 8.473, 1.779),
    15: NeutronElement(3.312, 0.172, 7.935, 1.266),
    16: NeutronElement(1.026, 0.53, 8.641, 2.231),
    17: NeutronElement(16.8, 33.5, 8.580, 1.219),
    18: NeutronElement(0.683, 0.675, 6.099, 1.461),
    19: NeutronElement(1.96, 2.1, 7.800, 2.523),
    20: NeutronElement(2.83, 0.43, 8.363, 3.353),
    22: NeutronElement(4.35, 6.09, 8.142, 0.984),
    23: NeutronElement(5.10, 5.08, 7.311, 0.320),
    24: NeutronElement(3.49, 3.05, 9.25, 1.434),
    25: NeutronElement(2.15, 13.3, 7.270, 0.126),
    26: NeutronElement(11.62, 2.56, 7.646, 0.847),
    27: NeutronElement(5.6, 37.18, 7.491, 1.099),
    28: NeutronElement(18.5, 4.49, 8.5, 1.454),
    29: NeutronElement(8.03, 3.78, 7.74, 0.670),
    30: NeutronElement(4.131, 1.11, 8.1, 0.992),
    32: NeutronElement(8.60, 2.20, 8.8, 0.596),
    33: NeutronElement(5.50, 4.5, 7.328, 0.199),
    34: NeutronElement(8.30, 11.7, 8.3, 0.666),
    35: NeutronElement(5.90, 6.9, 7.84, 0.217),
    36: NeutronElement(7.68, 25.0, 10.3, 0.882),
    42: NeutronElement(5.71, 2.48, 8.9, 0.787),
    48: NeutronElement(6.50, 2520.0, 9.043, 0.558),
    50: NeutronElement(4.892, 0.626, 8.5, 1.171),
    52: NeutronElement(4.32, 4.7, 9.3, 0.839),
    53: NeutronElement(3.81, 6.15, 6.826, 0.058),
    54: NeutronElement(4.3, 23.9, 9.0, 0.668),  # coherent part 3.04 b; the incoherent part is an estimate
    55: NeutronElement(3.90, 29.0, 6.892, 0.081),
    64: NeutronElement(180.0, 49700.0, 8.05, 0.080),
    74: NeutronElement(4.60, 18.3, 5.85, 0.111),
    82: NeutronElement(11.118, 0.171, 7.31, 0.803),
    83: NeutronElement(9.156, 0.0338, 4.605, 0.896),
    92: NeutronElement(8.908, 2.68, 4.806, 0.045),
}

RESONANT_CAPTURE: dict[int, tuple[float, float]] = {48: (0.178, 0.113), 64: (0.0314, 0.107)}
"""Energy and width (eV) of the resonance that holds the thermal capture of cadmium (113) and gadolinium (157).

Source: Mughabghab, Atlas of Neutron Resonances (2006).
"""

ELASTIC_ENERGIES = (0.1, 0.5, 1.0, 2.0, 3.0, 5.0)  # MeV

ELASTIC: dict[int, tuple[float, ...]] = {
    6: (4.4, 3.3, 2.58, 1.75, 1.7, 1.2),
    8: (3.5, 4.2, 4.2, 1.9, 1.5, 1.4),
    9: (4.2, 3.6, 3.0, 2.4, 2.0, 1.5),
    11: (5.5, 4.2, 3.5, 2.6, 2.2, 1.6),
    13: (5.0, 3.8, 2.8, 2.4, 2.2, 1.5),
    14: (3.0, 3.2, 3.0, 2.6, 2.4, 1.7),
    18: (1.5, 2.4, 2.8, 2.9, 2.7, 2.0),
    26: (4.5, 3.0, 2.4, 2.3, 2.3, 2.1),
    54: (6.5, 6.2, 5.4, 4.4, 3.8, 3.3),
    82: (11.2, 6.5, 4.8, 5.0, 5.6, 5.4),
}
"""Elastic cross section (b) averaged over resonances at `ELASTIC_ENERGIES`, within 20 %.

Rounded by hand after the evaluation ENDF/B-VIII.0 (Brown et al., Nuclear Data Sheets 148 (2018) 1), not read off point
by point.
"""
