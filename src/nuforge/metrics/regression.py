"""Bias, spread, 68 % half-width and coverage of estimates, from sums that add up event by event.

A residual is estimate minus truth, or that over truth, as the caller likes. Quantiles do not add up, but counts of
residuals in fixed bins do, and quantiles of the counts are those of the residuals up to the width of a bin.

To have figures against another quantity, its energy for example, pass `batch * n_bins + bin` of rows for `batch`, and
n_events * n_bins for `n_events`, and reshape the sums to (B, n_bins, ...).
"""

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from nuforge.metrics.weights import ratio

BINS = 1024
"""Bins of residuals. The two at the ends are open."""

CENTRAL = math.erf(math.sqrt(0.5))
"""Share of a normal distribution within one standard deviation, 68.27 %."""

_ROUNDING = 1e-9  # of a variance; what is below 0 by more is of negative weights

_FINE, _END = (
    0.01,
    100.0,
)  # in scales: bins have equal width in asinh(residual / scale / _FINE), up to _END on either side


def residual_sums(
    residual: Float[Tensor, " n"],
    batch: Int[Tensor, " n"],
    n_events: int,
    weight: Float[Tensor, " n"] | None = None,
) -> Float[Tensor, "b 3"]:
    """Sums over the rows of each event of the weight, and of it times residual and squared residual, (B, 3) float64.

    Args:
        residual: Residuals (N,), finite, in any unit.
        batch: Event of each row (N,).
        n_events: Number of events B, empty ones counted.
        weight: Weight of each row (N,), 1 if not given.

    Raises:
        ValueError: If a residual is not finite.
    """
    r, w = _checked(residual, weight)
    return r.new_zeros(n_events, 3).index_add_(0, batch, torch.stack([w, w * r, w * r * r], 1))


def bias(sums: Float[Tensor, "*r 3"]) -> Float[Tensor, "*r"]:
    """Mean residual (...), of summed `residual_sums` (..., 3); NaN without rows."""
    return ratio(sums[..., 1], sums[..., 0])


def rms(sums: Float[Tensor, "*r 3"]) -> Float[Tensor, "*r"]:
    """Root mean square of the residual (...), the bias in it, of summed `residual_sums` (..., 3); NaN without rows."""
    return ratio(sums[..., 2], sums[..., 0]).sqrt()


def standard_deviation(sums: Float[Tensor, "*r 3"]) -> Float[Tensor, "*r"]:
    """Root mean square of the residual about its mean (...), of summed `residual_sums` (..., 3); NaN without rows."""
    square = ratio(sums[..., 2], sums[..., 0])
    variance = square - bias(sums).square()
    return torch.where(variance < -_ROUNDING * square.abs(), torch.nan, variance.clamp(min=0).sqrt())


def residual_counts(
    residual: Float[Tensor, " n"],
    batch: Int[Tensor, " n"],
    n_events: int,
    scale: float,
    weight: Float[Tensor, " n"] | None = None,
) -> Float[Tensor, "b bins"]:
    """Weight of the rows of each event in each bin of the residual, (B, BINS) float64.

    Bins are 0.0002 scales wide at 0, 0.02 at one scale and 0.2 at ten; residuals beyond 100 scales share the last.

    Args:
        residual: Residuals (N,), finite.
        batch: Event of each row (N,).
        n_events: Number of events B, empty ones counted.
        scale: About the width that is expected, in the unit of the residuals; the same for all that is compared.
        weight: Weight of each row (N,), 1 if not given.

    Raises:
        ValueError: If a residual is not finite, or the scale not positive.
    """
    r, w = _checked(residual, weight)
    _check_scale(scale)
    place = torch.asinh(r / (scale * _FINE)) / math.asinh(_END / _FINE)
    cell = ((place + 1) / 2 * BINS).floor().clamp(0, BINS - 1).long()
    return r.new_zeros(n_events * BINS).index_add_(0, batch * BINS + cell, w).reshape(n_events, BINS)


def residual_quantile(counts: Float[Tensor, "*r bins"], share: float, scale: float) -> Float[Tensor, "*r"]:
    """The residual below which a share of the weight lies (...), of summed `residual_counts` (..., BINS).

    Inside a bin the weight is taken as even. With negative weights it is the first residual at which the share is
    reached. NaN without rows.

    Args:
        counts: Summed counts.
        share: 0 to 1; 0.5 for the median.
        scale: That of the counts.
    """
    _check_scale(scale)
    if not 0 <= share <= 1:
        raise ValueError(f"share must be between 0 and 1, got {share}; write 0.5 for the median")
    below = counts.double().cumsum(-1)
    total = below[..., -1:]
    wanted = share * total
    cell = torch.searchsorted(below.cummax(-1).values, wanted).clamp(max=BINS - 1)
    before = torch.where(cell > 0, below.gather(-1, (cell - 1).clamp(min=0)), 0.0)
    inside = (wanted - before) / counts.double().gather(-1, cell)
    low, high = (_edge(cell + side, scale) for side in (0, 1))
    return torch.where(total > 0, low + inside.clamp(0, 1) * (high - low), torch.nan).squeeze(-1)


def half_width(counts: Float[Tensor, "*r bins"], scale: float) -> Float[Tensor, "*r"]:
    """Half the width of the central 68.27 % of the residuals (...), of summed `residual_counts` (..., BINS).

    The standard deviation of a normal distribution; tails do not touch it. NaN without rows.

    Args:
        counts: Summed counts.
        scale: That of the counts.
    """
    low, high = (residual_quantile(counts, (1 + side * CENTRAL) / 2, scale) for side in (-1, 1))
    return (high - low) / 2


def coverage_counts(
    inside: Bool[Tensor, " n"], batch: Int[Tensor, " n"], n_events: int, weight: Float[Tensor, " n"] | None = None
) -> Float[Tensor, "b 2"]:
    """Weight of the rows of each event whose interval holds the truth, and of all rows, (B, 2) float64.

    Args:
        inside: Whether the interval holds the truth (N,).
        batch: Event of each row (N,).
        n_events: Number of events B, empty ones counted.
        weight: Weight of each row (N,), 1 if not given.
    """
    hit, w = _checked(inside.double(), weight)
    return w.new_zeros(n_events, 2).index_add_(0, batch, torch.stack([w * hit, w], 1))


def coverage(counts: Float[Tensor, "*r 2"]) -> Float[Tensor, "*r"]:
    """Share of intervals that hold the truth (...), of summed `coverage_counts` (..., 2); NaN without rows."""
    return ratio(counts[..., 0], counts[..., 1])


def _edge(cell: Tensor, scale: float) -> Tensor:
    """Lower edge of bins."""
    return torch.sinh((cell.double() / BINS * 2 - 1) * math.asinh(_END / _FINE)) * scale * _FINE


def _checked(residual: Tensor, weight: Tensor | None) -> tuple[Tensor, Tensor]:
    """Residuals and weights in double precision, if they are finite."""
    bad = ~residual.isfinite()
    if bool(bad.any()):
        raise ValueError(
            f"residuals must be finite, got {float(residual[bad][0])} in {int(bad.sum())} of {len(bad)} rows; "
            "leave out rows without truth or estimate, and count them"
        )
    residual = residual.detach().double()
    return residual, torch.ones_like(residual) if weight is None else weight.detach().double()


def _check_scale(scale: float) -> None:
    if not (scale > 0 and math.isfinite(scale)):
        raise ValueError(f"scale must be positive, in the unit of the residuals, got {scale}; give an expected width")
