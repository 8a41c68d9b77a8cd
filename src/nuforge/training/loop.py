"""The training loop as Lightning runs it: blocks of steps, each ending with a validation and a checkpoint."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
import torch
from torch import Tensor

from nuforge.errors import InputError
from nuforge.events import Events
from nuforge.events.weights import has_weights, weights_of
from nuforge.metrics.weights import weighted
from nuforge.training import checkpoint as checkpoints
from nuforge.training.interrupt import Interrupted, Request
from nuforge.training.learner import Learner
from nuforge.training.optimizer import optimizer_of
from nuforge.training.options import FitOptions
from nuforge.training.stream import Augment, TrainingBatches, TrainingBlocks, ValidationBatches, ValidationPass

History = list[dict[str, float | int | None]]
"""One entry per validation: `step`, `training loss`, `loss`, and the figures of merit; None for not a number."""

_AHEAD = 2  # batches that wait for the device


class Loop(lightning.LightningModule):
    """A learner with its optimizer, schedule, streams and checkpoints.

    Everything that a resumed run needs is the step, the learner, the optimizer, the state of torch's generators, the
    history and the running sum of the training loss; batches, augmentation and learning rate are functions of the step.

    Args:
        learner: What is trained.
        options: How long and how fast.
        folder: Where the checkpoints `best` and `last` go.
        training_batches: The stream of training batches.
        validation_batches: The validation events, or none.
        augment: Applied to training batches.
        seed: Of the augmentation.
        workers: Processes that load data.
        description: What checkpoint.json says of the run.
        request: Set by Ctrl-C.
        mean_weight: Of the training events.
    """

    def __init__(
        self,
        learner: Learner,
        options: FitOptions,
        folder: Path,
        training_batches: TrainingBatches,
        validation_batches: ValidationBatches | None,
        augment: Augment | None,
        seed: int,
        workers: int,
        description: Mapping[str, Any],
        request: Request,
        mean_weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.learner, self.options, self.folder = learner, options, folder
        self.step = 0
        self.history: History = []
        self._training_batches, self._validation_batches = training_batches, validation_batches
        self._augment, self._seed, self._workers = augment, seed, workers
        self._description, self._request, self._mean_weight = description, request, mean_weight
        self._loss_sum: Tensor = torch.zeros((), dtype=torch.float64)
        self._loss_count = 0
        self._sums: dict[str, Tensor] = {}
        self._restored: dict[str, Any] | None = None

    def restore(self, checkpoint: dict[str, Any], path: Path) -> None:
        """Go on from a checkpoint; optimizer and generators follow when training starts."""
        checkpoints.fill(self.learner, checkpoint["state_dict"], path)
        progress = checkpoint["description"]
        self.step, self.history = progress["step"], progress["history"]
        self._loss_sum = torch.tensor(progress["block"]["loss"], dtype=torch.float64)
        self._loss_count = progress["block"]["steps"]
        self._restored = checkpoint

    @property
    def blocks_left(self) -> int:
        """Blocks that are not finished."""
        block = self.options.validate_every
        return -(-self.options.steps // block) - self.step // block

    @property
    def finished(self) -> bool:
        """Whether all steps are done, or none of the last validations was better."""
        patience, best = self.options.patience, best_of(self.history, self.options.monitor)
        stopped = patience > 0 and best is not None and len(self.history) - 1 - best >= patience
        return self.step >= self.options.steps or stopped

    # What Lightning asks for

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """That of the options."""
        options = self.options
        fused = options.precision == "32-true"  # Lightning does not clip for a fused optimizer in mixed precision
        return optimizer_of(self.learner, options.optimizer, options.learning_rate, options.weight_decay, fused)

    def train_dataloader(self) -> TrainingBlocks:
        """Training batches from the present step on."""
        block, steps = self.options.validate_every, self.options.steps
        return TrainingBlocks(
            self._training_batches,
            self.step,
            block,
            steps,
            self._augment,
            self._seed,
            self.global_rank,
            self._workers,
            ahead=_AHEAD if self.device.type == "cuda" else 0,  # a CPU has nothing to do meanwhile but the same work
            mean_weight=self._mean_weight,
        )

    def val_dataloader(self) -> ValidationPass | list[Events]:
        """Validation batches."""
        batches = self._validation_batches
        return [] if batches is None else ValidationPass(batches, self._mean_weight)

    def transfer_batch_to_device(self, batch: Events, device: torch.device, dataloader_idx: int) -> Events:
        """The batch on the device."""
        return batch.to(device, non_blocking=True)

    def on_train_start(self) -> None:
        """Optimizer and generators of the checkpoint, if there is one."""
        self._loss_sum = self._loss_sum.to(self.device, _widest(self.device))
        if self._restored is not None:
            for optimizer, state in zip(self.trainer.optimizers, self._restored["optimizer_states"], strict=True):
                optimizer.load_state_dict(state)
            checkpoints.set_random_state(self._restored["random"])
            self._restored = None

    def on_train_batch_start(self, batch: Events, batch_idx: int) -> None:
        """The learning rate of this step."""
        rate = self.options.learning_rate_at(self.step)
        for optimizer in self.trainer.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate

    def training_step(self, batch: Events, batch_idx: int) -> Tensor:
        """Loss of a batch: the learner's mean over rows times the mean weight of the events."""
        loss = self.learner.loss(batch)
        if has_weights(batch):
            loss = loss * weights_of(batch).mean().to(loss)
        self._loss_sum += loss.detach()
        self._loss_count += 1
        return loss

    def on_train_batch_end(self, outputs: object, batch: Events, batch_idx: int) -> None:
        """Count the step; stop if the user asked for it in the middle of a block."""
        self.step += 1
        inside = self.step % self.options.validate_every and self.step < self.options.steps
        if inside and self._asked_to_stop():
            self._stop()

    def on_validation_start(self) -> None:
        """Weights that are not finite are not worth a look."""
        self._training_loss()

    def validation_step(self, batch: Events, batch_idx: int) -> None:
        """Sums over the events of a batch, with their weights."""
        loss, statistics = self.learner.evaluate(batch)
        wide = _widest(self.device)
        n = loss.new_tensor(len(batch), dtype=wide)
        if has_weights(batch):
            weight = weights_of(batch)
            statistics, n = {name: weighted(s, weight) for name, s in statistics.items()}, weight.sum()
        sums = {name: s.sum(0) for name, s in statistics.items()}
        sums |= {"": torch.stack([loss.detach().to(wide) * n, n])}
        for name, value in sums.items():
            self._sums[name] = self._sums[name] + value if name in self._sums else value

    def on_train_epoch_end(self) -> None:
        """A block is done: its figures, the checkpoints, and whether to go on."""
        self.history.append({"step": self.step, "training loss": self._training_loss(), **self._figures()})
        self._loss_sum, self._loss_count = torch.zeros_like(self._loss_sum), 0
        if best_of(self.history, self.options.monitor) == len(self.history) - 1:
            self._save("best")
        self._save("last")
        if self.finished:
            self.trainer.should_stop = True
        elif self._asked_to_stop():
            self._stop()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """What `SafeCheckpointIO` keeps."""
        metrics = self.history[-1] if self.history else {}
        block = {"loss": float(self._loss_sum), "steps": self._loss_count}
        checkpoint["state_dict"] = self.learner.state_dict()
        checkpoint["random"] = checkpoints.random_state()
        checkpoint["description"] = {
            **self._description,
            "step": self.step,
            "metrics": metrics,
            "history": self.history,
            "block": block,
        }

    # Parts

    def _training_loss(self) -> float:
        """Mean training loss of the block so far."""
        mean = float(self._loss_sum) / max(1, self._loss_count)
        if not math.isfinite(mean):
            raise InputError(
                f"training loss became {mean} before step {self.step}; lower learning_rate (now "
                f"{self.options.learning_rate}), or look for values that are not finite in the events"
            )
        return mean

    def _figures(self) -> dict[str, float | int | None]:
        """Loss and figures of merit of the validation, over all processes."""
        if not self._sums:
            return {}
        sums = {name: self.trainer.strategy.reduce(s, reduce_op="sum") for name, s in self._sums.items()}
        self._sums = {}
        loss, n_events = sums.pop("").tolist()
        figures = self.learner.figures({name: s.unsqueeze(0) for name, s in sums.items()})
        values = {
            "loss": loss / n_events if n_events > 0 else math.nan,
            **{name: float(f[0]) for name, f in figures.items()},
        }
        if self.options.monitor not in values:
            raise InputError(f"monitor '{self.options.monitor}' is no figure of this learner; choose of {list(values)}")
        return {name: value if math.isfinite(value) else None for name, value in values.items()}

    def _save(self, name: str) -> None:
        self.trainer.save_checkpoint(self.folder / name, weights_only=False)

    def _asked_to_stop(self) -> bool:
        """Whether Ctrl-C was pressed, the same answer in every process."""
        if self.trainer.world_size == 1:
            return self._request.made
        return bool(self.trainer.strategy.reduce_boolean_decision(self._request.made, all=False))

    def _stop(self) -> None:
        self._save("last")
        raise Interrupted(
            f"stopped at step {self.step} of {self.options.steps}; the state is in {self.folder / 'last'}, "
            "the same command with resume goes on from there"
        )


def best_of(history: History, monitor: str) -> int | None:
    """Which validation was the best: lowest loss, or highest figure; the last one if there are no validation events."""
    scores = [entry.get(monitor) for entry in history]
    known = [i for i, score in enumerate(scores) if score is not None]
    if not known:
        return len(history) - 1 if history else None
    sign = 1 if monitor == "loss" else -1
    return min(known, key=lambda i: sign * (scores[i] or 0.0))


def _widest(device: torch.device) -> torch.dtype:
    """Float64 where it exists."""
    return torch.float32 if device.type == "mps" else torch.float64
