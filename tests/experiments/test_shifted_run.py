"""From the command line: the trained network and its baselines answer for shifted copies of the test events."""

import json
from pathlib import Path

import pytest
import torch
from toy_experiment import toy_events, write_store

from nuforge.cli import main
from nuforge.evaluation.report import read_report
from nuforge.samples.prepare import with_identity

TOY = f"{Path(__file__).with_name('toy_shifts.py')}:toy_shifted"


@pytest.fixture(scope="module")
def run(cache, tmp_path_factory):
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("shifted") / "run"
    assert main(["run", TOY, "--out", str(out)]) == 0
    return out


def changes(run, shift, method="model"):
    return read_report(run).curves["shifts"][shift]["changes"][method]


def test_a_report_has_the_figures_of_the_model_under_every_shift(run):
    report = read_report(run)
    assert list(report.shifts) == ["again", "crossed", "elsewhere"]
    assert set(report.shifts["again"]) == set(report.metrics)
    assert report.shifts["again"]["accuracy"].value == report.metrics["accuracy"].value
    assert report.shifts["crossed"]["accuracy"].value == pytest.approx(1 - report.metrics["accuracy"].value)
    assert list(report.provenance["shifts"]) == list(report.shifts)
    assert "shifted events" in report.timing


def test_a_change_is_on_the_same_test_events_for_model_and_baselines(run):
    report = read_report(run)
    table = report.curves["shifts"]
    assert {name: of["paired"] for name, of in table.items()} == {"again": True, "crossed": True, "elsewhere": False}
    assert table["again"]["events"] == report.metrics["accuracy"].n
    assert set(table["again"]["values"]) == {"prior"}
    same = changes(run, "again")["accuracy"]
    assert (same["value"], same["low"], same["high"]) == (0, 0, 0)
    crossed = changes(run, "crossed")["accuracy"]
    assert crossed["high"] < -0.5
    assert changes(run, "crossed", "prior")["accuracy"]["value"] == pytest.approx(0, abs=1e-9)
    assert table["crossed"]["excess"]["prior"]["accuracy"]["value"] == pytest.approx(-crossed["value"])


def test_the_page_shows_what_changes(run):
    page = (run / "report.html").read_text()
    assert "How much figures change" in page
    assert "events that are no copies" in page


def test_what_is_written_is_plain_json(run):
    assert set(json.loads((run / "report.json").read_text())["curves"]["shifts"]) == {"again", "crossed", "elsewhere"}


def test_files_in_place_of_the_simulation_have_no_shifts(tmp_path):
    store = tmp_path / "store"
    write_store(store, with_identity(toy_events(60, 0, torch.Generator().manual_seed(0)), source=1, run=1))
    assert main(["run", TOY, "--data", str(store), "--out", str(tmp_path / "run"), "--steps", "2"]) == 0
    assert not read_report(tmp_path / "run").shifts
