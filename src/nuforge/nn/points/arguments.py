"""What every kernel asks of its arguments, refused in one line where it is not so."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from nuforge.errors import InputError


def check_points(position: Tensor, batch: Tensor) -> None:
    """Refuse positions that are not finite (N, D), D >= 1, and batches that are not (N,) int64 from 0 on."""
    if position.ndim != 2 or position.shape[1] < 1 or not position.is_floating_point():
        raise InputError(
            f"positions must be floating, of shape (points, D), got {position.dtype} of {tuple(position.shape)}; "
            "give one row per point"
        )
    if batch.shape != position.shape[:1] or batch.dtype != torch.int64:
        raise InputError(
            f"batch must be int64 of shape ({len(position)},), got {batch.dtype} of {tuple(batch.shape)}; "
            "give the event of each point"
        )
    if len(batch) and int(batch.min()) < 0:
        raise InputError(f"batch must not be negative, got {int(batch.min())}; number the events from 0")
    if not bool(position.sum().isfinite()) and not bool(position.isfinite().all()):  # the first alone is faster
        bad = int((~position.isfinite().all(1)).sum())
        raise InputError(f"{bad} of {len(position)} positions are not finite; remove these points")


def check_offsets(offsets: Tensor, rows: int) -> None:
    """Refuse offsets that are not int64 (B + 1,), rising from 0 to the number of rows."""
    if offsets.dtype != torch.int64 or offsets.ndim != 1 or len(offsets) < 1:
        raise InputError(
            f"offsets must be int64 of shape (events + 1,), got {offsets.dtype} of {tuple(offsets.shape)}; "
            "begin with 0 and add each event's number of rows"
        )
    if int(offsets[0]) != 0 or int(offsets[-1]) != rows or bool((offsets.diff() < 0).any()):
        raise InputError(
            f"offsets must rise from 0 to the {rows} rows, got {offsets.tolist()[:8]}; cumulate the counts"
        )


def check_length(name: str, length: float) -> None:
    """Refuse a length that is not positive and finite."""
    if not (length > 0 and math.isfinite(length)):
        raise InputError(f"{name} must be positive, in the unit of the positions, got {length}; give a length")


def check_count(name: str, count: int) -> None:
    """Refuse a number below one."""
    if count < 1:
        raise InputError(f"{name} must be at least 1, got {count}; ask for one or more")
