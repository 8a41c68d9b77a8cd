"""Pooled levels: from features at occupied voxels to features of whole events or images, at several voxel sizes."""

from __future__ import annotations

import itertools

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from nuforge.errors import InputError
from nuforge.events import offsets_of
from nuforge.nn.norm import NormActivation
from nuforge.nn.points import segment_max, segment_mean
from nuforge.nn.residual import Down, descend, residual_blocks
from nuforge.nn.sparse import SparseTensor, SubmanifoldConvolution


class PooledLevels(nn.Module):
    """Features of every event, from all its voxels seen at `depth` voxel sizes.

    Level i has width x (i + 1) channels and voxels 2^i times as large, as in `UResNet`. Each level is pooled over the
    voxels of an event: mean and largest value of each channel, and ln(1 + number of voxels). Means tell how usual
    something is, the largest value whether it occurs at all, whatever the event's size. Batch norm over events brings
    what is pooled to one scale (a mean over thousands of voxels differs little from event to event), and a hidden layer
    mixes the levels.

    Args:
        depth: Number of levels.
        width: Channels of the finest level.
        blocks: Residual blocks of a level.
        hidden: Channels of the result.
        inputs: Channels of the input.
        dimension: Axes of space, 2 to 4.
    """

    def __init__(
        self, depth: int, width: int, blocks: int = 1, hidden: int = 64, inputs: int = 1, dimension: int = 3
    ) -> None:
        super().__init__()
        if min(depth, width, blocks, hidden) < 1:
            raise InputError(
                f"depth, width, blocks and hidden must be at least 1, got {depth}, {width}, {blocks} and {hidden}"
            )
        channels = [width * (i + 1) for i in range(depth)]
        steps = itertools.pairwise(channels)
        self.first = SubmanifoldConvolution(inputs, width, dimension)
        self.encoders = nn.ModuleList(residual_blocks([c] * (blocks + 1), dimension) for c in channels)
        self.downs = nn.ModuleList(Down(fine, coarse, dimension) for fine, coarse in steps)
        self.norms = nn.ModuleList(NormActivation(c) for c in channels)
        pooled = sum(2 * c + 1 for c in channels)
        self.norm = NormActivation(pooled)
        self.mix = nn.Linear(pooled, hidden)
        self.features = hidden

    def forward(self, x: SparseTensor, n: int) -> Tensor:
        """Features (n, hidden) of all n events, those without a voxel too."""
        levels = descend(self.first(x), self.encoders, self.downs)
        pooled = [
            pool(norm(level.features), level.coordinates[:, 0], n)
            for level, norm in zip(levels, self.norms, strict=True)
        ]
        return F.leaky_relu(self.mix(self.norm(torch.cat(pooled, 1))))


def pool(features: Float[Tensor, "n c"], event: Tensor, n_events: int) -> Float[Tensor, "b d"]:
    """Mean and largest value of each channel over the rows of an event, and ln(1 + rows): (B, 2 C + 1).

    Args:
        features: (N, C).
        event: The event of each row (N,), int64, never falling.
        n_events: B; an event without rows has zeros.
    """
    features = features.float()
    count = torch.bincount(event, minlength=n_events)
    offsets = offsets_of(count)
    size = count.to(features.dtype).log1p().unsqueeze(1)
    return torch.cat([segment_mean(features, offsets), segment_max(features, offsets), size], 1)
