"""Photon cross sections, bremsstrahlung and scattering against published values."""

import math

import pytest
import torch

from nuforge.physics import bremsstrahlung, decays, photons, scattering
from nuforge.physics.constants import ELECTRON_MASS, MICHEL_ENDPOINT, MUON_MASS, PION_MASS
from nuforge.physics.material import LIQUID_ARGON


def energies(*values):
    return torch.tensor(values, dtype=torch.float64)


def test_photon_attenuation_is_that_of_the_nist_table():
    # Hubbell and Seltzer (NIST), argon, cm^2/g, with coherent scattering, which is 1 % at 0.5 MeV
    table = {0.5: 0.07958, 1: 0.05762, 2: 0.04074, 5: 0.02802, 10: 0.02451, 20: 0.02453}
    k = energies(*table)
    rate = (
        photons.pair_production(k, LIQUID_ARGON)
        + photons.compton(k, LIQUID_ARGON)
        + photons.photoelectric(k, LIQUID_ARGON)
    )
    assert (rate / LIQUID_ARGON.density).tolist() == pytest.approx(list(table.values()), rel=0.015)


def test_photoelectric_absorption_dominates_below_50_kev():
    k = energies(0.02, 0.2)
    share = photons.photoelectric(k, LIQUID_ARGON) / (
        photons.photoelectric(k, LIQUID_ARGON) + photons.compton(k, LIQUID_ARGON)
    )
    assert share[0] > 0.95
    assert share[1] < 0.1


def test_photons_of_high_energy_convert_after_nine_sevenths_radiation_lengths():
    path = 1 / photons.pair_production(energies(5e4), LIQUID_ARGON)
    assert float(path) == pytest.approx(9 / 7 * LIQUID_ARGON.radiation_length, rel=0.03)


def test_electrons_of_high_energy_radiate_a_radiation_length():
    kinetic = energies(5e4)
    k = torch.logspace(-9, -1e-6, 6000, dtype=torch.float64) * kinetic
    density = bremsstrahlung.bremsstrahlung(k, kinetic, LIQUID_ARGON)
    per_length = float(torch.trapezoid(density * k, k) / kinetic)
    assert per_length == pytest.approx(1 / LIQUID_ARGON.radiation_length, rel=0.03)


def test_pair_split_is_symmetric():
    x = torch.linspace(0.01, 0.99, 99, dtype=torch.float64)
    density = bremsstrahlung.pair_split(x, energies(300.0), LIQUID_ARGON)
    torch.testing.assert_close(density, density.flip(0))
    assert (density > 0).all()


def test_plasma_energy_follows_from_the_electron_density():
    expected = 28.816e-6 * math.sqrt(LIQUID_ARGON.density * LIQUID_ARGON.z_over_a)  # Review of Particle Physics
    assert LIQUID_ARGON.plasma_energy == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(("momentum", "milliradians"), [(1000.0, 13.68), (500.0, 27.85)])
def test_highland_angle_of_one_radiation_length(momentum, milliradians):
    beta = momentum / math.hypot(momentum, MUON_MASS)
    angle = scattering.highland_angle(energies(14.0), energies(momentum), energies(beta), 14.0)
    assert float(angle) * 1e3 == pytest.approx(milliradians, abs=0.01)


def test_coulomb_strength_and_screening_are_molieres():
    # chi_c^2 = 0.157 Z (Z + 1) / A X / (p beta)^2 and chi_a^2 = 2.007e-5 Z^(2/3) (1 + 3.34 (Z alpha / beta)^2) / p^2
    p, beta = energies(100.0), energies(1.0)
    strength = scattering.coulomb_strength(p, beta, LIQUID_ARGON)
    assert 4 * float(strength) == pytest.approx(0.157 * 18 * 19 * 1.396 / 39.948 / 1e4, rel=0.01)
    screening = scattering.coulomb_screening(p, beta, LIQUID_ARGON)
    expected = 2.007e-5 * 18 ** (2 / 3) * (1 + 3.34 * (18 / 137.036) ** 2) / 1e4
    assert 4 * float(screening) == pytest.approx(expected, rel=0.02)


def test_michel_spectrum_has_its_mean_and_is_drawn_as_it_is():
    x = torch.linspace(0, 1, 10001, dtype=torch.float64)
    density = decays.michel_spectrum(x)
    assert float(torch.trapezoid(density, x)) == pytest.approx(1)
    assert float(torch.trapezoid(density * x, x)) == pytest.approx(0.7)
    u = torch.linspace(0, 1, 2001, dtype=torch.float64)
    drawn = decays.michel_fraction(u)
    torch.testing.assert_close(drawn**3 * (2 - drawn), u, atol=1e-9, rtol=0)


def test_two_body_decay_of_the_pion():
    p = float(decays.two_body_momentum(*torch.tensor([PION_MASS, MUON_MASS, 0.0], dtype=torch.float64)))
    assert p == pytest.approx(29.79, abs=0.01)
    assert math.hypot(p, MUON_MASS) - MUON_MASS == pytest.approx(4.12, abs=0.01)
    assert decays.two_body_momentum(*torch.tensor([1.0, 2.0, 3.0])) == 0


def test_michel_endpoint():
    assert pytest.approx(52.83, abs=0.01) == MICHEL_ENDPOINT


def test_compton_edge_limits_the_split():
    k = energies(1.0)
    edge = 1 / (1 + 2 / ELECTRON_MASS)
    assert float(photons.compton_split(energies(edge * 0.99), k)) == 0
    assert float(photons.compton_split(energies(edge * 1.01), k)) > 0
