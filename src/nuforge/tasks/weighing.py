"""Losses of rows, each with the weight of its event; without weights, those of plain torch."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F


def cross_entropy_sum(
    logits: Float[Tensor, "n k"],
    label: Int[Tensor, " n"],
    weight: Float[Tensor, " n"] | None,
    of_class: Float[Tensor, " k"] | None = None,
) -> Tensor:
    """Cross entropy summed over rows of known label (not -1).

    Args:
        logits: (N, K).
        label: (N,).
        weight: Of each row (N,), that of its event; None for 1.
        of_class: Weight of each class (K,), 1 if not given.
    """
    if weight is None:
        return F.cross_entropy(logits, label, of_class, ignore_index=-1, reduction="sum")
    return (F.cross_entropy(logits, label, of_class, ignore_index=-1, reduction="none") * weight.to(logits)).sum()


def binary_cross_entropy_sum(
    logits: Float[Tensor, " n"], right: Float[Tensor, " n"], weight: Float[Tensor, " n"] | None
) -> Tensor:
    """Cross entropy of log-odds (N,) of what is right (N,), 0 or 1, summed over rows; `weight` as above."""
    given = None if weight is None else weight.to(logits)
    return F.binary_cross_entropy_with_logits(logits, right, given, reduction="sum")


def counted(rows: Bool[Tensor, " n"], weight: Float[Tensor, " n"] | None) -> Tensor:
    """How many rows there are (a mask), or their weight; never 0, so that means of nothing are 0."""
    if weight is None:
        return rows.sum().clamp(min=1)
    return torch.where(rows, weight, 0.0).sum().float().clamp(min=torch.finfo(torch.float32).tiny)


def rows_of(weight: Float[Tensor, " n"] | None, rows: Tensor) -> Tensor | None:
    """Weights of some rows; None for 1."""
    return None if weight is None else weight[rows]
