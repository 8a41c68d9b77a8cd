"""Domain tests: can two sources of events be told apart, and by what?

A network that tells simulation from simulation, or from data, answers the first question with one number, the area
under its ROC curve (AUC): 0.5 where it cannot. Two tables answer the second:

- *Separation*: the same area for every summary of an event alone, sorted by its distance from 0.5: what one would see
  in a histogram. Above 0.5 events of the second source have the larger values.
- *Occlusion*: voxels of one true class are taken away, and the network is asked again. Its AUC without them says what
  of its knowledge was in them; the mean change of its log-odds for the second source says, for events of either source,
  towards which side they had spoken. What is left is an event that the network was not trained on: small changes mean
  little.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from nuforge.baselines.event_summaries import SUMMARIES, event_summaries
from nuforge.errors import InputError
from nuforge.evaluation.report import Json
from nuforge.events import Events, Table
from nuforge.events.weights import weights_of
from nuforge.metrics.bootstrap import bootstrap
from nuforge.metrics.interval import Interval
from nuforge.metrics.ranking import area_under_curve, log_odds_bin, rank_bin, score_counts
from nuforge.metrics.weights import ratio, relative
from nuforge.tasks.categorical import log_odds
from nuforge.tasks.classification import Classification

NOTHING = "nothing"
"""What is removed in the first row of an occlusion table."""


@dataclass(frozen=True)
class Separation:
    """How well one summary of events tells two sources apart.

    Args:
        name: The summary.
        area: Area under its ROC curve.
        means: Its mean over the events of either source.
    """

    name: str
    area: Interval
    means: tuple[float, float]


@dataclass(frozen=True)
class Occlusion:
    """What a network says when something is removed from the readout.

    Args:
        removed: What is removed.
        area: Area under the ROC curve of what is left.
        changes: Mean change of the log-odds for the second source, over events of either source that had some of it.
    """

    removed: str
    area: Interval
    changes: tuple[Interval, Interval]


def what_tells_apart(
    task: Classification,
    predict: Callable[[Events], Mapping[str, Table]],
    batches: Iterable[Events],
    parts: Sequence[str],
    seed: int = 0,
) -> dict[str, Json]:
    """The two tables as a report's curves have them: `separation` and `occlusion`, each {"classes", "rows"}.

    Args:
        task: What is asked: a classification of two classes, the two sources.
        predict: From readout to the network's predictions.
        batches: Events with voxels, their true classes, and the task's labels.
        parts: Names of the classes of `voxels.label`.
        seed: Of the bootstrap.

    Raises:
        InputError: If the task has more than two classes.
    """
    if len(task.classes) != 2:
        raise InputError(f"a domain test tells two sources apart, got {list(task.classes)}; give it two at a time")
    summaries, odds, has, label, weights = [], [], [], [], []
    for events in batches:
        summaries.append(torch.from_numpy(event_summaries(events)))
        label.append(events[task.table][task.target].cpu())
        weights.append(weights_of(events).cpu())
        said, had = _said_without(predict, events, task.table, len(parts))
        odds.append(said)
        has.append(had)
    second, weight = torch.cat(label) == 1, torch.cat(weights)
    separation = separations(torch.cat(summaries), SUMMARIES, second, seed, weight)
    occlusion = occlusions(torch.cat(odds), torch.cat(has), (NOTHING, *parts), second, seed, weight)
    classes = list(task.classes)
    return {
        "separation": {"classes": classes, "rows": [vars(row) for row in separation]},
        "occlusion": {"classes": classes, "rows": [vars(row) for row in occlusion]},
    }


def _said_without(
    predict: Callable[[Events], Mapping[str, Table]], events: Events, table: str, n_parts: int
) -> tuple[Float[Tensor, "b p"], Bool[Tensor, "b p"]]:
    """Log-odds of the second source with all voxels, then without those of each part; and who had any of it."""
    readout, voxels = events.readout(), events["voxels"]
    odds, has = [], []
    for part in (None, *range(n_parts)):
        gone = torch.zeros(len(voxels), dtype=torch.bool) if part is None else voxels["label"] == part
        left = readout if part is None else readout.keep("voxels", ~gone)
        odds.append(log_odds(predict(left)[table]["probability"])[:, 1].cpu())
        has.append(torch.bincount(voxels.batch[gone], minlength=len(events)).cpu() > 0)
    return torch.stack(odds, 1), torch.stack(has, 1)


def separations(
    values: Float[Tensor, "b f"],
    names: Sequence[str],
    second: Bool[Tensor, " b"],
    seed: int = 0,
    weight: Float[Tensor, " b"] | None = None,
) -> list[Separation]:
    """Summaries (B, F) of events of two sources by how well each alone tells them apart, the best first.

    Args:
        values: A row an event.
        names: Of the F summaries.
        second: Whether the event is of the second source (B,).
        seed: Of the bootstrap.
        weight: Of each event (B,), 1 if not given.
    """
    weight = torch.ones(len(second), dtype=torch.float64) if weight is None else relative(weight)
    counted = weight != 0
    values, second, weight = values[counted], second[counted], weight[counted]
    events = torch.arange(len(second))
    rows = []
    for name, value in zip(names, values.double().unbind(1), strict=True):
        bins = rank_bin(value)
        counts = score_counts(bins, second, events, len(events), int(bins.max()) + 1)
        generator = torch.Generator().manual_seed(seed)
        area = bootstrap({"scores": counts}, _area, generator=generator, weight=weight)["AUC"]
        first, other = (_mean(value[source], weight[source]) for source in (~second, second))
        rows.append(Separation(name, area, (first, other)))
    return sorted(rows, key=lambda row: -abs(row.area.value - 0.5))


def occlusions(
    odds: Float[Tensor, "b p"],
    has: Bool[Tensor, "b p"],
    names: Sequence[str],
    second: Bool[Tensor, " b"],
    seed: int = 0,
    weight: Float[Tensor, " b"] | None = None,
) -> list[Occlusion]:
    """What a network says without each part of the events, in the order of the names.

    Args:
        odds: Log-odds of the second source, without each of P parts; without nothing in the first column.
        has: Whether the event had any of the part.
        names: Of the P parts, the first for nothing.
        second: Whether the event is of the second source (B,).
        seed: Of the bootstrap.
        weight: Of each event (B,), 1 if not given.
    """
    events = torch.arange(len(second))
    rows = []
    for i, name in enumerate(names):
        counts = score_counts(log_odds_bin(odds[:, i]), second, events, len(events))
        count = torch.stack([has[:, i] & ~second, has[:, i] & second], 1).double()
        change = count * (odds[:, i] - odds[:, 0]).double()[:, None]
        statistics = {"scores": counts, "change": change, "count": count}
        generator = torch.Generator().manual_seed(seed)
        found = bootstrap(statistics, _area_and_changes, generator=generator, weight=weight)
        rows.append(Occlusion(name, found["AUC"], (found["first"], found["second"])))
    return rows


def _mean(value: Tensor, weight: Tensor) -> float:
    """The mean over events."""
    if bool((weight == 1).all()):
        return float(value.mean())
    return float(ratio((value * weight).sum(), weight.sum()))


def _area(sums: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {"AUC": area_under_curve(sums["scores"])}


def _area_and_changes(sums: Mapping[str, Tensor]) -> dict[str, Tensor]:
    change = ratio(sums["change"], sums["count"])
    return {**_area(sums), "first": change[:, 0], "second": change[:, 1]}
