"""Sparse UResNet: a U-shaped residual network of submanifold convolutions on occupied voxels."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import torch
from torch import nn

from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.events.views import voxel_view
from nuforge.nn.norm import NormActivation
from nuforge.nn.residual import Down, LogScale, Up, descend, residual_blocks
from nuforge.nn.sparse import SparseTensor, SubmanifoldConvolution


class UResNet(nn.Module):
    """Features of every voxel, seen at `depth` voxel sizes.

    Level i has width x (i + 1) channels and voxels 2^i times as large. On the way down and on the way up each level has
    `blocks` residual blocks; the way up takes the features of the way down beside its own.

    Args:
        depth: Number of levels.
        width: Channels of the finest level, and of the result.
        blocks: Residual blocks of a level on either way.
        value_mean: Mean of ln(value / MeV) over voxels, taken off the input.
        value_spread: Its standard deviation, which the input is divided by.
        channels_in: Channels of what `levels` takes; 1 for `forward`, which gives the values of voxels.

    Source:
        Domine and Terao (DeepLearnPhysics), arXiv:1903.05663: submanifold convolution, batch norm with eps 1e-4, leaky
        ReLU of slope 0.33, strided 2^3 convolution down, inverse up. Widths there are 32 x (1 to 5).
    """

    def __init__(
        self,
        depth: int = 5,
        width: int = 16,
        blocks: int = 2,
        value_mean: float = -0.5,
        value_spread: float = 1.0,
        channels_in: int = 1,
    ) -> None:
        super().__init__()
        if depth < 1 or width < 1 or blocks < 1:
            raise InputError(f"depth, width and blocks must be at least 1, got {depth}, {width} and {blocks}")
        channels = [width * (i + 1) for i in range(depth)]
        steps = list(itertools.pairwise(channels))
        self.scale = LogScale(value_mean, value_spread)
        self.first = SubmanifoldConvolution(channels_in, width)
        self.encoders = nn.ModuleList(residual_blocks([c] * (blocks + 1)) for c in channels)
        self.downs = nn.ModuleList(Down(fine, coarse) for fine, coarse in steps)
        self.ups = nn.ModuleList(Up(fine, coarse) for fine, coarse in steps)
        self.decoders = nn.ModuleList(residual_blocks([2 * c] + [c] * blocks) for c in channels[:-1])
        self.last = NormActivation(width)
        self.features = width

    def forward(self, events: Events) -> Mapping[str, Table]:
        """Features of voxels.

        Args:
            events: `voxels` with index (N, 3) and value (N,) in MeV.

        Returns:
            `voxels` with features (N, width), in the order of the voxels.
        """
        where, value = voxel_view(events)
        finest = self.levels(SparseTensor.of(where, self.scale(value)))[0]
        features = finest.with_features(self.last(finest.features)).given_features()
        about = {"features": Column("", "features of the network", "prediction")}
        return {"voxels": Table({"features": features}, events["voxels"].offsets, about=about)}

    def levels(self, x: SparseTensor) -> list[SparseTensor]:
        """What every level has at the end of its way up, finest first: level i has width x (i + 1) channels.

        Features of the finest still go through `last`.

        Args:
            x: Input on the finest level (N, channels_in).
        """
        *skips, coarsest = descend(self.first(x), self.encoders, self.downs)
        found = [coarsest]
        for skip, up, decoder in reversed(list(zip(skips, self.ups, self.decoders, strict=True))):
            y = up(found[-1], skip)
            found.append(decoder(y.with_features(torch.cat([skip.features, y.features], 1))))
        return found[::-1]
