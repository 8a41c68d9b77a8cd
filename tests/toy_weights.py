"""Events with weights, and the same events so many times."""

import torch

from nuforge.events import Events, Table


def weighing(events: Events, weights: list[float]) -> Events:
    """The events with weights."""
    weight = torch.tensor(weights, dtype=torch.float64)
    if "event" in events:
        return events.with_table("event", events["event"].with_columns({"weight": weight}))
    return events.with_table("event", Table({"weight": weight}, torch.arange(len(events) + 1)))


def times(numbers: list[int]) -> torch.Tensor:
    """Rows of events, each so many times."""
    return torch.repeat_interleave(torch.arange(len(numbers)), torch.tensor(numbers))
