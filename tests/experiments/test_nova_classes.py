"""Whole runs of classifiers of slices and prongs, from the sample to the report beside the classical methods."""

from pathlib import Path

import pytest
import torch

import nuforge
from nuforge.cli import main
from nuforge.evaluation.report import read_report
from nuforge.events.store import Store
from nuforge.experiments.nova_events import nova_eventcvn
from nuforge.experiments.nova_prongs import nova_prongcvn, nova_single_particle
from toy_maps import toy_maps

TOYS = Path(__file__).with_name("toy_nova.py")
FIGURES = {
    "eventcvn": ("efficiency of nu_e CC", "purity of nu_e CC", "mean AUC"),
    "cosmic": ("kept of nu_mu CC", "kept of nu_e CC", "accuracy"),
    "prongcvn": ("recall of electron", "precision of photon", "accuracy"),
    "single": ("recall of neutron", "mean recall"),
    "transformer": ("accuracy", "prong accuracy", "recall of nu_e CC"),
}
TABLES = {"eventcvn": "event", "cosmic": "event", "prongcvn": "prongs", "single": "prongs", "transformer": "event"}


@pytest.fixture(scope="module", params=FIGURES)
def run(request, cache, tmp_path_factory):
    """Name and folder of a finished run."""
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp(request.param) / "run"
    assert main(["run", f"{TOYS}:{request.param}", "--out", str(out)]) == 0
    return request.param, out


def test_the_network_is_measured_beside_its_baselines_and_on_shifted_events(run):
    name, folder = run
    report, made = read_report(folder), nuforge.load(folder, experiment=f"{TOYS}:{name}").built
    assert set(FIGURES[name]) <= set(report.metrics)
    assert set(report.baselines) == set(made.baselines)
    assert all(set(FIGURES[name]) <= set(figures) for figures in report.baselines.values())
    assert set(FIGURES[name]) <= set(report.shifts["calibration-up"])


def test_it_predicts_the_same_again_without_truth(run):
    name, folder = run
    seen = Store(folder / "predictions").read()
    again = nuforge.load(folder, experiment=f"{TOYS}:{name}").predict(seen.readout())
    table = TABLES[name]
    assert len(seen[table]["probability"]) == len(seen[table])
    torch.testing.assert_close(again[table]["probability"], seen[table]["probability"], rtol=1e-4, atol=1e-5)


def test_the_network_of_the_prong_alone_was_trained_first_on_the_same_events(run):
    name, folder = run
    if name != "prongcvn":
        pytest.skip("no network is a baseline of this one")
    report = read_report(folder)
    assert report.curves["prongs-alone_learning"]["validation loss"]["step"] == [4]
    assert (folder / "checkpoint" / "baselines" / "prongs-alone" / "weights.safetensors").exists()
    one = nuforge.load(folder, experiment=f"{TOYS}:{name}").built.baselines["prongs alone"]
    loaded = one.load(folder / "checkpoint" / "baselines" / "prongs-alone")
    events = Store(folder / "predictions").read()
    pid, said = events["prongs"]["pid"], loaded.predict(events.readout())["prongs"]["probability"].argmax(1)
    right = (said == pid)[pid >= 0].double().mean()
    assert report.baselines["prongs alone"]["accuracy"].value == pytest.approx(float(right))


@pytest.mark.parametrize("run", ["transformer"], indirect=True)
def test_classical_methods_answer_for_slices_and_prongs_beside_a_network_for_prongs(run):
    name, folder = run
    made = nuforge.load(folder, experiment=f"{TOYS}:{name}").built
    events = Store(folder / "predictions").read()
    for baseline in ("LID and LEM, ProngCVN", "boosted trees"):
        loaded = made.baselines[baseline].load(folder / "checkpoint" / "baselines" / baseline.replace(" ", "-"))
        told = loaded.predict(events.readout())
        known = events["prongs"]["origin"] >= 0
        right = (told["prongs"]["prong_probability"].argmax(1) == events["prongs"]["origin"])[known].double().mean()
        assert read_report(folder).baselines[baseline]["prong accuracy"].value == pytest.approx(float(right))
        assert told["event"]["probability"].shape == (len(events), 5)


@pytest.mark.parametrize("run", ["eventcvn", "transformer"], indirect=True)
def test_the_report_shows_what_the_network_looks_at(run):
    assert {"saliency", "embedding"} <= set(read_report(run[1]).curves)


@pytest.mark.parametrize(
    "made",
    [
        lambda: nova_eventcvn(backbone="mobilenetv2", width=0.25, beam="both"),
        lambda: nova_prongcvn(squeeze_excite=False, width=0.125),
        lambda: nova_single_particle(ask="species", width=0.125),
    ],
    ids=["mobilenetv2", "no gate", "species"],
)
def test_other_arguments_make_networks_that_answer_for_every_row(made):
    events = toy_maps([30, 0], [2, 1])
    ((name, table),) = made().learner.eval().predict(events.readout()).items()
    assert len(table["probability"]) == len(events[name])
    torch.testing.assert_close(table["probability"].sum(1), torch.ones(len(events[name])))
