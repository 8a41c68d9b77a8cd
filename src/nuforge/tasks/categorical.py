"""What tasks with classes share: how a categorical answer is measured, for voxels as for events."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from nuforge.events import Table
from nuforge.metrics.calibration import expected_calibration_error, reliability_counts
from nuforge.metrics.classification import accuracy, confusion_counts

BINS = 15
"""Bins of confidence in the reliability curve."""

TEMPERATURES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.35, 1.5, 1.75, 2.0, 2.5, 3.0)
"""Temperatures that are tried. Source: Guo, Pleiss, Sun, Weinberger, arXiv:1706.04599."""


def categorical_surprise(
    logits: Float[Tensor, "n k"], label: Int[Tensor, " n"], batch: Int[Tensor, " n"], n_events: int
) -> Float[Tensor, "b t"]:
    """-ln of the probability of the labels with each of `TEMPERATURES` (B, T), summed over known rows of each event.

    Args:
        logits: (N, K).
        label: (N,), -1 for unknown.
        batch: Event of each row (N,).
        n_events: Number of events B.
    """
    known = label >= 0
    logits, label, batch = logits[known].double(), label[known], batch[known]
    each = [F.cross_entropy(logits / temperature, label, reduction="none") for temperature in TEMPERATURES]
    return torch.stack([value.new_zeros(n_events).index_add_(0, batch, value) for value in each], 1)


def categorical_statistics(truth: Table, target: str, probability: Float[Tensor, "n k"]) -> dict[str, Tensor]:
    """Per event: `confusion` (B, K, K), rows true and columns predicted; `reliability` (B, bins, 3).

    Args:
        truth: The table whose rows are classified.
        target: Its column of labels, -1 for unknown.
        probability: Of each class.
    """
    label, batch, n = truth[target], truth.batch, truth.n_events
    confidence, best = probability.max(1)
    known = label >= 0
    right = (best == label)[known]
    return {
        "confusion": confusion_counts(label, best, batch, n, probability.shape[1]),
        "reliability": reliability_counts(confidence[known], right, batch[known], n_events=n, bins=BINS),
    }


def categorical_figures(sums: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Accuracy and expected calibration error (R,) of summed statistics (R, ...)."""
    return {
        "accuracy": accuracy(sums["confusion"]),
        "expected calibration error": expected_calibration_error(sums["reliability"]),
    }


def log_odds(probability: Float[Tensor, "n k"]) -> Float[Tensor, "n k"]:
    """ln(p / (1 - p)) of each class against the rest, finite: p is taken as no less than 1e-9."""
    p = probability.double()
    rest = p.sum(1, keepdim=True) - p
    return torch.log(p.clamp(min=1e-9)) - torch.log(rest.clamp(min=1e-9))
