"""Kinematics of matched particles and interactions."""

import pytest
import torch

from nuforge.events import Events, Table
from nuforge.simulation.truth import IDENTITIES
from nuforge.tasks.kinematics import Kinematics, matched

MUON, PROTON = 13, 2212
ENERGY = (200.0, 80.0)


def truth(counts=(20, 10)):
    """One event with a muon and a proton of one interaction, so many voxels each."""
    mass = torch.tensor([105.6583755, 938.27208816], dtype=torch.float64)
    kinetic = torch.tensor(ENERGY, dtype=torch.float64)
    momentum = torch.zeros(2, 3, dtype=torch.float64)
    momentum[:, 2] = (kinetic * (kinetic + 2 * mass)).sqrt()
    deposit = torch.repeat_interleave(torch.arange(2), torch.tensor(counts))
    zeros = torch.zeros(2, dtype=torch.int64)
    particles = {
        "pdg": torch.tensor([MUON, PROTON]),
        "parent": zeros - 1,
        "process": zeros,
        "start": torch.zeros(2, 3),
        "time": torch.zeros(2, dtype=torch.float64),
        "momentum": momentum.float(),
        "interaction": zeros,
    }
    interactions = {"vertex": torch.zeros(1, 3)}
    return Events(
        {
            "voxels": Table.from_counts({"deposit": deposit}, torch.tensor([len(deposit)])),
            "particles": Table.from_counts(particles, torch.tensor([2])),
            "interactions": Table.from_counts(interactions, torch.tensor([1])),
        }
    )


def answer(found, energy=ENERGY, error=(5.0, 5.0), direction=((0, 0, 1), (0, 0, 1)), vertex=(0.0, 0.0, 0.0)):
    n = len(energy)
    particles = {
        "interaction": torch.zeros(n, dtype=torch.int64),
        "kinetic_energy": torch.tensor(energy),
        "kinetic_energy_error": torch.tensor(error),
        "start_direction": torch.tensor(direction, dtype=torch.float32),
    }
    return {
        "voxels": Table.from_counts({"reco_particle": found}, torch.tensor([len(found)])),
        "reco_particles": Table.from_counts(particles, torch.tensor([n])),
        "reco_interactions": Table.from_counts({"vertex": torch.tensor([vertex])}, torch.tensor([1])),
    }


def figures(events, prediction):
    task = Kinematics(IDENTITIES)
    sums = {name: values.sum(0) for name, values in task.statistics(events, prediction).items()}
    return {name: float(value) for name, value in task.figures(sums).items()}


def test_a_perfect_answer_has_no_bias_and_no_width():
    events = truth()
    found = figures(events, answer(events["voxels"]["deposit"]))
    for identity in ("muon", "proton"):
        assert found[f"energy bias of {identity}"] == pytest.approx(0, abs=1e-4)
        assert found[f"direction resolution of {identity}"] == pytest.approx(0, abs=0.01)
        assert found[f"energy coverage of {identity}"] == 1
        assert found[f"energy known of {identity}"] == 1
    assert found["median vertex distance"] == pytest.approx(0, abs=0.01)
    assert found["energy bias of photon"] != found["energy bias of photon"]  # there is none


def test_shifts_are_seen_where_they_are():
    events = truth()
    prediction = answer(
        events["voxels"]["deposit"],
        energy=(220.0, float("nan")),
        direction=((0, 0.1, 1), (0, 0, 1)),
        vertex=(0.3, 0.4, 0.0),
    )
    found = figures(events, prediction)
    assert found["energy bias of muon"] == pytest.approx(0.1, rel=0.02)
    assert found["energy coverage of muon"] == 0
    assert found["energy known of proton"] == 0
    assert found["direction resolution of muon"] == pytest.approx(5.71, rel=0.03)
    assert found["median vertex distance"] == pytest.approx(0.5, rel=0.03)


def test_pairs_share_more_with_each_other_than_with_any_other():
    true = torch.tensor([0, 0, 0, 1, 1, 2, -1])
    found = torch.tensor([4, 4, 5, 5, 5, 5, 4])
    assert [pair.tolist() for pair in matched(found, true)] == [[4, 5], [0, 1]]


def test_nothing_found_and_nothing_there_count_nothing():
    events = truth((0, 0))
    none = answer(torch.zeros(0, dtype=torch.int64))
    found = figures(events, none)
    assert all(value != value for value in found.values())


def test_it_states_units_and_which_figures_do_not_compete():
    task = Kinematics(IDENTITIES)
    assert task.units["median vertex distance"] == "cm"
    assert task.units["direction resolution of muon"] == "degrees"
    assert set(task.neutral).isdisjoint(task.lower_is_better)
