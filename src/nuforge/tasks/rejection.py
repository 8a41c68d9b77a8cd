"""Rejection: how much of every class is kept where only a given share of one class is left?"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from nuforge.errors import InputError
from nuforge.events import Events
from nuforge.metrics.ranking import BINS, log_odds_bin
from nuforge.metrics.selecting import interpolated
from nuforge.metrics.weights import ratio
from nuforge.tasks.categorical import log_odds
from nuforge.tasks.classification import Classification
from nuforge.tasks.task import Measured, Tables


class Rejection(Measured):
    """What is kept of events when one class is cut away by its probability, beside their `Classification`.

    The cut is where exactly the wanted share of the rejected class is left in the very sample, read off between fixed
    bins of log-odds: the same question to every method. It is set by events of the rejected class alone (which an
    experiment takes between spills), so nothing is chosen on what is to be kept.

    Args:
        classification: The question whose `event.probability` it reads.
        rejected: Name of the class that is to go.
        left: The share of it that may be left.
    """

    def __init__(self, classification: Classification, rejected: str = "cosmic", left: float = 0.05) -> None:
        super().__init__()
        if rejected not in classification.classes:
            raise InputError(f"no class '{rejected}' to reject; there are {list(classification.classes)}")
        if not 0 < left < 1:
            raise InputError(f"left must be a share between 0 and 1, got {left}; 0.05 leaves 5 %")
        self.rejected, self.left = rejected, left
        self.names, self.target = classification.classes, classification.target
        self.needs = (f"event.{self.target}",)

    def statistics(self, events: Events, prediction: Tables) -> Mapping[str, Tensor]:
        """Per event `rejection` (B, K, bins): 1 at its class and the score against the rejected class."""
        label, probability = events["event"][self.target], prediction["event"]["probability"]
        known = (label >= 0).nonzero().squeeze(1)
        bins = log_odds_bin(-log_odds(probability)[:, self.names.index(self.rejected)])
        counts = torch.zeros(len(events), len(self.names), BINS, dtype=torch.float64, device=label.device)
        counts[known, label[known], bins[known]] = 1.0
        return {"rejection": counts}

    def figures(self, sums: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Share of each other class that is kept (R,)."""
        above = sums["rejection"].double().flip(-1).cumsum(-1).flip(-1)
        above = torch.cat([above, torch.zeros_like(above[..., :1])], -1)
        index = self.names.index(self.rejected)
        left = above[..., index, :]
        wanted = self.left * left[..., 0]
        out = {}
        for i, name in enumerate(self.names):
            if i != index:
                kept = interpolated(left, above[..., i, :], wanted)
                share = ratio(kept, above[..., i, 0])
                out[f"kept of {name}"] = torch.where(left[..., 0] > 0, share, torch.nan)
        return out
