"""The sample of two engines."""

import importlib.util
import re

import pytest
import torch

from nuforge.cli import main
from nuforge.errors import InputError
from nuforge.samples.lartpc import engines
from nuforge.samples.prepare import with_identity

needs_geant4 = pytest.mark.skipif(
    importlib.util.find_spec("geant4_pybind") is None, reason="needs geant4-pybind: pip install 'nuforge[geant4]'"
)


def made(n, first="builtin", second="builtin"):
    sample = engines(n, first=first, second=second)
    return with_identity(sample.generate(n, 0, sample.generator(0)), sample.source, 0)


def check(events, n):
    event = events["event"]
    assert event["engine"].tolist() == [i % 2 for i in range(n)]
    assert event.about["engine"].role == "truth"
    assert "engine" not in events.readout()["event"]
    assert event["event"].tolist() == list(range(n))
    assert (events["voxels"].counts > 0).all()
    primaries = events["particles"]["momentum"][events["particles"]["parent"] < 0]
    assert len(primaries.unique(dim=0)) == len(primaries)  # independent draws, no event flown twice
    energy = torch.zeros(n).index_add_(0, events["voxels"].batch, events["voxels"]["value"])
    assert (energy > 0).all()


def test_every_other_event_is_of_the_other_engine_and_no_two_have_the_same_primaries():
    check(made(2), 2)


def test_a_shard_of_one_event_is_of_the_first_engine():
    assert made(1)["event"]["engine"].tolist() == [0]


@needs_geant4
@pytest.mark.filterwarnings("ignore::nuforge.simulation.transport.geant4.data_sets.WithoutDataSetsWarning")
def test_geant4_and_the_built_in_transport_stand_side_by_side():
    check(made(4, second="geant4"), 4)
    assert "physics" in engines(4).arguments


def test_engines_are_arguments_of_the_sample():
    arguments = engines(4, second="builtin").arguments
    assert arguments["engine"] == "builtin, builtin"
    assert set(arguments) == {"engine", "path"}
    with pytest.raises(InputError, match=r"engine must be one of .*, got 'fluka'"):
        engines(4, second="fluka")


def test_without_geant4_one_line_says_what_to_install(monkeypatch, capsys, tmp_path):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "geant4_pybind" else found(name, *more)
    )
    with pytest.raises(InputError, match=re.escape("pip install 'nuforge[geant4]'")):
        engines(4)
    assert main(["run", "lartpc-engines", "--quick", "--out", str(tmp_path / "run")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "pip install 'nuforge[geant4]'" in line
