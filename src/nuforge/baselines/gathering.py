"""What classical classifiers of events learn from: rows of features, labels and weights of all batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from nuforge.errors import InputError
from nuforge.events import Events
from nuforge.events.identity import IDENTITY
from nuforge.events.split import fraction_of
from nuforge.events.weights import weights_to_learn
from nuforge.metrics.weights import relative


@dataclass(frozen=True)
class Gathered:
    """Features of events that count and have a label.

    Args:
        features: Named tensors of one row an event (B, ...).
        label: Class (B,), 0 to classes - 1.
        weight: (B,) float64, of size 1 or so.
        half: Which half of the events (B,): an event and its copies are in the same.
    """

    features: dict[str, Tensor]
    label: Int[Tensor, " b"]
    weight: Float[Tensor, " b"]
    half: Bool[Tensor, " b"]

    def __len__(self) -> int:
        """Number of events."""
        return len(self.label)


def gathered(
    batches: Iterable[Events],
    features: Callable[[Events], dict[str, Tensor]],
    target: str,
    classes: int,
    fewest: int = 2,
) -> Gathered:
    """Features, labels and weights of labelled events; only these are kept of them.

    Args:
        batches: Labelled events.
        features: From readout to named rows (B, ...).
        target: Column of `event` with the labels; those outside 0 to classes - 1 are left out.
        classes: Number of classes.
        fewest: Classes that must be there.

    Raises:
        InputError: If a weight is negative or not finite, or there are fewer classes.
    """
    parts = [
        (features(batch.readout()), batch["event"][target].cpu(), weights_to_learn(batch).cpu(), halves(batch))
        for batch in batches
    ]
    label = torch.cat([torch.zeros(0, dtype=torch.int64), *(part[1] for part in parts)])
    weight = torch.cat([torch.zeros(0, dtype=torch.float64), *(part[2] for part in parts)])
    known = (label >= 0) & (label < classes) & (weight > 0)
    seen = torch.bincount(label[known], minlength=classes)
    if int((seen > 0).sum()) < fewest:
        raise InputError(
            f"a classifier needs events of at least {fewest} classes, got counts {seen.tolist()}; give labelled events "
            "of more than one class"
        )
    half = torch.cat([part[3] for part in parts])[known]
    joined = {name: torch.cat([part[0][name] for part in parts])[known] for name in parts[0][0]}
    return Gathered(joined, label[known], relative(weight[known]), half)


def halves(events: Events) -> Bool[Tensor, " b"]:
    """Which half of all events each is in, by who it is; of events that do not say so, every other one."""
    if "event" in events and all(name in events["event"] for name in IDENTITY):
        return ((fraction_of(events["event"]) * 2**20).long() % 2 == 1).cpu()
    return torch.arange(len(events)) % 2 == 1
