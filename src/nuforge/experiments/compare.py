"""One pass over labelled events: the network and its baselines predict, and their statistics are gathered."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nuforge.baselines.baseline import Baseline
from nuforge.errors import InputError
from nuforge.evaluation.comparison import LOWER_IS_BETTER, Comparison
from nuforge.evaluation.equal_purity import at_equal_purity, left_over
from nuforge.evaluation.tracking import Tracking, tracking_curve
from nuforge.events import Events, Table
from nuforge.experiments.data import given
from nuforge.experiments.predictor import Predictor
from nuforge.tasks.answer import with_predictions
from nuforge.tasks.rejection import Rejection
from nuforge.tasks.selection import Selection

MODEL = "model"
"""The network's name beside those of the baselines."""


class Pass:
    """Predictions of the network and of every baseline for the same events, and how long each took.

    Args:
        predictor: The network.
        baselines: The classical methods, fitted.
    """

    def __init__(self, predictor: Predictor, baselines: Mapping[str, Baseline]) -> None:
        self.predictor, self.baselines = predictor, baselines
        tasks = predictor.built.learner.asked
        self.comparison = Comparison(
            predictor.built.learner,
            [MODEL, *baselines],
            [*LOWER_IS_BETTER, *(figure for task in tasks for figure in task.lower_is_better)],
            {figure: unit for task in tasks for figure, unit in task.units.items()},
            [figure for task in tasks for figure in task.neutral],
        )
        self._seconds = dict.fromkeys([MODEL, *baselines], 0.0)
        self._numbers: dict[str, list[Tensor]] = {name: [] for name in predictor.built.by}

    def over(self, batches: Iterable[Events]) -> Iterator[Events]:
        """The events of the batches with the network's predictions, as they come.

        Raises:
            InputError: If events have no labels.
        """
        for events in batches:
            self._check_labels(events)
            readout = events.readout()
            predictions = {name: self._predict(name, readout) for name in self._seconds}
            self.comparison.add(events, predictions)
            for name, numbers in self._numbers.items():
                numbers.append(self.predictor.built.by[name](events).cpu())
            yield with_predictions(events, predictions[MODEL])

    def curves(self, seed: int) -> dict[str, Any]:
        """Curves of the comparison, and those of selections and rejections among the tasks."""
        out = self.comparison.curves(self.predictor.built.classes)
        for task in self.predictor.built.learner.asked:
            if isinstance(task, Selection) and self.baselines:
                out["equal_purity"] = at_equal_purity(self.comparison, task.wanted, seed=seed)
            if isinstance(task, Rejection):
                out["left_over"] = left_over(self.comparison, task.names, task.rejected)
        return out

    def against(self, seed: int) -> dict[str, Any]:
        """Every figure against each number of the experiment's `by`, as a report's curves have it."""
        return {name: self.comparison.against(torch.cat(parts), seed=seed) for name, parts in self._numbers.items()}

    def elsewhere(self, batches: Iterable[Events]) -> Comparison:
        """The same comparison on other events, such as shifted copies of those so far.

        Args:
            batches: Events with labels, as the detector reads them out, as many as a network takes.
        """
        other = Pass(self.predictor, self.baselines)
        for _ in other.over(given(events, self.predictor.built) for events in batches):
            pass
        return other.comparison

    def tracked(self, tracking: Tracking, comparisons: Mapping[str, Comparison], seed: int) -> dict[str, Any]:
        """Whether a check follows what it is for, from the comparisons on its samples, as a report's curves have it.

        Raises:
            InputError: If no task selects what is checked.
        """
        selections = [task for task in self.predictor.built.learner.asked if isinstance(task, Selection)]
        wanted = selections[0].wanted if selections else ()
        return tracking_curve(comparisons, tracking.label, wanted, seed=seed)

    def timing(self) -> dict[str, float]:
        """Seconds an event of each method."""
        return {f"{name}, an event": s / max(1, len(self.comparison)) for name, s in self._seconds.items()}

    def _predict(self, name: str, readout: Events) -> Mapping[str, Table]:
        begin = time.perf_counter()
        prediction = (self.predictor.predictions if name == MODEL else self.baselines[name].predict)(readout)
        self._seconds[name] += time.perf_counter() - begin
        return prediction

    def _check_labels(self, events: Events) -> None:
        for column in self.predictor.built.needs:
            table, target = column.split(".")
            if table not in events or target not in events[table]:
                has = sorted(events[table]) if table in events else sorted(events.tables)
                raise InputError(
                    f"events have no labels: expected the column '{target}' of '{table}', got {has}; "
                    "nuforge predict needs none"
                )


def fitted_baselines(predictor: Predictor, checkpoint: Path) -> dict[str, Baseline]:
    """The baselines of the network's experiment, as fitted beside it.

    Raises:
        InputError: If they are not beside the checkpoint.
    """
    fitted = {}
    for name, baseline in predictor.built.baselines.items():
        folder = baseline_folder(checkpoint, name)
        if not folder.exists():
            raise InputError(f"no fitted baseline '{name}' in '{folder.parent}'; copy the checkpoint folder as a whole")
        fitted[name] = baseline.load(folder)
    return fitted


def baseline_folder(checkpoint: Path, name: str) -> Path:
    """Where a fitted baseline is kept beside a network."""
    return checkpoint / "baselines" / name.replace(" ", "-")
