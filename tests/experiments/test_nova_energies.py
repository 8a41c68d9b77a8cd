"""Whole runs on energies and vertices of slices made by hand: who is asked about, figures, shifts, prediction."""

from pathlib import Path

import pytest
import torch

import nuforge
from nuforge.cli import main
from nuforge.evaluation.report import read_report
from nuforge.events import Selection
from nuforge.events.split import side_of
from nuforge.events.store import Store
from nuforge.experiments.nova_energies import nova_energy, nova_energy_lstm, nova_vertexcvn
from nuforge.experiments.nova_events import nova_eventcvn

TOYS = Path(__file__).with_name("toy_energies.py")
PREDICTED = {
    "energy": ["reco_neutrino_energy"],
    "lists": ["reco_neutrino_energy", "reco_lepton_energy"],
    "vertex": ["reco_vertex"],
}


@pytest.fixture(scope="module", params=PREDICTED)
def run(request, cache, tmp_path_factory):
    """Name and folder of a finished run."""
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp(request.param) / "run"
    assert main(["run", f"{TOYS}:{request.param}", "--out", str(out)]) == 0
    return request.param, out


def test_a_run_measures_the_events_that_are_asked_about_beside_baselines_and_shifts(run):
    name, folder = run
    report, made = read_report(folder), nuforge.load(folder, experiment=f"{TOYS}:{name}").built
    events = Store(folder / "predictions").read()
    (task, *_) = made.learner.asked
    figures = {figure for task in made.learner.asked for figure in (*task.lower_is_better, *task.neutral)}
    assert set(report.metrics) == figures
    assert all(set(report.baselines[baseline]) == figures for baseline in made.baselines)
    assert set(report.shifts["calibration-up"]) == figures
    assert bool(Selection(task.where).mask(events).all())
    assert bool((side_of(events["event"]) == 2).all())
    assert report.metrics[task.lower_is_better[0]].n == len(events)
    assert {f for f, difference in report.difference.items() if difference.better == "lower"} == set(report.difference)


def test_the_network_answers_for_events_of_all_kinds_without_truth(run):
    name, folder = run
    predictor = nuforge.load(folder, experiment=f"{TOYS}:{name}")
    events = Store(next(folder.parents[3].rglob("toy-slices-*/store.json")).parent).read()[:40]
    told = predictor.predict(events.readout())["event"]
    for column in PREDICTED[name]:
        assert len(told[column]) == 40
        assert told[column].isfinite().all()
    seen = Store(folder / "predictions").read()["event"]
    again = predictor.predict(Store(folder / "predictions").read().readout())["event"]
    for column in PREDICTED[name]:
        torch.testing.assert_close(again[column], seen[column], rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("run", ["lists"], indirect=True)
def test_lists_of_prongs_learn_energies_and_move_with_the_calibration(run):
    report = read_report(run[1])
    assert report.metrics["nu_mu energy mean absolute error"].value < 0.12
    changes = report.curves["shifts"]["calibration-up"]["changes"]
    moved = {method: changes[method]["nu_mu energy bias"]["value"] for method in changes}
    assert 0 < moved["range and calorimetry"] < 0.05  # hadrons move, the muon's range does not
    assert report.baselines["range and calorimetry"]["muon energy half-width"].value < 0.01


@pytest.mark.parametrize(
    ("target", "flavour", "classical"),
    [
        ("nu_e", 1, "kinematic energy"),
        ("electron", 1, "kinematic energy"),
        ("nu_mu", 0, "range and calorimetry"),
        ("hadrons", 0, "range and calorimetry"),
    ],
)
def test_every_target_is_asked_of_contained_events_of_its_flavour_beside_its_classical_energy(
    target, flavour, classical
):
    made = nova_energy(target=target, width=0.125)
    assert made.only.startswith(f"flavour == {flavour} & ")
    assert made.only.endswith("& edge > 20.0")
    assert set(made.baselines) == {classical, "boosted trees"}
    assert made.augment is not None
    assert {"calibration-up", "calibration-down", "generator B"} <= set(made.shifts)
    assert {sample.side for sample in made.shifts.values()} == {"test"}


def test_vertices_are_asked_about_in_the_sample_of_the_classifiers():
    assert nova_vertexcvn().sample.key == nova_eventcvn().sample.key


def test_energies_are_learned_from_their_own_flavour_one_sample_for_all_targets_of_it():
    nu_mu = [nova_energy(target="hadrons").sample, nova_energy(target="nu_mu").sample, nova_energy_lstm().sample]
    nu_e = [nova_energy(target="electron").sample, nova_energy().sample, nova_energy_lstm(flavour="nu_e").sample]
    for flavour, samples in (("nu_mu", nu_mu), ("nu_e", nu_e)):
        assert len({sample.key for sample in samples}) == 1
        assert samples[0].arguments["only"] == flavour
        assert samples[0].arguments["cosmic_share"] == 0


def test_calibrations_are_changed_in_training_if_asked():
    assert nova_energy_lstm().augment is not None
    assert nova_energy_lstm(calibration=0.0).augment is None
