"""Residual blocks of sparse convolutions, and the ways between levels of voxels: what U-shaped networks are made of."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from torch import Tensor, nn

from nuforge.nn.norm import NormActivation
from nuforge.nn.sparse import InverseConvolution, SparseTensor, StridedConvolution, SubmanifoldConvolution

MINIMUM_VALUE = 1e-3
"""MeV; smaller values are taken as this. Readout thresholds are fifty times higher."""


class LogScale(nn.Module):
    """ln(value / MeV), shifted and scaled to order one: energies spread over orders of magnitude."""

    def __init__(self, mean: float, spread: float) -> None:
        super().__init__()
        self.mean, self.spread = mean, spread

    def forward(self, value: Tensor) -> Tensor:
        return (value.clamp(min=MINIMUM_VALUE).log() - self.mean) / self.spread


class Residual(nn.Module):
    """Twice norm, activation and convolution, added to the input."""

    def __init__(self, channels_in: int, channels_out: int, dimension: int = 3) -> None:
        super().__init__()
        self.norm_in, self.norm_out = NormActivation(channels_in), NormActivation(channels_out)
        self.convolution_in = SubmanifoldConvolution(channels_in, channels_out, dimension)
        self.convolution_out = SubmanifoldConvolution(channels_out, channels_out, dimension)
        same = channels_in == channels_out
        self.shortcut = nn.Identity() if same else nn.Linear(channels_in, channels_out, bias=False)

    def forward(self, x: SparseTensor) -> SparseTensor:
        y: SparseTensor = self.convolution_in(x.with_features(self.norm_in(x.features)))
        y = self.convolution_out(y.with_features(self.norm_out(y.features)))
        return y.with_features(y.features.add_(self.shortcut(x.features)))  # nothing else keeps y


class Down(nn.Module):
    """Norm, activation and strided convolution to the coarser level."""

    def __init__(self, fine: int, coarse: int, dimension: int = 3) -> None:
        super().__init__()
        self.norm, self.convolution = NormActivation(fine), StridedConvolution(fine, coarse, dimension)

    def forward(self, x: SparseTensor) -> SparseTensor:
        y: SparseTensor = self.convolution(x.with_features(self.norm(x.features)))
        return y


class Up(nn.Module):
    """Norm, activation and inverse convolution back to the level of `finer`."""

    def __init__(self, fine: int, coarse: int) -> None:
        super().__init__()
        self.norm, self.convolution = NormActivation(coarse), InverseConvolution(coarse, fine)

    def forward(self, x: SparseTensor, finer: SparseTensor) -> SparseTensor:
        y: SparseTensor = self.convolution(x.with_features(self.norm(x.features)), finer.level)
        return y


def residual_blocks(channels: list[int], dimension: int = 3) -> nn.Sequential:
    """Residual blocks one after another, from each number of channels to the next, on so many axes."""
    return nn.Sequential(*(Residual(a, b, dimension) for a, b in itertools.pairwise(channels)))


def descend(x: SparseTensor, encoders: Iterable[nn.Module], downs: Iterable[nn.Module]) -> list[SparseTensor]:
    """What the encoder of each level gives, finest first; between two levels is a way down.

    Args:
        x: Features on the finest level.
        encoders: A module for each level.
        downs: A module for each step from a level to the next, one fewer.
    """
    first, *coarser = encoders
    levels = [first(x)]
    for down, encoder in zip(downs, coarser, strict=True):
        levels.append(encoder(down(levels[-1])))
    return levels
