"""Losses of rows, each with the weight of its event; without weights, those of plain torch."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from nuforge.errors import InputError


def cross_entropy_sum(
    logits: Float[Tensor, "n k"],
    label: Int[Tensor, " n"],
    weight: Float[Tensor, " n"] | None,
    of_class: Float[Tensor, " k"] | None = None,
    focusing: float = 0.0,
) -> Tensor:
    """Cross entropy summed over rows of known label (not -1), each times (1 - p)^focusing: the focal loss.

    Args:
        logits: (N, K).
        label: (N,).
        weight: Of each row (N,), that of its event; None for 1.
        of_class: Weight of each class (K,), 1 if not given.
        focusing: How much less a row counts the larger the probability p of its label already is; 0 is plain.

    Source:
        Lin, Goyal, Girshick, He, Dollar, arXiv:1708.02002, equation 4; there focusing is called gamma.
    """
    if weight is None and not focusing:
        return F.cross_entropy(logits, label, of_class, ignore_index=-1, reduction="sum")
    loss = F.cross_entropy(logits, label, of_class, ignore_index=-1, reduction="none")
    if focusing:
        surprise = F.cross_entropy(logits, label, ignore_index=-1, reduction="none")
        loss = loss * (-torch.expm1(-surprise)).clamp(min=torch.finfo(logits.dtype).tiny) ** focusing
    return loss.sum() if weight is None else (loss * weight.to(logits)).sum()


def checked_focusing(focusing: float) -> float:
    """A power of the focal loss.

    Raises:
        InputError: If it is negative.
    """
    if not focusing >= 0:
        raise InputError(f"focusing must be 0 for plain cross entropy or larger, got {focusing}; 1 and 2 are usual")
    return focusing


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


def mean_over(error: Float[Tensor, " n"], rows: Bool[Tensor, " n"], weight: Float[Tensor, " n"] | None) -> Tensor:
    """Mean of an error (N,) over some rows (a mask), each with its weight, 1 if not given; 0 if there are none."""
    error = torch.where(rows, error, 0.0)
    total = error.sum() if weight is None else (error * weight.to(error)).sum()
    return total / counted(rows, weight)


def rows_of(weight: Float[Tensor, " n"] | None, rows: Tensor) -> Tensor | None:
    """Weights of some rows; None for 1."""
    return None if weight is None else weight[rows]
