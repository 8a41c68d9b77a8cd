"""Prongs of both views that are one particle's: those whose energy falls alike along the beam."""

from dataclasses import dataclass

import torch
from torch import Tensor

from nuforge.simulation.cells.places import Places

_STEP, _BINS = 13.2, 96  # cm along z from a way before the vertex: two planes, one of each view
_BEFORE = 24  # bins
_WORST = 0.7  # of two profiles that are still one particle's
_BALANCE = 0.15  # what a factor e between the energies of both views costs


@dataclass(frozen=True)
class Pairs:
    """Prongs in space: their event, and the number of the prong in each view, -1 for none, (P,) each."""

    event: Tensor
    in_x: Tensor
    in_y: Tensor


def matched(places: Places, vertex: Tensor, of_hit: Tensor, is_prong: Tensor) -> Pairs:
    """Pairs of prongs, the most alike first; what is left stays alone.

    Two are alike by Kuiper's statistic of their cumulative energy along z from the vertex.

    Args:
        places: Hits.
        vertex: (B, 3) cm.
        of_hit: The prong of each hit in its view, -1 for none.
        is_prong: (2 B, K).
    """
    n, most = places.n_events, is_prong.shape[1]
    profile, energy = _profiles(places, vertex, of_hit, most)
    x, y = profile.view(n, 2, most, _BINS).unbind(1)
    difference = x[:, :, None] - y[:, None]
    kuiper = difference.amax(3).clamp(min=0) + (-difference).amax(3).clamp(min=0)
    e_x, e_y = energy.view(n, 2, most).clamp(min=1e-3).log().unbind(1)
    cost = kuiper + _BALANCE * (e_x[:, :, None] - e_y[:, None]).abs()
    has_x, has_y = is_prong.view(n, 2, most).unbind(1)
    cost = torch.where(has_x[:, :, None] & has_y[:, None], cost, torch.inf)
    rows, parts = torch.arange(n), []
    for _ in range(most):
        least, best = cost.flatten(1).min(1)
        good = least < _WORST
        in_x, in_y = torch.div(best, most, rounding_mode="floor")[good], (best % most)[good]
        event = rows[good]
        parts.append((event, in_x, in_y))
        cost[event, in_x] = torch.inf
        cost[event, :, in_y] = torch.inf
        has_x[event, in_x], has_y[event, in_y] = False, False
    for has, is_x in ((has_x, True), (has_y, False)):
        event, number = has.nonzero().unbind(1)
        none = torch.full_like(number, -1)
        parts.append((event, number, none) if is_x else (event, none, number))
    event, in_x, in_y = (torch.cat(columns) for columns in zip(*parts, strict=True))
    order = torch.argsort(event, stable=True)
    return Pairs(event[order], in_x[order], in_y[order])


def _profiles(places: Places, vertex: Tensor, of_hit: Tensor, most: int) -> tuple[Tensor, Tensor]:
    """Cumulative shares of energy along z (2 B, K, bins) from before the vertex, and energies (2 B, K) in MeV."""
    seen = of_hit >= 0
    bin_ = ((places.z - vertex[places.event, 2]) / _STEP).floor() + _BEFORE
    row = (places.group * most + of_hit)[seen] * _BINS + bin_[seen].clamp(0, _BINS - 1).to(torch.int64)
    energy = torch.zeros(2 * places.n_events * most * _BINS, dtype=torch.float64)
    energy = energy.index_add_(0, row, places.charge[seen]).view(-1, most, _BINS)
    total = energy.sum(2)
    return energy.cumsum(2) / total.clamp(min=1e-30)[..., None], total
