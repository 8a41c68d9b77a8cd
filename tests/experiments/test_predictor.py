"""Predictor: the same answers from Python and the command line, and what does not fit is refused."""

import json
import shutil
from dataclasses import replace

import pytest
import torch
from toy_experiment import toy_events, write_store

import nuforge
from nuforge.cli import main
from nuforge.errors import InputError
from nuforge.evaluation.report import read_report
from nuforge.events import Events, Table, offsets_of
from nuforge.events.store import Store
from nuforge.experiments.data import BATCH
from nuforge.experiments.predictor import load


@pytest.fixture
def model(finished, toy):
    return load(finished / "checkpoint", experiment=toy)


@pytest.fixture
def events(sample):
    return Store(sample).read()[:20]


@pytest.fixture
def checkpoint(finished, tmp_path):
    """A copy of the checkpoint, to be spoilt."""
    shutil.copytree(finished / "checkpoint", tmp_path / "checkpoint")
    return tmp_path / "checkpoint"


def deposits(events):
    """Energy deposits in the places of some voxels."""
    voxels = events["voxels"]
    start = voxels["index"].float()
    particles = Table({"pdg": torch.full((len(events),), 13)}, torch.arange(len(events) + 1))
    columns = {"start": start, "end": start + 0.5, "energy": voxels["value"]}
    return Events({"event": events["event"], "segments": Table(columns, voxels.offsets), "particles": particles})


