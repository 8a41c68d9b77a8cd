"""Weights of events in figures of merit.

Every figure is made of sums over events, and an event of weight w adds w times what it would alone: weight 2 is the
event twice, weight 0 is no event. How often a resampling draws an event is a weight too, so both enter at one place
(`nuforge.metrics.bootstrap`), and the functions that count (`confusion_counts`, say) know nothing of them.

Weights may be negative, as those of generators beyond leading order are. Then sums are still right on average, but a
share can leave 0 to 1, and one whose whole is not positive means nothing: it is NaN.
"""

import math

import torch
from jaxtyping import Float, Num
from torch import Tensor


def weighted(values: Tensor, weight: Float[Tensor, " b"]) -> Tensor:
    """What each event adds to a sum (B, ...) float64: values (B, ...) times the weight of their event."""
    return values.detach().double() * weight.to(values.device).reshape(-1, *[1] * (values.ndim - 1))


def relative(weight: Float[Tensor, " b"]) -> Float[Tensor, " b"]:
    """Weights (B,) of size 1 or so: over a power of two, which is exact; 1 where all are the same positive number.

    Zeros are left out of the size, and stay.
    """
    size = weight[weight != 0].abs()
    if not len(size):
        return weight
    if bool((size == size[0]).all()):
        return weight / size[0]
    return weight / 2.0 ** round(math.log2(float(size.mean())))


def effective_number(weight: Float[Tensor, " b"]) -> float:
    """How many events of weight 1 tell as much, (sum w)^2 / sum w^2; NaN of none.

    Source:
        L. Kish, Survey Sampling (1965), section 11.7.
    """
    weight = relative(weight.detach().double())
    return float(weight.sum().square() / weight.square().sum())


def ratio(part: Num[Tensor, "*r"], whole: Num[Tensor, "*r"]) -> Float[Tensor, "*r"]:
    """Part over whole (...), NaN where the whole is not positive."""
    return torch.where(whole > 0, part / whole, torch.nan)
