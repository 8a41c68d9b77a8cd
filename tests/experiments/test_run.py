"""Whole runs of a toy: what they leave, that they resume to the same bytes, and what they refuse."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from toy_experiment import write_store

from nuforge.cli import main
from nuforge.evaluation.report import read_report
from nuforge.events.split import side_of
from nuforge.events.store import Store
from nuforge.experiments.folder import RECORD, read_json
from nuforge.training.checkpoint import read_description


def results(folder):
    """What two runs of one command share: the bytes of network, baselines and predictions, and all figures."""
    paths = [*(folder / "checkpoint").rglob("*"), *(folder / "predictions").rglob("*.parquet")]
    found = {str(p.relative_to(folder)): p.read_bytes() for p in paths if p.is_file()}
    report = json.loads((folder / "report.json").read_text())
    return found | {key: report[key] for key in ("metrics", "baselines", "difference", "curves", "split", "arguments")}


def test_a_run_leaves_a_report_a_page_a_checkpoint_and_predictions(finished):
    report = read_report(finished)
    assert report.metrics["mean IoU"].value > 0.9
    assert report.baselines["prior"]["mean recall"].value == pytest.approx(0.5)
    assert report.difference["mean IoU"].verdict == "ahead"
    assert {"confusion", "reliability", "learning"} <= set(report.curves)
    assert report.seeds == [0]
    assert "nuforge run" in report.provenance["command"]
    assert (finished / "report.html").stat().st_size > 10_000
    assert read_description(finished / "checkpoint")["classes"] == {"": ["shower", "track"]}
    assert sorted(path.name for path in finished.iterdir()) == [
        "checkpoint",
        "predictions",
        "report.html",
        "report.json",
        "run.json",
    ]


def test_predictions_are_of_the_test_side_alone(finished):
    store = Store(finished / "predictions")
    assert (side_of(store.identity()) == 2).all()
    assert len(store) == read_report(finished).metrics["accuracy"].n
    voxels = store.read()["voxels"]
    assert (voxels["probability"].argmax(1) == voxels["prediction"]).all()


def test_a_precision_that_is_asked_for_belongs_to_the_command(toy, tmp_path, capsys):
    given = ["run", toy, "--out", str(tmp_path / "run"), "--precision"]
    assert main([*given, "bf16-mixed"]) == 0
    report = read_report(tmp_path / "run")
    assert "--precision bf16-mixed" in report.provenance["command"]
    assert report.metrics["mean IoU"].value > 0.9
    assert main([*given, "32-true"]) == 2
    assert "precision" in capsys.readouterr().err


def test_a_finished_run_is_left_alone(finished, toy, capsys):
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*")}
    assert main(["run", toy, "--out", str(finished)]) == 0
    printed = capsys.readouterr()
    assert "finished" in printed.err
    assert "mean IoU" in printed.out
    assert {path: path.stat().st_mtime_ns for path in finished.rglob("*")} == before


def test_another_run_in_the_same_folder_is_refused(finished, toy, capsys):
    assert main(["run", toy, "--out", str(finished), "--width", "5"]) == 2
    assert "holds another run (width 4, not 5)" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_the_same_command_after_an_interrupted_training_ends_with_the_same_bytes(how, finished, toy, tmp_path):
    out = tmp_path / "run"
    command = [sys.executable, "-m", "nuforge", "run", toy, "--out", str(out)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        wait_for(out / "training" / "checkpoint" / "last" / "weights.safetensors", process)
        process.send_signal(how)
        _, complaint = process.communicate(timeout=60)
    assert not read_json(out / RECORD)["done"].get("report")
    if how == signal.SIGINT:
        assert process.returncode == 130
        assert "the same command again goes on from there" in complaint
    assert main(["run", toy, "--out", str(out), "--resume"]) == 0
    assert results(out) == results(finished)


def wait_for(path, process):
    """Waits until a file is there."""
    until = time.monotonic() + 60
    while not path.exists():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < until, f"{path} did not come"
        time.sleep(0.01)


def test_every_stage_can_be_done_again(finished, toy, tmp_path, monkeypatch):
    """An interruption between two stages, at each of them."""
    from nuforge.experiments import run as module

    out = tmp_path / "run"
    for stage in ("_train", "_fit_baselines", "_evaluate"):
        with monkeypatch.context() as patch:
            patch.setattr(module, stage, interrupted)
            assert main(["run", toy, "--out", str(out)]) == 130
    assert main(["run", toy, "--out", str(out)]) == 0
    assert results(out) == results(finished)


def interrupted(*_):
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--events", "0"], "events must be 1 at least, got 0"),
        (["--events", "1"], "leave none for"),
        (["--workers", "0"], "--workers must be at least 1"),
        (["--steps", "0"], "steps must be positive"),
        (["--data", "nowhere.h5"], "nowhere.h5"),
        (["--init", "nowhere"], "no checkpoint 'nowhere'"),
        (["--resume"], "nothing to resume"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(flags, message, cache, toy, tmp_path, capsys):
    assert main(["run", toy, "--out", str(tmp_path / "run"), *flags]) == 2
    (line,) = (line for line in capsys.readouterr().err.splitlines())
    assert message in line


def test_data_without_labels_cannot_train(sample, toy, tmp_path, capsys):
    unlabelled = tmp_path / "unlabelled"
    write_store(unlabelled, Store(sample).read().readout())
    assert main(["run", toy, "--out", str(tmp_path / "run"), "--data", str(unlabelled)]) == 2
    assert "label" in capsys.readouterr().err


def test_files_take_the_place_of_the_simulation_and_training_can_begin_elsewhere(finished, sample, toy, tmp_path):
    words = ["run", toy, "--data", str(sample), "--init", str(finished), "--steps", "1", "--out", str(tmp_path / "run")]
    assert main(words) == 0
    report = read_report(tmp_path / "run")
    assert report.metrics["accuracy"].n == read_report(finished).metrics["accuracy"].n
    assert report.metrics["mean IoU"].value > 0.9
