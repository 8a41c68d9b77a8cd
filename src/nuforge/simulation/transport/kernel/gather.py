"""Rows in the order of their events, copied run by run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from nuforge.simulation.transport.kernel.library import LIBRARY


@dataclass(frozen=True)
class _Runs:
    """Rows of parts that follow one another, (R,) each: part, first row, rows, event."""

    part: Tensor
    begin: Tensor
    count: Tensor
    event: Tensor

    @classmethod
    def of(cls, events: Sequence[Tensor]) -> _Runs:
        """The runs of equal events, in the order of events."""
        arguments = (_addresses(events), torch.tensor([len(part) for part in events]), len(events))
        found = torch.empty((4, LIBRARY.call("runs", *arguments, 0, 0, 0, 0) or 0), dtype=torch.int64)
        LIBRARY.call("runs", *arguments, *found.unbind())
        return cls(*found[:, torch.argsort(found[3], stable=True)])

    def gathered(self, parts: Sequence[Tensor]) -> Tensor:
        """The rows of one column (N, ...), in their order."""
        out = torch.empty((int(self.count.sum()), *parts[0].shape[1:]), dtype=parts[0].dtype)
        width = parts[0].element_size() * parts[0].shape[1:].numel()
        runs = (self.part, self.begin, self.count, len(self.part))
        LIBRARY.call("gather", _addresses(parts), *runs, width, out)
        return out


def sorted_by_event(parts: Sequence[Sequence[Tensor]], n_events: int) -> tuple[Tensor, list[Tensor]]:
    """`flight.sorted_by_event`, quick where events come in runs."""
    event, *columns = ([column.contiguous() for column in part] for part in zip(*parts, strict=True))
    runs = _Runs.of(event)
    counts = torch.zeros(n_events, dtype=torch.int64).index_add_(0, runs.event, runs.count)
    return counts, [runs.gathered(column) for column in columns]


def _addresses(parts: Sequence[Tensor]) -> Tensor:
    return torch.tensor([part.data_ptr() for part in parts])
