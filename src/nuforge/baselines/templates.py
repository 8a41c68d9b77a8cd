"""Templates: histograms of a profile under hypotheses, and the likelihood of each hypothesis by them."""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from nuforge.shapes import Rows, Scalars

ENERGY_EDGES = (100.0, 250.0, 500.0, 1000.0, 2000.0)
"""MeV, between bins of the energy of a prong: profiles of showers and ranges of tracks depend on it."""
_PRIOR = 5.0  # rows of the mean over hypotheses that every histogram begins with
_EVEN = 0.5  # rows, spread over the values, that the mean begins with

LOSS_BINS, SHARE_BINS = 24, 20


def log_bins(value: Float[Tensor, "n l"], low: float, high: float, bins: int) -> Int[Tensor, "n l"]:
    """Bins of values that are not negative: 0 for nothing, then `bins` - 1 of equal ratio between two values."""
    place = 1 + (value.clamp(min=1e-12) / low).log() / math.log(high / low) * (bins - 1)
    return torch.where(value > 0, place.clamp(1, bins - 1), 0).long()


def loss_bins(loss: Float[Tensor, "n l"]) -> Int[Tensor, "n l"]:
    """Bins of MeV/cm from 0.2 to 20; a muon has 1.5."""
    return log_bins(loss, 0.2, 20.0, LOSS_BINS)


def share_bins(share: Float[Tensor, "n l"]) -> Int[Tensor, "n l"]:
    """Bins of a share of the energy from 0.001 to 1."""
    return log_bins(share, 1e-3, 1.0, SHARE_BINS)


def energy_bins(energy: Scalars) -> Rows:
    """Bin (N,) of the energy of prongs in MeV."""
    return torch.bucketize(energy.float(), torch.tensor(ENERGY_EDGES))


def log_templates(
    bins: Int[Tensor, "n l"],
    counted: Bool[Tensor, "n l"],
    energy: Rows,
    hypothesis: Rows,
    weight: Scalars,
    hypotheses: int,
    values: int,
) -> Float[Tensor, "e l v h"]:
    """ln of the probability of each value at each place of a profile, by energy and hypothesis.

    Args:
        bins: Values (N, L) of profiles, 0 to `values` - 1.
        counted: Which of them count.
        energy: Bin of energy of each profile (N,).
        hypothesis: What each is in truth (N,), 0 to `hypotheses` - 1; others are left out.
        weight: Of each (N,), of size 1 or so.
        hypotheses: H.
        values: V.
    """
    length, n_energies = bins.shape[1], len(ENERGY_EDGES) + 1
    known = ((hypothesis >= 0) & (hypothesis < hypotheses))[:, None] & counted
    place = torch.arange(length).expand_as(bins)
    code = ((energy[:, None] * length + place) * values + bins) * hypotheses + hypothesis.clamp(min=0)[:, None]
    size = n_energies * length * values * hypotheses
    counts = torch.bincount(code[known], weight.double()[:, None].expand_as(bins)[known], size)
    counts = counts.reshape(n_energies, length, values, hypotheses)
    mean = counts.sum(3, keepdim=True) + _EVEN / values
    counts = counts + _PRIOR * mean / mean.sum(2, keepdim=True)
    return (counts / counts.sum(2, keepdim=True)).log().float()


def log_likelihood(
    templates: Float[Tensor, "e l v h"], bins: Int[Tensor, "n l"], counted: Bool[Tensor, "n l"], energy: Rows
) -> Float[Tensor, "n h"]:
    """ln of the likelihood of each hypothesis (N, H), a mean over the places that count, times their root.

    Neighbouring planes know of each other, so that a plain sum is far too sure; what is combined from it is fitted.
    """
    place = torch.arange(bins.shape[1]).expand_as(bins)
    of_place = templates[energy[:, None], place, bins]
    total = torch.where(counted[..., None], of_place, 0.0).sum(1)
    return total / counted.sum(1, keepdim=True).clamp(min=1).sqrt()
