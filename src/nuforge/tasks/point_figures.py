"""How well points are found: counts of events that add up, and the figures of their sums."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Float, Int
from torch import Tensor

from nuforge.events import Table
from nuforge.metrics.classification import accuracy, confusion_counts, recall
from nuforge.metrics.weights import ratio
from nuforge.nn.points import nearest_other
from nuforge.simulation.truth import CLASSES, VoxelClass

POINT_CLASSES = CLASSES[: VoxelClass.LOW_ENERGY]
"""Shower, track, Michel, delta: the classes that have points."""

NEAR, FAR = 3.0, 10.0
"""Voxels; the distances within which the published figures count a point as found."""

BINS = 400
"""Bins of distance up to `FAR`; one more holds what is farther."""

_TIE = 1e-3
"""Voxels; points closer to each other than this are at one place."""


def point_statistics(points: Table, found: Table, voxel: float) -> dict[str, Tensor]:
    """Per event, all float64:

    - `point_efficiency` (B, 4, 3): true points of each class; those with a found one within 3 and within 10 voxels.
    - `point_purity` (B, 3): found points; those with a true one within 3 and within 10 voxels.
    - `point_distance` (B, 2, bins + 1): histograms of the distance from true points to the nearest found one, and from
      found points to the nearest true one; the last bin is beyond 10 voxels.
    - `point_confusion` (B, 4, 4): found points within 3 voxels of a true one by its class and their most probable one.
      Of true points at one place, that of the class found counts.
    - `point_ends` (B, 2): of those by which both are tracks, their number, and how many are rightly start or end.

    Args:
        points: True points: position in cm, label, end.
        found: `reco_points`: position in cm, probability, end.
        voxel: Side of a voxel in cm.
    """
    n, k = points.n_events, len(POINT_CLASSES)
    true, reco = points["position"].double() / voxel, found["position"].double() / voxel
    _, away = nearest_other(true, points.batch, reco, found.batch)
    best = found["probability"].argmax(1)
    off, row = nearest_by_class(reco, found.batch, best, true, points)
    near = off <= NEAR
    label = torch.full_like(best, -1).masked_scatter(near, points["label"][row[near]])
    tracks = (label == VoxelClass.TRACK) & (best == VoxelClass.TRACK)
    right = (found["end"][tracks] > 0.5) == points["end"][row[tracks]]
    event = found.batch[tracks]
    return {
        "point_efficiency": _counts(points.batch * k + points["label"], away, n * k).view(n, k, 3),
        "point_purity": _counts(found.batch, off, n),
        "point_distance": torch.stack([_histogram(points.batch, away, n), _histogram(found.batch, off, n)], 1),
        "point_confusion": confusion_counts(label, best, found.batch, n, k),
        "point_ends": torch.stack([torch.bincount(e, minlength=n) for e in (event, event[right])], 1).double(),
    }


def point_figures(sums: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Figures of merit (R,) of summed statistics (R, ...). Distances are in voxels; NaN where there was nothing."""
    by_class, pure, distance = sums["point_efficiency"], sums["point_purity"], sums["point_distance"]
    every = by_class.sum(-2)
    confusion, ends = sums["point_confusion"], sums["point_ends"]
    figures = {}
    for i, length in enumerate((NEAR, FAR), start=1):
        figures[f"point efficiency within {length:g} voxels"] = ratio(every[..., i], every[..., 0])
        figures[f"point purity within {length:g} voxels"] = ratio(pure[..., i], pure[..., 0])
    figures["median distance"] = quantile(distance[..., 0, :], 0.5)
    figures["median distance of found points"] = quantile(distance[..., 1, :], 0.5)
    figures["90 % quantile of the distance"] = quantile(distance[..., 0, :], 0.9)
    figures["point class accuracy"] = accuracy(confusion)
    figures["start or end accuracy"] = ratio(ends[..., 1], ends[..., 0])
    rate = ratio(by_class[..., 1], by_class[..., 0])
    named = recall(confusion)
    for c, name in enumerate(POINT_CLASSES):
        figures[f"point efficiency of {name}"] = rate[..., c]
        figures[f"point class recall of {name}"] = named[..., c]
    return figures


