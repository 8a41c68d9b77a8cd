"""Tracking: does a check of a selection, which can be made of data, follow what it is for?

The efficiency of a selection is known from simulation alone. A check makes stand-ins of the signal out of events that
data have too, as a muon in a muon neutrino's event is replaced by a simulated electron, and asks for their efficiency
in simulation and in data. Where a second simulation plays the data, its true signal is there to be asked as well: the
check is good if both relative differences are one, and then their difference is 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from nuforge.errors import InputError
from nuforge.evaluation.comparison import Comparison
from nuforge.evaluation.equal_purity import SELECTED
from nuforge.evaluation.report import Json
from nuforge.metrics.bootstrap import interval_of, resampled_sums
from nuforge.metrics.weights import effective_number, ratio, weighted
from nuforge.samples import Sample

STAND_INS = ("stand-ins, simulation", "stand-ins, data")
SIGNAL = ("signal, simulation", "signal, data")
OF_STAND_INS = "difference of stand-ins"
OF_SIGNAL = "difference of signal"
DOUBLE = "difference of differences"
"""What a report's curve `tracking` has of each method: four efficiencies, and data over simulation less 1."""


@dataclass(frozen=True)
class Tracking:
    """A check of a selection, and what it is for, as four samples that no method was fitted on.

    Args:
        label: Name of the selected class, which stand-ins have as their label.
        stand_ins: By the generator of the training events, then by the one that plays data.
        signal: Events among which those of that class are the true signal, by the same two generators.
    """

    label: str
    stand_ins: tuple[Sample, Sample]
    signal: tuple[Sample, Sample]

    @property
    def samples(self) -> Mapping[str, Sample]:
        """All four by the name of their efficiency."""
        return dict(zip((*STAND_INS, *SIGNAL), (*self.stand_ins, *self.signal), strict=True))


@dataclass(frozen=True)
class _Efficiency:
    """An efficiency (1,), its replicas (R,), its events and their effective number, if weights differ."""

    value: Tensor
    spread: Tensor
    events: int
    effective: float | None


def tracking_curve(
    comparisons: Mapping[str, Comparison],
    label: str,
    wanted: tuple[str, ...],
    replicas: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> dict[str, Json]:
    """Efficiencies of all methods on the samples of a `Tracking`, and their differences.

    Events are weighed by what their statistics are weighed with, the expected events of a `Selection`, and by their
    own weight. Each sample is resampled by itself, and in the same way for every method.

    Args:
        comparisons: By the names of `Tracking.samples`, with the statistics of a `Selection`.
        label: Name of the selected class.
        wanted: Names of all classes that are selected.
        replicas: Resamplings of each interval.
        level: Confidence level.
        seed: Of the bootstrap.

    Returns:
        {method: {name of a sample: efficiency, `OF_STAND_INS`, `OF_SIGNAL`: data / simulation - 1, `DOUBLE`: the former
        less the latter}}, intervals.

    Raises:
        InputError: If that class is not selected.
    """
    if label not in wanted:
        raise InputError(f"there is no selection of '{label}' to check, it is of {list(wanted)}; choose one of them")
    column, method = wanted.index(label), f"event bootstrap, {replicas} replicas, {level:.0%}"
    out = {}
    for name in comparisons[SIGNAL[0]].names:
        found = {
            sample: _efficiency(comparisons[sample], name, column, replicas, seed + i)
            for i, sample in enumerate((*STAND_INS, *SIGNAL))
        }
        out[name] = {
            figure: interval_of(of.value, of.spread, of.events, level, method, effective=of.effective)
            for figure, of in _with_differences(found).items()
        }
    return out


def _with_differences(found: dict[str, _Efficiency]) -> dict[str, _Efficiency]:
    """Efficiencies with their relative differences, and the difference of these."""
    check, signal = (_joined(found[data], found[made], _relative) for made, data in (STAND_INS, SIGNAL))
    return {**found, OF_STAND_INS: check, OF_SIGNAL: signal, DOUBLE: _joined(check, signal, torch.sub)}


def _relative(data: Tensor, simulation: Tensor) -> Tensor:
    return ratio(data, simulation) - 1


def _joined(a: _Efficiency, b: _Efficiency, rule: Callable[[Tensor, Tensor], Tensor]) -> _Efficiency:
    """What a rule makes of two numbers of different events, replica by replica."""
    effective = None
    if a.effective is not None or b.effective is not None:
        effective = sum(of.events if of.effective is None else of.effective for of in (a, b))
    return _Efficiency(rule(a.value, b.value), rule(a.spread, b.spread), a.events + b.events, effective)


def _efficiency(comparison: Comparison, method: str, column: int, replicas: int, seed: int) -> _Efficiency:
    """Share of the events of the selected class that a method selects; NaN without any."""
    own: Float[Tensor, "b 2"] = comparison.statistics(method)[SELECTED][:, column, 1]
    own = weighted(own, comparison.weights)
    own = own[(own != 0).any(1)]
    if not len(own):
        return _Efficiency(torch.full((1,), torch.nan), torch.full((replicas,), torch.nan), 0, None)
    weight = own.sum(1)
    sums = resampled_sums({"own": own}, replicas, torch.Generator().manual_seed(seed))["own"]
    effective = None if bool((weight == weight[0]).all()) else effective_number(weight)
    return _Efficiency(_selected(own.sum(0, keepdim=True)), _selected(sums), len(own), effective)


def _selected(sums: Float[Tensor, "r 2"]) -> Float[Tensor, " r"]:
    return ratio(sums[:, 1], sums.sum(1))
