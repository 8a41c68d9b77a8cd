"""What hot nuclei boil off."""

import math

import pytest
import torch

from nuforge.physics.constants import NEUTRON_MASS
from nuforge.physics.nuclei import nuclear_mass
from nuforge.simulation.nucleus.evaporation import Excited, evaporate


def hot(z, a, excitation, n, seed=1, **options):
    nuclei = torch.full((n,), z), torch.full((n,), a)
    four = torch.zeros(n, 4, dtype=torch.float64)
    four[:, 0] = nuclear_mass(*nuclei) + excitation
    return evaporate(Excited(*nuclei, four), torch.Generator().manual_seed(seed), **options)


def kinetic(emitted):
    return emitted.four[:, 0] - NEUTRON_MASS


def test_below_every_separation_energy_photons_carry_all_the_excitation():
    # 40Ar: the neutron is bound by 9.87 MeV, the alpha by 6.80 MeV and its barrier
    emitted, cold = hot(18, 40, 6.5, 500)
    assert (emitted.pdg == 22).all()
    total = torch.zeros(500, dtype=torch.float64).index_add_(0, emitted.owner, emitted.four[:, 0])
    recoil = 6.5**2 / (2 * 37200)
    assert total.tolist() == pytest.approx([6.5] * 500, abs=2 * recoil + 1e-3)  # less than 1 keV stays
    assert (cold.a == 40).all()


@pytest.mark.parametrize(("z", "a"), [(18, 40), (26, 56), (54, 131), (82, 208)])
def test_neutrons_have_mean_energies_of_some_mev_and_grow_in_number_with_the_excitation(z, a):
    multiplicity = []
    for excitation in (20.0, 40.0, 80.0):
        emitted, _ = hot(z, a, excitation, 400)
        neutron = emitted.pdg == 2112
        multiplicity.append(int(neutron.sum()) / 400)
        assert 1.0 < float(kinetic(emitted)[neutron].mean()) < 4.5
    assert multiplicity == sorted(multiplicity)
    assert multiplicity[-1] > 1.5 * multiplicity[0]


def test_neutrons_have_the_energy_of_the_temperature_that_is_left():
    # 2 T of a Maxwell spectrum from the temperature of lead after one neutron (a = A / 8 MeV) of 20 MeV: 12.6 MeV left,
    # T = sqrt(12.6 / 25.9) = 0.7 MeV for the first, less for a second
    emitted, _ = hot(82, 208, 20.0, 1500)
    neutron = (emitted.pdg == 2112).nonzero().squeeze(1)
    _, order = torch.unique(emitted.owner[neutron], return_inverse=True)
    first = torch.full((int(order.max()) + 1,), len(neutron)).scatter_reduce(
        0, order, torch.arange(len(neutron)), "amin"
    )
    first = kinetic(emitted)[neutron][first]
    assert float(first.mean()) == pytest.approx(2 * math.sqrt(12.6 / 25.9), rel=0.15)


def test_heavy_nuclei_emit_neutrons_rather_than_protons():
    emitted, _ = hot(82, 208, 50.0, 300)
    assert int((emitted.pdg == 2212).sum()) < 0.05 * int((emitted.pdg == 2112).sum())


def test_photons_only_leaves_the_nucleus_whole():
    emitted, cold = hot(18, 41, 12.0, 200, photons_only=True)
    assert (emitted.pdg == 22).all()
    assert (cold.a == 41).all()


def test_neutrons_and_protons_alone_fall_apart():
    for z, a, pdg in ((0, 3, 2112), (2, 2, 2212)):
        emitted, cold = hot(z, a, 5.0, 50)
        assert (emitted.pdg == pdg).all()
        assert len(emitted.pdg) == 50 * (a - 1)
        assert (cold.a == 1).all()
