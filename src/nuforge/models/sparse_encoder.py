"""Sparse encoder: the way down of the sparse UResNet, pooled to features of whole events."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from nuforge.events import Column, Events, Table
from nuforge.events.views import voxel_view
from nuforge.nn.pooled_levels import PooledLevels
from nuforge.nn.residual import LogScale
from nuforge.nn.sparse import SparseTensor


class SparseEncoder(nn.Module):
    """Features of every event, from all its voxels seen at `depth` voxel sizes (`PooledLevels`).

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
        self.scale = LogScale(value_mean, value_spread)
        self.levels = PooledLevels(depth, width, blocks, hidden)
        self.features = hidden

    def forward(self, events: Events) -> Mapping[str, Table]:
        """Features of events.

        Args:
            events: `voxels` with index (N, 3) and value (N,) in MeV.

        Returns:
            `event` with features (B, hidden), one row an event, empty ones too.
        """
        where, value = voxel_view(events)
        features = self.levels(SparseTensor.of(where, self.scale(value)), len(events))
        about = {"features": Column("", "features of the network", "prediction")}
        one_each = torch.arange(len(events) + 1, device=features.device)
        return {"event": Table({"features": features}, one_each, about=about)}
