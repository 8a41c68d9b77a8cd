"""Straight lines in each view: Hough's transform, one line after the other, each then fitted to its hits."""

from dataclasses import dataclass

import torch
from torch import Tensor

from nuforge.simulation.cells.places import Places

_ANGLES, _OFFSETS, _STEP = 72, 320, 4.0  # bins of 2.5 degrees and of 4 cm
_LEAST = 3  # hits of a line
_ROAD = 8.0  # cm on either side of a line: two cells


@dataclass(frozen=True)
class Lines:
    """Up to K lines in each of 2 B views, the one with most hits first.

    Args:
        point: (2 B, K, 2) z and u in cm of a point on it, the middle of its hits.
        angle: (2 B, K) of its direction in the plane of z and u, from -pi/2 to pi/2: it runs along the beam.
        begin: (2 B, K) way in cm from the point back to its first hit, negative,
        end: (2 B, K) and on to its last.
        is_line: (2 B, K) whether there is one.
        of_hit: (N,) the line of each hit, -1 for none.
    """

    point: Tensor
    angle: Tensor
    begin: Tensor
    end: Tensor
    is_line: Tensor
    of_hit: Tensor


def hough_lines(places: Places, most: int = 3) -> Lines:
    """The lines that most hits lie on, `most` a view, each with three hits at least that no earlier one has.

    Source: Fernandes and Oliveira, Pattern Recognit. 41 (2008) 299, as NOvA's reconstruction uses lines as seeds of
    vertices (Baird et al., J. Phys. Conf. Ser. 664 (2015) 072035); here single hits vote, not pairs of them.
    """
    groups = 2 * places.n_events
    of_hit = torch.full_like(places.group, -1)
    center = _mean(torch.stack([places.z, places.u], 1), torch.ones_like(places.z), places.group, groups)
    found: list[tuple[Tensor, ...]] = []
    for number in range(most):
        free = of_hit < 0
        angle, offset = _peak(places, center, free, groups)
        normal = torch.stack([-angle.sin(), angle.cos()], 1)
        point = center + offset[:, None] * normal
        for road in (2.5 * _ROAD, _ROAD):
            near = free & (_aside(places, point, angle) <= road)
            point, angle = _fitted(places, near, point, angle)
        near = free & (_aside(places, point, angle) <= _ROAD)
        is_line = torch.bincount(places.group[near], minlength=groups) >= _LEAST
        mine = near & is_line[places.group]
        of_hit = torch.where(mine, number, of_hit)
        along = _along(places, point, angle)
        begin, end = (
            torch.full((groups,), sign * torch.inf, dtype=along.dtype).scatter_reduce(
                0, places.group[mine], along[mine], kind
            )
            for sign, kind in ((1, "amin"), (-1, "amax"))
        )
        found.append((point, angle, begin, end, is_line))
    point, angle, begin, end, is_line = (torch.stack(parts, 1) for parts in zip(*found, strict=True))
    return Lines(point, angle, begin, end, is_line, of_hit)


def _peak(places: Places, center: Tensor, free: Tensor, groups: int) -> tuple[Tensor, Tensor]:
    """The angle and the offset (2 B,) from the centre of the view that most free hits agree on."""
    z, u = (places.z - center[places.group, 0])[free], (places.u - center[places.group, 1])[free]
    group = places.group[free]
    angle = -torch.pi / 2 + torch.pi * (torch.arange(_ANGLES, dtype=torch.float64) + 0.5) / _ANGLES
    place = (u[:, None] * angle.cos() - z[:, None] * angle.sin()) / _STEP + _OFFSETS / 2
    low = place.floor().to(torch.int64)
    share = (place - low).float()
    votes = torch.zeros(groups * _ANGLES * _OFFSETS)
    row = (group[:, None] * _ANGLES + torch.arange(_ANGLES)) * _OFFSETS
    for bin_, weight in ((low, 1 - share), (low + 1, share)):
        known = (bin_ >= 0) & (bin_ < _OFFSETS)
        votes.index_add_(0, (row + bin_)[known], weight[known])
    best = votes.view(groups, _ANGLES * _OFFSETS).argmax(1)
    offset = (best % _OFFSETS - _OFFSETS / 2).double() * _STEP
    return angle[torch.div(best, _OFFSETS, rounding_mode="floor")], offset


def _aside(places: Places, point: Tensor, angle: Tensor) -> Tensor:
    """Distance (N,) cm of hits from the line of their view."""
    z, u = places.z - point[places.group, 0], places.u - point[places.group, 1]
    a = angle[places.group]
    return (u * a.cos() - z * a.sin()).abs()


def _along(places: Places, point: Tensor, angle: Tensor) -> Tensor:
    """Way (N,) cm of hits along the line of their view from its point."""
    z, u = places.z - point[places.group, 0], places.u - point[places.group, 1]
    a = angle[places.group]
    return z * a.cos() + u * a.sin()


def _fitted(places: Places, near: Tensor, point: Tensor, angle: Tensor) -> tuple[Tensor, Tensor]:
    """Lines through the middle of hits along their longest extent; as they were where there are not two."""
    groups, group = len(point), places.group[near]
    place = torch.stack([places.z, places.u], 1)[near]
    weight = torch.ones_like(place[:, 0])
    middle = _mean(place, weight, group, groups)
    z, u = (place - middle[group]).unbind(1)
    zz, uu, zu = (torch.zeros(groups, dtype=z.dtype).index_add_(0, group, values) for values in (z * z, u * u, z * u))
    fitted = 0.5 * torch.atan2(2 * zu, zz - uu)
    enough = (torch.bincount(group, minlength=groups) >= 2) & (zz + uu > 0)
    return torch.where(enough[:, None], middle, point), torch.where(enough, fitted, angle)


def _mean(values: Tensor, weight: Tensor, group: Tensor, groups: int) -> Tensor:
    """Weighted means (G, 2) of values (N, 2), 0 for none."""
    total = torch.zeros(groups, dtype=values.dtype).index_add_(0, group, weight)
    moment = torch.zeros(groups, 2, dtype=values.dtype).index_add_(0, group, weight[:, None] * values)
    return moment / total.clamp(min=1e-30)[:, None]
