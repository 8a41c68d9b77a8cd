"""Clusters: the voxels of all clusters of all events, sorted by cluster, as every step of the reconstruction takes
them.

Everything is in float64: sums over 100,000 voxels, and positions to a fraction of a voxel.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Int
from torch import Tensor

from nuforge.detectors import TimeProjectionChamber
from nuforge.detectors.voxels import voxel_center
from nuforge.events import Events
from nuforge.events.table import offsets_of
from nuforge.shapes import Mask, Rows


@dataclass(frozen=True, eq=False)
class Clusters:
    """Voxels grouped by cluster.

    Args:
        position: (V, 3) cm, centres of voxels, float64.
        value: (V,) MeV, float64.
        row: (V,) row of the table `voxels`.
        offsets: (C + 1,) int64: cluster c has the voxels offsets[c] to offsets[c + 1].
        voxel: Side of a voxel in cm.
    """

    position: Float[Tensor, "v 3"]
    value: Float[Tensor, " v"]
    row: Int[Tensor, " v"]
    offsets: Int[Tensor, " o"]
    voxel: float

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @cached_property
    def counts(self) -> Rows:
        """Voxels of each cluster (C,)."""
        return self.offsets.diff()

    @cached_property
    def cluster(self) -> Rows:
        """Cluster of each voxel (V,)."""
        return torch.repeat_interleave(self.counts, output_size=len(self.row))

    def total(self, values: Tensor) -> Tensor:
        """Sums (C, ...) over the voxels of each cluster of values (V, ...), 0 for an empty one."""
        return totals(values, self.cluster, len(self))

    def of(self, mask: Mask) -> Clusters:
        """These clusters with the voxels of those alone where mask (C,) holds; the others are empty."""
        kept = mask[self.cluster]
        counts = torch.where(mask, self.counts, 0)
        return Clusters(self.position[kept], self.value[kept], self.row[kept], offsets_of(counts), self.voxel)


def clusters_of(events: Events, detector: TimeProjectionChamber) -> Clusters:
    """The clusters of events with `voxels` (index, value, cluster) and `clusters`; voxels of none are left out."""
    voxels = events["voxels"]
    cluster = voxels["cluster"]
    row = (cluster >= 0).nonzero().flatten()
    row = row[cluster[row].argsort(stable=True)]
    return Clusters(
        position=voxel_center(voxels["index"][row], detector).double(),
        value=voxels["value"][row].double(),
        row=row,
        offsets=offsets_of(torch.bincount(cluster[row], minlength=len(events["clusters"]))),
        voxel=detector.readout.voxel,
    )


def totals(values: Tensor, group: Int[Tensor, " v"], n: int) -> Tensor:
    """Sums (n, ...) of values (V, ...) by their group (V,), in the order of the rows, 0 for an empty group."""
    return values.new_zeros(n, *values.shape[1:]).index_add(0, group, values)


def extremes(values: Float[Tensor, " v"], group: Int[Tensor, " v"], n: int, how: str) -> Float[Tensor, " n"]:
    """Largest ("amax") or least ("amin") of values (V,) by their group (V,); -inf or inf for an empty group."""
    empty = -torch.inf if how == "amax" else torch.inf
    found: Tensor = values.new_full((n,), empty).scatter_reduce(0, group, values, how)
    return found


def unit(vector: Float[Tensor, "n 3"]) -> Float[Tensor, "n 3"]:
    """Vectors (N, 3) of length one; NaN for a null vector."""
    of_length_one: Tensor = vector / vector.norm(dim=1, keepdim=True)
    return of_length_one


def principal_axis(
    position: Float[Tensor, "v 3"],
    weight: Float[Tensor, " v"],
    group: Int[Tensor, " v"],
    n: int,
    origin: Float[Tensor, "n 3"] | None = None,
) -> Float[Tensor, "n 3"]:
    """Axis (n, 3) along which the points of each group spread most, of length one and either sign.

    Args:
        position: (V, 3) cm.
        weight: (V,) >= 0.
        group: (V,) int64.
        n: Number of groups.
        origin: (n, 3) point that the axis passes through; by default the weighted centre of the group.

    Returns:
        NaN where no point has weight or all points are one.
    """
    total = totals(weight, group, n)
    if origin is None:
        origin = totals(position * weight[:, None], group, n) / total[:, None]
    step = position - origin[group]
    spread = totals(weight[:, None, None] * step[:, :, None] * step[:, None, :], group, n)
    size = spread.diagonal(dim1=1, dim2=2).sum(1)
    valid = (total > 0) & (size > 0) & size.isfinite()
    spread = torch.where(valid[:, None, None], spread, torch.eye(3, dtype=spread.dtype, device=spread.device))
    axis = torch.linalg.eigh(spread).eigenvectors[:, :, 2] if n else spread[:, :, 0]
    return torch.where(valid[:, None], axis, torch.nan)
