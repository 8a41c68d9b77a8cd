"""Reliability of stated probabilities: counts per event, and the expected calibration error of their sums."""

import torch
from torch import Tensor


def reliability_counts(confidence: Tensor, correct: Tensor, batch: Tensor, n_events: int, bins: int = 15) -> Tensor:
    """Number, sum of confidence and number correct in bins of confidence (B, bins, 3) float64."""
    place = batch * bins + (confidence * bins).long().clamp(0, bins - 1)
    parts = [torch.ones_like(confidence), confidence, correct]
    sums = [torch.bincount(place, weights=part.double(), minlength=n_events * bins) for part in parts]
    return torch.stack(sums, 1).view(n_events, bins, 3)


def expected_calibration_error(bins: Tensor) -> Tensor:
    """Mean distance of confidence and accuracy over bins, weighted by their rows (...)."""
    gap = (bins[..., 1] - bins[..., 2]).abs().sum(-1)
    return gap / bins[..., 0].sum(-1)
