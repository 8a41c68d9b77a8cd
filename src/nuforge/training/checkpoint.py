"""Checkpoints: a folder of safetensors and JSON, written whole or not at all, and never a pickle.

weights.safetensors     the learner
optimizer.safetensors   the optimizer's tensors, named <parameter number>.<name>
random.safetensors      the state of torch's generators
checkpoint.json         format, package version, what the caller says of the run, step, history
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from lightning.pytorch.plugins.io import CheckpointIO
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from nuforge import __version__
from nuforge.errors import InputError

FORMAT: Final = 1
"""Version of the folder's layout. A reader refuses a newer one."""

WEIGHTS, OPTIMIZER, RANDOM, DESCRIPTION = (
    "weights.safetensors",
    "optimizer.safetensors",
    "random.safetensors",
    "checkpoint.json",
)


class SafeCheckpointIO(CheckpointIO):
    """Lightning's way to the disk: its dictionary to a folder and back.

    Of Lightning's dictionary it keeps `state_dict`, the one entry of `optimizer_states`, `random` (name -> tensor) and
    `description` (JSON values).
    """

    def save_checkpoint(
        self,
        checkpoint: dict[str, Any],
        path: str | Path,
        storage_options: Any = None,  # noqa: ANN401
    ) -> None:
        """Write the folder beside its place, then rename it."""
        optimizer, tensors = _flattened(checkpoint["optimizer_states"][0])
        files = {WEIGHTS: checkpoint["state_dict"], OPTIMIZER: tensors, RANDOM: checkpoint["random"]}
        _write(Path(path), {**checkpoint["description"], "optimizer": optimizer}, files)

    def load_checkpoint(
        self,
        path: str | Path,
        map_location: Any = None,  # noqa: ANN401
        weights_only: bool | None = None,
    ) -> dict[str, Any]:
        """The dictionary that `save_checkpoint` was given."""
        description = read_description(Path(path))
        states = _unflattened(description.pop("optimizer"), _tensors(Path(path), OPTIMIZER))
        return {
            "state_dict": _tensors(Path(path), WEIGHTS),
            "optimizer_states": [states],
            "random": _tensors(Path(path), RANDOM),
            "description": description,
        }

    def remove_checkpoint(self, path: str | Path) -> None:
        """Delete the folder."""
        shutil.rmtree(path, ignore_errors=True)
        shutil.rmtree(_previous(Path(path)), ignore_errors=True)


def exists(path: Path) -> bool:
    """Whether a checkpoint is at `path`, also if a replacement was cut short."""
    return _located(path).is_dir()


def read_description(path: Path) -> dict[str, Any]:
    """What checkpoint.json says.

    Raises:
        InputError: If there is none, it is no JSON, or a newer version wrote it.
    """
    file = _located(path) / DESCRIPTION
    try:
        description = json.loads(file.read_text(encoding="utf-8"))
    except OSError:
        raise InputError(f"no checkpoint at {path}; expected a folder with {DESCRIPTION} and {WEIGHTS}") from None
    except ValueError as error:
        raise InputError(f"{file} is damaged ({error}); expected JSON, take another checkpoint") from None
    version = description.get("format") if isinstance(description, dict) else None
    if not isinstance(version, int) or version > FORMAT:
        raise InputError(
            f"checkpoint {path} has format {version!r}, nuforge {__version__} reads formats up to {FORMAT}; "
            "upgrade nuforge, or train again"
        )
    return dict(description)


def load_weights(learner: nn.Module, path: Path) -> None:
    """Fill the learner with the checkpoint's weights.

    Raises:
        InputError: If they do not fit; names the first parameter that does not.
    """
    read_description(path)
    fill(learner, _tensors(path, WEIGHTS), path)


def write_weights(learner: nn.Module, path: Path, description: Mapping[str, Any]) -> None:
    """A checkpoint of weights alone, from which training begins but does not go on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(path, description, {WEIGHTS: learner.state_dict()})


def save_weights(learner: nn.Module, path: Path) -> None:
    """Put the learner's weights in place of those of a checkpoint, whole or not at all."""
    temporary = path / f".{WEIGHTS}.new"
    _write_tensors(learner.state_dict(), temporary)
    _to_disk(temporary)
    temporary.replace(path / WEIGHTS)


