"""Slow neutrons: scattering, capture and the energy of its photons."""

import pytest
import torch

from nuforge.physics.hadron_nucleus import elastic_cross_section
from nuforge.physics.neutron_data import ELASTIC, ELEMENTS
from nuforge.physics.neutrons import capture, capture_energy, first_level
from nuforge.units import eV

THERMAL = torch.tensor([0.0253 * eV], dtype=torch.float64)


def test_scattering_at_low_energy_is_that_of_the_free_atom():
    # free-atom cross sections (b): Mughabghab, Atlas of Neutron Resonances (2006)
    for Z, A, value in ((6, 12.011, 4.74), (8, 15.999, 3.76), (9, 18.998, 3.64), (18, 39.95, 0.65), (82, 207.2, 11.0)):
        assert float(elastic_cross_section(2112, THERMAL, Z, A)) == pytest.approx(1000 * value, rel=0.03)


def test_scattering_joins_the_table_of_fast_neutrons():
    T = torch.tensor([13.999, 14.001], dtype=torch.float64)
    for Z, element in ((6, 12.011), (18, 39.95), (29, 63.546), (54, 131.29), (82, 207.2)):
        below, above = elastic_cross_section(2112, T, Z, element).tolist()
        assert below == pytest.approx(above, rel=1e-3)


@pytest.mark.parametrize("Z", sorted(set(ELEMENTS) - {1}))
def test_scattering_is_positive_in_every_element(Z):
    T = torch.logspace(-8, 1.3, 200, dtype=torch.float64)
    sigma = elastic_cross_section(2112, T, Z, 2.3 * Z)
    assert torch.isfinite(sigma).all()
    assert (sigma > 0).all()
    assert (sigma < 2e5).all()


def test_capture_at_2200_m_per_s_is_tabulated_and_falls_as_one_over_v():
    for Z, value in ((1, 0.3326), (6, 3.5e-3), (18, 0.675), (26, 2.56), (64, 49700)):
        assert float(capture(THERMAL, Z)) == pytest.approx(1000 * value, rel=1e-3)
    assert float(capture(4 * THERMAL, 18)) == pytest.approx(float(capture(THERMAL, 18)) / 2)


def test_gadolinium_stops_capturing_above_its_resonance():
    electronvolt = torch.tensor([1 * eV], dtype=torch.float64)
    assert float(capture(electronvolt, 64) / capture(THERMAL, 64)) < 2e-3


def test_capture_frees_the_separation_energy_of_the_neutron():
    # Atomic Mass Evaluation 2020: deuterium, carbon 13, oxygen 17, fluorine 20, argon 41, iron 57
    for Z, value in ((1, 2.2246), (6, 4.9463), (8, 4.1431), (9, 6.6013), (18, 6.0989), (26, 7.6461)):
        assert capture_energy(Z) == pytest.approx(value, abs=0.002)
    for Z, element in ELEMENTS.items():
        assert element.capture == 0 or 2 < capture_energy(Z) < 12


def test_resonance_averages_belong_to_known_elements():
    assert set(ELASTIC) <= set(ELEMENTS)
    assert first_level(18) == pytest.approx(1.461)
    assert first_level(61) > 0  # an element without data


def test_capture_of_an_unknown_element_is_refused():
    with pytest.raises(ValueError, match="Z=61"):
        capture(THERMAL, 61)
