"""What clusters look like: features of the nodes of a graph of clusters, as GrapPA takes them.

All are differentiable in what points carry and in given end points, are computed in double precision and returned in
that of the positions. A cluster without points has zeros.

Source:
    arXiv:2007.01335, section III B; the numbers are those of SPINE (package `spine` 1.4.3) on the same voxels.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nuforge.errors import InputError
from nuforge.nn.points.arguments import check_length, check_points
from nuforge.nn.points.members import Members
from nuforge.nn.points.segments import segment_max, segment_mean, segment_sum

SHAPE_FEATURES = 16
"""Centre 3, covariance 9, principal axis 3, size 1."""
NODE_FEATURES = 33
"""The shape, then mean and spread of the values 2, kind 1, start and end 6, directions there 6, dE/dx there 2."""

_RESOLUTION = 1e-7  # relative: positions in single precision tell no more apart
_EVEN = 1e-6  # relative: a smaller asymmetry along the axis is rounding


def node_features(
    position: Tensor,
    value: Tensor,
    clusters: Members,
    kind: Tensor,
    start: Tensor,
    end: Tensor,
    radius: float,
) -> Tensor:
    """Features of clusters (C, 33): see `NODE_FEATURES`.

    Args:
        position: Of points (N, 3).
        value: Of points (N,), an energy or a charge.
        clusters: Of the points.
        kind: Number of each cluster's class (C,).
        start, end: Points of each cluster (C, 3), in the unit of the positions.
        radius: Within which points count for directions and dE/dx, in the unit of the positions; SPINE takes five
            voxels.
    """
    points, values = _sorted(position, clusters), clusters.sorted(value).double()
    around = [_around(point, points, clusters, radius) for point in (start, end)]
    parts = [_shapes(points, clusters), _moments(values, clusters), kind[:, None], start, end]
    parts += [_direction(away, distance, clusters, radius) for away, distance in around]
    parts += [_stopping(values, distance, clusters, radius)[:, None] for _, distance in around]
    return torch.cat([part.to(position.dtype) for part in parts], 1)


def cluster_shapes(position: Tensor, clusters: Members) -> Tensor:
    """Centre, covariance, principal axis and size (C, 16).

    The covariance is divided by its largest eigenvalue w3. The axis is its eigenvector times 1 - w2 / w3, and points to
    the side where points lie wider apart across it: the sum over points of how far along the axis they are from the
    centre, times their distance from the axis, is positive. If that sum is zero, on a straight line for example, the
    largest component of the axis is positive, the first of equal ones. The size is the number of points. Covariance and
    axis of a single point are 0.

    Args:
        position: Of points (N, 3).
        clusters: Of the points.
    """
    return _shapes(_sorted(position, clusters), clusters).to(position.dtype)


def _shapes(points: Tensor, clusters: Members) -> Tensor:
    """Centre, covariance, principal axis and size (C, 16) of points by cluster (M, 3)."""
    centre = segment_mean(points, clusters.offsets)
    points = points - clusters.spread(centre)
    scatter = segment_sum((points[:, :, None] * points[:, None]).flatten(1), clusters.offsets)
    width, axes = torch.linalg.eigh(scatter.detach().view(-1, 3, 3))
    largest = width[:, 2:]
    wide = largest > clusters.counts[:, None] * (_RESOLUTION * centre.detach().abs().amax(1, keepdim=True)) ** 2
    largest = torch.where(wide, largest, 1.0)
    axis = axes[:, :, 2] * _sign(points.detach(), axes[:, :, 2], clusters)
    parts = scatter / largest * wide, axis * (1 - width[:, 1:2] / largest) * wide
    return torch.cat([centre, *parts, clusters.counts[:, None]], 1)


def directions(position: Tensor, clusters: Members, start: Tensor, radius: float) -> Tensor:
    """Unit vectors (C, 3) from a start point to the mean of the cluster's points within a radius of it.

    If no point of the cluster is so near, the nearest ones count. Where the start lies just on the mean, or is the only
    point, there is no direction: it is along x for a single point, else 0, as in SPINE.

    Args:
        position: Of points (N, 3).
        clusters: Of the points.
        start: Point of each cluster (C, 3), in the unit of the positions.
        radius: In the unit of the positions; points just at it count.
    """
    away, distance = _around(start, _sorted(position, clusters), clusters, radius)
    return _direction(away, distance, clusters, radius).to(position.dtype)


def _direction(away: Tensor, distance: Tensor, clusters: Members, radius: float) -> Tensor:
    """Directions (C, 3) of steps from starts to points by cluster (M, 3) of such lengths (M,)."""
    nearest = -segment_max(-distance, clusters.offsets)
    near = distance <= clusters.spread(nearest.clamp(min=radius))
    mean = _mean_where(away, near, clusters)
    length = mean.norm(dim=1, keepdim=True)
    direction = mean / torch.where(length > 0, length, 1.0)
    alone = (segment_sum(near.double(), clusters.offsets) == 1) & (length[:, 0] == 0)
    along_x = torch.tensor([1.0, 0.0, 0.0], dtype=direction.dtype, device=direction.device)
    return torch.where(alone[:, None], along_x, direction)


def _mean_where(values: Tensor, chosen: Tensor, clusters: Members) -> Tensor:
    """Means (C, ...) of chosen rows of points by cluster (M, ...), 0 where none is chosen."""
    weight = chosen.to(values.dtype)
    counts = segment_sum(weight, clusters.offsets).clamp(min=1)
    return segment_sum(values * weight[:, None], clusters.offsets) / counts[:, None]


def local_stopping(position: Tensor, value: Tensor, clusters: Members, start: Tensor, radius: float) -> Tensor:
    """Energy per length (C,) near a point: the values within a radius of it, over the distance of the farthest of them.

    0 if less than two points are so near.

    Args:
        position: Of points (N, 3).
        value: Of points (N,).
        clusters: Of the points.
        start: Point of each cluster (C, 3), in the unit of the positions.
        radius: In the unit of the positions; points just at it count.
    """
    _, distance = _around(start, _sorted(position, clusters), clusters, radius)
    return _stopping(clusters.sorted(value).double(), distance, clusters, radius).to(position.dtype)


def _stopping(values: Tensor, distance: Tensor, clusters: Members, radius: float) -> Tensor:
    """Energy per length (C,) of values and distances from starts of points by cluster (M,)."""
    near = (distance <= radius).double()
    total = segment_sum(values * near, clusters.offsets)
    length = segment_max(distance * near, clusters.offsets)
    enough = (segment_sum(near, clusters.offsets) >= 2) & (length > 0)
    return torch.where(enough, total / torch.where(enough, length, 1.0), 0.0)


def _sorted(position: Tensor, clusters: Members) -> Tensor:
    """Positions (N, 3), by cluster (M, 3) in double precision, if they are some."""
    check_points(position, torch.zeros(len(position), dtype=torch.int64, device=position.device))
    if position.shape[1] != 3:
        raise InputError(f"positions must have three coordinates, got {position.shape[1]}; give (points, 3)")
    return clusters.sorted(position.double())


def _around(start: Tensor, points: Tensor, clusters: Members, radius: float) -> tuple[Tensor, Tensor]:
    """Steps (M, 3) from each cluster's start to points by cluster (M, 3), and their lengths (M,)."""
    check_length("radius", radius)
    if start.shape != (len(clusters), 3):
        raise InputError(
            f"start must have the shape ({len(clusters)}, 3), got {tuple(start.shape)}; give a point for each cluster"
        )
    away = points - clusters.spread(start.double())
    return away, away.detach().norm(dim=1)


def _moments(values: Tensor, clusters: Members) -> Tensor:
    """Mean and standard deviation (C, 2) of values by cluster (M,)."""
    mean = segment_mean(values, clusters.offsets)
    square = segment_mean((values - clusters.spread(mean)).square(), clusters.offsets)
    spread = torch.where(square > 0, square, 1.0).sqrt() * (square > 0)  # the root has no gradient at 0
    return torch.stack([mean, spread], 1)


def _sign(points: Tensor, axis: Tensor, clusters: Members) -> Tensor:
    """Sign (C, 1) that turns axes (C, 3) to the wider side of points by cluster (M, 3), from their centres."""
    axes = clusters.spread(axis)
    along = (points * axes).sum(1)
    across = (points - along[:, None] * axes).norm(dim=1)
    wider = segment_sum(torch.stack([along * across, points.square().sum(1)], 1), clusters.offsets)
    size = axis.abs()
    largest = size >= size.amax(1, keepdim=True) * (1 - _EVEN)
    first = (largest * torch.tensor([3, 2, 1], device=axis.device)).argmax(1, keepdim=True)
    main = axis.gather(1, first)
    even = wider[:, :1].abs() <= _EVEN * wider[:, 1:]
    return torch.where(even, main, wider[:, :1]).sign()
