"""Event weights: what an event counts for, the column `event.weight`, 1 where there is none; a row counts as its event.

Generators, fluxes and systematic variations all weigh events there, and whatever sums over events asks here. Weights
have no unit and no scale: only their ratios matter.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from nuforge.errors import InputError
from nuforge.events.events import Events
from nuforge.shapes import Rows

TABLE, COLUMN = "event", "weight"


def has_weights(events: Events) -> bool:
    """Whether events have weights; else each counts 1."""
    return TABLE in events and COLUMN in events[TABLE]


def weights_of(events: Events) -> Float[Tensor, " b"]:
    """The weight (B,) float64 of each event.

    Raises:
        InputError: If one is not finite.
    """
    if not has_weights(events):
        return torch.ones(len(events), dtype=torch.float64, device=events.device)
    return finite_weights(events[TABLE][COLUMN])


def weights_to_learn(events: Events) -> Float[Tensor, " b"]:
    """The weight (B,) float64 of each event that something learns from.

    Raises:
        InputError: If one is not finite, or negative.
    """
    return non_negative(weights_of(events))


def row_weights(events: Events, batch: Rows) -> Float[Tensor, " n"] | None:
    """The weight (N,) float64 of rows of events (N,); None where events have no weights, so that nothing is multiplied.

    Values are not looked at, which a device would have to wait for.
    """
    return events[TABLE][COLUMN].double()[batch] if has_weights(events) else None


def finite_weights(weight: Tensor) -> Float[Tensor, " b"]:
    """Weights (B,) as float64.

    Raises:
        InputError: If one is not finite, or there is not one number an event.
    """
    if weight.ndim != 1:
        raise InputError(
            f"event weights must be one number an event, got the shape {tuple(weight.shape)}; keep one column of them"
        )
    weight = weight.detach().double()
    bad = ~weight.isfinite()
    if bool(bad.any()):
        raise InputError(
            f"event weights must be finite, got {float(weight[bad][0])} in {int(bad.sum())} of {len(bad)} events; "
            "correct them or leave those events out"
        )
    return weight


def non_negative(weight: Float[Tensor, " b"]) -> Float[Tensor, " b"]:
    """The same weights (B,).

    Raises:
        InputError: If one is negative.
    """
    bad = weight < 0
    if bool(bad.any()):
        raise InputError(
            f"event weights must not be negative in training, got {float(weight[bad][0]):g} in {int(bad.sum())} of "
            f"{len(bad)} events; a loss to be made large has no end: learn with --select 'weight >= 0', evaluate on all"
        )
    return weight


def mean_weight(weight: Tensor) -> float:
    """The mean of the weights (B,) that something learns from, exactly the weight of each if all are equal.

    Raises:
        InputError: If a weight is not finite or negative, or all are 0.
    """
    weight = non_negative(finite_weights(weight))
    mean = float(weight[0]) if len(weight) and bool((weight == weight[0]).all()) else float(weight.mean())
    if not mean > 0:
        raise InputError(
            f"the weights of {len(weight)} events to learn from add up to {float(weight.sum())}, expected more than 0; "
            "correct them or give other events"
        )
    return mean


def over_mean(events: Events, mean: float) -> Events:
    """Events to learn from with their weights over a mean; without weights where all are 1 then.

    Raises:
        InputError: If a weight is not finite, or negative.
    """
    if not has_weights(events):
        return events
    weight, event = weights_to_learn(events) / mean, events[TABLE]
    if bool((weight == 1).all()):
        return events.with_table(TABLE, event.only([column for column in event if column != COLUMN]))
    return events.with_table(TABLE, event.with_columns({COLUMN: weight}))


def without_weights(events: Events, what: str) -> Events:
    """The same events, if all weigh the same, for what does not know weights.

    Args:
        events: Events.
        what: What it is, for the message.

    Raises:
        InputError: If weights differ.
    """
    weight = weights_of(events)
    if bool((weight != weight[:1]).any()):
        raise InputError(
            f"{what} are of events that count alike, got weights from {float(weight.min()):g} to "
            f"{float(weight.max()):g}; give events without weights"
        )
    return events
