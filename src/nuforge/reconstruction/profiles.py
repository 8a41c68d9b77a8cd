"""dE/dx along tracks, in steps of their path, against the residual range."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nuforge.events.table import offsets_of
from nuforge.reconstruction.clusters import Clusters, totals
from nuforge.reconstruction.paths import END_EXCESS, Paths
from nuforge.shapes import Rows, Scalars

STEP = 1.0
"""Length of a step in cm: three voxels, and short against the Bragg peak of all that is not a proton."""


@dataclass(frozen=True, eq=False)
class Profiles:
    """Steps of the paths of clusters, from the start to the end.

    Args:
        cluster: (K,) int64.
        residual_range: (K,) cm from the middle of the step to the end of the path.
        width: (K,) cm, length of the step.
        visible: (K,) MeV/cm, energy of the voxels over the length.
        stopping_power: (K,) MeV/cm, dE/dx, recombination taken out (`calorimetry.stopping_power_of`).
        is_last: (K,) bool, the last step of its path, whose length is the least certain.
    """

    cluster: Rows
    residual_range: Scalars
    width: Scalars
    visible: Scalars
    stopping_power: Scalars
    is_last: Tensor


def visible_profiles(clusters: Clusters, paths: Paths) -> Profiles:
    """Energy of voxels in equal steps of about `STEP` along the paths; `stopping_power` is the visible one."""
    group = clusters.cluster
    length = paths.length.nan_to_num()
    steps = torch.where(clusters.counts > 0, (length / STEP).round().clamp(min=1), 0).long()
    width = length / steps.clamp(min=1)
    way = paths.along - 0.5 * END_EXCESS * clusters.voxel
    step = (way / width[group].clamp(min=1e-9)).floor().long().clamp(min=0).minimum(steps[group] - 1)
    first = offsets_of(steps)[:-1]
    energy = totals(clusters.value, first[group] + step, int(steps.sum()))
    cluster = torch.repeat_interleave(steps, output_size=len(energy))
    number = torch.arange(len(energy)) - first[cluster]
    residual = length[cluster] - (number + 0.5) * width[cluster]
    visible = energy / width[cluster].clamp(min=1e-9)
    return Profiles(cluster, residual, width[cluster], visible, visible, number == steps[cluster] - 1)
