"""Volume: a box of active medium."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Volume:
    """A box with its sides along the axes, from `lower` (cm) to `upper` (cm).

    Raises:
        ValueError: If it is not of three finite dimensions with upper above lower.
    """

    lower: tuple[float, float, float]
    upper: tuple[float, float, float]

    def __post_init__(self) -> None:
        corners = (*self.lower, *self.upper)
        is_box = len(self.lower) == len(self.upper) == 3 and all(math.isfinite(x) for x in corners)
        if not is_box or any(high <= low for low, high in zip(self.lower, self.upper, strict=True)):
            raise ValueError(
                f"a volume needs three finite sides (cm) with upper above lower, got {self.lower} to {self.upper}; "
                "swap them or give it an extent"
            )

    @property
    def extent(self) -> tuple[float, float, float]:
        """Length of its sides in cm."""
        x, y, z = (high - low for low, high in zip(self.lower, self.upper, strict=True))
        return x, y, z
