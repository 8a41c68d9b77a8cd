"""One finished run of the toy experiment, for all tests that only look at it."""

from pathlib import Path

import pytest
import torch

from nuforge.cli import main
from nuforge.experiments.folder import read_json

TOY = f"{Path(__file__).with_name('toy_experiment.py')}:toy"


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """A sample cache of the test run's own."""
    patch = pytest.MonkeyPatch()
    folder = tmp_path_factory.mktemp("cache")
    patch.setenv("NUFORGE_CACHE", str(folder))
    yield folder
    patch.undo()


@pytest.fixture(scope="session")
def finished(cache, tmp_path_factory):
    """The folder of a finished run."""
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("finished") / "run"
    assert main(["run", TOY, "--out", str(out)]) == 0
    return out


@pytest.fixture(scope="session")
def sample(finished):
    """The store of all events of the finished run."""
    return Path(read_json(finished / "run.json")["done"]["events"]["store"])


@pytest.fixture
def toy():
    """The name of the toy experiment."""
    return TOY
