"""Graph-SPICE: which neighbouring voxels belong to different pieces, from features of a UResNet."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.events.rows import rows_where
from nuforge.events.views import voxel_view
from nuforge.models.uresnet import UResNet
from nuforge.nn.points import segment_mean
from nuforge.nn.sparse import Level, SparseTensor
from nuforge.simulation.truth import CLASSES, VoxelClass

_ABOUT = {
    "features": Column("", "features of the network", "prediction"),
    "index": Column("", "voxel number along x, y, z", "prediction"),
    "kind": Column("", "class that was given", "prediction"),
    "source": Column("", "a voxel", "prediction", "voxels"),
    "target": Column("", "its neighbour, a later row", "prediction", "voxels"),
    "logit": Column("", "log-odds that the two are of different pieces", "prediction"),
}


class GraphSPICE(nn.Module):
    """For neighbouring voxels, the log-odds that they are of different pieces.

    A `UResNet` sees the value and the class of each voxel, how near a point is, and where the voxel is, from the middle
    of its event. Two voxels with features f and g have the log-odds (f, 1) W (g, 1) with a symmetric matrix W: a
    bilinear form with linear terms and a constant, in which neither comes first. Edges join the 26 neighbours (a radius
    of 1.9 voxels), found already for the convolutions, also those of another class: a voxel whose class is wrong then
    breaks no track. Those of low-energy voxels are left out.

    Args:
        depth: Number of levels of the `UResNet`.
        width: Channels of its finest level, and of the features.
        blocks: Residual blocks of a level on either way.
        value_mean: Mean of ln(value / MeV) over voxels, taken off the input.
        value_spread: Its standard deviation, which the input is divided by.
        reach: Voxels that positions are divided by.

    Source:
        Koh et al. (DeepLearnPhysics), arXiv:2007.03083, and its successor on graphs in the liquid-argon 3D chain
        (SPINE): 32 features, coordinates as input, bilinear edges of radius 1.9, there inside classes and without
        points.
    """

    def __init__(
        self,
        depth: int = 5,
        width: int = 32,
        blocks: int = 2,
        value_mean: float = -0.5,
        value_spread: float = 1.0,
        reach: float = 200.0,
    ) -> None:
        super().__init__()
        if reach <= 0:
            raise InputError(f"reach must be positive (voxels), got {reach}; half an event's extent is usual")
        self.backbone = UResNet(depth, width, blocks, value_mean, value_spread, channels_in=1 + len(CLASSES) + 1 + 3)
        self.form = nn.Parameter(torch.randn(width + 1, width + 1) / (width + 1))
        self.features, self.reach = width, reach

    def forward(self, events: Events) -> Mapping[str, Table]:
        """Features of voxels and scores of edges.

        Args:
            events: `voxels` with index (N, 3), value (N,) in MeV, kind (N,) int64, a class from 0 to 4, and near_point
                (N,), 1 at a point and 0 far from any.

        Returns:
            `voxels` with features (N, width), index and kind, and `voxel_edges` with source and target, each pair once,
            source < target, and logit (E,).
        """
        where, value = voxel_view(events)
        voxels = events["voxels"]
        kind = voxels["kind"]
        classes, near = F.one_hot(kind, len(CLASSES)).to(value), voxels["near_point"].to(value)[:, None]
        seen = torch.cat([self.backbone.scale(value), classes, near, self._from_the_middle(voxels)], 1)
        finest = self.backbone.levels(SparseTensor.of(where, seen))[0]
        features = finest.with_features(self.backbone.last(finest.features)).given_features()
        source, target = neighbours(finest.level, kind != VoxelClass.LOW_ENERGY)
        columns = {"features": features, "index": where[:, 1:], "kind": kind}
        edges = {"source": source, "target": target, "logit": self._logit(features, source, target)}
        counts = torch.bincount(voxels.batch[source], minlength=len(events))
        about = {name: _ABOUT[name] for name in columns}
        return {
            "voxels": Table(columns, voxels.offsets, about=about),
            "voxel_edges": Table.from_counts(edges, counts, about={name: _ABOUT[name] for name in edges}),
        }

    def _from_the_middle(self, voxels: Table) -> Float[Tensor, "n 3"]:
        """Places of voxels from the mean of their event, in units of `reach`: whole shifts of an event cancel."""
        place = voxels["index"].double()
        middle = segment_mean(place, voxels.offsets)
        return ((place - middle[voxels.batch]) / self.reach).to(self.form)

    def _logit(self, features: Tensor, source: Tensor, target: Tensor) -> Tensor:
        """Log-odds (E,) of edges."""
        form = (self.form + self.form.t()) / 2
        one = F.pad(features, (0, 1), value=1.0)
        return ((one @ form).index_select(0, source) * one.index_select(0, target)).sum(1)


def neighbours(level: Level, among: Tensor) -> tuple[Tensor, Tensor]:
    """Rows (E,), (E,) of neighbouring voxels, each pair once, the lower row first, in the order of events.

    Args:
        level: The voxels, whose neighbours the convolutions have found.
        among: Which of them have neighbours (N,) bool, in the order in which they were given.
    """
    table = level.neighbours.forward.table
    later = (
        table[len(table) // 2 + 1 :].t().contiguous()
    )  # of the offsets k and -k only one; rows stay in the order of events
    pair = rows_where(later >= 0)
    row, other = pair // later.shape[1], later.flatten()[pair].long()
    if level.order is not None:
        row, other = level.order[row], level.order[other]
    joined = among[row] & among[other]
    row, other = row[joined], other[joined]
    return torch.minimum(row, other), torch.maximum(row, other)
