"""Cuts on a score, from counts of scores that add up event by event: where to cut, and what a cut gives.

Counts (..., bins, 2) are those of `nuforge.metrics.ranking.score_counts`, [bin, (others, own)]: of background and of
signal. They may be sums of weights, such as events expected of an exposure. A cut at bin c keeps the bins from c on;
there are bins + 1 cuts, and the last keeps nothing.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from nuforge.metrics.weights import ratio


def kept(counts: Float[Tensor, "*r bins 2"]) -> Float[Tensor, "*r cuts 2"]:
    """What each cut keeps (..., bins + 1, 2): background and signal."""
    above = counts.double().flip(-2).cumsum(-2).flip(-2)
    return torch.cat([above, torch.zeros_like(above[..., :1, :])], -2)


def significance(signal: Float[Tensor, "*r"], background: Float[Tensor, "*r"]) -> Float[Tensor, "*r"]:
    """The figure of merit S / sqrt(S + B) (...), 0 where nothing is kept.

    Source:
        NOvA chooses its nu_e and nu_mu selections by it: A. Aurisano et al., JINST 11 (2016) P09001.
    """
    return signal / (signal + background).clamp(min=torch.finfo(torch.float64).tiny).sqrt()


def best_cut(counts: Float[Tensor, "*r bins 2"]) -> Int[Tensor, "*r"]:
    """The loosest cut (...) of the largest significance."""
    background, signal = kept(counts).unbind(-1)
    return significance(signal, background).argmax(-1)


def efficiency_at_purity(counts: Float[Tensor, "*r bins 2"], purity: Float[Tensor, "*r"]) -> Float[Tensor, "*r"]:
    """The largest share of the signal (...) that a cut keeps at this purity (...) or a higher one; 0 if none does."""
    background, signal = kept(counts).unbind(-1)
    pure = (signal > 0) & (signal >= purity[..., None] * (signal + background) * (1 - 1e-12))
    most = torch.where(pure, signal, 0.0).amax(-1)
    return ratio(most, signal[..., 0])


def purity_at_efficiency(counts: Float[Tensor, "*r bins 2"], efficiency: Float[Tensor, "*r"]) -> Float[Tensor, "*r"]:
    """Purity (...) where this share of the signal (...) is kept; inside a bin both are kept evenly."""
    background, signal = kept(counts).unbind(-1)
    wanted = efficiency * signal[..., 0]
    return ratio(wanted, wanted + interpolated(signal, background, wanted))


def interpolated(
    x: Float[Tensor, "*r cuts"], y: Float[Tensor, "*r cuts"], at: Float[Tensor, "*r"]
) -> Float[Tensor, "*r"]:
    """y (...) where falling x (..., cuts) has a value (...), straight between cuts."""
    enough = (x >= at[..., None] * (1 - 1e-12)).to(torch.int64)
    place = (enough.sum(-1, keepdim=True) - 1).clamp(0, x.shape[-1] - 2)  # the tightest cut that keeps enough
    x0, x1, y0, y1 = (v.gather(-1, place + k).squeeze(-1) for v in (x, y) for k in (0, 1))
    step = torch.where(x0 > x1, (x0 - at) / (x0 - x1).clamp(min=torch.finfo(torch.float64).tiny), 0.0)
    return y0 + step.clamp(0, 1) * (y1 - y0)
