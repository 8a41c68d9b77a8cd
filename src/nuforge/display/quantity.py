"""Quantity: numbers in the unit in which a physicist would write them, with the title of their axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nuforge.events import Column

_LADDERS = {  # the unit inside, then from which value on which unit is used, and how large that is
    "cm": ((1000.0, 100.0, "m"), (0.0, 1.0, "cm")),
    "ns": ((1e10, 1e9, "s"), (1e7, 1e6, "ms"), (1e4, 1e3, "µs"), (0.0, 1.0, "ns")),
    "MeV": ((1e6, 1e6, "TeV"), (1e3, 1e3, "GeV"), (1.0, 1.0, "MeV"), (0.0, 1e-3, "keV")),
    "MeV2": ((1e5, 1e6, "GeV²"), (0.0, 1.0, "MeV²")),
    "cm2": ((0.0, 1.0, "cm²"),),
}
_LONGEST = 44  # letters of a meaning that still fits an axis


@dataclass(frozen=True)
class Unit:
    """A unit for showing: how many of the unit inside it is, and its name."""

    size: float
    name: str

    @classmethod
    def of(cls, unit: str, values: np.ndarray) -> Unit:
        """The unit in which values, given in a unit inside, are between about 1 and 1000."""
        finite = np.abs(values[np.isfinite(values)])
        largest = float(finite.max()) if len(finite) else 0.0
        steps = _LADDERS.get(unit, ((0.0, 1.0, unit),))
        _, size, name = next(step for step in steps if largest >= step[0])
        if largest == 0.0 and unit == "MeV":
            size, name = 1.0, "MeV"
        return cls(size, name)

    def titled(self, name: str) -> str:
        """The title of an axis of this unit."""
        return f"{name} / {self.name}" if self.name else name


def title_of(name: str, about: Column, unit: Unit, longest: int = _LONGEST) -> str:
    """The title of an axis for a column: its name with the unit, or where that is none its meaning if that is short."""
    word = name.replace("_", " ")
    if unit.name:
        return unit.titled(word)
    meaning = about.meaning.split(";")[0]
    if len(meaning) > longest:
        return word
    return meaning if word in meaning else f"{word} ({meaning})"


def shown(values: np.ndarray, about: Column, name: str) -> tuple[np.ndarray, str]:
    """Values of a column in the unit for showing, and the title of their axis."""
    unit = Unit.of(about.unit, values)
    return values / unit.size, title_of(name, about, unit)
