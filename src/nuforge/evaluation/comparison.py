"""Comparison: a model beside baselines, on the same events, by the same task."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import torch
from torch import Tensor

from nuforge.errors import InputError
from nuforge.evaluation.report import Difference, Json
from nuforge.events import Events, Table
from nuforge.events.identity import IDENTITY
from nuforge.events.weights import weights_of
from nuforge.metrics.bootstrap import bootstrap, paired_difference
from nuforge.metrics.calibration import reliability_curve
from nuforge.metrics.interval import Interval
from nuforge.metrics.weights import effective_number, relative, weighted

LOWER_IS_BETTER = ("expected calibration error", "ece", "negative log-likelihood")
"""Figures that are better when lower, unless a comparison is told otherwise."""


@runtime_checkable
class Task(Protocol):
    """What a comparison asks of a task."""

    def statistics(self, events: Events, prediction: Mapping[str, Table]) -> Mapping[str, Tensor]:
        """Additive statistics of each event, (B, ...)."""
        ...

    def figures(self, sums: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Figures of merit (R,) of summed statistics (R, ...)."""
        ...


@dataclass(frozen=True)
class Compared:
    """The numbers of a comparison, as a `Report` takes them."""

    metrics: Mapping[str, Interval]
    baselines: Mapping[str, Mapping[str, Interval]]
    difference: Mapping[str, Difference]


