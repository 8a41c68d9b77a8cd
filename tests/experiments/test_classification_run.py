"""A whole run whose task is about events, from the sample to the report with what tells the sources apart."""

import re
from pathlib import Path

import pytest
import torch
from toy_experiment import write_store

import nuforge
from nuforge.cli import main
from nuforge.evaluation.report import read_report
from nuforge.events.store import Store

CHANCE = (61 / (12 * 30 * 30)) ** 0.5  # standard deviation without a difference, of some 60 test events

SOURCES = f"{Path(__file__).with_name('toy_sources.py')}:sources"


@pytest.fixture(scope="module")
def finished(cache, tmp_path_factory):
    """The folder of a finished run."""
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("sources") / "run"
    assert main(["run", SOURCES, "--out", str(out)]) == 0
    return out


def test_the_sources_are_told_apart_with_an_interval(finished):
    report = read_report(finished)
    area = report.metrics["AUC"]
    assert area.value > 0.5 + 5 * CHANCE
    assert area.low <= area.value <= area.high
    assert report.baselines["boosted trees"]["AUC"].value > 0.5 + 5 * CHANCE
    assert report.difference["AUC"].better == "higher"
    assert "AUC" in report.curves["learning"]


def test_the_report_says_what_tells_them_apart(finished):
    curves = read_report(finished).curves
    best = curves["separation"]["rows"][0]
    assert abs(best["area"]["value"] - 0.5) > 0.3
    without = {row["removed"]: row["area"]["value"] for row in curves["occlusion"]["rows"]}
    assert without["nothing"] == pytest.approx(read_report(finished).metrics["AUC"].value)
    assert abs(without["cloud"] - 0.5) < abs(without["nothing"] - 0.5)
    page = (finished / "report.html").read_text()
    text = re.sub(r"<[^>]+>", " ", page)
    assert "What tells them apart" in text
    assert best["name"] in text


def test_predictions_are_columns_of_events(finished):
    event = Store(finished / "predictions").read()["event"]
    assert event["probability"].shape == (len(event), 2)
    assert torch.equal(event["probability"].argmax(1), event["prediction"])


def test_the_network_answers_for_events_without_labels(finished):
    events = Store(finished / "predictions").read()
    predicted = nuforge.load(finished, experiment=SOURCES).predict(events.readout())
    torch.testing.assert_close(predicted["event"]["probability"], events["event"]["probability"])


def test_events_without_labels_cannot_train(finished, cache, tmp_path, capsys):
    write_store(tmp_path / "unlabelled", Store(next(cache.glob("sources-*"))).read().readout())
    assert main(["run", SOURCES, "--data", str(tmp_path / "unlabelled"), "--out", str(tmp_path / "run")]) == 2
    assert "source_kind" in capsys.readouterr().err
