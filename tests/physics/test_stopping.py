"""Stopping powers, ranges and fluctuations against published tables."""

import math

import pytest
import torch
from scipy import integrate

from nuforge.physics import fluctuations, ranges, stopping
from nuforge.physics.constants import MUON_MASS, PION_MASS, PROTON_MASS
from nuforge.physics.material import LIQUID_ARGON


def energies(*values):
    return torch.tensor(values, dtype=torch.float64)


def test_muon_range_is_that_of_the_published_table():
    # Groom, Mokhov, Striganov 2001, g/cm^2 of argon; radiative losses begin at 1 GeV
    table = {14: 1.786, 20: 3.321, 30: 6.598, 40: 10.58, 80: 30.84, 100: 42.50, 140: 67.32, 200: 106.3, 300: 172.5}
    table |= {400: 238.5, 800: 493.4, 1000: 616.3}
    kinetic = energies(*table)
    computed = ranges.csda_range(kinetic, MUON_MASS, LIQUID_ARGON) - ranges.csda_range(
        energies(10), MUON_MASS, LIQUID_ARGON
    )
    computed = computed * 1.396 + 0.9833
    assert computed.tolist() == pytest.approx(list(table.values()), rel=2e-3)


def test_proton_stopping_power_is_that_of_pstar_above_50_mev():
    table = {50: 8.783, 100: 5.213, 200: 3.246, 300: 2.557, 400: 2.210, 500: 2.004, 1000: 1.629}
    computed = stopping.stopping_power(energies(*table), PROTON_MASS, LIQUID_ARGON) / LIQUID_ARGON.density
    assert computed.tolist() == pytest.approx(list(table.values()), rel=6e-3)


def test_proton_range_is_that_of_pstar():
    table = {50: 3.208, 100: 10.92, 200: 36.27, 500: 161.4}
    computed = ranges.csda_range(energies(*table), PROTON_MASS, LIQUID_ARGON) * LIQUID_ARGON.density
    assert computed.tolist() == pytest.approx(list(table.values()), rel=7e-3)


def test_pion_range_scales_from_the_muon():
    kinetic = energies(50, 100, 300)
    pion = ranges.csda_range(kinetic, PION_MASS, LIQUID_ARGON)
    muon = ranges.csda_range(kinetic * MUON_MASS / PION_MASS, MUON_MASS, LIQUID_ARGON)
    # the transfer W_max depends on the mass a little
    assert pion.tolist() == pytest.approx((muon * PION_MASS / MUON_MASS).tolist(), rel=1e-3)


def test_energy_of_range_inverts_range():
    kinetic = energies(3, 30, 300, 3000)
    there = ranges.csda_range(kinetic, MUON_MASS, LIQUID_ARGON)
    assert ranges.energy_of_range(there, MUON_MASS, LIQUID_ARGON).tolist() == pytest.approx(kinetic.tolist(), rel=1e-4)


def test_minimum_ionisation_of_a_muon():
    kinetic = torch.linspace(100, 600, 501, dtype=torch.float64)
    loss = stopping.stopping_power(kinetic, MUON_MASS, LIQUID_ARGON)
    assert float(loss.min()) == pytest.approx(2.1036, rel=1e-3)
    assert float(kinetic[loss.argmin()]) == pytest.approx(266, abs=4)


def test_restricted_loss_plus_knock_on_electrons_is_the_whole_loss():
    from nuforge.physics.knock_on import heavy_knock_on
    from nuforge.simulation.transport.medium import electron_density

    for kinetic in (200.0, 1000.0):
        t = energies(kinetic)
        top = float(stopping.maximum_transfer(t, MUON_MASS))
        cut = 0.3

        def transfer(w, t=t):
            return w * float(heavy_knock_on(energies(w), t, MUON_MASS))

        hard = integrate.quad(transfer, cut, top)[0] * electron_density(LIQUID_ARGON)
        soft = float(stopping.stopping_power(t, MUON_MASS, LIQUID_ARGON, cut=cut))
        whole = float(stopping.stopping_power(t, MUON_MASS, LIQUID_ARGON))
        # the term of spin 1/2, W^2 / 2 E^2, is not part of Bethe's formula
        assert soft + hard == pytest.approx(whole, rel=3e-3)


