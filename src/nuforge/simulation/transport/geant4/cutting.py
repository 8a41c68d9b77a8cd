"""Steps of tracks as segments: cut and merged at equal lengths of path, all tracks at once, in numpy alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]
Integers = NDArray[np.int64]

_CLOSE = 1e-9  # of a segment's length: what is left of a step by rounding is no piece of its own
_QUANTUM = 1e-10  # cm, far below any step that matters


@dataclass(frozen=True)
class Steps:
    """Steps (S,), those of a track one after the other.

    Args:
        track: int64, of any numbering; a change is another track.
        is_line: Whether the energy is spread along the step (a charged particle that moved in matter) or is at its end.
            Other steps of the same track, as through empty space, end a segment.
        start: (S, 3) cm.
        end: (S, 3) cm.
        begin: ns, at the start.
        finish: ns, at the end.
        energy: MeV.
        length: Path in cm, which may be longer than the distance.
    """

    track: Integers
    is_line: NDArray[np.bool_]
    start: Reals
    end: Reals
    begin: Reals
    finish: Reals
    energy: Reals
    length: Reals


@dataclass(frozen=True)
class Segments:
    """Segments (N,): track, start and end (N, 3) in cm, time in ns at the middle, energy in MeV, path in cm."""

    track: Integers
    start: Reals
    end: Reals
    time: Reals
    energy: Reals
    length: Reals


def segments_of(steps: Steps, longest: float) -> Segments:
    """Segments of the steps, in their order.

    A track's path is cut every `longest` of its length, and what lies between two cuts is one segment. Energy that is
    left at a point, by a neutral particle or one at rest, is a segment without length. Those without energy are left
    out.

    Args:
        steps: The steps.
        longest: Longest path of a segment in cm.
    """
    lines, points = np.flatnonzero(steps.is_line), np.flatnonzero(~steps.is_line & (steps.energy > 0))
    first_step, along = _along(steps, lines, longest)
    at = Segments(
        steps.track[points],
        steps.end[points],
        steps.end[points],
        steps.finish[points],
        steps.energy[points],
        np.zeros(len(points)),
    )
    order = np.argsort(np.concatenate([first_step, points]), kind="stable")
    order = order[np.concatenate([along.energy, at.energy])[order] > 0]
    both = (np.concatenate([getattr(along, name), getattr(at, name)])[order] for name in Segments.__annotations__)
    return Segments(*both)


def _along(steps: Steps, lines: Integers, longest: float) -> tuple[Integers, Segments]:
    """Segments along the steps of rows `lines`, and the row in which each begins."""
    track, length = steps.track[lines], steps.length[lines]
    stop = _path(track, length)
    cell = np.floor((stop - length) / longest + _CLOSE).astype(np.int64)
    pieces = np.maximum(np.ceil(stop / longest - _CLOSE).astype(np.int64) - cell, 1)
    of = np.repeat(np.arange(len(lines)), pieces)
    cell = cell[of] + np.arange(len(of)) - np.repeat(np.cumsum(pieces) - pieces, pieces)

    path = length[of]
    low = np.clip((cell * longest - stop[of]) / path + 1, 0, 1)
    high = np.clip(((cell + 1) * longest - stop[of]) / path + 1, 0, 1)
    is_last = np.append(of[1:] != of[:-1], True)[: len(of)]
    low = np.where(np.append(True, is_last[:-1])[: len(of)], 0.0, low)
    high = np.where(is_last, 1.0, high)

    row, new = lines[of], np.ones(len(of), bool)
    new[1:] = (track[of][1:] != track[of][:-1]) | (cell[1:] != cell[:-1]) | (np.diff(row) > 1)
    first = np.flatnonzero(new)
    last = np.append(first[1:], len(of))[: len(first)] - 1

    def point(rows: Integers, fraction: Reals) -> Reals:
        start = steps.start[rows]
        return start + fraction[:, None] * (steps.end[rows] - start)

    def moment(rows: Integers, fraction: Reals) -> Reals:
        begin = steps.begin[rows]
        return begin + fraction * (steps.finish[rows] - begin)

    start, end = point(row[first], low[first]), point(row[last], high[last])
    share = high - low
    energy, total = _sums(steps.energy[row] * share, first), _sums(path * share, first)
    time = 0.5 * (moment(row[first], low[first]) + moment(row[last], high[last]))
    total = np.maximum(total, np.linalg.norm(end - start, axis=1))
    return row[first], Segments(steps.track[row[first]], start, end, time, energy, total)


def _path(track: Integers, length: Reals) -> Reals:
    """The path (S,) of each step's track up to its end, in whole numbers: the same whatever tracks are before."""
    whole = np.rint(length / _QUANTUM).astype(np.int64)
    total = np.cumsum(whole)
    new = np.ones(len(track), bool)
    new[1:] = track[1:] != track[:-1]
    before = (total - whole)[new]
    return np.asarray(
        (total - np.repeat(before, np.diff(np.append(np.flatnonzero(new), len(track))))) * _QUANTUM, np.float64
    )


def _sums(values: Reals, first: Integers) -> Reals:
    """Sums of runs of values that begin at `first`."""
    return np.add.reduceat(values, first) if len(first) else np.zeros(0)
