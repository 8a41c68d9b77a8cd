"""Selection: which events does an analysis keep, how many of those it wants, and how pure?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.metrics.ranking import BINS, log_odds_bin
from nuforge.metrics.selecting import best_cut, significance
from nuforge.metrics.weights import ratio
from nuforge.tasks.categorical import log_odds
from nuforge.tasks.classification import Classification
from nuforge.tasks.task import Task

SELECTED = "selected"
"""Column of `event` with what is selected."""


class Selection(Task):
    """A classification whose classes are selected, each by a cut on its probability.

    The cut is where S / sqrt(S + B) is largest on validation events, in fixed bins of log-odds
    (`nuforge.metrics.ranking.log_odds_bin`); S and B are expected events. A network's cuts travel with its weights,
    those of a baseline are chosen in the same way (`nuforge.baselines.selecting.Selecting`). The figure of merit is of
    the events that are looked at: of a tenth of the sample it is sqrt(1/10) of that of the exposure.

    Args:
        classification: Of events; its loss, probabilities and figures stay what they are.
        wanted: Names of the classes that are selected; all if not given.
        ignored: Names of classes that are not counted as background: what other cuts remove.
        expected: Column of `event` (truth) with how many events of an exposure one stands for; "" for 1.
    """

    settles = True
    cut: Tensor

    def __init__(
        self,
        classification: Classification,
        wanted: Sequence[str] = (),
        ignored: Sequence[str] = (),
        expected: str = "expected",
    ) -> None:
        super().__init__()
        classes = classification.classes
        unknown = [name for name in (*wanted, *ignored) if name not in classes]
        if unknown:
            raise InputError(f"no class '{unknown[0]}' to select or ignore; there are {list(classes)}")
        if classification.table != "event":
            raise InputError(
                f"a selection is of events, got a classification of '{classification.table}'; classify those"
            )
        self.classification, self.expected = classification, expected
        self.name, self.classes, self.table = classification.name, classes, classification.table
        self.wanted = tuple(wanted) or tuple(name for name in classes if name not in ignored)
        self.ignored = tuple(ignored)
        self.needs = (*classification.needs, *([f"event.{expected}"] if expected else []))
        self.temperatures, self.units = classification.temperatures, classification.units
        self.neutral, self.lower_is_better = classification.neutral, classification.lower_is_better
        self.register_buffer("cut", torch.full((len(self.wanted),), BINS // 2))

    def forward(self, features: Mapping[str, Table]) -> Mapping[str, Table]:
        """Those of the classification."""
        return self.classification.forward(features)

    def loss(self, outputs: Mapping[str, Table], events: Events) -> Tensor:
        """That of the classification."""
        return self.classification.loss(outputs, events)

    def predict(self, outputs: Mapping[str, Table], choice: float | None = None) -> Mapping[str, Table]:
        """Probability of the classes (B, K) and whether the wanted ones are selected (B, C)."""
        return self.selecting(self.classification.predict(outputs))

    def selecting(self, prediction: Mapping[str, Table]) -> Mapping[str, Table]:
        """A prediction with `event.probability` of any method, and `event.selected` by these cuts."""
        event = prediction["event"]
        about = {SELECTED: Column("", f"whether selected as {', '.join(self.wanted)}", "prediction")}
        selected = event.with_columns({SELECTED: self._bins(event["probability"]) >= self.cut}, about)
        return {**prediction, "event": selected}

    def statistics(self, events: Events, prediction: Mapping[str, Table]) -> Mapping[str, Tensor]:
        """Per event: those of the classification; `cuts` (B, C, bins, 2) expected background and signal by score;
        `selected` (B, C, 2, 2) likewise, [others or own, not or selected].
        """
        known, own = self._known_and_own(events)
        expected = (
            events["event"][self.expected].double() if self.expected else torch.ones_like(known, dtype=torch.float64)
        )
        weight = torch.where(known, expected, 0.0)[:, None]
        event = prediction["event"]
        n, c = len(events), len(self.wanted)
        row = torch.arange(n, device=own.device)[:, None]
        column = torch.arange(c, device=own.device)[None]
        if SELECTED not in event:
            raise InputError(
                "a method gives no 'selected' for events; baselines of a selection are wrapped in "
                "nuforge.baselines.selecting.Selecting"
            )
        cuts = weight.new_zeros(n, c, BINS, 2)
        cuts[row, column, self._bins(event["probability"]), own.long()] = weight.expand(n, c)
        selected = weight.new_zeros(n, c, 2, 2)
        selected[row, column, own.long(), event[SELECTED].long()] = weight.expand(n, c)
        return {**self.classification.statistics(events, prediction), "cuts": cuts, "selected": selected}

    def figures(self, sums: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Figures of the classification (R,), and efficiency, purity and figure of merit of every wanted class."""
        out = dict(self.classification.figures(sums))
        selected = sums["selected"]
        background, signal = selected[..., 0, 1], selected[..., 1, 1]
        own = selected[..., 1, :].sum(-1)
        for i, name in enumerate(self.wanted):
            out[f"efficiency of {name}"] = ratio(signal[..., i], own[..., i])
            out[f"purity of {name}"] = ratio(signal[..., i], signal[..., i] + background[..., i])
            out[f"figure of merit of {name}"] = significance(signal[..., i], background[..., i])
        return out

    def settle(self, sums: Mapping[str, Tensor]) -> None:
        """Cut where the figure of merit is largest, of statistics summed over validation events."""
        self.cut.copy_(best_cut(sums["cuts"]))

    def count(self, events: Events) -> Tensor:
        """What the classification counts."""
        return self.classification.count(events)

    def meet(self, counts: Tensor) -> None:
        """The classification takes notice."""
        self.classification.meet(counts)

    def surprise(self, outputs: Mapping[str, Table], events: Events) -> Tensor:
        """That of the classification (B, T)."""
        return self.classification.surprise(outputs, events)

    def cool(self, temperature: float) -> None:
        """The temperature of the classification."""
        self.classification.cool(temperature)

    def _bins(self, probability: Float[Tensor, "b k"]) -> Tensor:
        """Bins of the scores of the wanted classes (B, C)."""
        columns = [self.classes.index(name) for name in self.wanted]
        return log_odds_bin(log_odds(probability)[:, columns].flatten()).reshape(len(probability), len(columns))

    def _known_and_own(self, events: Events) -> tuple[Bool[Tensor, " b"], Bool[Tensor, "b c"]]:
        """Which events count, and of which wanted class they are."""
        label = events["event"][self.classification.target]
        known = label >= 0
        for name in self.ignored:
            known = known & (label != self.classes.index(name))
        wanted = torch.tensor([self.classes.index(name) for name in self.wanted], device=label.device)
        return known, label[:, None] == wanted
