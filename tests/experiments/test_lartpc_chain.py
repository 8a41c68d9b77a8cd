"""The liquid-argon chain as a run: its stages, its report, and what its checkpoint says of files and events."""

import json
import runpy
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from small_bombs import deposited, small_bombs
from toy_experiment import write_store

import nuforge
from nuforge.cli import main
from nuforge.evaluation.report import read_report
from nuforge.events.store import Store
from nuforge.experiments import catalogue

MAKE_SHIPPED = Path(__file__).parents[2] / "benchmarks" / "make_shipped.py"
STAGES = ("points", "fragments", "showers", "tracks", "interactions")
STEPS = [word for stage in STAGES for word in (f"--{stage.removesuffix('s')}-steps", "1")]
TINY = ["run", "lartpc-chain", "--width", "2", "--fragment-width", "2", "--baseline-events", "3", *STEPS]
OF_STAGES = {
    "lartpc-points": ["--depth", "2", "--width", "2"],
    "lartpc-fragments": ["--depth", "2", "--width", "2"],
    "lartpc-particles": ["--width", "4", "--tree-rounds", "2"],
    "lartpc-interactions": ["--width", "4", "--tree-rounds", "2"],
}


@pytest.fixture(scope="module")
def data(cache):
    """A store of small events."""
    torch.set_num_threads(1)
    return small_bombs().prepare().path