def fill(learner: nn.Module, weights: Mapping[str, Tensor], path: Path) -> None:
    """Fill the learner with weights; `path` is for the message if they do not fit."""
    own = learner.state_dict()
    for name, tensor in own.items():
        if name not in weights:
            raise InputError(f"checkpoint {path} has no '{name}', which this model needs; it is of another model")
        if weights[name].shape != tensor.shape:
            raise InputError(
                f"'{name}' has shape {tuple(weights[name].shape)} in checkpoint {path} and {tuple(tensor.shape)} "
                "in this model; give the arguments it was trained with"
            )
    extra = sorted(set(weights) - set(own))
    if extra:
        raise InputError(f"checkpoint {path} has '{extra[0]}', which this model lacks; it is of another model")
    learner.load_state_dict(dict(weights))


def _write(path: Path, description: Mapping[str, Any], files: Mapping[str, Mapping[str, Tensor]]) -> None:
    """A checkpoint of a description and files of tensors: written beside its place, then renamed."""
    temporary = path.with_name(f".{path.name}.new")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    for name, content in files.items():
        _write_tensors(content, temporary / name)
    text = json.dumps({"format": FORMAT, "nuforge": __version__, **description}, indent=1, allow_nan=False)
    (temporary / DESCRIPTION).write_text(text + "\n", encoding="utf-8")
    for file in (*temporary.iterdir(), temporary):
        _to_disk(file)
    _replace(temporary, path)


def _write_tensors(tensors: Mapping[str, Tensor], file: Path) -> None:
    save_file({name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}, file)


def _tensors(path: Path, name: str) -> dict[str, Tensor]:
    """The tensors of one of the folder's files."""
    file = _located(path) / name
    try:
        return load_file(file)
    except FileNotFoundError:
        raise InputError(f"checkpoint {path} has no {name}; it is incomplete, take another checkpoint") from None
    except (SafetensorError, OSError) as error:
        raise InputError(f"{file} is damaged ({error}); expected safetensors, take another checkpoint") from None


def _flattened(state: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """An optimizer's state as JSON values and tensors."""
    tensors = {f"{i}.{key}": v for i, values in state["state"].items() for key, v in values.items()}
    return {"groups": [dict(group) for group in state["param_groups"]]}, tensors


def _unflattened(description: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """The optimizer's state of JSON values and tensors."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        number, key = name.split(".", 1)
        state.setdefault(int(number), {})[key] = tensor
    groups = [
        {key: tuple(v) if isinstance(v, list) and key != "params" else v for key, v in group.items()}
        for group in description["groups"]
    ]
    return {"state": state, "param_groups": groups}


def _previous(path: Path) -> Path:
    return path.with_name(f".{path.name}.previous")


def _located(path: Path) -> Path:
    """Where the checkpoint is: a replacement that was cut short leaves it under its second name."""
    return _previous(path) if not path.exists() and _previous(path).exists() else path


def _replace(temporary: Path, path: Path) -> None:
    """Put a complete folder in place; at every moment a complete one is found."""
    previous = _previous(path)
    if path.exists():
        shutil.rmtree(previous, ignore_errors=True)
        path.rename(previous)
    temporary.rename(path)
    _to_disk(path.parent)
    shutil.rmtree(previous, ignore_errors=True)


def _to_disk(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def random_state() -> dict[str, Tensor]:
    """State of torch's generators on this process's devices."""
    state = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        state |= {f"cuda.{i}": s for i, s in enumerate(torch.cuda.get_rng_state_all())}
    return state


def set_random_state(state: Mapping[str, Tensor]) -> None:
    """Put torch's generators back."""
    torch.set_rng_state(state["cpu"])
    for i in range(torch.cuda.device_count()):
        if f"cuda.{i}" in state:
            torch.cuda.set_rng_state(state[f"cuda.{i}"], i)
