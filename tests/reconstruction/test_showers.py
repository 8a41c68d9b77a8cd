"""Showers: direction, start and energy; Michel electrons."""

import pytest
import torch

from nuforge.reconstruction import reconstruct
from reconstruction.simulated import DETECTOR, gun, momentum, of_primaries, with_clusters


@pytest.fixture(scope="module")
def showers():
    return {pdg: reconstruct(with_clusters(gun(120, pdg, 100.0, 600.0, 0.3)), DETECTOR) for pdg in (11, 22)}


@pytest.mark.parametrize(("pdg", "degrees"), [(11, 4.0), (22, 7.0)])
def test_a_shower_points_along_its_particle(showers, pdg, degrees):
    events = showers[pdg]
    rows, who = of_primaries(events, kind=0)
    true = events["particles"]["momentum"][who].double()
    cosine = (events["reco_particles"]["start_direction"][rows] * true).sum(1) / true.norm(dim=1)
    angle = torch.rad2deg(torch.acos(cosine[cosine.isfinite()].clamp(-1, 1)))
    assert float(angle.quantile(0.68)) < degrees


def test_photons_start_with_twice_the_ionisation_of_electrons(showers):
    start = {}
    for pdg, events in showers.items():
        rows, _ = of_primaries(events, kind=0)
        value = events["reco_particles"]["start_stopping_power"][rows]
        start[pdg] = value[value.isfinite()]
    assert float(start[11].median()) == pytest.approx(2.0, abs=0.2)
    assert float(start[22].median()) == pytest.approx(4.1, abs=0.4)
    assert float((start[22][:, None] > start[11]).double().mean()) > 0.93


def test_the_energy_of_a_shower_is_right_and_its_interval_holds_two_thirds(showers):
    for pdg in (11, 22):
        events = showers[pdg]
        rows, who = of_primaries(events, kind=0)
        table, true = events["reco_particles"], momentum(events, who)
        kept = table["contained"][rows]
        found, error = (table[name][rows][kept].double() for name in ("kinetic_energy", "kinetic_energy_error"))
        assert float((found / true[kept]).median()) == pytest.approx(1.0, abs=0.03)
        assert 0.55 < float(((found - true[kept]).abs() < error).double().mean()) < 0.85


def test_michel_electrons_lie_at_the_end_of_their_muon():
    events = reconstruct(with_clusters(gun(60, -13, 60.0, 200.0)), DETECTOR)
    table, head = events["reco_particles"], events["clusters"]["head"]
    michel = (table["kind"] == 2) & (table["voxels"] >= 3)
    found = table["muon"][michel]
    assert float((found >= 0).double().mean()) > 0.7
    parent = events["particles"]["parent"][head[michel]][found >= 0]
    assert float((head[found[found >= 0]] == parent).double().mean()) > 0.8
    assert table["has_michel"].sum() >= 1
    assert not table["has_michel"][table["kind"] != 1].any()
