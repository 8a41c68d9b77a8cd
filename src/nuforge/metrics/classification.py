"""Confusion counts per event, and the figures that follow from their sums."""

import torch
from torch import Tensor


def confusion_counts(label: Tensor, prediction: Tensor, batch: Tensor, n_events: int, n_classes: int) -> Tensor:
    """Rows of each event by true and predicted class (B, K, K) float64; rows with label -1 are left out."""
    known = label >= 0
    place = (batch[known] * n_classes + label[known]) * n_classes + prediction[known]
    counts = torch.bincount(place, minlength=n_events * n_classes**2)
    return counts.view(n_events, n_classes, n_classes).double()


def recall(confusion: Tensor) -> Tensor:
    """Fraction of each true class that is found (..., K), NaN for a class without rows."""
    return confusion.diagonal(dim1=-2, dim2=-1) / confusion.sum(-1)


def precision(confusion: Tensor) -> Tensor:
    """Fraction of each predicted class that is true (..., K), NaN for a class never predicted."""
    return confusion.diagonal(dim1=-2, dim2=-1) / confusion.sum(-2)


def iou(confusion: Tensor) -> Tensor:
    """Intersection over union of the true and the predicted rows of each class (..., K)."""
    hit = confusion.diagonal(dim1=-2, dim2=-1)
    return hit / (confusion.sum(-1) + confusion.sum(-2) - hit)


def accuracy(confusion: Tensor) -> Tensor:
    """Fraction of rows whose class is found (...)."""
    return confusion.diagonal(dim1=-2, dim2=-1).sum(-1) / confusion.sum((-2, -1))
