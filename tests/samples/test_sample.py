import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
import torch

from nuforge.errors import InputError
from nuforge.events import Events, Table
from nuforge.events.split import side_of
from nuforge.events.store import Store
from nuforge.samples import SAMPLES, Sample, prune
from nuforge.samples import cache as cache_module
from nuforge.samples.cache import cache_folder, locked, source_hash
from nuforge.samples.prepare import Workers, prepare, with_identity


def generate(n_events, shard, generator, scale=1.0, seconds=0.0):
    """Toy events whose sums depend on the order of addition."""
    time.sleep(seconds)
    counts = torch.randint(0, 20, (n_events,), generator=generator)
    n = int(counts.sum())
    mixed = torch.rand(n, 300, generator=generator) @ torch.rand(300, generator=generator)
    hits = {"position": torch.rand(n, 3, generator=generator), "charge": mixed * scale}
    return Events({"hits": Table.from_counts(hits, counts)})


def toy(events=45, seed=0, scale=1.0, seconds=0.0, shard_size=10, name="toy"):
    make = partial(generate, scale=scale, seconds=seconds)
    return Sample(name, {"scale": scale}, make, events, None, shard_size, seed)


def too_few(n_events, shard, generator):
    return generate(n_events - 1, shard, generator)


def die(n_events, shard, generator):
    os._exit(9)


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_sample_is_a_store_of_its_events(tmp_path):
    store = toy().prepare(tmp_path)
    assert len(store) == 45
    assert store.description["shards"] == 5
    assert store.description["provenance"]["arguments"] == {"scale": 1.0}
    assert store.description["provenance"]["source_hash"] == source_hash()


def test_events_know_who_they_are(tmp_path):
    event = toy().prepare(tmp_path).identity()
    assert event["source"].unique().tolist() == [toy().source]
    assert event["run"].tolist() == [i // 10 for i in range(45)]
    assert event["event"].tolist() == [i % 10 for i in range(45)]
    assert not event["subrun"].any()
    assert not event["variation"].any()
    assert (event["weight"] == 1).all()


def test_weights_and_further_columns_of_events_are_kept():
    n = torch.arange(4)
    events = Events({"event": Table({"weight": torch.full((3,), 0.5, dtype=torch.float64)}, n)})
    assert with_identity(events, 1, 2)["event"]["weight"].tolist() == [0.5] * 3


def test_any_number_of_workers_gives_the_same_bytes(tmp_path):
    one = toy().prepare(tmp_path / "one", workers=1)
    two = toy().prepare(tmp_path / "two", workers=2)
    assert contents(one.path) == contents(two.path)


def weighed_by_process(n_events, shard, generator):
    weight = Table({"weight": torch.full((n_events,), float(os.getpid()))}, torch.arange(n_events + 1))
    return generate(n_events, shard, generator).with_table("event", weight)


def test_processes_that_made_a_sample_make_the_next_ones_too(tmp_path):
    with Workers(2) as processes:
        stores = [
            Sample("toy", {}, weighed_by_process, 40, shard_size=10, seed=seed).prepare(tmp_path, processes)
            for seed in (0, 1)
        ]
    first, second = (set(store.read()["event"]["weight"].tolist()) for store in stores)
    assert os.getpid() not in first | second
    assert len(first | second) <= 2


def test_another_seed_or_argument_gives_other_events_in_another_folder(tmp_path):
    stores = [toy(**more).prepare(tmp_path) for more in ({}, {"seed": 1}, {"scale": 2.0}, {"events": 46})]
    assert len({store.path for store in stores}) == 4
    charges = [store.read()["hits"]["charge"] for store in stores]
    assert not torch.equal(charges[0][:50], charges[1][:50])


def test_a_larger_sample_begins_with_the_smaller_one(tmp_path):
    small, large = (toy(events=n).prepare(tmp_path).read() for n in (20, 40))
    assert torch.equal(small["hits"]["charge"], large[:20]["hits"]["charge"])
    assert torch.equal(side_of(small["event"]), side_of(large["event"])[:20])


def test_a_sample_is_made_once(tmp_path):
    first = toy().prepare(tmp_path)
    times = {path.name: path.stat().st_mtime_ns for path in first.path.iterdir()}
    again = toy().prepare(tmp_path)
    assert {path.name: path.stat().st_mtime_ns for path in again.path.iterdir()} == times


def test_an_unfinished_sample_says_how_much_is_there_and_what_to_do(tmp_path):
    folder = toy().prepare(tmp_path).path
    _unfinish(folder)
    with pytest.raises(InputError, match=r"is unfinished: 3 of 5 shards are there; run the same command again"):
        Store(folder)


def test_whole_shards_are_kept_and_damaged_ones_made_again(tmp_path):
    folder = toy().prepare(tmp_path).path
    whole = contents(folder)
    _unfinish(folder)
    kept = folder / "shard-000000.parquet"
    before = kept.stat().st_mtime_ns
    (folder / "shard-000001.parquet").write_bytes(whole["shard-000001.parquet"][:-200])
    (folder / ".shard-000003.parquet.1.tmp").write_bytes(b"half")
    toy().prepare(tmp_path)
    assert contents(folder) == whole
    assert kept.stat().st_mtime_ns == before


def _unfinish(folder):
    """What is left of a sample of 5 shards when it is killed while it makes the fourth."""
    (folder / "store.json").unlink()
    for number in (3, 4):
        (folder / f"shard-{number:06d}.parquet").unlink()
    plan = {"key": toy().key, "shards": 5, "provenance": {"source_hash": source_hash()}}
    (folder / "unfinished.json").write_text(cache_module.json.dumps(plan))


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
@pytest.mark.parametrize("workers", [1, 2])
def test_after_a_kill_the_same_call_ends_with_the_same_bytes(tmp_path, workers):
    call = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from pathlib import Path\n"
        "from test_sample import toy\n"
        f"if __name__ == '__main__': toy(100, seconds=0.5).prepare(Path({str(tmp_path)!r}), workers={workers})\n"
    )
    script = tmp_path / "make.py"
    script.write_text(call)
    process = subprocess.Popen([sys.executable, str(script)])
    sample = toy(100)  # the same events, made without pauses
    folder = tmp_path / f"toy-{sample.key}"
    _wait(lambda: len(list(folder.glob("shard-*"))) >= 2)
    process.kill()
    process.wait()
    n = len(list(folder.glob("shard-*")))
    assert 2 <= n < 10
    with pytest.raises(InputError, match=r"is unfinished: \d+ of 10 shards"):
        Store(folder)
    kept = {path: path.stat().st_mtime_ns for path in folder.glob("shard-*")}
    resumed = sample.prepare(tmp_path)
    assert all(path.stat().st_mtime_ns == made for path, made in kept.items())
    assert contents(resumed.path) == contents(sample.write(tmp_path / "uninterrupted").path)


