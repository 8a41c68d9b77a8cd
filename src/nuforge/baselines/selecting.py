"""A classical classifier of events whose classes are selected by cuts, as those of a network are."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from nuforge.baselines.baseline import Baseline
from nuforge.errors import InputError
from nuforge.events import Events, Table
from nuforge.events.weights import weights_to_learn
from nuforge.metrics.weights import weighted
from nuforge.tasks.selection import Selection

_FILE = "cuts.json"


@dataclass(frozen=True)
class Selecting:
    """A baseline that gives `event.probability`, and `event.selected` by cuts of its own.

    The cuts are chosen on validation events (`choose`), where the figure of merit of `Selection` is largest, after the
    baseline was fitted on training events.

    Args:
        baseline: The classifier.
        selection: What is asked; its cuts are this baseline's, so each method has a selection of its own.
    """

    baseline: Baseline
    selection: Selection

    def fit(self, batches: Iterable[Events]) -> None:
        """Fits the classifier."""
        self.baseline.fit(batches)

    def choose(self, batches: Iterable[Events]) -> None:
        """Cuts where the figure of merit is largest on labelled events that the classifier was not fitted on."""
        sums: dict[str, Tensor] = {}
        for events in batches:
            weight = weights_to_learn(events)
            for name, counts in self.selection.statistics(events, self.predict(events.readout())).items():
                sums[name] = sums.get(name, torch.zeros(())) + weighted(counts, weight).sum(0).cpu()
        if sums:
            self.selection.settle(sums)

    def predict(self, readout: Events) -> Mapping[str, Table]:
        """What the classifier gives, and `event.selected` (B, C)."""
        return self.selection.selecting(self.baseline.predict(readout))

    def save(self, folder: Path) -> None:
        """Writes the classifier and the cuts into a folder."""
        self.baseline.save(folder)
        cuts = dict(zip(self.selection.wanted, self.selection.cut.tolist(), strict=True))
        (folder / _FILE).write_text(json.dumps({"bins of log-odds": cuts}, indent=1) + "\n", encoding="utf-8")

    def load(self, folder: Path) -> Selecting:
        """What `save` wrote.

        Raises:
            InputError: If the folder holds no cuts, or those of other classes.
        """
        wanted = self.selection.wanted
        try:
            cuts = json.loads((folder / _FILE).read_text(encoding="utf-8"))["bins of log-odds"]
            if tuple(cuts) != wanted:
                raise ValueError(f"it has {list(cuts)}")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"no cuts of {list(wanted)} in '{folder / _FILE}' ({error}); fit the baselines again"
            ) from None
        self.selection.cut.copy_(torch.tensor(list(cuts.values()), device=self.selection.cut.device))
        return Selecting(self.baseline.load(folder), self.selection)
