"""Cross sections of hadrons on nuclei and on free protons: properties first, then published values."""

import pytest
import torch

from nuforge.physics.constants import AVOGADRO
from nuforge.physics.effective_range import neutron_proton
from nuforge.physics.hadron_nucleus import elastic_cross_section, inelastic_cross_section
from nuforge.physics.hadron_proton import elastic, inelastic

HADRONS = (2212, 2112, 211, -211, 321, -321, 130)
NUCLEI = {
    2: 4.0026,
    6: 12.011,
    8: 15.999,
    9: 18.998,
    18: 39.95,
    26: 55.845,
    34: 78.97,
    54: 131.29,
    82: 207.2,
    92: 238.03,
}


def energies(*values):
    return torch.tensor(values, dtype=torch.float64)


GRID = torch.logspace(0, 5, 4000, dtype=torch.float64)


@pytest.mark.parametrize("pdg", HADRONS)
@pytest.mark.parametrize("Z", [1, 6, 18, 54, 82])
def test_cross_sections_are_finite_and_never_negative(pdg, Z):
    A = 1.008 if Z == 1 else NUCLEI[Z]
    for cross_section in (inelastic_cross_section, elastic_cross_section):
        sigma = cross_section(pdg, GRID, Z, A)
        assert torch.isfinite(sigma).all()
        assert (sigma >= 0).all()


@pytest.mark.parametrize("pdg", HADRONS)
@pytest.mark.parametrize("Z", [1, 6, 18, 54, 82])
def test_cross_sections_have_no_jumps(pdg, Z):
    A = 1.008 if Z == 1 else NUCLEI[Z]
    for cross_section in (inelastic_cross_section, elastic_cross_section):
        sigma = cross_section(pdg, GRID, Z, A)
        step = (sigma[1:] - sigma[:-1]).abs()  # energies 0.3 % apart
        assert (step <= 0.05 * torch.maximum(sigma[1:], sigma[:-1]) + 0.008 * sigma.max() + 0.5).all()


@pytest.mark.parametrize("pdg", HADRONS)
def test_inelastic_cross_sections_grow_with_the_mass_of_the_nucleus(pdg):
    sigma = torch.stack([inelastic_cross_section(pdg, energies(100, 300, 1e3, 1e4), Z, A) for Z, A in NUCLEI.items()])
    assert (sigma[1:] > sigma[:-1]).all()


def test_pions_of_both_charges_are_alike_on_isoscalar_nuclei_far_above_the_coulomb_barrier():
    T = torch.linspace(120, 5e3, 50, dtype=torch.float64)
    for Z, A in ((6, 12.011), (8, 15.999), (20, 40.078)):
        plus, minus = (inelastic_cross_section(pdg, T, Z, A) for pdg in (211, -211))
        assert minus.tolist() == pytest.approx(plus.tolist(), rel=0.09)
        assert (minus >= plus - 1e-9).all()


def test_pions_are_absorbed_most_at_the_delta_resonance():
    T = torch.linspace(60, 600, 541, dtype=torch.float64)
    on_protons = T[elastic(211, T).argmax()]
    on_carbon = T[inelastic_cross_section(211, T, 6, 12.011).argmax()]
    assert 170 < float(on_protons) < 200
    assert 130 < float(on_carbon) < 190


def test_a_coulomb_barrier_keeps_slow_positive_hadrons_from_the_nucleus():
    T = energies(2.0)
    for pdg in (2212, 211):
        assert float(inelastic_cross_section(pdg, T, 82, 207.2)) < 2
    assert float(inelastic_cross_section(-211, T, 82, 207.2)) > 3000
    for Z, A in ((6, 12.011), (18, 39.95), (82, 207.2)):
        sigma = inelastic_cross_section(2212, torch.linspace(1, 14, 40, dtype=torch.float64), Z, A)
        assert (sigma[1:] >= sigma[:-1]).all()


def test_neutrons_below_the_first_level_scatter_elastically_only():
    below, above = energies(1.49), energies(1.51)  # first level of argon 40: 1.461 MeV, times 41 / 40
    assert float(inelastic_cross_section(2112, below, 18, 39.95)) == 0
    assert float(inelastic_cross_section(2112, above, 18, 39.95)) > 0


def test_free_protons_are_inelastic_only_above_the_pion_threshold_but_for_charge_exchange():
    below = torch.linspace(1, 270, 30, dtype=torch.float64)
    assert (inelastic(2212, below) == 0).all()
    assert (inelastic(2112, below) == 0).all()
    assert (inelastic(211, torch.linspace(1, 165, 30, dtype=torch.float64)) < 0.02).all()
    assert (inelastic(-211, below) > 4).all()
    assert (inelastic(2212, energies(600, 1000)) > 5).all()


