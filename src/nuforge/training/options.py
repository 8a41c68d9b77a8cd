"""How long and how fast to learn."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from nuforge.errors import InputError

if TYPE_CHECKING:
    from nuforge.training.optimizer import Choice

Precision = Literal["32-true", "bf16-mixed"]
"""Numbers that layers compute in: single precision, or matrix products of bfloat16 where that is safe."""


@dataclass(frozen=True)
class FitOptions:
    """Numbers of a training. Lengths are in steps, so that a run is the same on a slow machine.

    Args:
        steps: Training steps.
        learning_rate: Peak of the one-cycle schedule.
        optimizer: `adamw`, or `muon` for the kernels of convolutions and AdamW for the rest.
        weight_decay: Of the optimizer, on tensors of two axes or more.
        clip: Largest norm of the gradient.
        warmup: Fraction of the steps in which the learning rate rises.
        validate_every: Steps between validations; each writes a checkpoint.
        monitor: What chooses the best checkpoint: `loss` (validation, lowest) or a figure of merit (highest).
        patience: Validations without a better one after which training stops; 0 for never.
        precision: Numbers that layers compute in.
    """

    steps: int
    learning_rate: float = 3e-3
    optimizer: Choice = "adamw"
    weight_decay: float = 0.01
    clip: float = 1.0
    warmup: float = 0.3
    validate_every: int = 200
    monitor: str = "loss"
    patience: int = 0
    precision: Precision = "32-true"

    def __post_init__(self) -> None:
        for name in ("steps", "validate_every", "learning_rate", "clip"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} must be positive, got {getattr(self, name)}")
        if not 0 <= self.warmup < 1:
            raise InputError(f"warmup must be a fraction of the steps, 0 up to 1, got {self.warmup}")
        if self.patience < 0 or self.weight_decay < 0:
            raise InputError(
                f"patience and weight_decay must not be negative, got {self.patience}, {self.weight_decay}"
            )

    def learning_rate_at(self, step: int) -> float:
        """One cycle: a cosine from 1/25 of the peak up to it, then a cosine down to 1/10,000 of it.

        Source:
            Smith and Topin, arXiv:1708.07120, in the two-phase form of torch.optim.lr_scheduler.OneCycleLR.
        """
        rise = self.warmup * self.steps
        if step < rise:
            return self.learning_rate * _cosine(1 / 25, 1.0, step / rise)
        return self.learning_rate * _cosine(1.0, 1e-4, (step - rise) / max(self.steps - 1 - rise, 1))


def _cosine(first: float, last: float, t: float) -> float:
    """From first to last along half a cosine, t from 0 to 1."""
    return last + (first - last) * 0.5 * (1 + math.cos(math.pi * min(t, 1.0)))
