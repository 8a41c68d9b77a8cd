"""Training ends with the same bytes whatever happens to it, and says what is wrong in one line."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from toy_run import Stream, batch_of, run, training_batches

from nuforge.errors import InputError
from nuforge.training import checkpoint as checkpoints
from nuforge.training.interrupt import Interrupted
from nuforge.training.options import FitOptions

SCRIPT = Path(__file__).with_name("toy_run.py")


def weights_of(out, name="last"):
    return (out / "checkpoint" / name / "weights.safetensors").read_bytes()


def description_of(out, name="last"):
    return json.loads((out / "checkpoint" / name / "checkpoint.json").read_text())


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """A finished run of 40 steps."""
    out = tmp_path_factory.mktemp("uninterrupted")
    run(out)
    return out


def in_a_process(out, *arguments):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), str(out), "40", *arguments], env=environment, stderr=subprocess.PIPE, text=True
    )


def wait_for(path, process, seconds=60.0):
    end = time.monotonic() + seconds
    while not path.exists():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < end, f"{path} did not come"
        time.sleep(0.02)


def test_a_run_writes_whole_checkpoints_without_pickle(uninterrupted):
    files = {"weights.safetensors", "optimizer.safetensors", "random.safetensors", "checkpoint.json"}
    assert {p.name for p in (uninterrupted / "checkpoint").iterdir()} == {"best", "last"}
    for name in ("best", "last"):
        assert {p.name for p in (uninterrupted / "checkpoint" / name).iterdir()} == files
    said = description_of(uninterrupted)
    assert said["experiment"] == "toy"
    assert [entry["step"] for entry in said["history"]] == [10, 20, 30, 40]
    losses = [entry["loss"] for entry in said["history"]]
    assert description_of(uninterrupted, "best")["step"] == said["history"][losses.index(min(losses))]["step"]


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(uninterrupted, tmp_path):
    run(tmp_path / "same")
    run(tmp_path / "other", seed=1)
    for name in ("best", "last"):
        assert weights_of(tmp_path / "same", name) == weights_of(uninterrupted, name)
        assert description_of(tmp_path / "same", name) == description_of(uninterrupted, name)
    assert weights_of(tmp_path / "other") != weights_of(uninterrupted)


def test_a_killed_run_resumes_to_the_same_bytes(uninterrupted, tmp_path):
    process = in_a_process(tmp_path, "0.03")
    wait_for(tmp_path / "checkpoint" / "last", process)
    time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    first = description_of(tmp_path)["step"]
    assert first < 40
    resumed = in_a_process(tmp_path, "0", "resume")
    said = resumed.communicate(timeout=60)[1]
    assert resumed.returncode == 0
    assert re.search(r"nuforge: step 40 of 40, training loss [\d.]+, validation loss [\d.]+.*, [\d.]+ steps/s\n$", said)
    assert said.count("\n") == sum(entry["step"] > first for entry in description_of(tmp_path)["history"])
    for name in ("best", "last"):
        assert weights_of(tmp_path, name) == weights_of(uninterrupted, name)
        assert description_of(tmp_path, name) == description_of(uninterrupted, name)


@pytest.mark.parametrize("stop", [14, 20])
def test_a_run_stopped_inside_or_at_the_end_of_a_block_resumes_to_the_same_bytes(uninterrupted, tmp_path, stop):
    def pressing_control_c(start):
        for step, batch in enumerate(training_batches(start), start):
            if step == stop - 1:
                signal.raise_signal(signal.SIGINT)
            yield batch

    with pytest.raises(
        Interrupted, match=r"stopped at step .* of 40; .* the same command with resume goes on from there"
    ):
        run(tmp_path, training_batches=pressing_control_c)
    assert stop - 2 <= description_of(tmp_path)["step"] <= stop
    run(tmp_path, resume=True)
    for name in ("best", "last"):
        assert weights_of(tmp_path, name) == weights_of(uninterrupted, name)
        assert description_of(tmp_path, name) == description_of(uninterrupted, name)


def test_resuming_a_finished_run_changes_nothing(uninterrupted):
    before = weights_of(uninterrupted)
    learner, best = run(uninterrupted, resume=True)
    assert weights_of(uninterrupted) == before
    assert best == uninterrupted / "checkpoint" / "best"
    assert all(
        torch.equal(v, checkpoints._tensors(best.parent / "last", "weights.safetensors")[k])
        for k, v in learner.state_dict().items()
    )


def test_training_learns(tmp_path):
    run(tmp_path, steps=300, validate_every=100)
    assert description_of(tmp_path)["metrics"]["accuracy"] > 0.8  # 0.63 of the voxels are far


def test_init_begins_with_the_weights_alone(uninterrupted, tmp_path):
    run(tmp_path, init=uninterrupted / "checkpoint" / "last")
    assert description_of(tmp_path)["history"][0]["step"] == 10
    assert weights_of(tmp_path) != weights_of(uninterrupted)


def test_without_progress_training_stops_early(tmp_path):
    run(
        tmp_path,
        steps=1000,
        validate_every=5,
        options={"monitor": "accuracy", "patience": 2, "clip": 1e-12, "weight_decay": 0.0},
    )
    history = description_of(tmp_path)["history"]
    assert len(history) < 200
    values = [entry["accuracy"] for entry in history]
    assert max(values[-2:]) <= max(values[:-2])
    assert description_of(tmp_path, "best")["step"] == history[values.index(max(values))]["step"]


def test_without_validation_events_the_last_is_the_best(tmp_path):
    run(tmp_path, validation_batches=None)
    assert weights_of(tmp_path, "best") == weights_of(tmp_path, "last")


def test_worker_processes_change_nothing(uninterrupted, tmp_path):
    run(tmp_path, training_batches=Stream, workers=2)
    assert weights_of(tmp_path) == weights_of(uninterrupted)


def test_the_callers_random_state_is_left_alone(tmp_path):
    run(tmp_path / "a", steps=2)
    first = torch.rand(3)
    torch.manual_seed(1)
    run(tmp_path / "b", steps=2)
    assert torch.equal(torch.rand(3), first)


def test_an_occupied_folder_is_refused(uninterrupted):
    with pytest.raises(InputError, match="holds a checkpoint already"):
        run(uninterrupted)


def test_resuming_with_other_arguments_is_refused(uninterrupted):
    with pytest.raises(InputError, match="width is 9 now and 8 in checkpoint"):
        run(uninterrupted, resume=True, width=9)
    with pytest.raises(InputError, match="steps is 50 now and 40 in checkpoint"):
        run(uninterrupted, resume=True, steps=50)
    with pytest.raises(InputError, match="seed is 3 now and 0"):
        run(uninterrupted, resume=True, seed=3)


def test_a_stream_that_ends_is_refused(tmp_path):
    with pytest.raises(InputError, match="training batches ended at step 3 of 40"):
        run(tmp_path, training_batches=lambda start: [batch_of(i) for i in range(3)])


def test_a_loss_that_is_not_finite_is_refused_and_not_saved(tmp_path):
    def broken(start):
        for batch in training_batches(start):
            voxels = batch["voxels"]
            yield batch.with_table("voxels", voxels.with_columns({"index": voxels["index"] * float("nan")}))

    with pytest.raises(InputError, match="training loss became nan before step 10"):
        run(tmp_path, training_batches=broken, augment=None)
    assert not (tmp_path / "checkpoint" / "last").exists()


def test_an_unknown_monitor_is_refused(tmp_path):
    with pytest.raises(InputError, match="monitor 'acuracy' is no figure of this learner"):
        run(tmp_path, options={"monitor": "acuracy"})


def test_a_folder_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot write to"):
        run(tmp_path / "file")


@pytest.mark.parametrize(
    ("name", "value"), [("steps", 0), ("validate_every", 0), ("learning_rate", 0.0), ("clip", -1.0)]
)
def test_options_that_make_no_sense_are_refused(name, value):
    with pytest.raises(InputError, match=f"{name} must be positive"):
        replace(FitOptions(steps=10), **{name: value})


def test_the_schedule_is_torchs_one_cycle():
    options = FitOptions(steps=100, learning_rate=0.1, warmup=0.31)  # torch rises over warmup x steps - 1
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    torch_schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 0.1, total_steps=100, pct_start=0.32, final_div_factor=400, cycle_momentum=False
    )
    for step in range(100):
        assert options.learning_rate_at(step) == pytest.approx(torch_schedule.get_last_lr()[0])
        optimizer.step()
        if step < 99:
            torch_schedule.step()


def test_training_away_from_a_terminal_says_a_line_at_each_look_at_the_validation(tmp_path, capfd):
    run(tmp_path, steps=4)
    out, err = capfd.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith("nuforge: step 4 of 4, training loss ")
    assert "(the best)" in line
