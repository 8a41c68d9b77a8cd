"""Which event comes when: an order of events that depends on a seed alone, not on who reads them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nuforge.events.identity import generator_of


@dataclass(frozen=True)
class Span:
    """Events `first` to before `end` of a window of a lane's epoch: a piece of a batch."""

    epoch: int
    lane: int
    window: int
    first: int
    end: int


@dataclass(frozen=True, eq=False)
class Plan:
    """The order of events for one rank of a world.

    In each epoch the row groups are shuffled and laid end to end; that line of events is cut into equal lanes, each
    lane into windows, and the events of a window are shuffled. A row group is so decoded about once an epoch, and step
    k takes its batch from lane k modulo `lanes`: readers that divide the steps among them also divide the row groups.

    Args:
        counts: Events in each row group, (groups,) int64.
        lanes: Lanes of each rank.
        window: Events in a window.
        seed: Of every shuffle.
        shuffle: False keeps the order of the store.
        rank: This rank, from 0.
        world: Number of ranks.
    """

    counts: Tensor
    lanes: int
    window: int
    seed: int
    shuffle: bool
    rank: int = 0
    world: int = 1

    @property
    def n_events(self) -> int:
        """Events of all ranks."""
        return int(self.counts.sum())

    @property
    def lane_length(self) -> int:
        """Events of a lane in an endless epoch; the few that do not divide evenly wait for a later epoch."""
        return self.n_events // (self.world * self.lanes)

    def line(self, epoch: int) -> Tensor:
        """(N,) numbers of the events of all ranks, their row groups shuffled."""
        if not self.shuffle:
            return torch.arange(self.n_events)
        order = torch.randperm(len(self.counts), generator=generator_of("groups", self.seed, epoch))
        ends = self.counts.cumsum(0)
        counts = self.counts[order]
        moved = (ends - self.counts)[order] - (counts.cumsum(0) - counts)
        return torch.arange(self.n_events) + torch.repeat_interleave(moved, counts)

    def events_of(self, line: Tensor, span: Span, whole: bool = False) -> Tensor:
        """The numbers of all events of a span's window, in their order.

        Args:
            line: The line of the span's epoch, (N,) int64.
            span: A piece of a batch.
            whole: True if lanes hold every event of the epoch, as `pass_of` has them.
        """
        first, end = self._bounds(span.lane, whole)
        first += span.window * self.window
        events = line[first : min(first + self.window, end)]
        if not self.shuffle:
            return events
        who = (self.rank, self.world, span.lane, span.window)
        return events[torch.randperm(len(events), generator=generator_of("window", self.seed, span.epoch, *who))]

    def _bounds(self, lane: int, whole: bool) -> tuple[int, int]:
        """Where a lane begins and ends on the line."""
        if whole:
            n = self.n_events
            return self.rank * n // self.world, (self.rank + 1) * n // self.world
        first = (self.rank * self.lanes + lane) * self.lane_length
        return first, first + self.lane_length

    def step(self, k: int, batch: int) -> list[Span]:
        """The pieces of the batch of step k of an endless run."""
        lane = k % self.lanes
        return self._spans(lane, (k // self.lanes) * batch, batch, self.lane_length)

    def pass_of(self, epoch: int, k: int, batch: int) -> list[Span]:
        """The pieces of batch k of one pass over all events of this rank, the last of which may be smaller."""
        first, end = self._bounds(0, whole=True)
        n = min(batch, end - first - k * batch)
        return [Span(epoch, s.lane, s.window, s.first, s.end) for s in self._spans(0, k * batch, n, end - first)]

    def _spans(self, lane: int, position: int, n: int, length: int) -> list[Span]:
        """The pieces of n events from a position on a lane that is `length` long in each epoch."""
        spans = []
        while n > 0:
            epoch, place = divmod(position, length)
            window, first = divmod(place, self.window)
            end = min(first + n, self.window, length - window * self.window)
            spans.append(Span(epoch, lane, window, first, end))
            position, n = position + end - first, n - (end - first)
        return spans