def quantile(histogram: Float[Tensor, "*r bins"], fraction: float) -> Float[Tensor, "*r"]:
    """The distance in voxels below which a fraction of the points lies (...), from histograms (..., bins + 1).

    Points are spread evenly over their bin; `FAR` if the fraction is reached in the last one, NaN without points. With
    negative weights it is the first distance at which the fraction is reached.
    """
    below = histogram.cumsum(-1)
    total = below[..., -1:]
    sought = fraction * total
    bin_of = (below.cummax(-1).values < sought).sum(-1, keepdim=True).clamp(max=BINS)
    inside = histogram.gather(-1, bin_of)
    part = (sought - below.gather(-1, bin_of) + inside) / inside
    found = (bin_of + part) * (FAR / BINS)
    found = torch.where(bin_of == BINS, FAR, found)
    return torch.where(total > 0, found, torch.nan).squeeze(-1)


def nearest_by_class(
    position: Float[Tensor, "n 3"],
    batch: Int[Tensor, " n"],
    own: Int[Tensor, " n"],
    others: Float[Tensor, "m 3"],
    points: Table,
    within: float | None = None,
) -> tuple[Float[Tensor, " n"], Int[Tensor, " n"]]:
    """Distance (N,) and row (N,) of the nearest point of the same event; infinite and -1 where there is none.

    Where several points are at one place, the one of the own class if there is one.

    Args:
        position: (N, 3) voxels.
        batch: Event of each (N,).
        own: Class of each (N,).
        others: Where the points are (M, 3), voxels.
        points: The points, with their label.
        within: Look no farther than this, in voxels.
    """
    best = torch.full((len(position),), torch.inf, dtype=torch.float64, device=position.device)
    row = torch.full_like(batch, -1)
    near = (nearest_other(position, batch, others, points.batch, within)[0] >= 0).nonzero()[:, 0]  # often few
    if len(near):
        best[near], row[near] = _nearest_by_class(position[near], batch[near], own[near], others, points, within)
    return best, row


def _nearest_by_class(
    position: Tensor, batch: Tensor, own: Tensor, others: Tensor, points: Table, within: float | None
) -> tuple[Tensor, Tensor]:
    """The same for places that have a point near."""
    best = torch.full((len(position),), torch.inf, dtype=torch.float64, device=position.device)
    row, ahead = torch.full_like(batch, -1), best.clone()  # the distance, less what the own class is ahead
    for c in range(len(POINT_CLASSES)):
        rows = (points["label"] == c).nonzero()[:, 0]
        if not len(rows):
            continue
        found, distance = nearest_other(position, batch, others[rows], points.batch[rows], within)
        here = distance - _TIE * (own == c)
        nearer = here < ahead
        ahead, best = torch.where(nearer, here, ahead), torch.where(nearer, distance, best)
        row = torch.where(nearer, rows[found.clamp(min=0)], row)
    return best, row


def _counts(cell: Tensor, distance: Tensor, n: int) -> Tensor:
    """Number of points in each cell, and of those within `NEAR` and `FAR` (n, 3)."""
    chosen = (torch.ones_like(cell, dtype=torch.bool), distance <= NEAR, distance <= FAR)
    return torch.stack([torch.bincount(cell[c], minlength=n) for c in chosen], 1).double()


def _histogram(event: Tensor, distance: Tensor, n: int) -> Tensor:
    """Histograms of distances (n, bins + 1)."""
    place = (distance * (BINS / FAR)).clamp(max=BINS).long()
    counts = torch.bincount(event * (BINS + 1) + place, minlength=n * (BINS + 1))
    return counts.view(n, BINS + 1).double()