class Comparison:
    """Statistics of a model and its baselines, event by event, gathered over batches.

    An event counts with its weight, `event.weight`, in all figures and curves of all methods.

    Args:
        task: What turns predictions into statistics and statistics into figures.
        names: The model's name first, then those of the baselines.
        lower_is_better: Figures of which the lower is the better.
        units: Unit of figures that have one.
        neutral: Figures that describe and do not compete: they have no difference.

    Raises:
        ValueError: If names are missing or occur twice.
    """

    def __init__(
        self,
        task: Task,
        names: Sequence[str],
        lower_is_better: Collection[str] = LOWER_IS_BETTER,
        units: Mapping[str, str] | None = None,
        neutral: Collection[str] = (),
    ) -> None:
        if not names or len(set(names)) != len(names):
            raise ValueError(f"names must be the model and its baselines, each once, got {list(names)}")
        self.task, self.names, self.units = task, tuple(names), units
        self._neutral = frozenset(neutral)
        self._lower = frozenset(_spelled(name) for name in lower_is_better)
        self._weights: list[Tensor] = []
        self._identity: list[Tensor | None] = []
        self._parts: dict[str, list[Mapping[str, Tensor]]] = {name: [] for name in names}

    def add(self, events: Events, predictions: Mapping[str, Mapping[str, Table]]) -> None:
        """Adds a batch of events with truth, and what each method predicts for them.

        Raises:
            ValueError: If a method is missing: a comparison is on the same events or it is none.
            InputError: If a weight is not finite.
        """
        if set(predictions) != set(self.names):
            raise ValueError(
                f"predictions must be of {sorted(self.names)}, got {sorted(predictions)}; every method sees every event"
            )
        self._weights.append(weights_of(events).cpu())
        self._identity.append(_identity_of(events))
        for name in self.names:
            statistics = self.task.statistics(events, predictions[name])
            self._parts[name].append({key: _kept(s.detach().double().cpu()) for key, s in statistics.items()})

    def __len__(self) -> int:
        """Number of events so far."""
        return sum(len(next(iter(part.values()))) for part in self._parts[self.names[0]])

    def statistics(self, name: str) -> dict[str, Tensor]:
        """Statistics of one method on all events so far, (B, ...), each event counted once whatever its weight.

        Raises:
            ValueError: If no events were added.
        """
        parts = self._parts[name]
        if not parts:
            raise ValueError("comparison has no events, got 0 batches; add(events, predictions) first")
        return {key: torch.cat([part[key].to_dense() for part in parts]) for key in parts[0]}

    @property
    def weights(self) -> Tensor:
        """Weight (B,) float64 of all events so far.

        Raises:
            InputError: If they do not add up to more than 0.
        """
        weight = torch.cat(self._weights) if self._weights else torch.ones(0, dtype=torch.float64)
        if len(weight) and not float(weight.sum()) > 0:
            raise InputError(
                f"the weights of {len(weight)} events add up to {float(weight.sum()):g}, expected more than 0; "
                "give more events, or other weights"
            )
        return weight

    @property
    def identity(self) -> Tensor | None:
        """Who the events so far are, source, run, subrun and event (B, 4); None if some do not say."""
        known = [who for who in self._identity if who is not None]
        return torch.cat(known) if known and len(known) == len(self._identity) else None

    def figures(self, replicas: int = 1000, level: float = 0.95, seed: int = 0) -> Compared:
        """Figures of all methods with event-bootstrap intervals, and the model's paired difference.

        The difference is to the baseline that is better on these very events, figure by figure, which is the harder
        one to beat. All intervals use the same resampled events.
        """
        model, *baselines = self.names
        statistics, weights = {name: self.statistics(name) for name in self.names}, self.weights

        def generator() -> torch.Generator:
            return torch.Generator().manual_seed(seed)

        figures = {
            name: bootstrap(s, self.task.figures, replicas, level, generator(), self.units, weights)
            for name, s in statistics.items()
        }
        differences = {
            name: paired_difference(
                statistics[model],
                statistics[name],
                self.task.figures,
                replicas,
                level,
                generator(),
                self.units,
                weights,
            )
            for name in baselines
        }
        return Compared(
            metrics=figures[model],
            baselines={name: figures[name] for name in baselines},
            difference={
                figure: Difference(differences[best][figure], best, self.better(figure))
                for figure in figures[model]
                if figure not in self._neutral
                and (best := self._best(figure, {name: figures[name][figure] for name in baselines})) is not None
            },
        )

    def against(self, number: Tensor, replicas: int = 200, level: float = 0.95, seed: int = 0) -> dict[str, Json]:
        """Figures of all methods on the events of each number, as a report's curves have them.

        Args:
            number: Of each event (B,) int64, for example of its interactions.
            replicas: Resamplings of each interval.
            level: Confidence level.
            seed: Of the bootstrap.

        Returns:
            `number` and `events`, lists; where weights differ `effective`, the effective number of events; `figures`:
            {figure: {method: {"value", "low", "high"}}}, lists over numbers.
        """
        found, events = torch.unique(number, return_counts=True)
        weights = self.weights
        parts = [weights[number == value] for value in found]
        figures: dict[str, dict[str, dict[str, list[float]]]] = {}
        for name in self.names:
            statistics = self.statistics(name)
            for value, weight in zip(found, parts, strict=True):
                mine = {key: s[number == value] for key, s in statistics.items()}
                generator = torch.Generator().manual_seed(seed)
                intervals = bootstrap(mine, self.task.figures, replicas, level, generator, weight=weight)
                for figure, interval in intervals.items():
                    curve = figures.setdefault(figure, {}).setdefault(name, {"value": [], "low": [], "high": []})
                    for end in curve:
                        curve[end].append(getattr(interval, end))
        alike = bool((weights == weights[:1]).all())
        effective = {} if alike else {"effective": [effective_number(weight) for weight in parts]}
        return {"number": found.tolist(), "events": events.tolist(), **effective, "figures": figures}

    def better(self, figure: str) -> Literal["higher", "lower"]:
        """Whether a higher or a lower figure is the better one."""
        return "lower" if _spelled(figure) in self._lower else "higher"

    def _best(self, figure: str, candidates: Mapping[str, Interval]) -> str | None:
        """The baseline with the better figure; none if it is defined for none."""
        sign = -1 if self.better(figure) == "lower" else 1
        defined = {name: sign * interval.value for name, interval in candidates.items() if interval.is_defined}
        return max(defined, key=lambda name: defined[name]) if defined else None

    def curves(self, classes: Mapping[str, Sequence[str]]) -> dict[str, Json]:
        """What the report draws, of the statistics `confusion` (B, K, K) and `reliability` (B, bins, 3) of tasks.

        Args:
            classes: Names of the K classes by the name of the task, which stands before its statistics.

        Returns:
            `confusion`: {"classes": names, "counts": {method: K x K, [true][predicted]}}; `reliability`: {method:
            {"confidence", "accuracy", "count"}}, lists over bins of confidence; with the task's name before them. A row
            counts with the weight of its event over the mean weight.
        """
        weights = relative(self.weights)
        weights = weights * (len(weights) / weights.sum())
        sums = {
            name: {key: weighted(s, weights).sum(0) for key, s in self.statistics(name).items()} for name in self.names
        }
        out: dict[str, Json] = {}
        for task, names in classes.items():
            confusion, reliability = (f"{task}_{name}" if task else name for name in ("confusion", "reliability"))
            counts = {name: s[confusion].tolist() for name, s in sums.items() if confusion in s}
            if counts:
                k = len(next(iter(counts.values())))
                if len(names) != k:
                    raise ValueError(f"classes must be {k} names, got {list(names)}; pass those of the task")
                out[confusion] = {"classes": list(names), "counts": counts}
            bins = {name: _curve(s[reliability]) for name, s in sums.items() if reliability in s}
            if bins:
                out[reliability] = bins
        return out


def _identity_of(events: Events) -> Tensor | None:
    if "event" not in events or any(name not in events["event"] for name in IDENTITY):
        return None
    return torch.stack([events["event"][name].to(torch.int64) for name in IDENTITY], 1).cpu()


def _curve(counts: Tensor) -> dict[str, Json]:
    confidence, accuracy, n = reliability_curve(counts)
    return {"confidence": confidence.tolist(), "accuracy": accuracy.tolist(), "count": n.tolist()}


def _spelled(name: str) -> str:
    return name.replace("_", " ").lower()


def _kept(statistics: Tensor) -> Tensor:
    """Statistics (B, ...) without their zeros, where most are: a count in one of a thousand bins is one number."""
    few = 8 * int(statistics.count_nonzero()) < statistics.numel()
    return statistics.to_sparse() if few else statistics
