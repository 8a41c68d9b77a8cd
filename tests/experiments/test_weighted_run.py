"""From the command line: events with weights are learned from, measured and reported by their weights."""

import pytest
import torch
from toy_experiment import toy_events, write_store

from nuforge.cli import main
from nuforge.evaluation.report import read_report
from nuforge.events.split import side_of
from nuforge.events.store import Store
from nuforge.metrics.weights import effective_number
from nuforge.samples.prepare import with_identity
from toy_weights import weighing

N = 120


def store_of(folder, weights, lie=False):
    """A store of lines and clouds with weights; with lies, events that count nothing have the other labels."""
    events = weighing(toy_events(N, 0, torch.Generator().manual_seed(0)), weights)
    voxels = events["voxels"]
    wrong = (torch.tensor(weights) == 0)[voxels.batch] & lie
    label = torch.where(wrong, 1 - voxels["label"], voxels["label"])
    events = events.with_table("voxels", voxels.with_columns({"label": label}))
    write_store(folder, with_identity(events, 5, 0))
    return folder


@pytest.fixture(scope="module")
def run(cache, tmp_path_factory):
    """A run on events of weight 0, whose labels lie, 1 and 3; its folder and that of the store."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("weighted")
    toy = f"{__file__.replace('test_weighted_run', 'toy_experiment')}:toy"
    store = store_of(folder / "store", [(0.0, 1.0, 3.0)[i % 3] for i in range(N)], lie=True)
    assert main(["run", toy, "--data", str(store), "--out", str(folder / "run"), "--steps", "40"]) == 0
    return folder / "run", store


def weights_of_side(store, side):
    event = Store(store).identity()
    return event["weight"][side_of(event) == side]


def test_events_that_count_nothing_teach_nothing_and_are_not_counted(run):
    folder, store = run
    report, weight = read_report(folder), weights_of_side(store, 2)
    accuracy = report.metrics["accuracy"]
    assert accuracy.value > 0.9  # a third of the labels are wrong
    assert accuracy.n == int((weight > 0).sum())
    assert accuracy.effective == pytest.approx(effective_number(weight))
    assert report.difference["accuracy"].interval.effective == accuracy.effective
    assert report.split["effective number, train"] == pytest.approx(effective_number(weights_of_side(store, 0)))


def test_the_page_and_the_terminal_say_the_effective_number(run, toy, capsys, tmp_path):
    folder, store = run
    said = f"effective number {effective_number(weights_of_side(store, 2)):.1f}"
    assert said in (folder / "report.html").read_text()
    out = str(tmp_path / "out")
    assert main(["evaluate", str(folder), str(store), "--experiment", toy, "--out", out]) == 0
    assert f"effective number {effective_number(Store(store).identity()['weight']):.1f}" in capsys.readouterr().out


def test_the_accuracy_is_the_mean_over_voxels_with_the_weights_of_their_events(run):
    folder, _ = run
    events = Store(folder / "predictions").read()
    voxels, weight = events["voxels"], events["event"]["weight"]
    right = (voxels["prediction"] == voxels["label"]).double()
    want = (right * weight[voxels.batch]).sum() / weight[voxels.batch].sum()
    report = read_report(folder)
    assert report.metrics["accuracy"].value == pytest.approx(float(want))
    counts = torch.tensor(report.curves["confusion"]["counts"]["model"])
    assert float(counts.sum()) == pytest.approx(len(voxels), rel=1e-6)


def test_negative_weights_are_measured_but_not_learned_from(run, cache, toy, tmp_path, capsys):
    weights = [(-0.5, 1.0, 2.0, 2.0)[i % 4] for i in range(N)]
    store, out = store_of(tmp_path / "store", weights), str(tmp_path / "run")
    assert main(["run", toy, "--data", str(store), "--out", out]) == 2
    complaint = capsys.readouterr().err.strip().splitlines()[-1]
    assert "weights must not be negative in training, got -0.5" in complaint
    assert "--select 'weight >= 0'" in complaint
    command = ["run", toy, "--data", str(store), "--select", "weight >= 0", "--out", f"{out}2", "--steps", "2"]
    assert main(command) == 0
    assert main(["evaluate", str(run[0]), str(store), "--experiment", toy, "--out", f"{out}3"]) == 0
    accuracy = read_report(f"{out}3").metrics["accuracy"]
    assert accuracy.n == N
    assert accuracy.effective == pytest.approx(effective_number(torch.tensor(weights, dtype=torch.float64)))


def test_weights_that_are_no_number_are_refused_before_anything_is_learned(cache, toy, tmp_path, capsys):
    store = store_of(tmp_path / "store", [float("nan")] + [1.0] * (N - 1))
    assert main(["run", toy, "--data", str(store), "--out", str(tmp_path / "run")]) == 2
    assert "event weights must be finite, got nan in 1 of 120 events" in capsys.readouterr().err