@pytest.fixture(scope="module")
def finished(data, tmp_path_factory):
    """The folder of a finished run of the chain."""
    out = tmp_path_factory.mktemp("chain") / "run"
    assert main([*TINY, "--data", str(data), "--out", str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def shipped(finished, tmp_path_factory):
    """The folder of networks of a package that comes with this chain and its figures, known by their names."""
    folder = tmp_path_factory.mktemp("shipped") / "trained"
    figures = f"small bombs={finished / 'report.json'}"
    make = runpy.run_path(str(MAKE_SHIPPED))["main"]
    assert str(folder / "lartpc-chain") in make([str(finished), "--figures", figures, "--to", str(folder)])
    patch = pytest.MonkeyPatch()
    patch.setattr("nuforge.experiments.shipped.FOLDER", folder)
    yield folder
    patch.undo()


@pytest.fixture(scope="module")
def cutting(finished, tmp_path_factory):
    """Its checkpoint, but that all edges of fragments are cut: one step teaches nothing, and all would be one piece."""
    folder = tmp_path_factory.mktemp("cutting") / "checkpoint"
    shutil.copytree(finished / "checkpoint", folder)
    weights = load_file(folder / "weights.safetensors")
    weights["learners.fragments.tasks.0.threshold"].fill_(0)
    save_file(weights, folder / "weights.safetensors")
    return folder


def complaint(capsys, *words):
    """What a command that is refused says, one line."""
    capsys.readouterr()
    assert main([str(word) for word in words]) == 2
    *said, line = capsys.readouterr().err.splitlines()
    assert all(other.startswith("nuforge: ") for other in said), said
    return line


def same(one, other):
    """Whether two sets of events are equal, but for the last digits."""
    assert set(one.tables) == set(other.tables)
    for name in one.tables:
        for column in one[name]:
            torch.testing.assert_close(one[name][column], other[name][column], rtol=1e-3, atol=1e-3, equal_nan=True)


def test_the_run_keeps_a_folder_for_each_stage(finished):
    assert {path.name for path in (finished / "stages").iterdir()} == set(STAGES)
    for stage in STAGES:
        left = {path.name for path in (finished / "stages" / stage).iterdir()}
        assert left == {"run.json", "checkpoint"} | ({"given"} if stage != "points" else set())
    assert not (finished / "training").exists()


def test_the_report_speaks_of_voxels_points_fragments_particles_and_interactions(finished):
    report = read_report(finished)
    asked = ("mean IoU", "point efficiency within 3 voxels", "fragment ARI", "shower ARI", "track ARI", "pid accuracy")
    assert set(asked) | {"interaction ARI", "interaction ARI at 2", "primary accuracy"} <= set(report.metrics)
    assert set(report.baselines["classical chain"]) == set(report.metrics)
    assert {f"training of {stage}" for stage in STAGES} <= set(report.timing)


def test_an_interruption_in_a_stage_changes_nothing(finished, data, tmp_path, monkeypatch):
    from nuforge.experiments import run as module

    out, train = tmp_path / "run", module._train

    def interrupted(this, store, devices):
        if this.folder.path.name == "showers":
            raise KeyboardInterrupt
        train(this, store, devices)

    command = [*TINY, "--data", str(data), "--out", str(out)]
    with monkeypatch.context() as patch:
        patch.setattr(module, "_train", interrupted)
        assert main(command) == 130
    shutil.rmtree(out / "stages" / "showers" / "given")  # as if it had not come so far
    assert main([*command, "--resume"]) == 0
    for name in ("checkpoint/weights.safetensors", "predictions/shard-000000.parquet"):
        assert (out / name).read_bytes() == (finished / name).read_bytes(), name
    ours, theirs = (json.loads((run / "report.json").read_text())["metrics"] for run in (out, finished))
    assert ours == theirs


def test_python_and_the_command_line_predict_the_same_particles(finished, data, tmp_path):
    assert main(["predict", str(finished), str(data), "--out", str(tmp_path / "out")]) == 0
    written = Store(tmp_path / "out").read()
    same(nuforge.load(finished).predict(Store(data).read()), written)
    assert len(written["reco_particles"]) > 0
    assert {"vertex", "energy"} <= set(written["reco_interactions"])


def test_truth_never_reaches_the_chain(finished, data):
    model, events = nuforge.load(finished), Store(data).read()[:4]
    with_truth, without = model.predict(events), model.predict(events.readout())
    for name in without.tables:
        for column in without[name]:
            torch.testing.assert_close(without[name][column], with_truth[name][column], rtol=0, atol=0, equal_nan=True)


def test_an_event_alone_gets_the_same_particles(finished, data):
    model, events = nuforge.load(finished), Store(data).read().readout()
    together = model.predict(events)
    for i in (0, 6):
        same(model.predict(events.event(i)), together.event(i))


def test_energy_deposits_get_the_response(finished):
    deposits = deposited(2, torch.Generator().manual_seed(0))
    predicted = nuforge.load(finished).predict(deposits)
    assert (predicted["voxels"].counts > 0).all()
    assert "reco_particles" in predicted


def test_a_checkpoint_is_evaluated_on_files_with_labels(finished, data, tmp_path, capsys):
    assert main(["evaluate", str(finished), str(finished / "predictions"), "--out", str(tmp_path / "out")]) == 0
    ours, theirs = read_report(tmp_path / "out").metrics, read_report(finished).metrics
    for name in ("mean IoU", "shower ARI", "interaction ARI", "pid accuracy"):
        assert ours[name].value == pytest.approx(theirs[name].value, abs=1e-6, nan_ok=True), name
    write_store(tmp_path / "unlabelled", Store(data).read()[:2].readout())
    line = complaint(capsys, "evaluate", finished, tmp_path / "unlabelled", "--out", tmp_path / "none")
    assert "no labels" in line


def test_events_that_were_answered_before_are_answered_anew(finished, cutting, data, tmp_path):
    answered = finished / "predictions"
    assert main(["predict", str(cutting), str(answered), "--out", str(tmp_path / "anew")]) == 0
    assert main(["evaluate", str(cutting), str(answered), "--out", str(tmp_path / "out")]) == 0
    before, anew, evaluated = (
        Store(path).read() for path in (answered, tmp_path / "anew", tmp_path / "out/predictions")
    )
    assert len(before["reco_particles"]) != len(anew["reco_particles"])
    same(anew, evaluated)
    assert main(["show", str(tmp_path / "out"), "--out", str(tmp_path / "event.html")]) == 0


@pytest.mark.parametrize("name", OF_STAGES)
def test_a_stage_alone_runs_on_what_is_true(name, data, tmp_path, capsys):
    words = [name, *OF_STAGES[name], "--steps", "1", "--data", str(data), "--quick", "--out", str(tmp_path / "run")]
    assert main(["run", *words]) == 0
    assert read_report(tmp_path / "run").metrics
    write_store(tmp_path / "unlabelled", Store(data).read()[:2].readout())
    words = ("predict", tmp_path / "run", tmp_path / "unlabelled", "--out", tmp_path / "out")
    if name == "lartpc-points":
        assert main([str(word) for word in words]) == 0
    else:
        assert "give events with labels" in complaint(capsys, *words)


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("lartpc-fragments", []),
        ("lartpc-particles", []),
        ("lartpc-particles", ["--of", "tracks"]),
        ("lartpc-interactions", []),
    ],
)
def test_a_stage_alone_runs_on_what_a_chain_predicts(name, more, cutting, data, tmp_path):
    out = tmp_path / "run"
    words = [name, *more, *OF_STAGES[name], "--steps", "1", "--upstream", "reco", "--chain", str(cutting)]
    assert main(["run", *words, "--data", str(data), "--out", str(out)]) == 0
    assert read_report(out).arguments["chain"] == str(cutting)
    unlabelled = nuforge.load(out).predict(Store(data).read()[:2].readout())
    expected = "reco_fragment" if name == "lartpc-fragments" else "reco_group"
    assert expected in unlabelled["voxels" if name == "lartpc-fragments" else "clusters"]


