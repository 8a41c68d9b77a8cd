"""Conversion and selection at the command line: bounded, whole or not at all, and what is chosen is what was meant."""

import json

import h5py
import numpy as np
import pytest
import torch

from nuforge import formats
from nuforge.cli import main
from nuforge.detectors import from_description
from nuforge.errors import InputError
from nuforge.events import Events, Table
from nuforge.events.store import Store, finish, write_shard
from nuforge.experiments import convert as conversion
from nuforge.experiments.convert import convert
from nuforge.formats.format import Format


def deposits(path, n=7):
    """A file of energy deposits of n events, each with as many as its number."""
    event = np.repeat(np.arange(n), np.arange(n))
    names = ("x_start", "y_start", "z_start", "x_end", "y_end", "z_end", "dE")
    rows = np.zeros(len(event), [("event_id", "i8"), ("traj_id", "i8"), *((name, "f8") for name in names)])
    rows["event_id"], rows["dE"] = event, np.arange(len(event)) + 0.5
    with h5py.File(path, "w") as file:
        file["segments"] = rows
        file.attrs["events"] = n
    return path


def complaint(capsys, *words):
    assert main([str(word) for word in words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def same(a, b):
    assert set(a.tables) == set(b.tables)
    for name, table in a.tables.items():
        assert dict(table.about) == dict(b[name].about)
        assert torch.equal(table.offsets, b[name].offsets)
        for column in table:
            assert torch.equal(table[column].nan_to_num(-7.0), b[name][column].nan_to_num(-7.0)), f"{name}.{column}"


@pytest.fixture
def small_batches(monkeypatch):
    """Batches of few events, and shards of few batches."""
    monkeypatch.setattr(conversion, "_BATCH_BYTES", 200)
    monkeypatch.setattr("nuforge.events.write_store.SHARD_BYTES", 300)


def test_a_store_of_a_file_holds_what_the_file_holds(tmp_path, small_batches, capsys):
    path = deposits(tmp_path / "deposits.h5")
    assert main(["convert", str(path), str(tmp_path / "store")]) == 0
    assert "7 events of " in capsys.readouterr().out
    store = Store(tmp_path / "store")
    assert store.description["shards"] > 1
    assert store.description["provenance"] == {"file": str(path), "format": "segments", "select": ""}
    same(store.read(), formats.read(path))


def test_only_selected_events_are_converted(tmp_path, small_batches):
    path = deposits(tmp_path / "deposits.h5")
    convert(path, tmp_path / "store", select="event % 2 == 0 & n_segments > 1")
    events = Store(tmp_path / "store").read()
    assert events["event"]["event"].tolist() == [2, 4, 6]
    assert events["segments"].counts.tolist() == [2, 4, 6]


def test_a_store_is_converted_with_its_detector(finished, sample, tmp_path):
    convert(sample, tmp_path / "chosen", select="event < 3")
    ours, theirs = Store(tmp_path / "chosen"), Store(sample)
    assert ours.description["detector"] == theirs.description["detector"]
    assert set(ours.read()["event"]["event"].tolist()) <= {0, 1, 2}


def test_a_written_format_gets_the_events_and_the_detector(sample, tmp_path, monkeypatch):
    given = {}

    def write(path, parts, detector):
        given.update(events=Events.concat(list(parts)), detector=detector)
        path.write_text("whole")

    toy = Format("toy", "a toy", "seen", lambda seen: False, lambda path, n: iter(()), write)
    monkeypatch.setattr(conversion, "FORMATS", (toy,))
    convert(sample, tmp_path / "out.toy", to="toy")
    assert (tmp_path / "out.toy").read_text() == "whole"
    same(given["events"], Store(sample).read())
    assert given["detector"] == from_description(Store(sample).description["detector"])


def test_nothing_is_left_of_a_conversion_that_fails(tmp_path, monkeypatch):
    def broken(path, n):
        yield from formats.stream(path, n)
        raise InputError("the rest is damaged")

    monkeypatch.setattr(conversion, "stream", broken)
    with pytest.raises(InputError, match="the rest is damaged"):
        convert(deposits(tmp_path / "deposits.h5"), tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["deposits.h5"]


def test_a_wrong_conversion_is_told_in_one_line_and_leaves_nothing(tmp_path, capsys):
    path, out = deposits(tmp_path / "deposits.h5"), tmp_path / "out"
    assert "no format 'hdf5' to write; there is store, " in complaint(capsys, "convert", path, out, "--to", "hdf5")
    assert "is there already; remove it" in complaint(capsys, "convert", path, path)
    assert "no event of " in complaint(capsys, "convert", path, out, "--select", "event > 100")
    assert "unknown name; there is source" in complaint(capsys, "convert", path, out, "--select", "evnt > 1")
    assert "at the end: expected" in complaint(capsys, "convert", path, out, "--select", "event >")
    assert "no folder" in complaint(capsys, "convert", path, tmp_path / "no" / "out")
    assert [each.name for each in tmp_path.iterdir()] == ["deposits.h5"]


def test_info_tells_format_counts_units_and_the_first_event(tmp_path, capsys):
    path = deposits(tmp_path / "deposits.h5")
    assert main(["info", str(path), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert {name: facts[name] for name in ("kind", "format", "events")} == {
        "kind": "file",
        "format": "segments",
        "events": 7,
    }
    assert facts["rows"] == {"event": 7, "interactions": 0, "particles": 6, "segments": 21}
    assert facts["tables"]["segments"]["energy"]["unit"] == "MeV"
    assert facts["first event"]["event"] == 0
    assert facts["first event"]["n_segments"] == 0
    assert main(["info", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "detector: unknown" in shown
    assert "segments.energy" in shown


def test_predictions_are_made_for_selected_events_alone(finished, sample, toy, tmp_path, capsys):
    words = ["predict", finished, sample, "--out", tmp_path / "some", "--experiment", toy, "--select", "event < 2"]
    assert main([str(word) for word in words]) == 0
    chosen = Store(tmp_path / "some")
    assert chosen.description["provenance"]["select"] == "event < 2"
    assert 0 < len(chosen) < 120
    assert set(chosen.read()["event"]["event"].tolist()) == {0, 1}
    words[4:] = [tmp_path / "none", "--experiment", toy, "--select", "event < 0"]
    assert "no event fulfils 'event < 0'" in complaint(capsys, *words)


def test_a_selection_does_not_change_the_readout_of_what_is_left(finished, sample, toy, tmp_path):
    voxels = Store(sample).read()["voxels"]
    start = voxels["index"].float()
    columns = {"start": start, "end": start + 0.5, "energy": voxels["value"]}
    event = Table(dict(Store(sample).read()["event"].columns), torch.arange(121))
    particles = Table({"pdg": torch.full((120,), 13)}, torch.arange(121))
    bare = Events({"event": event, "segments": Table(columns, voxels.offsets), "particles": particles})
    (tmp_path / "bare").mkdir()
    write_shard(tmp_path / "bare", 0, bare)
    finish(tmp_path / "bare", bare, detector=None, provenance={}, shards=1)
    for out, select in (("all", ""), ("some", "event % 3 == 1")):
        words = ["predict", finished, tmp_path / "bare", "--out", tmp_path / out, "--experiment", toy]
        assert main([str(word) for word in [*words, "--select", select]]) == 0
    whole, some = (Store(tmp_path / out).read() for out in ("all", "some"))
    same(whole.select(whole["event"]["event"] % 3 == 1), some)


def test_a_run_without_files_has_nothing_to_select_from(toy, tmp_path, capsys):
    line = complaint(capsys, "run", toy, "--out", tmp_path / "run", "--select", "event > 1")
    assert "give --data" in line
