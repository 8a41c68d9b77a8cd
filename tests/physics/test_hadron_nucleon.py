"""Cross sections of hadrons on free nucleons inside a cascade, beside measured ones."""

import pytest
import torch

from nuforge.physics.constants import PION_MASS, PROTON_MASS
from nuforge.physics.hadron_nucleon import (
    kaon_nucleon,
    nucleon_channels,
    pion_channels,
    pion_deuteron_absorption,
)
from nuforge.physics.kinematics import momentum

SAME, OTHER = torch.tensor([True]), torch.tensor([False])


def at(*kinetic, mass=PROTON_MASS):
    return momentum(torch.tensor(kinetic, dtype=torch.float64), mass)


def test_nucleons_scatter_as_measured():
    # np 180 mb at 47 MeV, 73 mb at 100 MeV; pp 23.5 mb at 250 MeV: PDG's compilation
    assert float(nucleon_channels(at(47.0), OTHER)[0, 0]) == pytest.approx(180, rel=0.08)
    assert float(nucleon_channels(at(100.0), OTHER)[0, 0]) == pytest.approx(73, rel=0.08)
    assert float(nucleon_channels(at(250.0), SAME)[0, 0]) == pytest.approx(23.5, rel=0.08)


def test_nucleons_make_no_pions_below_the_threshold_of_290_mev():
    for same in (SAME, OTHER):
        assert float(nucleon_channels(at(270.0), same)[0, 1]) == 0
        assert 5 < float(nucleon_channels(at(800.0), same)[0, 1]) < 30


def test_all_cross_sections_are_finite_and_not_negative():
    p = torch.linspace(1, 5000, 3000, dtype=torch.float64)
    every = [nucleon_channels(p, torch.full_like(p, same, dtype=torch.bool)) for same in (0, 1)]
    every += [pion_channels(p), pion_deuteron_absorption(p)]
    for anti in (0, 1):
        every += kaon_nucleon(p, torch.full_like(p, anti, dtype=torch.bool))
    for sigma in every:
        assert torch.isfinite(sigma).all()
        assert (sigma >= 0).all()


def test_positive_pions_on_protons_peak_at_the_delta_with_200_mb():
    kinetic = torch.linspace(100, 290, 191, dtype=torch.float64)
    sigma = pion_channels(momentum(kinetic, PION_MASS))[:, 0]
    assert float(sigma.max()) == pytest.approx(200, rel=0.08)
    assert float(kinetic[sigma.argmax()]) == pytest.approx(185, abs=15)


def test_at_the_delta_isospin_divides_nine_to_one_to_two():
    on_p, _, on_n, exchange, _ = pion_channels(at(180.0, mass=PION_MASS))[0]
    assert float(on_p / on_n) == pytest.approx(9, rel=0.1)
    assert float(exchange / on_n) == pytest.approx(2, rel=0.15)


def test_pairs_absorb_pions_most_at_140_mev():
    # Ritchie's fit to pi+ d -> p p: 12 mb there, 2 mb at 300 MeV
    assert float(pion_deuteron_absorption(at(142.0, mass=PION_MASS))) == pytest.approx(12.3, rel=0.05)
    assert float(pion_deuteron_absorption(at(300.0, mass=PION_MASS))) == pytest.approx(2.0, rel=0.2)
