"""Systematic shifts: what the figures of a model and its baselines do when the same events look different."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from nuforge.evaluation.comparison import Comparison
from nuforge.evaluation.report import Json
from nuforge.metrics.bootstrap import interval_of, resampled_sums
from nuforge.metrics.interval import Interval
from nuforge.metrics.weights import effective_number, relative, weighted
from nuforge.shapes import Rows

Figures = Mapping[str, Interval]
_ByMethod = Mapping[str, Mapping[str, Tensor]]


@dataclass(frozen=True)
class Shifted:
    """What one shift does.

    Args:
        values: Figures on the shifted events, by method; the model is the first.
        changes: Shifted minus nominal, by method.
        excess: Size of the model's change minus the size of a baseline's, by baseline: below 0 the model is moved less.
        events: How many events are compared.
        paired: Whether they are the same events, shifted; else other events, whose fluctuation is in the intervals too.
    """

    values: Mapping[str, Figures]
    changes: Mapping[str, Figures]
    excess: Mapping[str, Figures]
    events: int
    paired: bool

    def curve(self) -> dict[str, Json]:
        """What a report's curve `shifts` has of this shift; the values of the model are the report's `shifts`."""
        _, *baselines = self.values
        values = {name: dict(self.values[name]) for name in baselines}
        changes, excess = ({k: dict(v) for k, v in part.items()} for part in (self.changes, self.excess))
        return {"events": self.events, "paired": self.paired, "values": values, "changes": changes, "excess": excess}


def shifted(nominal: Comparison, moved: Comparison, replicas: int = 200, level: float = 0.95, seed: int = 0) -> Shifted:
    """Figures of all methods on shifted events, and how much they changed on those very events.

    Events are the same if source, run, subrun and event are; those that one of the two does not have (no slice was
    found, say) are left out. Each resampling draws an event together with its shifted copy. If none is the same, as
    from another generator, changes are those between two samples, each resampled on its own.

    Args:
        nominal: The comparison on the events as they are.
        moved: The same methods and task on the shifted events.
        replicas: Resamplings of each interval.
        level: Confidence level.
        seed: Of the bootstrap.
    """
    rows, rows_moved = _same(nominal, moved)
    paired = len(rows) > 0
    if not paired:
        rows, rows_moved = torch.arange(len(nominal)), torch.arange(len(moved))
    before = _Figures(nominal, rows, replicas, seed)
    after = _Figures(moved, rows_moved, replicas, seed if paired else seed + 1)
    model, *baselines = nominal.names
    return Shifted(
        values={name: after.intervals(name, level) for name in nominal.names},
        changes={name: _changes(before, after, name, level, paired) for name in nominal.names},
        excess={name: _excess(before, after, model, name, level, paired) for name in baselines},
        events=len(rows_moved),
        paired=paired,
    )


class _Figures:
    """Figures (1,) and their replicas (R,) of every method of a comparison on some of its events."""

    def __init__(self, comparison: Comparison, rows: Rows, replicas: int, seed: int) -> None:
        weights = relative(comparison.weights[rows])
        alike = bool((weights == weights[:1]).all())
        self.n, self.effective = int((weights != 0).sum()), None if alike else effective_number(weights)
        self.units, self.method = comparison.units or {}, f"event bootstrap, {replicas} replicas"
        self.value: dict[str, Mapping[str, Tensor]] = {}
        self.spread: dict[str, Mapping[str, Tensor]] = {}
        for name in comparison.names:
            statistics = {key: weighted(s[rows], weights) for key, s in comparison.statistics(name).items()}
            draw = torch.Generator().manual_seed(seed)
            self.value[name] = comparison.task.figures({k: s.sum(0, keepdim=True) for k, s in statistics.items()})
            self.spread[name] = comparison.task.figures(resampled_sums(statistics, replicas, draw))

    def intervals(self, name: str, level: float) -> Figures:
        """The figures of a method."""
        return {
            figure: self.interval(figure, value, self.spread[name][figure], level, self.method)
            for figure, value in self.value[name].items()
        }

    def interval(self, figure: str, value: Tensor, spread: Tensor, level: float, method: str) -> Interval:
        """A value (1,) with the quantiles of its replicas (R,)."""
        said = f"{method}, {level:.0%}"
        return interval_of(value, spread, self.n, level, said, self.units.get(figure, ""), self.effective)


def _changes(before: _Figures, after: _Figures, name: str, level: float, paired: bool) -> Figures:
    return {
        figure: after.interval(figure, after.value[name][figure] - value, moved, level, _method(after, paired))
        for figure, value in before.value[name].items()
        for moved in [after.spread[name][figure] - before.spread[name][figure]]
    }


def _excess(before: _Figures, after: _Figures, model: str, baseline: str, level: float, paired: bool) -> Figures:
    def more(now: _ByMethod, then: _ByMethod, figure: str) -> Tensor:
        return (now[model][figure] - then[model][figure]).abs() - (now[baseline][figure] - then[baseline][figure]).abs()

    return {
        figure: after.interval(
            figure,
            more(after.value, before.value, figure),
            more(after.spread, before.spread, figure),
            level,
            _method(after, paired),
        )
        for figure in before.value[model]
    }


def _method(figures: _Figures, paired: bool) -> str:
    return f"{'paired' if paired else 'unpaired'} {figures.method}"


def _same(nominal: Comparison, moved: Comparison) -> tuple[Rows, Rows]:
    """Rows of the nominal events that were moved too and count, and of their copies, in the order of the latter."""
    who, who_moved = nominal.identity, moved.identity
    if who is None or who_moved is None:
        return torch.zeros(0, dtype=torch.int64), torch.zeros(0, dtype=torch.int64)
    codes = torch.unique(torch.cat([who, who_moved]), dim=0, return_inverse=True)[1]
    code, code_moved = codes[: len(who)], codes[len(who) :]
    place = torch.full((len(codes),), -1)
    place[code] = torch.where(nominal.weights != 0, torch.arange(len(code)), -1)
    rows = place[code_moved]
    found = (rows >= 0).nonzero().squeeze(1)
    return rows[found], found
