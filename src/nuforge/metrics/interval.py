"""Interval: a number that says how sure it is."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """A value with its confidence interval.

    Args:
        value: The figure itself; NaN where it is not defined (a class that did not occur, say).
        low: Lower end of the interval; NaN where it cannot be known.
        high: Upper end of the interval; NaN where it cannot be known.
        n: How many independent events it was measured on.
        method: How the interval was made, with its level, in a few words.
        unit: Unit of value, low and high, "" for none.
        effective: How many events of weight 1 tell as much, where events have different weights; else None.
    """

    value: float
    low: float
    high: float
    n: int
    method: str
    unit: str = ""
    effective: float | None = None

    @property
    def is_defined(self) -> bool:
        """Whether the value is a number."""
        return not math.isnan(self.value)

    def contains(self, value: float) -> bool:
        """Whether `value` lies inside, ends counted; never, if an end is unknown."""
        return bool(self.low <= value <= self.high)

    def __str__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        n = f"{self.n}" if self.effective is None else f"{self.n}, effective {self.effective:.4g}"
        return f"{self.value:.4g} [{self.low:.4g}, {self.high:.4g}]{unit} (n = {n}, {self.method})"
