"""Splines: straight pieces, and weighted sums in general, fitted by least squares of relative errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import torch
from jaxtyping import Float
from torch import Tensor

_ROUNDS = 6
"""Of fits with weights that depend on the one before."""


def relative_fit(
    terms: Float[Tensor, "n t"],
    wanted: Float[Tensor, " n"],
    scale: Float[Tensor, " n"],
    weight: Float[Tensor, " n"],
) -> Float[Tensor, " t"]:
    """Coefficients (T,) float64 of terms whose sum has the least mean square of (sum - wanted) / scale.

    Args:
        terms: (N, T).
        wanted: What they shall add up to (N,).
        scale: What errors are divided by (N,): the true energy, if relative errors of it count.
        weight: Of each row (N,).
    """
    of_row = (weight.clamp(min=0).sqrt() / scale).double()
    size = terms.double().abs().amax(0).clamp(min=torch.finfo(torch.float64).tiny)  # terms of any unit, as they are
    system = terms.double() / size * of_row[:, None]
    answer = torch.linalg.lstsq(system, (wanted.double() * of_row)[:, None], driver="gelsd").solution
    coefficients: Tensor = answer.squeeze(1) / size
    return coefficients


@dataclass(frozen=True)
class Spline:
    """Straight pieces that meet at knots; beyond the outer ones the outer pieces go on.

    Args:
        knots: Where pieces meet (K,), rising.
        coefficients: Offset, first slope, and how much the slope changes at each knot (K + 2,).
    """

    knots: Float[Tensor, " k"]
    coefficients: Float[Tensor, " c"]

    @classmethod
    def fitted(
        cls,
        x: Float[Tensor, " n"],
        wanted: Float[Tensor, " n"],
        scale: Float[Tensor, " n"],
        weight: Float[Tensor, " n"],
        pieces: int,
        tolerance: float = torch.inf,
    ) -> Self:
        """The spline of a number of pieces, each with as much of the weight, that fits best (see `relative_fit`).

        With a tolerance it is that of most rows: those off by more than this, in units of the scale, count less
        (Cauchy's weights), so that a few without any likeness to the others do not bend it.
        """
        ordered, order = x.double().sort()
        below = weight.double()[order].cumsum(0)
        shares = torch.arange(1, pieces, dtype=torch.float64) / pieces
        knots = torch.unique(ordered[torch.searchsorted(below, shares * below[-1]).clamp(max=len(x) - 1)])
        terms = _terms(x.double(), knots)
        coefficients = relative_fit(terms, wanted, scale, weight)
        for _ in range(_ROUNDS if tolerance < torch.inf else 0):
            off = (terms @ coefficients - wanted.double()) / scale / tolerance
            coefficients = relative_fit(terms, wanted, scale, weight / (1 + off.square()))
        return cls(knots, coefficients)

    def __call__(self, x: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        """Values (N,) float64 at x (N,)."""
        return _terms(x.double(), self.knots) @ self.coefficients

    def as_json(self) -> dict[str, list[float]]:
        """Its numbers, as JSON has them."""
        return {"knots": self.knots.tolist(), "coefficients": self.coefficients.tolist()}

    @classmethod
    def of_json(cls, said: dict[str, Any]) -> Self:
        """The spline of such numbers."""
        return cls(*(torch.tensor(said[name], dtype=torch.float64) for name in ("knots", "coefficients")))


def _terms(x: Float[Tensor, " n"], knots: Float[Tensor, " k"]) -> Float[Tensor, "n t"]:
    """1, x, and how far x is beyond each knot."""
    return torch.cat([torch.ones_like(x)[:, None], x[:, None], (x[:, None] - knots).clamp(min=0)], 1)