def _wait(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "nothing happened in a minute"
        time.sleep(0.01)


def test_a_folder_of_another_sample_is_refused(tmp_path):
    toy().write(tmp_path / "out")
    with pytest.raises(InputError, match="holds another sample, or one made by other code; give an empty folder"):
        toy(seed=1).write(tmp_path / "out")


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("dear")
    with pytest.raises(InputError, match="is not empty and holds no sample"):
        toy().write(tmp_path)
    with pytest.raises(InputError, match="is a file, expected a folder"):
        toy().write(tmp_path / "thesis.tex")


def test_a_folder_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write to"):
        toy().write(tmp_path / "file" / "out")


def test_a_recipe_that_makes_too_few_events_is_refused(tmp_path):
    with pytest.raises(ValueError, match="sample 'toy' made 9 events in shard 0, expected 10"):
        Sample("toy", {}, too_few, 10, shard_size=10).prepare(tmp_path)


def test_a_dead_worker_is_reported_and_what_is_made_is_kept(tmp_path):
    with pytest.raises(RuntimeError, match=r"a worker process died.*run the same command again with fewer workers"):
        Sample("toy", {}, die, 20, shard_size=10).prepare(tmp_path, workers=2)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"events": 0}, "events must be 1"),
        ({"shard_size": 0}, "shard_size must be 1"),
        ({"name": "My sample"}, "name has"),
    ],
)
def test_arguments_out_of_range_are_refused(more, message):
    with pytest.raises(InputError, match=message):
        toy(**more)
    with pytest.raises(InputError, match="workers must be 1 process"):
        prepare(toy(), Path("nowhere"), workers=0)


def test_progress_is_shown_when_asked_and_on_stderr(tmp_path, capsys):
    toy().prepare(tmp_path / "asked", progress=True)
    asked = capsys.readouterr()
    assert "45/45" in asked.err
    assert not asked.out
    toy().prepare(tmp_path / "not asked")
    assert capsys.readouterr() == ("", "")


def test_the_number_of_threads_is_as_before(tmp_path):
    before = torch.get_num_threads()
    toy(10).prepare(tmp_path)
    assert torch.get_num_threads() == before


def test_other_code_makes_another_key(tmp_path, monkeypatch):
    package = tmp_path / "package"
    (package / "physics").mkdir(parents=True)
    (package / "physics" / "a.py").write_text("x = 1")
    first = source_hash(package)
    (package / "physics" / "a.py").write_text("x = 2")
    assert source_hash(package) != first
    key = toy().key
    monkeypatch.setattr("nuforge.samples.sample.source_hash", lambda: "0" * 16)
    assert toy().key != key


def test_a_users_own_recipe_is_in_the_key():
    assert toy().provenance()["own_source_hash"]
    assert not Sample("toy", {}, with_identity, 1).provenance()["own_source_hash"]


def test_prune_removes_what_other_code_made_and_nothing_else(tmp_path, monkeypatch):
    old = toy(seed=1)
    monkeypatch.setattr("nuforge.samples.sample.source_hash", lambda: "0" * 16)
    stale = old.prepare(tmp_path).path
    monkeypatch.undo()
    fresh = toy().prepare(tmp_path).path
    other = tmp_path / "holiday-0123456789abcdef"
    other.mkdir()
    with locked(stale):
        assert prune(tmp_path) == []
    assert prune(tmp_path) == [stale]
    assert sorted(tmp_path.iterdir()) == sorted([fresh, other])


def test_the_cache_is_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("NUFORGE_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("NUFORGE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    if sys.platform == "linux":
        assert cache_folder() == tmp_path / "xdg" / "nuforge"


def test_the_catalogue_names_its_samples_without_loading_torch():
    code = "import sys, nuforge.samples; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert "lartpc-particle-bomb" in SAMPLES
