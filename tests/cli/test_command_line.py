"""The command line: flags come from signatures, errors are one line, exit codes are kept."""

import json
import os
import subprocess
import sys

import pytest

from nuforge import cli
from nuforge.cli import VERBS, main

OWN = '''
from nuforge.experiments import experiment


@experiment(system="s", detector="d", task="t", reference="r", quick={"steps": 3, "width": 2})
def mine(width: int = 8, steps: int = 100, kind: str = "a"):
    """My own experiment.

    Args:
        width: How wide.
        steps: How long.
    """
'''


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "own.py"
    path.write_text(OWN)
    return f"{path}:mine"


@pytest.fixture
def asked(monkeypatch):
    """What `run` is called with, without running."""
    calls = []
    monkeypatch.setattr(cli, "run", lambda **arguments: calls.append(arguments))
    return calls


def complaint(capsys, *words):
    """The one line that a wrong command line gets."""
    assert main([str(word) for word in words]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    lines = printed.err.splitlines()
    assert len(lines) == 1, printed.err
    assert lines[0].startswith("nuforge: ")
    return lines[0]


def test_help_names_every_verb(capsys):
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(f"  {verb} " in shown for verb in VERBS)
    assert main([]) == 0
    assert capsys.readouterr().out == shown


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_explains_itself(verb, capsys):
    assert main([verb, "--help"]) == 0
    assert "usage: nuforge " + verb in capsys.readouterr().out


def test_the_catalogue_is_there_for_people_and_programs(capsys):
    assert main(["list"]) == 0
    assert "lartpc-segmentation" in capsys.readouterr().out
    assert main(["list", "--json"]) == 0
    (row,) = (row for row in json.loads(capsys.readouterr().out) if row["name"] == "lartpc-segmentation")
    assert {k: row["published"][2][k] for k in ("name", "value")} == {"name": "recall of michel", "value": 0.84}


def test_help_of_an_experiment_shows_its_own_flags_with_their_meaning(own, capsys):
    assert main(["run", own, "--help"]) == 0
    shown = capsys.readouterr().out
    assert "--width INT" in shown
    assert "How wide. (default: 8)" in shown
    assert "--init" in shown


def test_quick_replaces_defaults_and_an_explicit_flag_wins(own, asked):
    assert main(["run", own]) == 0
    assert main(["run", own, "--quick"]) == 0
    assert main(["run", own, "--steps", "7", "--quick"]) == 0
    assert [call["arguments"] for call in asked] == [
        {"width": 8, "steps": 100, "kind": "a"},
        {"width": 2, "steps": 3, "kind": "a"},
        {"width": 2, "steps": 7, "kind": "a"},
    ]


def test_flags_of_every_run_are_read(own, asked, tmp_path):
    words = ["--data", "a.h5", "b.h5", "--seed", "4", "--workers", "2", "--out", str(tmp_path), "--resume"]
    assert main(["run", own, *words]) == 0
    flags = asked[0]["flags"]
    assert [path.name for path in flags.data] == ["a.h5", "b.h5"]
    assert (flags.seed, flags.workers, flags.out, flags.resume) == (4, 2, tmp_path, True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["runn"], "no verb 'runn', did you mean 'run'"),
        (["run"], "run needs an experiment first"),
        (["run", "lartpc-segmentatio"], "did you mean 'lartpc-segmentation'"),
        (["run", "lartpc-segmentation", "--depht", "3"], "--depht"),
        (["run", "lartpc-segmentation", "--depth", "deep"], "'deep'"),
        (["run", "nowhere.py:mine"], "no file 'nowhere.py'"),
        (["simulate", "particle-bomb", "--out", "x"], "--events"),
        (["simulate", "lartpc-engines", "--events", "1", "--out", "x", "--most-vertices", "2"], "leave the flag out"),
        (["simulate", "lartpc-engines", "--events", "1", "--out", "x", "--engine", "geant4"], "got --engine geant4"),
        (["simulate", "lartpc-particle-bomb", "--events", "1", "--out", "x", "--fewest-vertices", "2"], "got 2 and 1"),
        (["predict", "checkpoint", "x.h5"], "no checkpoint 'checkpoint'"),
        (["info", "nowhere.h5"], "nowhere.h5"),
        (["show", "nowhere.h5"], "nowhere.h5"),
    ],
)
def test_a_wrong_command_line_is_told_in_one_line(words, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert message in complaint(capsys, *words)


def test_a_wrong_function_of_a_file_lists_what_is_there(own, capsys):
    assert "there is mine" in complaint(capsys, "run", own.replace(":mine", ":yours"))


def test_a_file_that_does_not_run_is_told_in_one_line(tmp_path, capsys):
    (tmp_path / "own.py").write_text("def mine(:\n")
    assert "does not run: SyntaxError" in complaint(capsys, "run", f"{tmp_path / 'own.py'}:mine")


def test_an_experiment_without_defaults_or_with_a_flag_of_run_is_refused(tmp_path, capsys):
    (tmp_path / "own.py").write_text("def a(width: int): ...\ndef b(seed: int = 1): ...\n")
    assert "no default for ['width']" in complaint(capsys, "run", f"{tmp_path / 'own.py'}:a")
    assert "'seed'" in complaint(capsys, "run", f"{tmp_path / 'own.py'}:b")


def test_debugging_shows_where_an_error_comes_from(monkeypatch):
    monkeypatch.setenv("NUFORGE_DEBUG", "1")
    with pytest.raises(ValueError, match="no verb"):
        main(["runn"])


def test_an_interrupted_run_says_how_to_go_on(own, monkeypatch, capsys):
    def interrupt(**_):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "run", interrupt)
    assert main(["run", own]) == 130
    assert "the same command again goes on from there" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_reader_that_leaves_early_is_no_error():
    command = f"{sys.executable} -m nuforge list --json | true"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert done.stderr == ""