@pytest.mark.parametrize("positron", [False, True])
def test_restricted_electron_loss_plus_knock_on_electrons_is_the_whole_loss(positron):
    from nuforge.physics.knock_on import bhabha, moller
    from nuforge.simulation.transport.medium import electron_density

    cross_section, share = (bhabha, 1.0) if positron else (moller, 0.5)
    t, cut = energies(50.0), 1.0
    hard = integrate.quad(lambda w: w * float(cross_section(energies(w), t)), cut, share * 50.0)[0]
    soft = float(stopping.electron_stopping_power(t, LIQUID_ARGON, cut=cut, positron=positron))
    whole = float(stopping.electron_stopping_power(t, LIQUID_ARGON, positron=positron))
    assert soft + hard * electron_density(LIQUID_ARGON) == pytest.approx(whole, rel=1e-3)


def test_electron_collision_loss_is_that_of_estar():
    # NIST ESTAR, argon, collision stopping power in MeV cm^2/g; the gas has no density effect below 10 MeV
    computed = stopping.electron_stopping_power(energies(0.1, 0.5), LIQUID_ARGON) / LIQUID_ARGON.density
    assert computed.tolist() == pytest.approx([2.918, 1.487], rel=0.01)


def test_most_probable_loss_of_three_millimetres():
    expected = {267: 1.603, 1000: 1.613, 4000: 1.692}
    computed = fluctuations.most_probable_loss(0.3, energies(*expected), MUON_MASS, LIQUID_ARGON) / 0.3
    assert computed.tolist() == pytest.approx(list(expected.values()), abs=1e-3)


@pytest.mark.parametrize("kappa", [0.001, 0.01, 0.1, 1.0, 10.0])
def test_vavilov_is_normalised_with_mean_zero_and_unit_variance(kappa):
    z, density = fluctuations.vavilov_density(kappa)
    step = z[1] - z[0]
    moments = [float((z**k * density).sum() * step) for k in range(3)]
    assert moments == pytest.approx([1.0, 0.0, 1.0], abs=1e-3)


def test_vavilov_of_small_kappa_is_as_wide_as_landau():
    kappa = 0.01
    z, density = fluctuations.vavilov_density(kappa)
    width = (density > density.max() / 2).sum() * (z[1] - z[0]) / math.sqrt(kappa)
    assert width == pytest.approx(fluctuations.LANDAU_WIDTH, rel=0.01)


def test_mode_of_vavilov_is_landaus_most_probable_loss():
    kinetic, length = energies(1000.0), 0.3
    b2 = 1 - (MUON_MASS / (1000.0 + MUON_MASS)) ** 2
    xi = float(fluctuations.collision_scale(length, energies(b2), LIQUID_ARGON))
    kappa = xi / float(stopping.maximum_transfer(kinetic, MUON_MASS))
    z, density = fluctuations.vavilov_density(kappa, b2)
    mean = float(stopping.stopping_power(kinetic, MUON_MASS, LIQUID_ARGON)) * length
    mode = mean + xi * z[density.argmax()] * math.sqrt((1 - b2 / 2) / kappa)
    assert mode == pytest.approx(
        float(fluctuations.most_probable_loss(length, kinetic, MUON_MASS, LIQUID_ARGON)), rel=0.01
    )


def test_quantiles_of_large_kappa_are_those_of_a_gaussian():
    import numpy as np

    normals = np.linspace(-3, 3, 13)
    row = fluctuations.vavilov_quantiles(np.array([300.0]), normals)[0]
    assert row.tolist() == pytest.approx(normals.tolist(), abs=0.06)  # skewness 1 / sqrt(kappa)
