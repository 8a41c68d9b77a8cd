"""Events in bins of a number they have, for figures against it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from nuforge.events.events import Events
from nuforge.shapes import Rows


def lower_edge(events: Events, column: str, edges: Sequence[int], table: str = "event") -> Rows:
    """The lower edge (B,) of the bin of each event, in the column's unit; below all edges, or NaN, the first.

    As `by` of an experiment, `functools.partial(lower_edge, column="neutrino_energy", edges=range(0, 5000, 500))` gives
    every figure against energy.

    Args:
        events: With the column.
        column: A number of every event (B,).
        edges: Lower edges in rising order; the last bin has no end.
        table: Table of one row an event.
    """
    value = events[table][column].double().nan_to_num(nan=-math.inf)
    lower = torch.tensor(list(edges), dtype=torch.int64, device=value.device)
    place = torch.bucketize(value, lower.double(), right=True) - 1
    return lower[place.clamp(min=0)]
