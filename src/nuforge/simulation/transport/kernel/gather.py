"""Rows in the order of their events, copied run by run."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from nuforge.simulation.transport.kernel.library import LIBRARY


def sorted_by_event(parts: Sequence[Sequence[Tensor]]) -> list[Tensor]:
    """Columns of parts, end to end and sorted (stably) by the first, the events; quick where events come in runs."""
    event, *others = (torch.cat([column.contiguous() for column in columns]) for columns in zip(*parts, strict=True))
    begins = torch.empty_like(event)
    begins = begins[: LIBRARY.call("runs", event, len(event), begins)]
    counts = torch.cat([begins, torch.tensor([len(event)])]).diff()
    order = torch.argsort(event[begins], stable=True)
    begins, counts = begins[order], counts[order]
    return [_gathered(column, begins, counts) for column in (event, *others)]


def _gathered(column: Tensor, begins: Tensor, counts: Tensor) -> Tensor:
    out = torch.empty_like(column)
    width = column.element_size() * (column[0].numel() if len(column) else 1)
    LIBRARY.call("gather", column, begins, counts, len(begins), width, out)
    return out
