"""Momentum transfers of elastic scattering of hadrons."""

import pytest
import torch

from nuforge.physics.constants import NEUTRON_MASS, PION_MASS, PROTON_MASS
from nuforge.physics.elastic_transfer import largest_transfer, sample_transfer


def draw(mass, momentum, A, n=40_000):
    generator = torch.Generator().manual_seed(7)
    full = [torch.full((n,), float(value), dtype=torch.float64) for value in (mass, momentum, A)]
    return sample_transfer(*full, torch.rand(2, n, generator=generator, dtype=torch.float64)), largest_transfer(*full)


@pytest.mark.parametrize("A", [1, 4, 12, 40, 131, 207])
@pytest.mark.parametrize("mass", [PION_MASS, PROTON_MASS])
@pytest.mark.parametrize("momentum", [1, 50, 300, 3000, 50_000])
def test_transfers_stay_within_kinematics(mass, momentum, A):
    t, limit = draw(mass, momentum, A, 2000)
    assert (t >= 0).all()
    assert (t <= limit).all()


def cosine(mass, momentum, A):
    t, limit = draw(mass, momentum, A)
    return 1 - 2 * t / limit


def test_slow_neutrons_scatter_isotropically_in_the_centre_of_mass():
    for momentum, A in ((4.3, 40), (4.3, 207), (137, 1), (43, 12)):  # 10 keV; 10 MeV on hydrogen; 1 MeV on carbon
        mu = cosine(NEUTRON_MASS, momentum, A)
        assert float(mu.mean()) == pytest.approx(0, abs=0.12 if A == 12 else 0.02)
        assert float((mu**2).mean()) == pytest.approx(1 / 3, abs=0.02)


def test_fast_hadrons_scatter_forward_and_more_so_on_heavy_nuclei():
    light, heavy = (float(cosine(PROTON_MASS, 1000, A).mean()) for A in (12, 207))
    assert light > 0.9
    assert heavy > light


def test_a_neutron_loses_half_its_energy_to_a_free_proton_on_average():
    t, _ = draw(NEUTRON_MASS, 61.3, 1.0)  # 2 MeV
    kinetic = 61.3**2 / (2 * NEUTRON_MASS)
    assert float(t.mean()) / (2 * 931.494) == pytest.approx(kinetic / 2, rel=0.02)


def test_transfers_match_the_reference_model():
    # mass, momentum, mass number, mean squared transfer (MeV^2, within 1 %): G4HadronElastic of Geant4 11.4
    reference = (
        (PROTON_MASS, 600, 40, 6985),
        (PION_MASS, 250, 40, 4038),
        (PION_MASS, 600, 40, 6132),
        (NEUTRON_MASS, 300, 12, 16170),
        (PION_MASS, 300, 207, 8776),
        (PION_MASS, 700, 207, 3626),
        (PROTON_MASS, 900, 207, 3489),
    )
    for mass, momentum, A, mean in reference:
        assert float(draw(mass, momentum, A)[0].mean()) == pytest.approx(mean, rel=0.05)
