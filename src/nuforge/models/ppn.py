"""Point proposal network: where particles start and end, asked at every voxel size on the way up of a UResNet."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.events.views import voxel_view
from nuforge.models.uresnet import UResNet
from nuforge.nn.norm import NormActivation
from nuforge.nn.residual import Up
from nuforge.nn.sparse import SparseTensor, SubmanifoldConvolution

_COARSE = "point_voxels_{}"
"""Table of the voxels 2^i times as large."""

_ABOUT = {
    "features": Column("", "features of the network", "prediction"),
    "index": Column("", "voxel number along x, y, z at its level", "prediction"),
    "parent": Column("", "the voxel of the coarser level that holds it", "prediction"),
    "mask": Column("", "logits: no point near, a point near", "prediction"),
    "offset": Column("", "from the voxel's centre to the point, in voxels", "prediction"),
    "type": Column("", "logits of the classes of a point", "prediction"),
    "end": Column("", "logit of an end against a start", "prediction"),
}


class PPN(nn.Module):
    """Features of voxels from a `UResNet`, and what each voxel says of points near it.

    A narrow second way up stands on the levels of the UResNet. On each level it takes what the network has there, adds
    what came from the coarser level, convolves, and gives two logits: is a point near? Their probability, detached,
    multiplies what goes on to the finer level, so that the finest, where a point's place, class and kind of end are
    said, attends to where the coarse ones saw something.

    Args:
        depth: Number of levels of the `UResNet`.
        width: Its channels on the finest level.
        blocks: Its residual blocks of a level on either way.
        point_width: Channels of the second way up.
        classes: Number of classes of a point.
        value_mean: Mean of ln(value / MeV) over voxels, taken off the input.
        value_spread: Its standard deviation, which the input is divided by.

    Source:
        Domine et al. (DeepLearnPhysics), arXiv:2006.14745. There the second way up is as wide as the first, which
        costs as much again.
    """

    def __init__(
        self,
        depth: int = 5,
        width: int = 16,
        blocks: int = 2,
        point_width: int = 16,
        classes: int = 4,
        value_mean: float = -0.5,
        value_spread: float = 1.0,
    ) -> None:
        super().__init__()
        if min(point_width, classes) < 1:
            raise InputError(f"point_width and classes must be at least 1, got {point_width} and {classes}")
        self.backbone = UResNet(depth, width, blocks, value_mean, value_spread)
        self.looks = nn.ModuleList(_Look(width * (i + 1), point_width) for i in range(depth))
        self.ups = nn.ModuleList(Up(point_width, point_width) for _ in range(depth - 1))
        self.point = nn.Linear(point_width, 3 + classes + 1)
        self.features, self.classes = width, classes

    def forward(self, events: Events) -> Mapping[str, Table]:
        """Features of voxels and what they say of points.

        Args:
            events: `voxels` with index (N, 3) and value (N,) in MeV.

        Returns:
            `voxels`, in their order, with features (N, width), index (N, 3), mask (N, 2), offset (N, 3), type
            (N, classes) and end (N,), and a table with index and mask for every coarser level. The index column
            `parent` of each level numbers the rows of the next; the coarsest has none.
        """
        where, value = voxel_view(events)
        levels = self.backbone.levels(SparseTensor.of(where, self.backbone.scale(value)))
        finest, masks = self._look(levels)
        offset, kind, end = self.point(finest).split([3, self.classes, 1], 1)
        features = self.backbone.last(levels[0].features)
        more = {"features": features, "offset": offset, "type": kind, "end": end[:, 0]}
        names = ["voxels", *(_COARSE.format(i) for i in range(1, len(levels)))]
        tables = {}
        for i, (level, mask) in enumerate(zip(levels, masks, strict=True)):
            columns = {"mask": mask, **(more if i == 0 else {})}
            coarser = names[i + 1] if i + 1 < len(names) else None
            tables[names[i]] = _table(level, columns, len(events), coarser)
        return tables

    def _look(self, levels: list[SparseTensor]) -> tuple[Tensor, list[Tensor]]:
        """Features of points on the finest level (N, point_width), and the mask logits of all levels, finest first."""
        features, mask = self.looks[-1](levels[-1], None)
        masks = [mask]
        for i in reversed(range(len(levels) - 1)):
            attended = levels[i + 1].with_features(features * (mask[:, 1:] - mask[:, :1]).detach().sigmoid())
            features, mask = self.looks[i](levels[i], self.ups[i](attended, levels[i]))
            masks.append(mask)
        return features, masks[::-1]


class _Look(nn.Module):
    """One level of the second way up."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.norm, self.narrow = NormActivation(channels), nn.Linear(channels, width)
        self.norm_in, self.convolution = NormActivation(width), SubmanifoldConvolution(width, width)
        self.norm_out, self.mask = NormActivation(width), nn.Linear(width, 2)

    def forward(self, level: SparseTensor, above: SparseTensor | None) -> tuple[Tensor, Tensor]:
        """Features (N, width) and mask logits (N, 2) from the network's level and what came from above."""
        x = self.narrow(self.norm(level.features))
        if above is not None:
            x = x + above.features
        y = self.convolution(level.with_features(self.norm_in(x))).features
        features = self.norm_out(x + y)
        return features, self.mask(features)


def _table(level: SparseTensor, columns: Mapping[str, Tensor], n_events: int, coarser: str | None) -> Table:
    """The table of a level in the order in which its voxels were given."""
    columns = {"index": level.coordinates[:, 1:], **columns}
    refers = {}
    if coarser is not None:
        columns["parent"] = level.level.parent
        refers["parent"] = coarser
    given = {name: level.with_features(column).given_features() for name, column in columns.items()}
    counts = torch.bincount(level.coordinates[:, 0], minlength=n_events)
    return Table.from_counts(given, counts, refers_to=refers, about={name: _ABOUT[name] for name in columns})
