"""Recall, precision, intersection over union and accuracy, from counts that add up event by event.

The sufficient statistic is the confusion matrix of each event. Summing over events (or over the events of a bootstrap
resampling) and then dividing gives the figure of merit of that sample, so every figure here takes summed counts.

A figure whose denominator is empty is NaN: the recall of a class without true rows, the precision of a class that was
never predicted, the intersection over union of a class that is neither. `mean_over_classes` skips those classes, and
is NaN only if no class is left.
"""

import torch
from jaxtyping import Float, Int, Num
from torch import Tensor

from nuforge.metrics.weights import ratio


def confusion_counts(
    label: Int[Tensor, " n"],
    prediction: Int[Tensor, " n"],
    batch: Int[Tensor, " n"],
    n_events: int,
    n_classes: int,
) -> Float[Tensor, "b k k"]:
    """Confusion matrix of each event, [true class, predicted class].

    Args:
        label: True class (N,), 0 to n_classes - 1; rows with -1 (unknown) are ignored.
        prediction: Predicted class (N,), 0 to n_classes - 1.
        batch: Event of each row (N,), 0 to n_events - 1.
        n_events: Number of events B, empty ones counted.
        n_classes: Number of classes K.

    Returns:
        Counts (B, K, K), float64 (whole numbers are exact up to 2^53).

    Raises:
        ValueError: If a class or an event number is out of range.
    """
    known = label >= 0
    label, prediction, batch = label[known], prediction[known], batch[known]
    _check_range("label", label, n_classes, "classes, or -1 for unknown; do model and sample have the same classes?")
    _check_range("prediction", prediction, n_classes, "classes; do model and sample have the same classes?")
    _check_range("batch", batch, n_events, "events; pass Table.batch of the same events")
    cell = (batch * n_classes + label) * n_classes + prediction
    counts = torch.bincount(cell, minlength=n_events * n_classes**2)
    return counts.reshape(n_events, n_classes, n_classes).double()


def recall(confusion: Num[Tensor, "*r k k"]) -> Float[Tensor, "*r k"]:
    """Fraction of a class's true rows that were found (..., K), of summed counts (..., K, K) [true, predicted].

    Also called efficiency. NaN for a class without true rows.
    """
    return ratio(_diagonal(confusion), confusion.sum(-1))


def precision(confusion: Num[Tensor, "*r k k"]) -> Float[Tensor, "*r k"]:
    """Fraction of the rows given to a class that belong to it (..., K), of summed counts (..., K, K) [true, predicted].

    Also called purity. NaN for a class that was never predicted.
    """
    return ratio(_diagonal(confusion), confusion.sum(-2))


def iou(confusion: Num[Tensor, "*r k k"]) -> Float[Tensor, "*r k"]:
    """Intersection over union (..., K): rows both true and predicted over rows either, of summed counts (..., K, K).

    NaN for a class that is neither true nor predicted; 0 for one that is only predicted.
    """
    both = _diagonal(confusion)
    return ratio(both, confusion.sum(-1) + confusion.sum(-2) - both)


def accuracy(confusion: Num[Tensor, "*r k k"]) -> Float[Tensor, "*r"]:
    """Fraction of rows given their true class (...), of summed counts (..., K, K). NaN without rows."""
    return ratio(_diagonal(confusion).sum(-1), confusion.sum((-2, -1)))


def mean_over_classes(figure: Float[Tensor, "*r k"]) -> Float[Tensor, "*r"]:
    """Mean (...) of a figure (..., K) over the classes where it is defined; NaN is skipped, not counted as 0."""
    return figure.nanmean(-1)


def _diagonal(confusion: Tensor) -> Tensor:
    """Rows with their true class, (..., K) as floating point."""
    counts = confusion if confusion.is_floating_point() else confusion.double()
    return counts.diagonal(dim1=-2, dim2=-1)


def _check_range(name: str, values: Tensor, end: int, what: str) -> None:
    if len(values) and (int(values.min()) < 0 or int(values.max()) >= end):
        worst = int(values.min()) if int(values.min()) < 0 else int(values.max())
        raise ValueError(f"{name} has the value {worst}, expected 0 to {end - 1} for {end} {what}")
