"""Materials from their composition against published constants; annihilation and photons against their theory."""

import math
from dataclasses import replace

import pytest
import torch

from nuforge.physics import annihilation, photons, scattering
from nuforge.physics.composition import (
    atoms,
    bragg_excitation,
    compound,
    compressed,
    gas,
    mass_fractions,
    mixture,
    sternheimer_peierls,
)
from nuforge.physics.constants import CROSS_SECTION_SCALE, ELECTRON_MASS, MUON_MASS
from nuforge.physics.elements import element
from nuforge.physics.fluorescence import fluorescence, k_alpha, k_yield
from nuforge.physics.material import LIQUID_ARGON, DensityEffect, Element
from nuforge.physics.media import (
    ICE,
    LEAD,
    LIQUID_XENON,
    PLASTIC_SCINTILLATOR,
    POLYSTYRENE,
    STEEL,
    WATER,
    media,
    selenium_hexafluoride,
    xenon_gas,
)
from nuforge.physics.ranges import csda_range
from nuforge.physics.stopping import stopping_power
from nuforge.units import eV, keV

CONDENSED = (LIQUID_ARGON, LIQUID_XENON, WATER, ICE, PLASTIC_SCINTILLATOR, POLYSTYRENE, STEEL, LEAD)


def energies(*values):
    return torch.tensor(values, dtype=torch.float64)


def minimum(material):
    """Least dE/dx of a muon in MeV cm^2/g."""
    loss = stopping_power(torch.linspace(100, 900, 801, dtype=torch.float64), MUON_MASS, material)
    return float(loss.min()) / material.density


@pytest.mark.parametrize(
    ("symbol", "length"),
    # Review of Particle Physics, atomic and nuclear properties, g/cm^2
    [
        *(("H", 63.04), ("He", 94.32), ("C", 42.70), ("Al", 24.01), ("Ar", 19.55)),
        *(("Cu", 12.86), ("Xe", 8.48), ("W", 6.76), ("Pb", 6.37), ("U", 6.00)),
    ],
)
def test_radiation_lengths_of_elements_are_the_published_ones(symbol, length):
    assert compound(symbol, symbol, density=1.0).radiation_length == pytest.approx(length, rel=2e-3)


