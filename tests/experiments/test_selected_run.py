"""From the command line: an experiment that asks of some events alone learns from them, and answers for all."""

from pathlib import Path

import pytest
import torch
from toy_experiment import toy_events, write_store

import nuforge
from nuforge.cli import main
from nuforge.evaluation.report import read_report
from nuforge.events.split import side_of
from nuforge.events.store import Store
from nuforge.samples.prepare import with_identity

TOY = f"{Path(__file__).with_name('toy_experiment.py')}:toy_of_some"


@pytest.fixture(scope="module")
def run(cache, tmp_path_factory):
    """A run on the events of even number, the labels of the others lie; its folder and that of the store."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("selected")
    events = with_identity(toy_events(160, 0, torch.Generator().manual_seed(0)), 5, 0)
    voxels = events["voxels"]
    label = torch.where(voxels.batch % 2 == 1, 1 - voxels["label"], voxels["label"])
    write_store(folder / "store", events.with_table("voxels", voxels.with_columns({"label": label})))
    assert main(["run", TOY, "--data", str(folder / "store"), "--out", str(folder / "run"), "--steps", "40"]) == 0
    return folder / "run", folder / "store"


def test_only_the_chosen_events_are_learned_from_and_measured(run):
    folder, store = run
    event, report = Store(store).identity(), read_report(folder)
    even = event["event"] % 2 == 0
    assert report.metrics["accuracy"].value > 0.9
    assert report.metrics["accuracy"].n == int((even & (side_of(event) == 2)).sum())
    assert report.split["train"] == int((even & (side_of(event) == 0)).sum())
    assert report.split["method"].endswith("of events with event % 2 == 0")


def test_files_are_measured_by_their_chosen_events_and_predicted_whole(run, tmp_path):
    folder, store = run
    assert main(["evaluate", str(folder), str(store), "--out", str(tmp_path / "out"), "--experiment", TOY]) == 0
    assert read_report(tmp_path / "out").metrics["accuracy"].n == 80
    assert len(nuforge.load(folder, experiment=TOY).predict(Store(store).read())) == 160
