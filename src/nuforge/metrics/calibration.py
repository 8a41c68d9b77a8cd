"""Calibration: does a probability of 0.8 come true eight times in ten?"""

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from nuforge.metrics.weights import ratio

TEMPERATURES = (0.05, 20.0)
"""Range of a fitted temperature. A network that is never wrong would ask for 0, a blind one for infinity."""


def reliability_counts(
    confidence: Float[Tensor, " n"],
    correct: Bool[Tensor, " n"],
    batch: Int[Tensor, " n"],
    n_events: int,
    bins: int = 15,
) -> Float[Tensor, "b bins 3"]:
    """Reliability statistics of each event: number of rows, sum of confidence, number of correct rows, per bin.

    Bins have equal width in confidence; bin i holds i / bins <= confidence < (i + 1) / bins, the last one also 1.
    The three numbers add up over events.

    Args:
        confidence: Probability given to the predicted class (N,), 0 to 1.
        correct: Whether the prediction is right (N,). Leave out rows whose class is unknown.
        batch: Event of each row (N,).
        n_events: Number of events B, empty ones counted.
        bins: Number of bins.

    Returns:
        (B, bins, 3) float64.

    Raises:
        ValueError: If a confidence is not between 0 and 1.
    """
    confidence = confidence.double()
    wrong = ~((confidence >= 0) & (confidence <= 1 + 1e-6))
    if bool(wrong.any()):
        raise ValueError(
            f"confidence must be between 0 and 1, got {float(confidence[wrong][0])}; pass probabilities, not logits"
        )
    cell = batch * bins + (confidence * bins).long().clamp(max=bins - 1)
    rows = torch.stack([torch.ones_like(confidence), confidence, correct.double()], dim=-1)
    counts = rows.new_zeros(n_events * bins, 3).index_add_(0, cell, rows)
    return counts.reshape(n_events, bins, 3)


def expected_calibration_error(counts: Float[Tensor, "*r bins 3"]) -> Float[Tensor, "*r"]:
    """Mean distance of confidence and accuracy over bins, weighted by rows (...), of summed counts (..., bins, 3).

    ECE = sum over bins of n_bin / n |accuracy_bin - confidence_bin|. NaN without rows. It is biased upwards by
    fluctuation, about sqrt(bins / n) in size, so compare methods only at the same n.

    Source:
        Naeini, Cooper, Hauskrecht, AAAI 2015; Guo et al., ICML 2017, equation 3.
    """
    n, confidence, correct = counts.unbind(-1)
    return ratio((correct - confidence).abs().sum(-1), n.sum(-1))


def reliability_curve(counts: Float[Tensor, "*r bins 3"]) -> tuple[Tensor, Tensor, Tensor]:
    """Mean confidence, accuracy and weight of the rows of each bin, each (..., bins); NaN where a bin is empty."""
    n, confidence, correct = counts.unbind(-1)
    return ratio(confidence, n), ratio(correct, n), n


def fit_temperature(
    logits: Float[Tensor, "n k"],
    label: Int[Tensor, " n"],
    tolerance: float = 1e-6,
    weight: Float[Tensor, " n"] | None = None,
) -> float:
    """Temperature T for which softmax(logits / T) has the least negative log-likelihood.

    Fitted on validation, used on test; it changes no decision. The likelihood is convex in 1/T, so the root of its
    derivative is found by bisection, in float64, within `TEMPERATURES`.

    Args:
        logits: Logits (N, K), or logarithms of probabilities.
        label: True class (N,); rows with -1 are ignored.
        tolerance: Relative precision of T.
        weight: Weight of each row (N,), that of its event; 1 if not given.

    Returns:
        T, no unit: above 1 for an overconfident model.

    Raises:
        ValueError: If no row has a label, a logit is not finite, or a weight is not finite or negative.

    Source:
        Guo et al., "On calibration of modern neural networks", ICML 2017, section 4.2.
    """
    known = label >= 0
    if weight is not None:
        _check_weight(weight)
        known, weight = known & (weight > 0), weight[known & (weight > 0)].double()
    logits, label = logits[known].detach().double(), label[known]
    if not len(label):
        raise ValueError("temperature needs labelled rows, got 0 of them; fit it on a validation sample with labels")
    if not bool(logits.isfinite().all()):
        raise ValueError("logits must be finite to fit a temperature, got NaN or infinity; clamp probabilities above 0")

    def mean(values: Tensor) -> Tensor:
        return values.mean() if weight is None else (values * weight).sum() / weight.sum()

    target = mean(logits.gather(1, label[:, None]).squeeze(1))

    def slope(beta: float) -> float:
        """Derivative of the mean negative log-likelihood in beta = 1/T: rises with beta."""
        expected = mean((torch.softmax(beta * logits, dim=1) * logits).sum(1))
        return float(expected - target)

    low, high = (math.log(1 / t) for t in reversed(TEMPERATURES))
    while high - low > tolerance:
        middle = (low + high) / 2
        low, high = (middle, high) if slope(math.exp(middle)) < 0 else (low, middle)
    return math.exp(-(low + high) / 2)


def _check_weight(weight: Tensor) -> None:
    bad = ~(weight.isfinite() & (weight >= 0))
    if bool(bad.any()):
        raise ValueError(
            f"weights must be finite and not negative to fit a temperature, got {float(weight[bad][0])}; "
            "fit it on events of positive weight"
        )