def complaint(capsys, *words):
    assert main([str(word) for word in words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_a_prediction_adds_columns_and_changes_nothing_else(model, events):
    predicted = model.predict(events)
    assert model.classes == ("shower", "track")
    assert model.arguments["width"] == 4
    voxels = predicted["voxels"]
    assert torch.allclose(voxels["probability"].sum(1), torch.ones(len(voxels)))
    assert (voxels["prediction"] == events["voxels"]["label"]).double().mean() > 0.95
    assert all(torch.equal(voxels[name], events["voxels"][name]) for name in events["voxels"])
    assert voxels.about["prediction"].role == "prediction"


def test_labels_are_neither_needed_nor_looked_at(model, events):
    with_labels, without = model.predict(events), model.predict(events.readout())
    assert torch.equal(with_labels["voxels"]["probability"], without["voxels"]["probability"])


def test_an_event_alone_gets_the_same_answer(model, events):
    together = model.predict(events)
    for i in (0, 7, 19):
        alone = model.predict(events.event(i))["voxels"]["probability"]
        torch.testing.assert_close(alone, together.event(i)["voxels"]["probability"])


def test_energy_deposits_get_the_response_and_its_seed_decides(model, events):
    first, again, other = (model.predict(deposits(events), seed)["voxels"] for seed in (0, 0, 1))
    assert torch.equal(first["index"], again["index"])
    assert torch.equal(first["probability"], again["probability"])
    assert not torch.equal(first["index"], other["index"])


def test_a_network_and_what_stands_before_it_never_see_more_than_a_batch(model, events):
    seen = []

    def given(part):
        seen.append(len(part))
        return part

    before = replace(model.built, given=given, reads=("somewhere.else",))
    many = Events.concat([events, events])
    replace(model, built=before).predict(many)
    assert seen == [BATCH, BATCH, len(many) - 2 * BATCH]


def test_the_command_line_predicts_what_python_does(model, finished, sample, toy, tmp_path, capsys):
    words = ["predict", finished, sample, "--out", tmp_path / "predictions", "--experiment", toy]
    assert main([str(word) for word in words]) == 0
    assert "120 events" in capsys.readouterr().out
    written, expected = Store(tmp_path / "predictions").read(), model.predict(Store(sample).read())
    torch.testing.assert_close(written["voxels"]["probability"], expected["voxels"]["probability"])


def test_an_evaluation_of_the_test_side_finds_the_figures_of_the_run(finished, toy, tmp_path):
    words = ["evaluate", finished, finished / "predictions", "--out", tmp_path / "evaluation", "--experiment", toy]
    assert main([str(word) for word in words]) == 0
    ours, theirs = read_report(tmp_path / "evaluation"), read_report(finished)
    for name, figure in theirs.metrics.items():
        assert ours.metrics[name].value == pytest.approx(figure.value, abs=1e-6), name
    assert ours.baselines["prior"]["accuracy"].value == pytest.approx(theirs.baselines["prior"]["accuracy"].value)
    assert (tmp_path / "evaluation" / "report.html").exists()


def test_an_evaluation_needs_labels(finished, sample, toy, tmp_path, capsys):
    write_store(tmp_path / "data", Store(sample).read()[:3].readout())
    line = complaint(capsys, "evaluate", finished, tmp_path / "data", "--out", tmp_path / "out", "--experiment", toy)
    assert "no labels" in line


def test_info_and_show_know_runs_checkpoints_and_stores(finished, sample, tmp_path, capsys):
    for path, kind in ((finished, "run"), (finished / "checkpoint", "checkpoint"), (sample, "store")):
        assert main(["info", str(path)]) == 0
        assert f"kind: {kind}" in capsys.readouterr().out
        assert main(["info", str(path), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["kind"] == kind
    for path in (finished, sample):
        page = tmp_path / "event.html"
        assert main(["show", str(path), "--event", "2", "--out", str(page)]) == 0
        assert page.stat().st_size > 10_000
        page.unlink()
    assert "has no event 120, expected 0 to 119" in complaint(capsys, "show", sample, "--event", "120")


def test_a_checkpoint_never_runs_code_that_it_names(finished):
    with pytest.raises(InputError, match="experiment of your own"):
        nuforge.load(finished)


def test_what_is_no_checkpoint_is_refused(tmp_path):
    with pytest.raises(InputError, match="there is no such folder"):
        load(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"holds no checkpoint: it has no checkpoint.json"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 99}, "format 99"),
        ({"classes": ["shower", "muon"]}, "has the classes"),
        ({"arguments": {"width": 8}}, "has shape"),
        ({"arguments": {"breadth": 8}}, "has no argument"),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_refused(change, message, checkpoint, toy):
    card = json.loads((checkpoint / "checkpoint.json").read_text())
    (checkpoint / "checkpoint.json").write_text(json.dumps(card | change))
    with pytest.raises(InputError, match=message):
        load(checkpoint, experiment=toy)


@pytest.mark.parametrize("content", [None, b"", b"nothing like it"])
def test_damaged_weights_are_refused(content, checkpoint, toy):
    weights = checkpoint / "weights.safetensors"
    weights.unlink() if content is None else weights.write_bytes(content)
    with pytest.raises(InputError, match=r"weights\.safetensors"):
        load(checkpoint, experiment=toy)


def test_a_baseline_that_was_left_behind_is_missed(checkpoint, sample, toy, tmp_path, capsys):
    shutil.rmtree(checkpoint / "baselines")
    line = complaint(capsys, "evaluate", checkpoint, sample, "--out", tmp_path / "out", "--experiment", toy)
    assert "no fitted baseline 'prior'" in line


def test_events_that_the_network_cannot_read_are_refused(model, events):
    with pytest.raises(InputError, match="expected 'voxels', or 'segments'"):
        model.predict(events.without("voxels"))
    voxels = events["voxels"]
    with pytest.raises(InputError, match=r"no 'voxels.value'"):
        model.predict(events.with_table("voxels", voxels.only(["index"])))


def test_events_without_voxels_are_events(model):
    empty = toy_events(2, 0, torch.Generator().manual_seed(0))
    empty = empty.keep("voxels", torch.zeros(len(empty["voxels"]), dtype=torch.bool))
    assert len(model.predict(empty)) == 2
    assert torch.equal(empty["voxels"].offsets, offsets_of(torch.zeros(2)))
