"""DBSCAN: clusters of points that lie densely, and the noise between them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from nuforge.events.connected import components
from nuforge.nn.points.apart import Floats, Integers, pairs_within
from nuforge.nn.points.arguments import check_count, check_length, check_points


def dbscan(position: Tensor, batch: Tensor, radius: float, min_points: int) -> Tensor:
    """The cluster of each point, numbered from 0 through all events in the order of first core points; -1 for noise.

    A core point has at least `min_points` points within the radius, itself counted. Core points within the radius
    of each other are of one cluster. Any other point within the radius of a core point is of the cluster of the nearest
    one, the lower number if two are equally near; so the result does not depend on the order of points, other than in
    the numbers.

    Args:
        position: (N, D), searched in double precision.
        batch: The event of each point (N,), in any order. No cluster has points of two events.
        radius: In the unit of the positions (eps of the paper); a point just at it counts.
        min_points: Points that make a core point, itself counted.

    Source:
        Ester, Kriegel, Sander, Xu, KDD-96, 226. There a border point goes to the cluster that was found first.
    """
    check_points(position, batch)
    check_length("radius", radius)
    check_count("min_points", min_points)
    n = len(position)
    first, second, square = pairs_within(position.detach().cpu().double().numpy(), batch.cpu().numpy(), radius)
    core = 1 + np.bincount(first, minlength=n) + np.bincount(second, minlength=n) >= min_points
    both = core[first] & core[second]
    cluster = components(first[both], second[both], n)
    _, numbers = np.unique(cluster[core], return_inverse=True)
    label = np.full(n, -1)
    label[core] = numbers
    _join_borders(label, core, np.concatenate([first, second]), np.concatenate([second, first]), np.tile(square, 2))
    return torch.from_numpy(label).to(position.device)


def _join_borders(label: Integers, core: np.ndarray, point: Integers, other: Integers, square: Floats) -> None:
    """Give points that are no core points the label of the nearest core point, in place."""
    rows = np.flatnonzero(~core[point] & core[other])
    order = rows[np.lexsort((label[other[rows]], square[rows], point[rows]))]
    border, nearest = np.unique(point[order], return_index=True)
    label[border] = label[other[order[nearest]]]
