"""Vertices: where the primaries of an interaction come from.

The vertex is the point that minimises the squared distances to the primaries' starts and to the lines along their
directions, each over its variance. A start far from the point counts little (Cauchy's weight), since a photon starts
somewhere on its way and a decay product later. The search begins at the best of the starts and of the points where two
lines come closest.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from nuforge.events.table import offsets_of
from nuforge.reconstruction.clusters import totals
from nuforge.shapes import Rows, Scalars

START_SPREAD = 0.25
"""cm, error of a start along each axis, where it is at the vertex."""
LINE_SPREAD = 0.3
"""cm, error of a line beside its start."""
TRACK_ANGLE, SHOWER_ANGLE = 0.03, 0.05
"""rad, error of a direction, which moves the line with the distance from the start. Of simulated particles."""
_SHARED = 1.25
"""By which the errors of the fit are too small: start and line of a primary share its start. Of simulated events."""
_CANDIDATES = 8  # of an interaction: its largest primaries, and their pairs
_ROUNDS = 12


@dataclass(frozen=True, eq=False)
class Primaries:
    """Primaries of interactions, sorted by interaction.

    Args:
        interaction: (P,) int64, rising.
        start: (P, 3) cm.
        direction: (P, 3) unit vectors; NaN for none.
        is_shower: (P,) bool.
        is_photon: (P,) bool: starts away from the vertex, as far as is known.
        size: (P,) voxels.
    """

    interaction: Rows
    start: Float[Tensor, "p 3"]
    direction: Float[Tensor, "p 3"]
    is_shower: Bool[Tensor, " p"]
    is_photon: Bool[Tensor, " p"]
    size: Scalars

    def __getitem__(self, rows: Tensor) -> Primaries:
        return Primaries(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


def vertices(primaries: Primaries, n: int) -> tuple[Float[Tensor, "n 3"], Float[Tensor, "n 3"]]:
    """Vertices (n, 3) cm of n interactions and their standard errors along x, y, z; NaN without primaries.

    The errors are those of the fit where it ended; NaN where one direction is not fixed (a photon alone).
    """
    usable = primaries.start.isfinite().all(dim=1)
    known = primaries[usable.nonzero().flatten()]
    lonely = ~known.direction.isfinite().all(dim=1)
    known = Primaries(**{**known.__dict__, "direction": torch.where(lonely[:, None], 0.0, known.direction)})
    vertex = _best_candidate(known, n)
    for _ in range(_ROUNDS):
        matrix, vector = _normal_equations(known, vertex, n)
        vertex = _solved(matrix, vector, vertex)
    matrix, _ = _normal_equations(known, vertex, n)
    return vertex, _errors(matrix)


def _weights(primaries: Primaries, vertex: Float[Tensor, "p 3"]) -> tuple[Scalars, Scalars]:
    """Weights (P,) 1/cm^2 of each start and of each line, for the vertex that each primary has now."""
    step = vertex - primaries.start
    along = (step * primaries.direction).sum(1)
    across = (step - along[:, None] * primaries.direction).square().sum(1)
    angle = torch.where(primaries.is_shower, SHOWER_ANGLE, TRACK_ANGLE)
    line_variance = LINE_SPREAD**2 + (angle * along) ** 2
    pull = torch.where(along > 0, step.square().sum(1), across) / line_variance  # a vertex ahead of the start is none
    line = 1 / line_variance / (1 + pull / 9)
    start_variance = torch.where(primaries.is_photon, 30.0**2, START_SPREAD**2)
    start = 1 / start_variance / (1 + step.square().sum(1) / start_variance / 9)
    has_line = primaries.direction.square().sum(1) > 0.5
    return start, torch.where(has_line, line, 0.0)


def _normal_equations(
    primaries: Primaries, vertex: Float[Tensor, "n 3"], n: int
) -> tuple[Float[Tensor, "n 3 3"], Float[Tensor, "n 3"]]:
    """Sum of the weights' matrices (n, 3, 3) and of their products with the starts (n, 3)."""
    start, line = _weights(primaries, vertex[primaries.interaction])
    one = torch.eye(3, dtype=vertex.dtype)
    d = primaries.direction
    matrix = start[:, None, None] * one + line[:, None, None] * (one - d[:, :, None] * d[:, None, :])
    vector = (matrix @ primaries.start[:, :, None])[:, :, 0]
    return totals(matrix, primaries.interaction, n), totals(vector, primaries.interaction, n)


