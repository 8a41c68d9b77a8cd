"""Drawing: what a picture of an event consists of, the same for the page that turns and for the picture on paper.

A kind of picture (`nuforge.display.pictures`) makes a `Drawing` of panels; `interactive` gives it to plotly, `still` to
matplotlib. Positions and values are in the units of the axes' titles.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from nuforge.display import style
from nuforge.display.kinds import Kinds

Role = Literal["readout", "truth", "prediction", "detector"]
Palette = Literal["amount", "time", "signed"]
NOTHING: Mapping[str, np.ndarray] = {}


@dataclass(frozen=True)
class Scale:
    """What a number is as a colour.

    Args:
        title: Quantity and unit.
        low: Value of the first colour.
        high: Value of the last colour, larger.
        palette: Little to much, early to late, or negative to positive.
        log: Whether colours follow the logarithm.
    """

    title: str
    low: float
    high: float
    palette: Palette = "amount"
    log: bool = False

    @classmethod
    def of(cls, title: str, values: np.ndarray, palette: Palette = "amount") -> Scale:
        """A scale for values: symmetric if some are clearly negative, logarithmic if they are spread over decades."""
        finite = values[np.isfinite(values)]
        if not len(finite):
            return cls(title, 0.0, 1.0, palette)
        low, high = (float(q) for q in np.quantile(finite, [0.01, 0.99]))
        if palette == "time":
            return cls(title, low, max(high, low + 1e-9 * max(1.0, abs(low))), palette)
        if low < -0.02 * max(abs(high), 1e-30):
            most = max(-low, high)
            return cls(title, -most, most, "signed")
        positive = finite[finite > 0]
        low = float(np.quantile(positive, 0.02)) if len(positive) else 0.0
        high = max(high, float(np.quantile(positive, 0.99))) if len(positive) else 1.0
        if high > 30 * low > 0:
            return cls(title, low, high, "amount", log=True)
        return cls(title, min(low, 0.9 * high) if low < high else 0.0, high, "amount")

    def stretched(self, values: np.ndarray) -> np.ndarray:
        """Values as the colour scale has them: their decimal logarithm if it is logarithmic."""
        return np.log10(np.maximum(values, 0.1 * self.low)) if self.log else values

    @property
    def colors(self) -> tuple[str, ...]:
        """The colours from low to high."""
        return {"amount": style.ENERGY, "time": style.TIME, "signed": style.SIGNED}[self.palette]


@dataclass(frozen=True)
class Coloring:
    """Rows coloured by a number."""

    name: str
    value: np.ndarray
    scale: Scale


@dataclass(frozen=True)
class Labelling:
    """Rows coloured by what they are."""

    name: str
    kinds: Kinds


@dataclass(frozen=True)
class Dots:
    """Points.

    Args:
        position: (N, 2) or (N, 3).
        name: For the legend.
        role: Who may know them.
        colorings: Ways to colour them, of which one is shown; none for one colour.
        color: That colour.
        size: In pixels, one or (N,).
        symbol: Their form.
        hover: What is told of each, by title.
        texts: What is told of each before that, in words.
        listed: Whether the legend names them.
    """

    position: np.ndarray
    name: str
    role: Role = "readout"
    colorings: tuple[Coloring | Labelling, ...] = ()
    color: str = style.INK
    size: float | np.ndarray = 5.0
    symbol: Literal["circle", "square", "diamond", "cross"] = "circle"
    hover: Mapping[str, np.ndarray] = field(default_factory=lambda: NOTHING)
    texts: tuple[str, ...] = ()
    listed: bool = False


@dataclass(frozen=True)
class Strokes:
    """Straight lines, with a mark at their first point or at their tip.

    Args:
        ends: (N, 2, 2) or (N, 2, 3).
        name: For the legend.
        role: Who may know them.
        color: Their colour.
        texts: What is told of each.
        marked: Which end has a mark, if any.
        width: In pixels.
        shown: Whether they are drawn before somebody asks for them.
        listed: Whether the legend names them.
    """

    ends: np.ndarray
    name: str
    role: Role = "truth"
    color: str = style.INK
    texts: tuple[str, ...] = ()
    marked: Literal["start", "tip", ""] = ""
    width: float = 3.0
    shown: bool = True
    listed: bool = True


@dataclass(frozen=True)
class Bins:
    """Cells of equal width along an axis: the lower edge of the first, their width, how many."""

    first: float
    step: float
    n: int


@dataclass(frozen=True)
class Image:
    """A map of cells, of which most may be empty.

    Args:
        column: Cell along x of each entry, (N,).
        row: Cell along y of each entry, (N,).
        value: Of each entry, (N,).
        x: Cells along x.
        y: Cells along y.
        scale: Colours.
        name: For the legend.
        coloring: The colouring that it belongs to, if there are others.
    """

    column: np.ndarray
    row: np.ndarray
    value: np.ndarray
    x: Bins
    y: Bins
    scale: Scale
    name: str = ""
    role: Role = "readout"
    coloring: str = ""


@dataclass(frozen=True)
class Curve:
    """Samples (T,) at equal steps of x."""

    value: np.ndarray
    first: float
    step: float
    name: str
    color: str
    shown: bool = True
    role: Role = "readout"


@dataclass(frozen=True)
class Steps:
    """A histogram: B + 1 edges, B contents."""

    edges: np.ndarray
    content: np.ndarray
    name: str
    color: str
    role: Role = "readout"


Part = Dots | Strokes | Image | Curve | Steps


@dataclass(frozen=True)
class Panel:
    """One pair or triple of axes with what is in it.

    Args:
        parts: Drawn in order.
        x: Title of the axis, and `y`; `z` only of a panel in three dimensions.
        title: Of the panel.
        equal: Whether a length is the same along x and y; in three dimensions it always is.
        bare: Whether the axes are left out, where only lengths matter.
        log_x: Whether x is logarithmic.
        up: In three dimensions, the unit vector that is drawn upwards.
        ticks: Names of places along x, by position.
    """

    parts: tuple[Part, ...]
    x: str
    y: str
    z: str = ""
    title: str = ""
    equal: bool = False
    bare: bool = False
    log_x: bool = False
    up: tuple[float, float, float] = (0.0, 0.0, 1.0)
    ticks: Mapping[float, str] = field(default_factory=dict)

    @property
    def is_space(self) -> bool:
        """Whether it has three dimensions."""
        return bool(self.z)

    def points(self, roles: tuple[Role, ...]) -> np.ndarray:
        """All points (M, d) of dots and strokes of some roles."""
        found = [p.position for p in self.parts if isinstance(p, Dots) and p.role in roles]
        found += [
            p.ends.reshape(-1, p.ends.shape[-1]) for p in self.parts if isinstance(p, Strokes) and p.role in roles
        ]
        return np.concatenate(found) if found else np.zeros((0, 3 if self.is_space else 2))


@dataclass(frozen=True)
class Listing:
    """A table of words under a drawing."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""


@dataclass(frozen=True)
class Drawing:
    """Panels side by side.

    Args:
        panels: In reading order.
        columns: Panels in a row.
        note: What one must know to read it.
        facts: What the event holds, in a few words each.
        listing: A table under it.
    """

    panels: tuple[Panel, ...]
    columns: int = 1
    note: str = ""
    facts: tuple[str, ...] = ()
    listing: Listing | None = None
