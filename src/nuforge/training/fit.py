"""`fit`: train a learner, with checkpoints from which the same command goes on exactly."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
import torch

from nuforge.errors import InputError
from nuforge.training import checkpoint as checkpoints
from nuforge.training.interrupt import interruptible
from nuforge.training.learner import Learner
from nuforge.training.loop import Loop
from nuforge.training.options import FitOptions
from nuforge.training.progress import TerminalProgress
from nuforge.training.stream import Augment, TrainingBatches, ValidationBatches


def fit(
    learner: Learner,
    training_batches: TrainingBatches,
    validation_batches: ValidationBatches | None,
    options: FitOptions,
    out: Path,
    *,
    about: Mapping[str, Any],
    augment: Augment | None = None,
    resume: bool = False,
    init: Path | None = None,
    seed: int = 0,
    devices: int = 1,
    workers: int = 0,
    mean_weight: float = 1.0,
) -> Path:
    """The folder of the best checkpoint, `out/checkpoint/best`; the learner ends with the weights of the last step.

    Events count with their weights (`event.weight`), in the loss and in the figures of validation; where all have the
    mean weight, nothing is multiplied.

    The same seed gives the same weights on a CPU with the same number of threads, interrupted and resumed or not.

    Args:
        learner: What is trained, in place.
        training_batches: From a step on, the endless batches; that of step k depends on the seed and k alone.
        validation_batches: The validation events, a bounded number; without any, the last checkpoint is the best.
        options: How long and how fast.
        out: Folder for `checkpoint/best` and `checkpoint/last`.
        about: What the checkpoint shall say of the run: experiment, arguments, input columns, classes, detector; JSON.
        augment: Changes each training batch, with a generator of the seed and step.
        resume: Go on from `out/checkpoint/last`, or begin if there is none.
        init: A checkpoint whose weights to begin with.
        seed: Of augmentation and dropout.
        devices: Processors to train on, by Lightning.
        workers: Processes that load data, if the training batches are a torch `IterableDataset` that can be pickled.
        mean_weight: Mean weight of the training events (`nuforge.events.weights.mean_weight`): with weights of mean 1 a
            learning rate means what it means without.

    Raises:
        InputError: If a checkpoint does not fit, one is there and `resume` is not set, `out` cannot be written, or a
            weight is not finite or negative.
        Interrupted: After Ctrl-C, with a checkpoint written.
    """
    folder = _writable(out / "checkpoint")
    last = folder / "last"
    description = _as_json({**about, "seed": seed, "options": asdict(options)})
    if checkpoints.exists(last) and not resume:
        raise InputError(f"{last} holds a checkpoint already; resume it, or choose another folder")
    with interruptible() as request, _quiet(), _own_random_state(seed):
        loop = Loop(
            learner,
            options,
            folder,
            training_batches,
            validation_batches,
            augment,
            seed,
            workers,
            description,
            request,
            mean_weight,
        )
        if checkpoints.exists(last):
            _same_run(description, checkpoints.read_description(last), last)
            loop.restore(checkpoints.SafeCheckpointIO().load_checkpoint(last), last)
        elif init is not None:
            checkpoints.load_weights(learner, init)
        if not loop.finished:
            learner.train()
            _trainer(loop, devices).fit(loop)
    return folder / "best"


def _trainer(loop: Loop, devices: int) -> lightning.Trainer:
    """Lightning's trainer with nothing of its own on the disk or the screen."""
    return lightning.Trainer(
        accelerator="auto",
        devices=devices,
        precision=loop.options.precision,
        max_epochs=loop.blocks_left,
        gradient_clip_val=loop.options.clip,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[TerminalProgress()],
        plugins=[checkpoints.SafeCheckpointIO()],
        default_root_dir=loop.folder,
    )


def _writable(folder: Path) -> Path:
    """The folder, made if it is not there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(f"cannot write to {folder} ({error.strerror}); choose another output folder") from None
    return folder


def _as_json(about: Mapping[str, Any]) -> dict[str, Any]:
    """The description as it will be read back."""
    try:
        return dict(json.loads(json.dumps(about, allow_nan=False)))
    except (TypeError, ValueError) as error:
        raise InputError(f"what a checkpoint says of its run must be JSON, got {error}; give plain values") from None


def _same_run(mine: Mapping[str, Any], theirs: Mapping[str, Any], path: Path) -> None:
    """Refuse to go on with other options than the checkpoint's: the result would be neither run's."""
    for name, value in mine.items():
        other = theirs.get(name)
        if isinstance(value, dict) and isinstance(other, dict):
            changed = [k for k in sorted({*value, *other}) if value.get(k) != other.get(k)]
            if changed:
                name, value, other = changed[0], value.get(changed[0]), other.get(changed[0])
        if value != other:
            raise InputError(
                f"{name} is {value!r} now and {other!r} in checkpoint {path}; resume with the same arguments, "
                "or begin in another folder with init"
            )


@contextmanager
def _own_random_state(seed: int) -> Iterator[None]:
    """Within, torch's generators are seeded; afterwards they are as before."""
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        yield


@contextmanager
def _quiet() -> Iterator[None]:
    """Within, Lightning keeps its tips, logs and advice to itself; its errors pass."""
    loggers = [logging.getLogger(name) for name in ("lightning", "lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"lightning\.")
        warnings.filterwarnings("ignore", category=UserWarning, message=r".*(num_workers|lightning|Trainer).*")
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
