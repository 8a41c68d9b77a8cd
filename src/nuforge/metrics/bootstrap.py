"""Event bootstrap: intervals of any figure made of sums over events.

Events are drawn with replacement, whole: voxels of one event share their particles and their mistakes, so they are no
independent trials. Each event contributes additive statistics (a confusion matrix, say); a resampling is a vector of
whole weights that add up to the number of events, and its sums are one matrix product, for all resamplings at once.
An event that has a weight of its own is drawn with it: its statistics are multiplied by it, here and nowhere else.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from nuforge.metrics.interval import Interval
from nuforge.metrics.weights import effective_number, relative, weighted

Statistics = Mapping[str, Tensor]
Figures = Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]]

_CHUNK = 4_000_000  # multiplicities in memory at once: 32 MB in float64


def bootstrap(
    statistics: Statistics,
    figures: Figures,
    replicas: int = 1000,
    level: float = 0.95,
    generator: torch.Generator | None = None,
    units: Mapping[str, str] | None = None,
    weight: Float[Tensor, " b"] | None = None,
) -> dict[str, Interval]:
    """Figures of merit with percentile intervals from resampled events.

    The value is the figure of the sample itself, the interval the (1 - level)/2 and (1 + level)/2 quantiles over
    replicas in which the figure is defined. 95 % is the level wherever nothing else is said.

    Args:
        statistics: Additive statistics of each event, tensors (B, ...), finite.
        figures: From sums over events, tensors (R, ...), to figures, tensors (R,).
        replicas: Number of resamplings.
        level: Confidence level, 0 to 1.
        generator: Source of randomness on the CPU; by default one seeded with 0, so that a report repeats itself.
        units: Unit of figures that have one.
        weight: Of each event (B,), 1 if not given; of weight 0 it is as if it were not there. Only ratios matter.

    Returns:
        An interval for each figure. With fewer than two events its ends are NaN: the spread is unknown. Where weights
        do not add up to more than 0 all is NaN.

    Raises:
        ValueError: If there are no events, statistics differ in their number of events, or one is not finite.
    """
    effective = None
    if weight is not None:
        statistics, effective = _weighted(statistics, weight)
    n = _check(statistics, replicas, level)
    values = figures({name: s.double().sum(0, keepdim=True) for name, s in statistics.items()})
    if effective == 0.0:
        values = {name: torch.full_like(value, torch.nan) for name, value in values.items()}
    spread = figures(resampled_sums(statistics, replicas, generator))
    method = f"event bootstrap, {replicas} replicas, {level:.0%}"
    return {
        name: interval_of(value, spread[name], n, level, method, units.get(name, "") if units else "", effective)
        for name, value in values.items()
    }


def interval_of(
    value: Float[Tensor, " 1"],
    spread: Float[Tensor, " r"],
    n: int,
    level: float,
    method: str,
    unit: str = "",
    effective: float | None = None,
) -> Interval:
    """A figure with the quantiles of its replicas; unknown ends (NaN) of fewer than two events or of no number.

    Args:
        value: The figure of the sample itself (1,).
        spread: Of each resampling (R,), NaN where it is not defined.
        n: Events.
        level: Confidence level, 0 to 1.
        method: How it was made.
        unit: Of the figure.
        effective: Effective number of events, if weights differ.
    """
    tails = torch.tensor([(1 - level) / 2, (1 + level) / 2], dtype=torch.float64)
    known = n > 1 and bool(value.isfinite().all())
    ends = spread.double().cpu().nanquantile(tails) if known else torch.full((2,), torch.nan)
    return Interval(float(value), float(ends[0]), float(ends[1]), n, method, unit, effective)


def paired_difference(
    a: Statistics,
    b: Statistics,
    figures: Figures,
    replicas: int = 1000,
    level: float = 0.95,
    generator: torch.Generator | None = None,
    units: Mapping[str, str] | None = None,
    weight: Float[Tensor, " b"] | None = None,
) -> dict[str, Interval]:
    """Figures of a minus figures of b, with the same resampled events for both.

    What makes an event hard is hard for both, so the interval of the difference is narrower than two intervals side by
    side suggest. Arguments as for `bootstrap`; the events of a and b are the same, in the same order.

    Raises:
        ValueError: If a and b have different events or statistics.
    """
    if set(a) != set(b):
        raise ValueError(
            f"a and b must have the same statistics, got {sorted(a)} and {sorted(b)}; use one task for both"
        )

    def difference(sums: Mapping[str, Tensor]) -> dict[str, Tensor]:
        of_a = figures({name: sums[f"a {name}"] for name in a})
        of_b = figures({name: sums[f"b {name}"] for name in a})
        return {name: of_a[name] - of_b[name] for name in of_a}

    both = {f"{side} {name}": s for side, part in (("a", a), ("b", b)) for name, s in part.items()}
    paired = bootstrap(both, difference, replicas, level, generator, units, weight)
    return {name: replace(i, method=f"paired {i.method}") for name, i in paired.items()}


def resampled_sums(
    statistics: Statistics, replicas: int = 1000, generator: torch.Generator | None = None
) -> dict[str, Float[Tensor, "r ..."]]:
    """Sums of per-event statistics (B, ...) over resampled events, (R, ...) float64 on the CPU.

    Events with weights: give their statistics `weighted`.
    """
    n = _check(statistics, replicas, 0.5)
    generator = generator if generator is not None else torch.Generator().manual_seed(0)
    flat = torch.cat([s.detach().double().cpu().reshape(n, -1) for s in statistics.values()], dim=1)
    step = max(1, _CHUNK // n)
    parts = [_multiplicities(n, min(step, replicas - start), generator) @ flat for start in range(0, replicas, step)]
    widths = [s[0].numel() for s in statistics.values()]
    columns = torch.split_with_sizes(torch.cat(parts), widths, dim=1)
    return {name: c.reshape(replicas, *s.shape[1:]) for (name, s), c in zip(statistics.items(), columns, strict=True)}


def _weighted(statistics: Statistics, weight: Tensor) -> tuple[dict[str, Tensor], float | None]:
    """Statistics of the events that count, times their weights, and their effective number; None if all weigh the same.

    The effective number is 0 where the weights do not add up to more than 0.
    """
    n = {len(s) for s in statistics.values()}
    if n != {len(weight)} or not bool(weight.isfinite().all()):
        raise ValueError(
            f"weight must be a finite number for each of {sorted(n)} events, got {len(weight)} of which "
            f"{int(weight.isfinite().sum())} are finite; correct them or leave events out"
        )
    counted = weight != 0
    if not bool(counted.any()):
        raise ValueError(f"bootstrap needs an event that counts, got {len(weight)} of weight 0; choose other events")
    weight = relative(weight.detach().double()[counted])
    chosen = {name: s[counted.to(s.device)] for name, s in statistics.items()}
    if bool((weight == 1).all()):
        return chosen, None
    effective = effective_number(weight) if float(weight.sum()) > 0 else 0.0
    return {name: weighted(s, weight) for name, s in chosen.items()}, effective


def _multiplicities(n: int, replicas: int, generator: torch.Generator) -> Float[Tensor, "r b"]:
    """How often each of n events is drawn in n draws: multinomial numbers (R, B), each row adding up to n."""
    drawn = torch.randint(n, (replicas, n), generator=generator)
    return torch.zeros(replicas, n, dtype=torch.float64).scatter_add_(
        1, drawn, torch.ones(replicas, n, dtype=torch.float64)
    )


def _check(statistics: Statistics, replicas: int, level: float) -> int:
    """The number of events, if the statistics are usable."""
    n = {name: len(s) for name, s in statistics.items()}
    if not n or len(set(n.values())) != 1:
        raise ValueError(f"statistics must have one row an event each, got numbers of rows {n}; add empty events as 0")
    if 0 in n.values():
        raise ValueError("bootstrap needs at least one event, got 0; choose a split that has some")
    if replicas < 1 or not 0 < level < 1:
        raise ValueError(
            f"replicas must be positive and level between 0 and 1, got {replicas} and {level}; usual are 1000 and 0.95"
        )
    for name, s in statistics.items():
        if not bool(s.isfinite().all()):
            raise ValueError(f"statistic '{name}' is NaN or infinite for some event; an event without rows counts 0")
    return next(iter(n.values()))