def _solved(matrix: Tensor, vector: Tensor, before: Tensor) -> Tensor:
    """Solutions (n, 3); where there is none, as before."""
    regular = torch.linalg.det(matrix) > 1e-12
    safe = torch.where(regular[:, None, None], matrix, torch.eye(3, dtype=matrix.dtype))
    return torch.where(regular[:, None], torch.linalg.solve(safe, vector), before)


def _errors(matrix: Tensor) -> Tensor:
    """Standard errors (n, 3) of the solutions."""
    regular = torch.linalg.det(matrix) > 1e-12
    safe = torch.where(regular[:, None, None], matrix, torch.eye(3, dtype=matrix.dtype))
    errors = torch.linalg.inv(safe).diagonal(dim1=1, dim2=2).clamp(min=0).sqrt() * _SHARED
    return torch.where(regular[:, None], errors, torch.nan)


def _best_candidate(primaries: Primaries, n: int) -> Float[Tensor, "n 3"]:
    """The candidate (n, 3) with the least cost to all primaries, NaN without any."""
    interaction, place = _candidates(primaries, n)
    first = offsets_of(torch.bincount(primaries.interaction, minlength=n))
    counts = first.diff()[interaction]
    candidate = torch.repeat_interleave(counts)
    inside = torch.arange(len(candidate)) - offsets_of(counts)[:-1][candidate]
    cost = _cost(primaries[first[:-1][interaction][candidate] + inside], place[candidate])
    total = totals(cost, candidate, len(interaction))
    best = torch.full((n,), torch.inf, dtype=total.dtype).scatter_reduce(0, interaction, total, "amin")
    chosen = (total <= best[interaction]).nonzero().flatten().flip(0)
    vertex = place.new_full((n, 3), torch.nan)
    vertex[interaction[chosen]] = place[chosen]
    return vertex


def _cost(primaries: Primaries, vertex: Float[Tensor, "p 3"]) -> Scalars:
    """Robust cost (P,) of primaries for a vertex each: the logarithm of Cauchy's distribution, starts and lines."""
    step = vertex - primaries.start
    along = (step * primaries.direction).sum(1)
    across = (step - along[:, None] * primaries.direction).square().sum(1)
    angle = torch.where(primaries.is_shower, SHOWER_ANGLE, TRACK_ANGLE)
    ahead = torch.where(along > 0, step.square().sum(1), across)
    line = torch.log1p(ahead / (LINE_SPREAD**2 + (angle * along) ** 2) / 9)
    start_variance = torch.where(primaries.is_photon, 30.0**2, START_SPREAD**2)
    return line + torch.log1p(step.square().sum(1) / start_variance / 9)


def _candidates(primaries: Primaries, n: int) -> tuple[Rows, Float[Tensor, "k 3"]]:
    """Interaction (K,) and place (K, 3) of candidates: starts, and middles of the shortest way between two lines."""
    order = primaries.size.argsort(descending=True, stable=True)
    order = order[primaries.interaction[order].argsort(stable=True)]
    counts = torch.bincount(primaries.interaction, minlength=n)
    rank = torch.arange(len(order)) - offsets_of(counts)[:-1][primaries.interaction]
    largest = primaries[order[rank < _CANDIDATES]]
    few = counts.clamp(max=_CANDIDATES)
    first = offsets_of(few)[:-1][largest.interaction]
    partners = few[largest.interaction]
    one = torch.repeat_interleave(partners)
    two = first[one] + torch.arange(len(one)) - offsets_of(partners)[:-1][one]
    pair = one < two
    one, two = one[pair], two[pair]
    middle, crosses = _closest(largest[one], largest[two])
    interaction = torch.cat([largest.interaction, largest.interaction[one[crosses]]])
    return interaction, torch.cat([largest.start, middle[crosses]])


def _closest(one: Primaries, two: Primaries) -> tuple[Float[Tensor, "k 3"], Bool[Tensor, " k"]]:
    """Middles (K, 3) of the shortest way between lines, and whether they are not parallel."""
    between = two.start - one.start
    cosine = (one.direction * two.direction).sum(1)
    a, b = (one.direction * between).sum(1), (two.direction * between).sum(1)
    sine2 = 1 - cosine**2
    crosses = (sine2 > 1e-4) & (one.direction.square().sum(1) > 0.5) & (two.direction.square().sum(1) > 0.5)
    safe = torch.where(crosses, sine2, 1.0)
    s, t = (a - cosine * b) / safe, (cosine * a - b) / safe
    middle = 0.5 * (one.start + s[:, None] * one.direction + two.start + t[:, None] * two.direction)
    return middle, crosses
