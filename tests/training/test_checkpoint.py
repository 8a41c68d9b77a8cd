"""Checkpoints that do not fit, or are damaged, are refused by name; a replacement cut short loses nothing."""

import json
import shutil

import pytest
import torch
from toy_run import CLASSES, Perceptron, run

from nuforge.errors import InputError
from nuforge.tasks.segmentation import Segmentation
from nuforge.training import checkpoint as checkpoints
from nuforge.training.learner import Supervised


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("finished")
    return run(out, steps=4)[1]


@pytest.fixture
def folder(finished, tmp_path):
    """A checkpoint of one's own to damage."""
    return shutil.copytree(finished, tmp_path / "checkpoint")


def learner(width=8, classes=CLASSES):
    return Supervised(Perceptron(width), [Segmentation(classes, width)])


def test_weights_come_back(folder):
    other = learner()
    checkpoints.load_weights(other, folder)
    want = checkpoints._tensors(folder, checkpoints.WEIGHTS)
    assert all(torch.equal(want[k], v) for k, v in other.state_dict().items())


def test_another_shape_is_named(folder):
    with pytest.raises(InputError, match=r"'model.layers.0.weight' has shape \(8, 3\) in checkpoint .* and \(9, 3\)"):
        checkpoints.load_weights(learner(width=9), folder)


def test_a_missing_and_an_extra_parameter_are_named(folder):
    big = learner()
    big.model.extra = torch.nn.Linear(1, 1)
    with pytest.raises(InputError, match=r"has no 'model.extra.weight', which this model needs"):
        checkpoints.load_weights(big, folder)
    small = learner()
    del small.model.layers[3]
    with pytest.raises(InputError, match=r"has 'model.layers.3.bias', which this model lacks"):
        checkpoints.load_weights(small, folder)


def test_a_newer_format_is_refused(folder):
    file = folder / "checkpoint.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "format": 2}))
    with pytest.raises(InputError, match=r"has format 2, nuforge .* reads formats up to 1; upgrade"):
        checkpoints.load_weights(learner(), folder)


@pytest.mark.parametrize("text", ["{", "", "[]", "{}"])
def test_damaged_json_is_refused(folder, text):
    (folder / "checkpoint.json").write_text(text)
    with pytest.raises(InputError, match=r"is damaged|has format None"):
        checkpoints.read_description(folder)


@pytest.mark.parametrize("keep", [0, 5, 200])
def test_truncated_weights_are_refused(folder, keep):
    file = folder / "weights.safetensors"
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(InputError, match=r"weights.safetensors is damaged"):
        checkpoints.load_weights(learner(), folder)


def test_a_missing_file_or_folder_is_named(folder):
    (folder / "weights.safetensors").unlink()
    with pytest.raises(InputError, match=r"has no weights.safetensors"):
        checkpoints.load_weights(learner(), folder)
    with pytest.raises(InputError, match="no checkpoint at"):
        checkpoints.load_weights(learner(), folder / "elsewhere")


def test_a_replacement_cut_short_leaves_a_complete_checkpoint(folder):
    previous = folder.with_name(f".{folder.name}.previous")
    folder.rename(previous)  # killed between the two renames
    assert checkpoints.exists(folder)
    checkpoints.load_weights(learner(), folder)
    io = checkpoints.SafeCheckpointIO()
    io.save_checkpoint(io.load_checkpoint(folder), folder)
    assert not previous.exists()
    checkpoints.load_weights(learner(), folder)


def test_what_is_saved_is_loaded(folder):
    io = checkpoints.SafeCheckpointIO()
    first = io.load_checkpoint(folder)
    io.save_checkpoint(first, folder.with_name("again"))
    again = io.load_checkpoint(folder.with_name("again"))
    assert again["description"] == first["description"]
    assert again["optimizer_states"][0]["param_groups"] == first["optimizer_states"][0]["param_groups"]
    for i, state in first["optimizer_states"][0]["state"].items():
        assert all(torch.equal(v, again["optimizer_states"][0]["state"][i][k]) for k, v in state.items())
