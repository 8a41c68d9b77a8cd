"""Area under the ROC curve, from counts of scores that add up event by event.

The area is the probability that a row of the class has a higher score than a row of another one, a tie counting half
(Mann-Whitney). It compares rows of different events, so no number of a single event adds up to it; but counts of scores
in fixed bins do, and the area of the counts is that of the scores up to rows that share a bin, which count as ties.

Source:
    H. B. Mann, D. R. Whitney, Ann. Math. Stat. 18 (1947) 50; J. Hanley, B. McNeil, Radiology 143 (1982) 29.
"""

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from nuforge.metrics.weights import ratio

BINS = 256
"""Bins of log-odds. The two at the ends are open."""

_FINE, _END = 0.05, 20.0  # log-odds: bins have equal width in asinh(log-odds / _FINE), up to _END on either side


def log_odds_bin(log_odds: Float[Tensor, " n"]) -> Int[Tensor, " n"]:
    """The bin (N,), 0 to BINS - 1, of log-odds ln(p / (1 - p)) (N,).

    Bins are 0.003 wide at even odds, 0.05 at log-odds of 1 and 0.3 at 5: a classifier that can hardly tell, whose
    scores are all near even odds, is measured as finely as a sure one.
    """
    place = torch.asinh(log_odds.double() / _FINE) / math.asinh(_END / _FINE)
    return ((place + 1) / 2 * BINS).floor().clamp(0, BINS - 1).long()


def score_counts(
    bins: Int[Tensor, " n"], positive: Bool[Tensor, " n"], batch: Int[Tensor, " n"], n_events: int, n_bins: int = BINS
) -> Float[Tensor, "b n_bins 2"]:
    """Rows of each event in each bin of the score: of other classes, and of the class, (B, n_bins, 2) float64.

    Args:
        bins: Bin of the score of each row (N,), 0 to n_bins - 1, higher for higher scores.
        positive: Whether the row is of the class (N,).
        batch: Event of each row (N,).
        n_events: Number of events B, empty ones counted.
        n_bins: Number of bins.
    """
    cell = (batch * n_bins + bins) * 2 + positive.long()
    return torch.bincount(cell, minlength=n_events * n_bins * 2).reshape(n_events, n_bins, 2).double()


def area_under_curve(counts: Float[Tensor, "*r bins 2"]) -> Float[Tensor, "*r"]:
    """Area under the ROC curve (...), of summed counts (..., bins, 2); NaN without rows of the class or of others.

    With negative weights it can leave 0 to 1 by fluctuation.
    """
    others, own = counts.double().unbind(-1)
    below = others.cumsum(-1) - others / 2
    return ratio((own * below).sum(-1), own.sum(-1).clamp(min=0) * others.sum(-1).clamp(min=0))


def rank_bin(value: Float[Tensor, " n"], most: int = BINS) -> Int[Tensor, " n"]:
    """Bins of values by rank (N,), at most `most` of about as many rows; equal values share one.

    With no more different values than `most` each has its own, and the area under the curve is exact.
    """
    different, place = torch.unique(value, return_inverse=True)
    if len(different) <= most:
        return torch.as_tensor(place)
    rows_below = torch.bincount(place).cumsum(0) - torch.bincount(place)
    return (rows_below * most // len(value))[place]
