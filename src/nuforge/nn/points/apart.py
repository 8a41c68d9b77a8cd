"""Points of many events in one space, the events so far apart that one search tree serves all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

_SLACK = 8 * np.finfo(np.float64).eps


def apart(position: Floats, event: Integers, gap: float) -> Floats:
    """Positions (N, D) with events moved to places of a cubic lattice, at least `gap` away from each other.

    On a lattice no coordinate grows larger than it must, so differences inside an event keep their digits. That is
    faster than one more axis for the event.

    Args:
        position: (N, D).
        event: (N,) >= 0.
        gap: Distance between any two events.
    """
    if not len(position):
        return position
    low, high = position.min(axis=0), position.max(axis=0)
    side = 1
    while side ** position.shape[1] <= event.max():
        side += 1
    moved: Floats = position - low
    for axis, step in enumerate(high - low + gap):
        moved[:, axis] += event // side**axis % side * step
    return moved


def pairs_within(position: Floats, event: Integers, radius: float) -> tuple[Integers, Integers, Floats]:
    """Pairs of points of one event not farther apart than a radius, each once, and their squared distance.

    Args:
        position: (N, D).
        event: (N,) >= 0, in any order.
        radius: In the unit of the positions; points just at it are in.

    Returns:
        Rows (E,), (E,), and squared distances (E,).
    """
    if not len(position):
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    moved = apart(position, event, 2 * radius)
    wide = radius * (1 + _SLACK) + _SLACK * float(np.abs(moved).max())  # rounding loses no pair; then cut sharply
    tree = cKDTree(moved, balanced_tree=False, compact_nodes=False)
    first, second = tree.query_pairs(wide, output_type="ndarray").T.astype(np.int64)
    step = position[first] - position[second]
    square = np.einsum("ij,ij->i", step, step)
    near = square <= radius * radius
    return first[near], second[near], square[near]
