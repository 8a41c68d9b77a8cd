"""Seeds: reports of one experiment from several seeds as one report, whose intervals hold what the seed does.

python -m nuforge.evaluation.seeds OUT REPORT REPORT [REPORT ...]
"""

from __future__ import annotations

import math
import statistics
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from scipy.stats import t as student

from nuforge.errors import InputError
from nuforge.evaluation.report import Difference, Figures, Report, read_report
from nuforge.evaluation.wording import command_of
from nuforge.metrics.interval import Interval

_LEVEL = 0.95
_SAME = ("experiment", "arguments", "split", "published")


def over_seeds(reports: Sequence[Report]) -> Report:
    """The report of trainings that differ in their seed alone: means over the seeds.

    An interval has two parts, added in quadrature: that of the events, which all trainings are tested on alike, and
    Student's t times the standard error of the mean over the seeds. A difference is that to the better baseline of each
    training; where this is not the same for all, the one that most have is named. Curves are those of the first report.

    Raises:
        InputError: If there are fewer than two reports, if they differ in more than their seeds, or do not differ in
            them.
    """
    if len(reports) < 2:
        raise InputError(f"a mean over seeds needs at least 2 reports, got {len(reports)}; run the experiment again")
    first, *others = reports
    for name in _SAME:
        if any(getattr(other, name) != getattr(first, name) for other in others):
            raise InputError(f"reports differ in their {name}; give runs of one command that differ in --seed alone")
    seeds = [seed for report in reports for seed in report.seeds]
    if len(seeds) != len(reports) or len(set(seeds)) < len(seeds):
        raise InputError(f"reports are of the seeds {seeds}; give one of each seed")
    return replace(
        first,
        seeds=seeds,
        metrics=_figures([report.metrics for report in reports]),
        baselines={name: _figures([report.baselines[name] for report in reports]) for name in first.baselines},
        difference={name: _difference([report.difference[name] for report in reports]) for name in first.difference},
        shifts={name: _figures([report.shifts[name] for report in reports]) for name in first.shifts},
        provenance={**first.provenance, "command": "\n".join(command_of(report) for report in reports)},
    )


def _figures(parts: Sequence[Figures]) -> Mapping[str, Interval]:
    return {name: _interval([part[name] for part in parts]) for name in parts[0]}


def _difference(parts: Sequence[Difference]) -> Difference:
    against = Counter(part.against for part in parts).most_common(1)[0][0]
    return replace(parts[0], interval=_interval([part.interval for part in parts]), against=against)


def _interval(parts: Sequence[Interval]) -> Interval:
    """The mean over seeds; a baseline that no seed changes keeps its interval."""
    values = [part.value for part in parts]
    mean = statistics.fmean(values)
    spread = statistics.stdev(values) if all(map(math.isfinite, values)) else math.nan
    seed = float(student.ppf(0.5 + _LEVEL / 2, len(parts) - 1)) * spread / math.sqrt(len(parts))
    below = math.hypot(statistics.fmean(part.value - part.low for part in parts), seed)
    above = math.hypot(statistics.fmean(part.high - part.value for part in parts), seed)
    method = f"{parts[0].method}; mean over {len(parts)} seeds, Student's t"
    return replace(parts[0], value=mean, low=mean - below, high=mean + above, method=method)


def main(arguments: Sequence[str]) -> int:
    """Writes the report over seeds into a folder; the exit code."""
    if len(arguments) < 3:
        print("expected the folder to write and reports of several seeds, as: OUT run-0 run-1 run-2", file=sys.stderr)
        return 2
    out, *paths = map(Path, arguments)
    try:
        path = over_seeds([read_report(path) for path in paths]).write(out)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{path}: {len(paths)} seeds")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