def test_argon_matches_the_evaluation_between_its_neighbours():
    # Barashenkov's evaluation as Geant4 11.4 evaluates it for argon (G4BGGNucleonInelasticXS, G4BGGPionInelasticXS,
    # G4BGGNucleonElasticXS), mb
    T = energies(20, 50, 100, 200, 500, 1000, 5000)
    reference = {
        2212: (899.0, 713.5, 571.5, 533.8, 568.6, 620.5, 610.5),
        2112: (1123.2, 768.2, 598.5, 548.6, 568.6, 620.5, 610.5),
        211: (159.6, 406.6, 868.4, 768.6, 573.7, 606.6, 508.7),
    }
    for pdg, values in reference.items():
        assert inelastic_cross_section(pdg, T, 18, 39.95).tolist() == pytest.approx(values, rel=0.01)
    assert elastic_cross_section(2212, T, 18, 39.95).tolist() == pytest.approx(
        (1214.9, 1462.3, 765.0, 254.0, 259.4, 342.3, 352.0), rel=0.02
    )


def test_xenon_iron_and_oxygen_match_the_evaluation():
    # as above; xenon lies far from both its neighbours, tin and tungsten
    T = energies(55, 110, 230, 550, 850)
    reference = (
        (inelastic_cross_section, 2112, 54, (1502.2, 1337.9, 1283.4, 1340.7, 1389.5)),
        (elastic_cross_section, 2112, 54, (2206.3, 1846.5, 705.2, 772.9, 815.3)),
        (inelastic_cross_section, -211, 54, (1713.0, 2263.2, 1851.8, 1313.7, 1329.9)),
        (inelastic_cross_section, -211, 26, (863.8, 1262.5, 971.7, 740.0, 755.0)),
        (elastic_cross_section, -211, 8, (188.3, 316.5, 289.0, 125.5, 128.5)),
    )
    for cross_section, pdg, Z, values in reference:
        assert cross_section(pdg, T, Z, NUCLEI[Z]).tolist() == pytest.approx(values, rel=0.01)


def test_fast_nucleons_have_the_published_interaction_length():
    # nuclear interaction lengths (g/cm^2) of the Review of Particle Physics, neutrons of 80-240 GeV
    published = {6: (12.011, 85.8), 13: (26.982, 107.2), 18: (39.95, 119.7), 29: (63.546, 137.3), 82: (207.2, 199.6)}
    for Z, (A, length) in published.items():
        sigma = float(inelastic_cross_section(2112, energies(1e5), Z, A)) * 1e-27
        assert A / (AVOGADRO * sigma) == pytest.approx(length, rel=0.08)


def test_negative_kaons_interact_more_than_positive_ones_and_long_lived_ones_lie_between():
    T = energies(300, 1000, 3000)
    for Z in (6, 18, 82):
        plus, long, minus = (inelastic_cross_section(pdg, T, Z, NUCLEI[Z]) for pdg in (321, 130, -321))
        assert (plus < long).all()
        assert (long < minus).all()


def test_neutrons_on_free_protons_follow_effective_range_theory():
    T = energies(2.53e-8, 1.0, 14.1)
    # 20.4 b at thermal energy, 4.26 b at 1 MeV, 0.69 b at 14.1 MeV: ENDF/B-VIII.0
    assert neutron_proton(T).tolist() == pytest.approx([20436, 4260, 690], rel=0.03)


def test_nucleons_on_free_protons_match_measured_cross_sections():
    # np: 73 mb at 100 MeV, 42 mb at 200 MeV; pp: 23.5 mb elastic at 200 MeV; PDG compilation. Total at 20 GeV/c: 39 mb
    assert float(elastic(2112, energies(100))) == pytest.approx(73, rel=0.08)
    assert float(elastic(2112, energies(200))) == pytest.approx(42, rel=0.05)
    assert float(elastic(2212, energies(200))) == pytest.approx(23.5, rel=0.05)
    T = energies(19084.0)
    assert float(elastic(2212, T) + inelastic(2212, T)) == pytest.approx(39.0, rel=0.03)


def test_an_unknown_hadron_is_refused():
    with pytest.raises(ValueError, match="got 3122"):
        inelastic_cross_section(3122, energies(100), 18, 39.95)
    with pytest.raises(ValueError, match="Z=18, A=12"):
        elastic_cross_section(2212, energies(100), 18, 12.0)
