"""Marks: points, arrows and labels that are drawn over an event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Symbol = Literal["start", "end", "vertex", "label"]
"""What a mark is; a label is text alone."""

_BARB = 0.28
"""Length of the barbs of an arrow, in lengths of the arrow."""


@dataclass(frozen=True)
class Marks:
    """Places of one sort.

    Args:
        name: What they are, for the legend.
        symbol: How they look.
        position: (P, 3) in the frame's unit.
        colors: P of them.
        texts: What is known of each, P of them.
        direction: Unit vectors (P, 3) to be drawn as arrows, NaN for none; no arrows if not given.
    """

    name: str
    symbol: Symbol
    position: np.ndarray
    colors: tuple[str, ...]
    texts: tuple[str, ...]
    direction: np.ndarray | None = None

    def strokes(self, length: float) -> np.ndarray:
        """The arrows as lines (M, 2, 3): five for each, of which one is its shaft."""
        if self.direction is None:
            return np.zeros((0, 2, 3))
        known = np.isfinite(self.direction).all(1)
        start, along = self.position[known], self.direction[known]
        side = np.eye(3)[np.abs(along).argmin(1)]
        side = np.cross(along, side)
        side /= np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-12)
        tip, other = start + length * along, np.cross(along, side)
        lines = [np.stack([start, tip], axis=1)]
        for aside in (side, -side, other, -other):
            lines.append(np.stack([tip, tip - _BARB * length * (along - 0.5 * aside)], axis=1))
        return np.concatenate(lines)


def placed(
    name: str,
    symbol: Symbol,
    position: np.ndarray,
    colors: Sequence[str],
    texts: Sequence[str],
    direction: np.ndarray | None = None,
) -> tuple[Marks, ...]:
    """Those marks whose position is known; nothing if there are none. Arguments as `Marks`."""
    known = np.flatnonzero(np.isfinite(position).all(1)).tolist()
    if not known:
        return ()
    chosen = None if direction is None else direction[known]
    here = tuple(colors[k] for k in known), tuple(texts[k] for k in known)
    return (Marks(name, symbol, position[known], *here, chosen),)
