"""A model's selection beside those of baselines at the same purity, or at the same efficiency.

Two selections at their own best cuts differ in both numbers. Here the model is cut where its purity is that of a
baseline's selection, and where its efficiency is, on the same events, for every resampling of them anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from nuforge.evaluation.comparison import Comparison
from nuforge.evaluation.report import Json
from nuforge.metrics.binomial import clopper_pearson, upper_limit
from nuforge.metrics.bootstrap import bootstrap
from nuforge.metrics.selecting import efficiency_at_purity, purity_at_efficiency
from nuforge.metrics.weights import ratio

CUTS, SELECTED = "cuts", "selected"
"""The statistics of `nuforge.tasks.selection.Selection`."""
REJECTION = "rejection"
"""That of `nuforge.tasks.rejection.Rejection`."""


def at_equal_purity(
    comparison: Comparison, wanted: Sequence[str], replicas: int = 1000, level: float = 0.95, seed: int = 0
) -> dict[str, Json]:
    """The model's efficiency at each baseline's purity, and its purity at each baseline's efficiency.

    Args:
        comparison: Of a model and baselines, with the statistics of a `Selection`.
        wanted: Names of its selected classes.
        replicas: Resamplings of each interval.
        level: Confidence level.
        seed: Of the bootstrap.

    Returns:
        {baseline: {class: {"purity", "efficiency" (the baseline's), "efficiency at its purity",
        "ratio of efficiencies", "purity at its efficiency"}}}, intervals.
    """
    model, *baselines = comparison.names
    ours, out = comparison.statistics(model), {}
    for name in baselines:
        theirs = comparison.statistics(name)
        of_class: dict[str, Json] = {}
        for i, label in enumerate(wanted):
            statistics = {CUTS: ours[CUTS][:, i], SELECTED: theirs[SELECTED][:, i]}
            generator = torch.Generator().manual_seed(seed)
            of_class[label] = bootstrap(
                statistics, _at_equal, replicas, level, generator, weight=comparison.weights
            )  # the same resamplings for every class and baseline
        out[name] = of_class
    return out


def _at_equal(sums: Mapping[str, Tensor]) -> dict[str, Tensor]:
    counts, selected = sums[CUTS], sums[SELECTED]
    background, signal = selected[..., 0, 1], selected[..., 1, 1]
    efficiency = ratio(signal, selected[..., 1, :].sum(-1))
    purity = ratio(signal, signal + background)
    reached = efficiency_at_purity(counts, purity)
    return {
        "purity": purity,
        "efficiency": efficiency,
        "efficiency at its purity": torch.where(purity.isnan(), torch.nan, reached),
        "ratio of efficiencies": ratio(torch.where(purity.isnan(), torch.nan, reached), efficiency),
        "purity at its efficiency": purity_at_efficiency(counts, efficiency.nan_to_num()),
    }


def left_over(
    comparison: Comparison, classes: Sequence[str], rejected: str, kept: float = 0.98, level: float = 0.9
) -> dict[str, Json]:
    """How many events of the rejected class are left where a share of all others is kept, as counted, with a limit.

    Nothing is extrapolated: with none left of n, the limit says what n events can exclude. Events count once, whatever
    their weights.

    Args:
        comparison: With the statistic of a `Rejection`.
        classes: Names of its classes.
        rejected: Which of them is rejected.
        kept: Share of the events of the other classes that is kept at least.
        level: Confidence level of the upper limit.

    Returns:
        {method: {"events", "left" (numbers), "share" (interval), "upper limit"}}.
    """
    index, out = list(classes).index(rejected), {}
    for name in comparison.names:
        counts = comparison.statistics(name)[REJECTION].sum(0)
        above = counts.flip(-1).cumsum(-1).flip(-1)
        wanted = above.sum(0) - above[index]
        place = int((wanted >= kept * wanted[0]).sum()) - 1
        n, left = int(above[index, 0]), int(above[index, place]) if float(wanted[0]) > 0 else int(above[index, 0])
        out[name] = {
            "events": n,
            "left": left,
            "share": clopper_pearson(left, n),
            "upper limit": upper_limit(left, n, level),
        }
    return out
