"""Every benchmark runs, on tiny sizes, and the page shows what the committed results say."""

import json
import sys
from importlib import import_module
from pathlib import Path

import pytest
import torch

from nuforge.nn.kernels.library import LIBRARY

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def script(monkeypatch):
    """A benchmark by its name, as it finds the files beside it; the number of threads is put back."""
    threads = torch.get_num_threads()
    monkeypatch.syspath_prepend(BENCHMARKS)
    before, state = set(sys.modules), torch.random.get_rng_state()
    yield import_module
    torch.set_num_threads(threads)
    torch.random.set_rng_state(state)
    for name in set(sys.modules) - before:
        if (BENCHMARKS / f"{name}.py").exists():
            del sys.modules[name]


BENCHES = ("sparse_conv", "point_kernels", "chain", "chain_kernels", "formats", "loader", "train_step", "nova_steps")


@pytest.mark.parametrize("name", BENCHES)
def test_every_benchmark_runs_on_tiny_sizes_and_writes_what_it_prints(name, script, tmp_path, capsys):
    written = tmp_path / f"{name}.json"
    result = script(name).main(["--quick", "--json", str(written)])
    assert json.loads(written.read_text()) == result
    printed = capsys.readouterr().out
    for table in result["tables"]:
        assert table["title"] in printed
        for row in table["rows"]:
            missing = not isinstance(row, dict) or "missing" in row
            assert missing or (row["ms"] > 0 and row["low"] <= row["ratio"] <= row["high"])
    assert result["command"] == f"python benchmarks/{name}.py --rounds 2 --quick --json benchmarks/results/{name}.json"


def test_a_package_trains_as_itself(script, tmp_path):
    result = script("against").main(["--before", str(BENCHMARKS.parent), "--quick", "--json", str(tmp_path / "a.json")])
    speed, losses = result["targets"]
    assert losses["met"] is True
    assert len(result["tables"][1]["rows"]) == 10
    assert "times" in speed["measured"]


def test_a_missing_peer_is_said_and_skipped(script):
    rounds = script("rounds")
    assert rounds.peer("no_such_package") is None
    table = rounds.compared("adding", {"ours": lambda: sum(range(10))}, 2, missing=("theirs",))
    assert "| theirs | not installed here |  |" in rounds.as_markdown(table) + " |"
    entry = rounds.ratio_target("adding", table, "theirs", 2)
    assert entry["met"] is None
    assert "not installed" in entry["measured"]


def test_ratios_are_taken_in_each_round(script, monkeypatch):
    rounds = script("rounds")
    found = {"ours": [1.0, 10.0, 2.0], "theirs": [2.0, 30.0, 2.0]}
    monkeypatch.setattr(rounds, "seconds", lambda calls, n, clock: {name: found[name] for name in calls})
    table = rounds.compared("waiting", {"ours": None, "theirs": None}, 3, scale={"theirs": 2}, amounts={"bottles/s": 6})
    row = rounds.row_of(table, "theirs")
    assert (row["ms"], row["ratio"], row["low"], row["high"]) == (4000, 4, 2, 6)
    assert row["bottles/s"] == 1.5
    assert rounds.ratio_target("waiting", table, "theirs", 4)["met"]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_the_soak_sees_memory_that_grows_and_memory_that_does_not(script, monkeypatch, tmp_path):
    soak = script("soak")
    flat, growing = ([(i / 100, 500 + slope * i) for i in range(100)] for slope in (0, 2))
    monkeypatch.setattr(soak, "soak", lambda seconds, most: flat)
    assert soak.main(["--quick"]) == 0
    monkeypatch.setattr(soak, "soak", lambda seconds, most: growing)
    assert soak.main(["--quick", "--bound", "90", "--json", str(tmp_path / "soak.json")]) == 1
    assert json.loads((tmp_path / "soak.json").read_text())["targets"][0]["met"] is False


def test_the_soak_works_on_random_batches(script):
    work = script("soak").Work(20)
    for _ in range(3):
        work.batch()


def test_the_page_of_performance_is_what_the_results_say(script):
    make = script("make_performance")
    results = make.read(make.RESULTS)
    assert set(results) == set(make.SECTIONS)
    assert make.PAGE.read_text() == make.page(results)
    assert "Not measured yet" in make.page({})


def test_the_two_paths_are_both_measured_where_there_is_a_compiler(script):
    names = list(script("sparse_conv").paths(lambda: None))
    assert len(names) == (1 if LIBRARY.loaded is None else 2)


def test_the_page_of_the_reconstruction_has_the_tables_of_the_results(script):
    make = script("make_reconstruction")
    text = make.PAGE.read_text()
    assert make.page(text, json.loads(make.RESULT.read_text())) == text


def test_the_figures_of_the_reconstruction_come_from_one_command(script, tmp_path, capsys):
    written = tmp_path / "reconstruction.json"
    result = script("reconstructed").main(["--quick", "--json", str(written)])
    assert json.loads(written.read_text()) == result
    printed = capsys.readouterr().out
    assert all(table["rows"] and table["title"] in printed for table in result["tables"])
    assert all(len(row) == len(table["columns"]) for table in result["tables"] for row in table["rows"])


def test_the_generator_of_neutrinos_is_measured_step_by_step(script, tmp_path, capsys):
    written = tmp_path / "neutrinos.json"
    result = script("neutrinos").main(["--events", "300", "--json", str(written)])
    assert json.loads(written.read_text()) == result
    seconds = result["seconds a million events"]
    assert all(0 <= seconds[step] < seconds["everything"] for step in script("neutrinos").STEPS if step != "everything")
    assert set(result) == set(json.loads((BENCHMARKS / "results" / "neutrinos.json").read_text()))
    assert "neutrinos on carbon, B" in capsys.readouterr().out


@pytest.fixture
def ran(script, tmp_path, capsys):
    """A function that runs a benchmark, and gives what it writes, what it printed, and what is committed of it."""

    def run(name, *words):
        written = tmp_path / f"{name}.json"
        result = script(name).main([*words, "--json", str(written)])
        assert json.loads(written.read_text()) == result
        return result, capsys.readouterr().out, json.loads((BENCHMARKS / "results" / f"{name}.json").read_text())

    return run


def test_a_detector_like_novas_is_measured_beside_what_is_published(ran):
    result, printed, committed = ran("nova_detector", "--events", "8")
    assert set(result) == set(committed)
    assert "density, g/cm^3: 0.997" in printed


def test_what_passes_for_an_electron_neutrino_is_counted_class_by_class(ran, script):
    background = script("nova_background")
    result, printed, committed = ran("nova_background", "--quick")
    counts, _ = result["tables"]
    assert [row[0] for row in counts["rows"]] == list(background.CLASSES)
    assert sum(row[1] for row in counts["rows"]) == background.QUICK
    assert counts["title"] in printed
    assert committed["targets"][0]["met"] is True


def test_lengths_of_muons_are_looked_at_by_prongs_and_by_the_track(ran, script):
    result, printed, committed = ran("muon_tracks", "--quick")
    ways, fits = result["tables"]
    assert [row[0] for row in ways["rows"]] == list(script("muon_tracks").WAYS)
    assert len(fits["rows"]) == 3
    assert ways["title"] in printed
    assert committed["targets"][0]["met"] is True
