"""Views: what a model asks of a whole batch of events, made by pure functions."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from nuforge.events.events import Events
from nuforge.events.table import Table


def voxel_view(
    events: Events, columns: Sequence[str] = ("value",), table: str = "voxels"
) -> tuple[Int[Tensor, "n 4"], Float[Tensor, "n c"]]:
    """Coordinates and features of the voxels of a batch, for sparse convolution.

    Args:
        events: Events with voxels.
        columns: Columns that become features, in their physical units.
        table: The table of voxels, with a column `index` (N, 3).

    Returns:
        (N, 4) int64: number of the event in the batch and voxel number along x, y, z; (N, C) features, in the
        columns' own precision.
    """
    voxels = events[table]
    coordinates = torch.cat([voxels.batch[:, None], voxels["index"].to(torch.int64)], dim=1)
    return coordinates, _features(voxels, columns)


def point_view(
    events: Events, columns: Sequence[str] = ("charge", "time"), table: str = "hits"
) -> tuple[Float[Tensor, "n 3"], Float[Tensor, "n c"], Int[Tensor, " n"]]:
    """Positions, features and event of the points of a batch, for point clouds and graphs.

    A feature `time` is relative to the first time in its event, because float32 cannot hold absolute times to 1 ns.

    Args:
        events: Events with points.
        columns: Columns that become features, in their physical units.
        table: The table of points, with a column `position` (N, 3) in cm.

    Returns:
        (N, 3) float32 positions in cm; (N, C) float32 features; (N,) int64 number of the event in the batch.
    """
    points = events[table]
    if "time" in columns:
        points = points.with_columns({"time": since_first(points["time"], points)})
    return points["position"].to(torch.float32), _features(points, columns).to(torch.float32), points.batch


def since_first(time: Float[Tensor, " n"], table: Table) -> Float[Tensor, " n"]:
    """Times (N,) of a table's rows, in ns, since the earliest row of the same event."""
    first = time.new_full((table.n_events,), torch.inf).scatter_reduce(0, table.batch, time, "amin")
    return time - first[table.batch]


def _features(table: Table, columns: Sequence[str]) -> Float[Tensor, "n c"]:
    """Columns side by side, integers as float32; a vector column gives one feature for each component."""
    parts = [table[name].reshape(len(table), -1) if table[name].ndim > 1 else table[name][:, None] for name in columns]
    if not parts:
        return torch.zeros(len(table), 0, device=table.offsets.device)
    return torch.cat([part if part.is_floating_point() else part.to(torch.float32) for part in parts], dim=1)
