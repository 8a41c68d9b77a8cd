"""Sparse UResNet: a U-shaped residual network of submanifold convolutions on occupied voxels."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.events.views import voxel_view
from nuforge.nn.norm import NormActivation
from nuforge.nn.sparse import InverseConvolution, SparseTensor, StridedConvolution, SubmanifoldConvolution

MINIMUM_VALUE = 1e-3
"""MeV; smaller values are taken as this. Readout thresholds are fifty times higher."""


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

    Source:
        Domine and Terao (DeepLearnPhysics), arXiv:1903.05663: submanifold convolution, batch norm with eps 1e-4, leaky
        ReLU of slope 0.33, strided 2^3 convolution down, inverse up. Widths there are 32 x (1 to 5).
    """

    def __init__(
        self, depth: int = 5, width: int = 16, blocks: int = 2, value_mean: float = -0.5, value_spread: float = 1.0
    ) -> None:
        super().__init__()
        if depth < 1 or width < 1 or blocks < 1:
            raise InputError(f"depth, width and blocks must be at least 1, got {depth}, {width} and {blocks}")
        channels = [width * (i + 1) for i in range(depth)]
        steps = list(itertools.pairwise(channels))
        self.scale = _LogScale(value_mean, value_spread)
        self.first = SubmanifoldConvolution(1, width)
        self.encoders = nn.ModuleList(_residual_blocks([c] * (blocks + 1)) for c in channels)
        self.downs = nn.ModuleList(_Down(fine, coarse) for fine, coarse in steps)
        self.ups = nn.ModuleList(_Up(fine, coarse) for fine, coarse in steps)
        self.decoders = nn.ModuleList(_residual_blocks([2 * c] + [c] * blocks) for c in channels[:-1])
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
        x = self.first(SparseTensor.of(where, self.scale(value)))
        x = x.with_features(self.last(self._levels(x).features))
        about = {"features": Column("", "features of the network", "prediction")}
        return {"voxels": Table({"features": x.given_features()}, events["voxels"].offsets, about=about)}

    def _levels(self, x: SparseTensor) -> SparseTensor:
        """Down and up through all levels."""
        skips = []
        for encoder, down in zip(self.encoders, self.downs, strict=False):
            x = encoder(x)
            skips.append(x)
            x = down(x)
        x = self.encoders[-1](x)
        for skip, up, decoder in reversed(list(zip(skips, self.ups, self.decoders, strict=True))):
            y = up(x, skip)
            x = decoder(y.with_features(torch.cat([skip.features, y.features], 1)))
        return x


class _LogScale(nn.Module):
    """ln(value / MeV), shifted and scaled to order one: energies spread over orders of magnitude."""

    def __init__(self, mean: float, spread: float) -> None:
        super().__init__()
        self.mean, self.spread = mean, spread

    def forward(self, value: Tensor) -> Tensor:
        return (value.clamp(min=MINIMUM_VALUE).log() - self.mean) / self.spread


class _Residual(nn.Module):
    """Twice norm, activation and convolution, added to the input."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.norm_in, self.norm_out = NormActivation(channels_in), NormActivation(channels_out)
        self.convolution_in = SubmanifoldConvolution(channels_in, channels_out)
        self.convolution_out = SubmanifoldConvolution(channels_out, channels_out)
        same = channels_in == channels_out
        self.shortcut = nn.Identity() if same else nn.Linear(channels_in, channels_out, bias=False)

    def forward(self, x: SparseTensor) -> SparseTensor:
        y: SparseTensor = self.convolution_in(x.with_features(self.norm_in(x.features)))
        y = self.convolution_out(y.with_features(self.norm_out(y.features)))
        return y.with_features(y.features.add_(self.shortcut(x.features)))  # nothing else keeps y


class _Down(nn.Module):
    """Norm, activation and strided convolution to the coarser level."""

    def __init__(self, fine: int, coarse: int) -> None:
        super().__init__()
        self.norm, self.convolution = NormActivation(fine), StridedConvolution(fine, coarse)

    def forward(self, x: SparseTensor) -> SparseTensor:
        y: SparseTensor = self.convolution(x.with_features(self.norm(x.features)))
        return y


class _Up(nn.Module):
    """Norm, activation and inverse convolution back to the level of `finer`."""

    def __init__(self, fine: int, coarse: int) -> None:
        super().__init__()
        self.norm, self.convolution = NormActivation(coarse), InverseConvolution(coarse, fine)

    def forward(self, x: SparseTensor, finer: SparseTensor) -> SparseTensor:
        y: SparseTensor = self.convolution(x.with_features(self.norm(x.features)), finer.level)
        return y


def _residual_blocks(channels: list[int]) -> nn.Sequential:
    """Residual blocks one after another, from each number of channels to the next."""
    return nn.Sequential(*(_Residual(a, b) for a, b in itertools.pairwise(channels)))
