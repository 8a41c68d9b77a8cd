"""Sparse encoder: the way down of the sparse UResNet, pooled to features of whole events."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from nuforge.errors import InputError
from nuforge.events import Column, Events, Table, offsets_of
from nuforge.events.views import voxel_view
from nuforge.nn.norm import NormActivation
from nuforge.nn.points import segment_max, segment_mean
from nuforge.nn.residual import Down, LogScale, descend, residual_blocks
from nuforge.nn.sparse import SparseTensor, SubmanifoldConvolution


class SparseEncoder(nn.Module):
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
        value_mean: Mean of ln(value / MeV) over voxels, taken off the input.
        value_spread: Its standard deviation, which the input is divided by.
    """

    def __init__(
        self,
        depth: int = 5,
        width: int = 16,
        blocks: int = 1,
        hidden: int = 64,
        value_mean: float = -0.5,
        value_spread: float = 1.0,
    ) -> None:
        super().__init__()
        if min(depth, width, blocks, hidden) < 1:
            raise InputError(
                f"depth, width, blocks and hidden must be at least 1, got {depth}, {width}, {blocks} and {hidden}"
            )
        channels = [width * (i + 1) for i in range(depth)]
        self.scale = LogScale(value_mean, value_spread)
        self.first = SubmanifoldConvolution(1, width)
        self.encoders = nn.ModuleList(residual_blocks([c] * (blocks + 1)) for c in channels)
        self.downs = nn.ModuleList(Down(fine, coarse) for fine, coarse in itertools.pairwise(channels))
        self.norms = nn.ModuleList(NormActivation(c) for c in channels)
        pooled = sum(2 * c + 1 for c in channels)
        self.norm = NormActivation(pooled)
        self.mix = nn.Linear(pooled, hidden)
        self.features = hidden

    def forward(self, events: Events) -> Mapping[str, Table]:
        """Features of events.

        Args:
            events: `voxels` with index (N, 3) and value (N,) in MeV.

        Returns:
            `event` with features (B, hidden), one row an event, empty ones too.
        """
        where, value = voxel_view(events)
        n = len(events)
        levels = descend(self.first(SparseTensor.of(where, self.scale(value))), self.encoders, self.downs)
        pooled = [
            pool(norm(level.features), level.coordinates[:, 0], n)
            for level, norm in zip(levels, self.norms, strict=True)
        ]
        features = F.leaky_relu(self.mix(self.norm(torch.cat(pooled, 1))))
        about = {"features": Column("", "features of the network", "prediction")}
        one_each = torch.arange(n + 1, device=features.device)
        return {"event": Table({"features": features}, one_each, about=about)}


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
