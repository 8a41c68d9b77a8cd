"""Nuclei: masses, sizes, Fermi momenta, barriers; captures of muons."""

import math

import pytest
import torch

from nuforge.physics.constants import ELECTRON_MASS, MUON_LIFETIME, MUON_MASS, NEUTRON_MASS, PROTON_MASS
from nuforge.physics.muon_capture import capture_rate
from nuforge.physics.nuclei import coulomb_barrier, fermi_momentum, half_density_radius, nuclear_mass, nucleon_density
from nuforge.physics.particles import DECAYS, MASSES, antiparticle, baryon_number_of, charge_of, mass_of
from nuforge.simulation.nucleus.capture import binding_energy


def one(*values):
    return torch.tensor(values)


def test_binding_energies_are_those_of_the_atomic_mass_evaluation():
    # MeV a nucleon; AME2020
    for z, a, value in ((1, 2, 1.112), (2, 4, 7.074), (6, 12, 7.680), (8, 16, 7.976), (18, 40, 8.595), (26, 56, 8.790),
                        (54, 132, 8.427), (82, 208, 7.867)):  # fmt: skip
        free = z * PROTON_MASS + (a - z) * NEUTRON_MASS
        assert float(free - nuclear_mass(one(z), one(a))) / a == pytest.approx(value, abs=0.002)


def test_masses_of_single_nucleons_and_of_nothing_are_right():
    assert nuclear_mass(one(0, 1, 0), one(1, 1, 0)).tolist() == [NEUTRON_MASS, PROTON_MASS, 0.0]


def test_neutrons_alone_are_never_bound():
    a = torch.arange(1, 12)
    assert (nuclear_mass(torch.zeros_like(a), a) > a.double() * NEUTRON_MASS - 1e-6).all()


def test_argon_after_a_muon_is_chlorine_of_a_higher_mass():
    difference = nuclear_mass(one(17), one(40)) - nuclear_mass(one(18), one(40))
    assert float(difference) == pytest.approx(7.48 + ELECTRON_MASS, abs=0.01)  # Q of 40Cl: 7.48 MeV between atoms


@pytest.mark.parametrize("a", [12, 16, 40, 56, 131, 208])
def test_densities_hold_all_nucleons_and_are_flat_inside(a):
    r = torch.linspace(0, 25, 5001, dtype=torch.float64)
    radius = half_density_radius(one(a))
    density = nucleon_density(r, radius, torch.tensor(float(a), dtype=torch.float64))
    held = float(torch.trapezoid(4 * math.pi * r**2 * density, r))
    assert held == pytest.approx(a, rel=0.02)
    assert 0.13 < float(density[0]) < 0.19
    assert (density.diff() <= 0).all()


def test_the_fermi_momentum_in_the_middle_of_argon_is_some_250_mev():
    radius = half_density_radius(one(40))
    density = nucleon_density(torch.zeros(1, dtype=torch.float64), radius, torch.full((1,), 40.0, dtype=torch.float64))
    assert 245 < float(fermi_momentum(density * 18 / 40)) < 270
    assert 260 < float(fermi_momentum(density * 22 / 40)) < 285


def test_coulomb_barriers_grow_with_charge():
    protons = coulomb_barrier(1, one(6, 18, 26, 82), 1, one(12, 40, 56, 208))
    assert (protons.diff() > 0).all()
    assert 9 < float(protons[-1]) < 14
    assert float(coulomb_barrier(0, one(82), 1, one(208))) == 0


def test_capture_rates_of_muons_are_measured_ones():
    assert capture_rate(18, 40) == pytest.approx(1.2e-3, rel=0.1)
    assert capture_rate(6, 12) == pytest.approx(3.9e-5, rel=0.02)
    assert 1 / (capture_rate(82, 208) + 1 / MUON_LIFETIME) == pytest.approx(74, rel=0.05)  # ns, the muon's life in lead


def test_the_formula_for_capture_rates_joins_its_measured_neighbours():
    # 22: 2.59e6 / s, 29: 5.67e6 / s, 54 (xenon 132): 9.4e6 / s; Suzuki, Measday, Roalsvig, and Mamedov et al.
    for z, a, value in ((22, 48, 2.59e6), (29, 63, 5.67e6), (54, 132, 9.4e6)):
        assert capture_rate(z, a) * 1e9 == pytest.approx(value, rel=0.25)


def test_muons_are_bound_as_their_k_lines_say():
    # 1s levels: carbon 0.100, oxygen 0.178, argon 0.86, iron 1.73, lead 10.52 MeV
    for z, a, value in ((6, 12, 0.100), (8, 16, 0.178), (18, 40, 0.86), (26, 56, 1.73), (82, 208, 10.52)):
        assert float(binding_energy(one(z), one(a), MUON_MASS)) == pytest.approx(value, rel=0.05)


def test_decays_conserve_charge_and_baryon_number_and_release_energy():
    for number, channels in DECAYS.items():
        assert sum(p for p, _ in channels) == pytest.approx(1.0, abs=0.012)
        for _, products in channels:
            made = one(*products)
            assert int(charge_of(made).sum()) == int(charge_of(one(number)))
            assert int(baryon_number_of(made).sum()) == int(baryon_number_of(one(number)))
            assert float(mass_of(made).sum()) < MASSES[number]


def test_antiparticles_have_opposite_charge():
    for number in MASSES:
        other = antiparticle(number)
        assert int(charge_of(one(other))) == -int(charge_of(one(number)))


def test_an_unknown_mass_is_refused():
    with pytest.raises(ValueError, match="no mass of PDG number 3222; known are"):
        mass_of(one(3222))
