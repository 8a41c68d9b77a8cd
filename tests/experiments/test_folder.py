"""The folder of a run: the same command goes on, nothing is overwritten."""

import pytest

from nuforge.errors import InputError
from nuforge.experiments.folder import RECORD, make_output_folder, open_folder, read_json

COMMAND = {"experiment": "x", "arguments": {"steps": 5}, "seed": 0}


def test_the_same_command_goes_on_where_it_stopped(tmp_path):
    first = open_folder(tmp_path / "run", COMMAND)
    assert not first.has("events")
    first.mark("events", seconds=1.5)
    again = open_folder(tmp_path / "run", COMMAND, resume=True)
    assert again.has("events")
    assert again.facts("events") == {"seconds": 1.5}
    assert not again.finished
    again.mark("report")
    assert open_folder(tmp_path / "run", COMMAND).finished


def test_another_command_is_refused_and_the_difference_named(tmp_path):
    open_folder(tmp_path / "run", COMMAND).mark("events")
    with pytest.raises(InputError, match="steps 5, not 6"):
        open_folder(tmp_path / "run", {**COMMAND, "arguments": {"steps": 6}})
    with pytest.raises(InputError, match="seed 0, not 1"):
        open_folder(tmp_path / "run", {**COMMAND, "seed": 1})


def test_a_command_that_failed_at_once_does_not_block_its_correction(tmp_path):
    open_folder(tmp_path / "run", {**COMMAND, "arguments": {"steps": 0}})
    assert open_folder(tmp_path / "run", COMMAND).record["command"] == COMMAND
    with pytest.raises(InputError, match="nothing to resume"):
        open_folder(tmp_path / "run", COMMAND, resume=True)


def test_a_folder_that_holds_something_else_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(InputError, match=r"not empty \(it has 'thesis.tex'\); give --out"):
        open_folder(tmp_path, COMMAND)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write to"):
        make_output_folder(tmp_path / "file" / "run")


def test_resuming_nothing_is_refused(tmp_path):
    with pytest.raises(InputError, match="nothing to resume"):
        open_folder(tmp_path / "run", COMMAND, resume=True)
    assert not (tmp_path / "run").exists()


def test_a_record_that_is_not_ours_is_refused(tmp_path):
    (tmp_path / RECORD).write_text("{")
    with pytest.raises(InputError, match="is not JSON"):
        open_folder(tmp_path, COMMAND)
    (tmp_path / RECORD).write_text("[]")
    with pytest.raises(InputError, match="expected a JSON object"):
        read_json(tmp_path / RECORD)
    (tmp_path / RECORD).write_text('{"schema": 99}')
    with pytest.raises(InputError, match="schema 99, expected 1"):
        open_folder(tmp_path, COMMAND)


def test_nothing_temporary_is_left(tmp_path):
    folder = open_folder(tmp_path / "run", COMMAND)
    folder.mark("events")
    assert [path.name for path in folder.path.iterdir()] == [RECORD]
