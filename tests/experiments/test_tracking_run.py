"""A whole run of the check with muon-removed electrons, and one that begins with a trained network."""

from pathlib import Path

import pytest
import torch

import nuforge
from nuforge.cli import main
from nuforge.evaluation.report import read_report
from nuforge.evaluation.tracking import DOUBLE, OF_SIGNAL, OF_STAND_INS, SIGNAL, STAND_INS
from nuforge.events.store import Store
from nuforge.experiments.nova_events import nova_eventcvn, nova_mre

MRE = f"{Path(__file__).with_name('toy_nova.py')}:mre"


@pytest.fixture(scope="module")
def run(cache, tmp_path_factory):
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("mre") / "run"
    assert main(["run", MRE, "--out", str(out)]) == 0
    return out


def test_the_network_and_the_classical_method_are_checked_on_the_same_samples(run):
    report = read_report(run)
    found = report.curves["tracking"]
    assert list(found) == ["model", "LID, LEM and muon neighbours"]
    assert all(list(row) == [*STAND_INS, *SIGNAL, OF_STAND_INS, OF_SIGNAL, DOUBLE] for row in found.values())
    assert found["model"][STAND_INS[0]]["n"] == 160
    assert found["model"][STAND_INS[0]]["effective"] == pytest.approx(160 * 0.9)  # weights 1 and 2 in turn
    assert set(report.provenance["tracking"]) == {*STAND_INS, *SIGNAL}
    assert report.timing["tracking events"] > 0


def test_an_efficiency_is_that_of_the_network_on_all_events_of_the_sample(run):
    predictor = nuforge.load(run, experiment=MRE)
    events = Store(predictor.built.tracking.samples[STAND_INS[1]].prepare().path).read()
    selected = predictor.predictions(events.readout())["event"]["selected"][:, 1]
    expected = events["event"]["expected"]
    said = read_report(run).curves["tracking"]["model"][STAND_INS[1]]["value"]
    assert said == pytest.approx(float((selected * expected).sum() / expected.sum()))


def test_the_page_shows_the_check(run):
    assert "Does the check track the signal?" in (run / "report.html").read_text()


def test_a_trained_network_is_checked_as_it_is(run, tmp_path):
    assert main(["run", MRE, "--steps", "0", "--init", str(run), "--out", str(tmp_path / "again")]) == 0
    ours, theirs = (read_report(folder).curves["tracking"]["model"] for folder in (tmp_path / "again", run))
    assert ours == theirs


def test_the_network_is_eventcvn_and_its_samples_are_of_both_generators():
    made, selector = nova_mre(), nova_eventcvn()
    assert made.sample.key == selector.sample.key
    weights = [{name: value.shape for name, value in of.learner.state_dict().items()} for of in (made, selector)]
    assert weights[0] == weights[1]
    samples = made.tracking.samples
    assert [samples[name].arguments["generator"] for name in (*STAND_INS, *SIGNAL)] == ["A", "B", "A", "B"]
    assert {samples[name].name for name in STAND_INS} == {"nova-mre"}
    assert made.sample.source not in {sample.source for sample in samples.values()}