def test_what_is_no_chain_cannot_be_upstream(finished, data, tmp_path, capsys):
    words = ["run", "lartpc-fragments", "--upstream", "reco", "--data", data, "--out", tmp_path / "run"]
    assert "there is no such folder" in complaint(capsys, *words, "--chain", tmp_path / "nowhere")
    stage = finished / "stages" / "points"
    assert "points" in complaint(capsys, *words, "--chain", stage)


def test_the_catalogue_has_every_stage_with_its_published_figures():
    entries = {row["name"]: row for row in catalogue.rows()}
    for name in (*OF_STAGES, "lartpc-chain"):
        assert entries[name]["published"], name
        assert entries[name]["reference"].count("arXiv:") == 1


def test_what_the_chain_misses_is_counted_as_its_report_counts(finished, tmp_path):
    misses = runpy.run_path(str(MAKE_SHIPPED.with_name("chain_misses.py")))["main"]
    found = misses([str(finished / "predictions"), "--json", str(tmp_path / "misses.json")])
    assert json.loads((tmp_path / "misses.json").read_text()) == found
    metrics, muons = read_report(finished).metrics, found["muons"]
    assert found["index of showers"]["all"]["value"] == pytest.approx(metrics["shower ARI"].value)
    recall = metrics["pid recall of muon"].value if muons["all"] else 0.0
    assert muons["called muons"] == pytest.approx(recall * muons["all"])
    assert muons["that match and are called muons"] <= muons["that match a true particle"] <= muons["all"]


def test_a_shipped_chain_predicts_by_its_name_as_the_run_does(shipped, finished, data, tmp_path):
    assert main(["predict", "lartpc-chain", str(data), "--out", str(tmp_path / "out")]) == 0
    probability = Store(tmp_path / "out").read()["voxels"]["probability"]
    exact = nuforge.load(finished).predict(Store(data).read())["voxels"]["probability"]
    torch.testing.assert_close(probability, exact, rtol=0, atol=0.02)
    assert not torch.equal(probability, exact)


def test_a_shipped_chain_has_a_card_with_figures_and_weights_of_half_the_size(shipped, finished, capsys):
    capsys.readouterr()
    assert main(["info", "lartpc-chain", "--json"]) == 0
    card = json.loads(capsys.readouterr().out)
    assert card["trained_on"]["seed"] == 0
    ((events, figures),) = card["figures"].items()
    metrics = read_report(finished).metrics
    assert events == f"small bombs, {max(interval.n for interval in metrics.values())} events"
    assert figures["interaction ARI"]["value"] == pytest.approx(metrics["interaction ARI"].value, nan_ok=True)
    sizes = [
        (path / "weights.safetensors").stat().st_size for path in (shipped / "lartpc-chain", finished / "checkpoint")
    ]
    assert sizes[0] < 0.75 * sizes[1]


def test_a_shipped_chain_is_upstream_when_no_other_is_named(shipped, data, tmp_path):
    out = tmp_path / "run"
    words = ["lartpc-interactions", *OF_STAGES["lartpc-interactions"], "--steps", "1", "--upstream", "reco"]
    assert main(["run", *words, "--data", str(data), "--out", str(out)]) == 0
    assert read_report(out).metrics


def test_the_catalogue_names_what_comes_trained(shipped, capsys):
    capsys.readouterr()
    assert main(["list", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["lartpc-chain"]["trained"] == "nuforge predict lartpc-chain FILE"
    assert rows["lartpc-points"]["trained"] == "nuforge run trains it"