@pytest.mark.parametrize(
    ("material", "length", "least"),
    # Review of Particle Physics, g/cm^2 and MeV cm^2/g (water there with I = 75 eV: 1.992)
    [
        (LIQUID_ARGON, 19.55, 1.508),
        (LIQUID_XENON, 8.48, 1.255),
        (WATER, 36.08, 1.979),
        (PLASTIC_SCINTILLATOR, 43.90, 1.956),
        (POLYSTYRENE, 43.79, 1.936),
        (STEEL, 13.84, 1.451),
        (LEAD, 6.37, 1.122),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_media_have_the_published_radiation_length_and_minimum_ionisation(material, length, least):
    assert material.radiation_length * material.density == pytest.approx(length, rel=2e-3)
    assert minimum(material) == pytest.approx(least, rel=2e-3)


def test_muon_range_in_water_is_that_of_the_published_table():
    # Groom, Mokhov, Striganov 2001 with I = 79.7 eV (Review of Particle Physics 2020), g/cm^2
    table = {400: 179.6, 800: 377.1, 1000: 473.2, 1400: 661.1, 2000: 935.3}
    start = csda_range(energies(200), MUON_MASS, WATER)
    computed = csda_range(energies(*table), MUON_MASS, WATER) - start + 78.94
    assert computed.tolist() == pytest.approx(list(table.values()), rel=3e-3)  # radiation is left out


def test_gases_have_the_density_of_their_equation_of_state():
    assert xenon_gas(10.0).density == pytest.approx(0.0557, rel=2e-3)
    assert xenon_gas(15.0).density == pytest.approx(0.088, rel=0.03)
    assert gas("argon", "Ar", 1.01325, 293.15).density == pytest.approx(1.662e-3, rel=2e-3)
    assert selenium_hexafluoride(1.0).density == pytest.approx(10 * selenium_hexafluoride(10.0).density / 100, rel=1e-9)
    assert xenon_gas(10.0).radiation_length == pytest.approx(152.0, rel=0.01)


def test_number_densities_are_those_of_the_molecules():
    hydrogen, oxygen = WATER.number_densities
    assert oxygen == pytest.approx(3.343e22, rel=1e-3)  # 1 g/cm^3 over 18.015 g/mol
    assert hydrogen == pytest.approx(2 * oxygen)
    electrons = hydrogen + 8 * oxygen
    assert pytest.approx(28.816 * eV * math.sqrt(electrons / 6.02214076e23), rel=1e-3) == WATER.plasma_energy


@pytest.mark.parametrize(
    ("formula", "expected"), [("H2O", 75.0), ("CH2", 57.4), ("C8H8", 68.7), ("C9H10", 64.7), ("CsI", 553.1)]
)
def test_bragg_additivity_gives_published_excitation_energies(formula, expected):
    # ICRU Report 37; polystyrene is the worst, 4 %, which is 0.3 % of dE/dx
    computed = bragg_excitation(compound("", formula, 1.0).elements) / eV
    assert computed == pytest.approx(expected, rel=0.045)


@pytest.mark.parametrize("material", CONDENSED, ids=lambda material: material.name)
def test_general_density_effect_is_within_three_per_cent_of_the_fitted_one(material):
    general = sternheimer_peierls(material.plasma_energy, material.mean_excitation)
    kinetic = energies(50, 100, 300, 1000, 10000)
    fitted, computed = (
        stopping_power(kinetic, MUON_MASS, replace(material, density_effect=effect))
        for effect in (material.density_effect, general)
    )
    assert computed.tolist() == pytest.approx(fitted.tolist(), rel=0.03)


def test_density_effect_of_argon_and_of_xenon_gas_comes_out_of_the_general_formula():
    effect = sternheimer_peierls(LIQUID_ARGON.plasma_energy, LIQUID_ARGON.mean_excitation)
    given = LIQUID_ARGON.density_effect
    for name in ("a", "k", "x0", "x1", "cbar"):
        assert getattr(effect, name) == pytest.approx(getattr(given, name), rel=1e-3)
    normal = gas("Xe", "Xe", 1.01325, 293.15)
    assert normal.density_effect.cbar == pytest.approx(12.7281, rel=1e-3)  # Sternheimer, Berger, Seltzer 1984


def test_the_thinner_the_gas_the_less_density_effect():
    thin, dense, liquid = (
        float(stopping_power(energies(20000.0), MUON_MASS, m)) / m.density
        for m in (xenon_gas(1.0), xenon_gas(10.0), LIQUID_XENON)
    )
    assert thin > 1.03 * dense > 1.06 * liquid


def test_compression_is_a_shift_of_momentum():
    effect = DensityEffect(a=0.2, k=3.0, x0=1.6, x1=4.0, cbar=10.0)
    twice = compressed(compressed(effect, 4.0), 25.0)
    once = compressed(effect, 100.0)
    assert (twice.x0, twice.x1, twice.cbar) == pytest.approx((once.x0, once.x1, once.cbar))
    assert once.x0 == pytest.approx(0.6)
    assert once.cbar - effect.cbar == pytest.approx(2 * math.log(10) * (once.x0 - effect.x0))


def test_every_medium_is_complete():
    for material in media():
        assert sum(e.mass_fraction for e in material.elements) == pytest.approx(1)
        assert 0 < material.mean_excitation < 1e-3
        assert math.isfinite(material.radiation_length)
        assert material.density_effect.a > 0


def test_what_is_no_formula_element_or_gas_is_refused():
    assert atoms("CH3CH2OH") == {"C": 2, "H": 6, "O": 1}
    assert mass_fractions("H2O")["H"] == pytest.approx(0.1119, abs=1e-4)
    with pytest.raises(ValueError, match=r"expected a chemical formula such as 'C9H10', got '\(CH2\)3'"):
        atoms("(CH2)3")
    with pytest.raises(ValueError, match="no element 'Xx'"):
        element("Xx")
    with pytest.raises(ValueError, match=r"mass fractions of half must add up to 1, got 0.5"):
        mixture("half", {"Fe": 0.5}, 7.0)
    with pytest.raises(ValueError, match=r"pressure of Xe must be positive \(bar\), got 0.0"):
        gas("Xe", "Xe", 0.0)
    with pytest.raises(ValueError, match=r"xenon gas at 100 bar is no gas at 100.0 bar"):
        xenon_gas(100.0)
    with pytest.raises(ValueError, match="no photoabsorption of Z = 95, known are 1 to 92"):
        photons.absorption_intervals(Element("Am", 95, 243.0))


# Hubbell and Seltzer (NIST), cm^2/g, coherent scattering included
ATTENUATION = {
    WATER: {0.01: 5.329, 0.02: 0.8096, 0.05: 0.2269, 0.1: 0.1707, 0.5: 0.09687, 1: 0.07072, 5: 0.03031, 20: 0.01813},
    LIQUID_ARGON: {0.01: 63.16, 0.02: 8.629, 0.05: 0.7012, 0.1: 0.2043, 0.5: 0.07958, 2: 0.04074, 10: 0.02451},
    STEEL: {0.01: 170.6, 0.03: 8.176, 0.05: 1.958, 0.1: 0.3717, 0.5: 0.08414, 1: 0.05995, 5: 0.03146, 20: 0.03224},
    LEAD: {0.02: 86.36, 0.05: 8.041, 0.1: 5.549, 0.2: 0.9985, 0.5: 0.1614, 1: 0.07102, 5: 0.04272, 20: 0.06206},
}


@pytest.mark.parametrize("material", ATTENUATION, ids=lambda material: material.name)
def test_photon_attenuation_is_that_of_the_nist_tables_from_10_kev_to_20_mev(material):
    table = ATTENUATION[material]
    k = energies(*table)
    processes = (photons.pair_production, photons.compton, photons.photoelectric, photons.rayleigh)
    rate = sum(process(k, material) for process in processes) / material.density
    assert rate.tolist() == pytest.approx(list(table.values()), rel=0.03)


def test_photoabsorption_jumps_at_the_k_edges():
    for material, edge in ((LIQUID_XENON, 0.034561), (LEAD, 0.088004)):
        below, above = photons.photoelectric(energies(edge * 0.999, edge * 1.001), material)
        assert 4 < float(above / below) < 7


def test_lines_of_the_k_shell_are_where_they_should_be():
    # X-ray data booklet: K alpha 1 and edge in keV; yields of Hubbell et al. 1994
    for symbol, edge, energy, fraction in (
        ("Se", 12.658, 11.222, 0.596),
        ("Xe", 34.561, 29.779, 0.888),
        ("Pb", 88.005, 74.969, 0.958),
    ):
        line = k_alpha(element(symbol))
        assert line is not None
        assert line.edge / keV == pytest.approx(edge, rel=2e-3)
        assert line.energy / keV == pytest.approx(energy, rel=5e-3)
        assert k_yield(element(symbol).Z) == pytest.approx(fraction, abs=0.01)
        assert 0.75 < line.probability / fraction < 0.9
    for light in (element("H"), element("O"), element("Ar")):
        assert k_alpha(light) is None


def test_only_heavy_elements_fluoresce_above_10_kev():
    for material in media():
        lines, chance = fluorescence(energies(0.01, 0.05, 0.2, 1.0), material, 10 * keV)
        assert bool(lines) == any(e.Z > 31 for e in material.elements)
        assert (chance >= 0).all()
        assert (chance.sum(1) < 1).all()


def test_coherent_scattering_of_slow_photons_is_thomsons():
    k = energies(1e-6)
    expected = sum(
        n * e.Z**2 * 8 / 3 * CROSS_SECTION_SCALE for n, e in zip(WATER.number_densities, WATER.elements, strict=True)
    )
    assert float(photons.rayleigh(k, WATER)) == pytest.approx(expected, rel=1e-2)


def test_photoelectrons_are_across_when_slow_and_along_when_fast():
    mu = torch.linspace(0, 1, 20001, dtype=torch.float64)
    cosines = []
    for kinetic in (0.001, 0.05, 0.5, 5.0):
        density = photons.photoelectron_split(mu, energies(kinetic))
        assert (density >= 0).all()
        cosines.append(float(((1 - 2 * mu) * density).sum() / density.sum()))
    assert abs(cosines[0]) < 0.1
    assert cosines == sorted(cosines)
    assert cosines[-1] > 0.9


@pytest.mark.parametrize("kinetic", [0.01, 0.5, 10.0, 1000.0])
def test_annihilation_split_integrates_to_the_cross_section(kinetic):
    t = energies(kinetic)
    low = annihilation.lowest_share(t)
    x = low * (1 / low - 1) ** ((torch.arange(20000, dtype=torch.float64) + 0.5) / 20000)
    integral = float((annihilation.annihilation_split(x, t) * x).mean() * (1 / low - 1).log())
    electrons = sum(n * e.Z for n, e in zip(WATER.number_densities, WATER.elements, strict=True))
    whole = electrons * CROSS_SECTION_SCALE * ELECTRON_MASS / kinetic * integral
    assert float(annihilation.annihilation(t, WATER)) == pytest.approx(whole, rel=1e-4)


def test_slow_positrons_annihilate_at_a_rate_that_knows_no_velocity():
    # sigma v -> pi r_e^2 c
    t = energies(1e-6)
    beta = math.sqrt(2e-6 / ELECTRON_MASS)
    electrons = sum(n * e.Z for n, e in zip(WATER.number_densities, WATER.elements, strict=True))
    assert float(annihilation.annihilation(t, WATER)) * beta == pytest.approx(electrons * CROSS_SECTION_SCALE, rel=1e-2)


def test_scattering_of_a_compound_is_the_sum_of_its_elements():
    shares = scattering.nuclei(WATER)
    assert sum(share for share, _ in shares) == pytest.approx(1)
    assert shares[1][0] == pytest.approx(64 / 66)
    p, beta = energies(100.0), energies(0.9)
    parts = [
        compound(e.symbol, e.symbol, WATER.density * e.mass_fraction, radiation_length=1.0) for e in WATER.elements
    ]
    total = sum(float(scattering.coulomb_strength(p, beta, part)) for part in parts)
    assert float(scattering.coulomb_strength(p, beta, WATER)) == pytest.approx(total)
