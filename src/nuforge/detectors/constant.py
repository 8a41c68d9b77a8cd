"""A physical constant of a detector, and the one check that most of them share."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, Union

if TYPE_CHECKING:
    from torch import Tensor

Constant: TypeAlias = Union[float, "Tensor"]
"""A number, or a scalar tensor when it is fitted to data: the response is differentiable in it."""


def number(value: Constant) -> float:
    """The value alone, without a gradient."""
    return float(value) if isinstance(value, float | int) else float(value.detach())


def require_positive(name: str, unit: str, value: Constant, advice: str) -> None:
    """Refuses a constant that is not a positive finite number.

    Raises:
        ValueError: Naming the constant, its unit and its value, and what to do.
    """
    if not 0 < number(value) < float("inf"):
        raise ValueError(f"{name} must be positive ({unit}), got {number(value)}; {advice}")


def require_not_negative(name: str, unit: str, value: Constant, advice: str) -> None:
    """Refuses a constant that is negative or not a number.

    Raises:
        ValueError: Naming the constant, its unit and its value, and what to do.
    """
    if not 0 <= number(value) < float("inf"):
        raise ValueError(f"{name} must not be negative ({unit}), got {number(value)}; {advice}")
