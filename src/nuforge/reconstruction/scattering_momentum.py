r"""Momentum from multiple scattering: the likelihood of the angles between the pieces of a track.

A track is cut into pieces of equal length l, each with the direction of a straight-line fit. For a track that scatters
evenly by theta_0 (in a plane, over l) such directions differ from one piece to the next by an angle of variance
26/35 theta_0^2 (half from either piece), and neighbouring differences have the covariance 9/70 theta_0^2 of the
piece they share: the slope of a fitted line is the integral of the direction with weight 6 u (1 - u). Where scattering
grows along the way, its strength counts where it weighs: 0.231 l from the joint, or in the middle of the shared piece.
Every direction is measured with an error e, which adds 2 e^2 and -e^2. So the differences of a track are a Gaussian
vector with a covariance of three diagonals for each initial momentum p; on the way the particle loses
energy as its range says.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from nuforge.physics.kinematics import momentum
from nuforge.physics.material import Material
from nuforge.physics.ranges import csda_range, energy_of_range
from nuforge.physics.scattering import highland_angle
from nuforge.reconstruction.clusters import totals, unit
from nuforge.reconstruction.hypotheses import MASSES
from nuforge.reconstruction.paths import Paths
from nuforge.shapes import Scalars

PIECE = 14.0
"""Length of a piece in cm, one radiation length of argon, as MicroBooNE takes it (JINST 12 (2017) P10010)."""
FEWEST_PIECES = 4
"""Pieces below which nothing is said: three differences in two planes are known to a quarter at best."""
MOST_PIECES = 64
"""Pieces beyond, after 9 m, add little to the momentum at the start and are not looked at."""
DIRECTION_SPREAD = 1.5e-3
"""Error in rad of a piece's direction in a plane, measured on simulated muons of 3 to 10 GeV in voxels of 0.3 cm."""
_PLACE = 3 / 13  # mean place in the piece behind a joint of what turns its fitted direction
_LOWEST, _HIGHEST, _POINTS = 50.0, 10_000.0, 140  # MeV, and momenta looked at
_DROP = 0.65
"""Fall of the log likelihood at the ends of the 68 % interval. 1/2 would be right for a Gaussian; with it the intervals
of simulated muons hold 63 % (the angles are not quite Highland's, and the range straggles)."""
_TABLE = 400  # ranges at which the scattering is tabulated
_BLOCK = 64  # tracks worked on at once: bounds the memory
_TAIL, _WIDER = 0.03, 3.0  # part of the scatters that are hard (Moliere's tail), and how much wider those are


@dataclass(frozen=True, eq=False)
class Scattering:
    """Momenta from multiple scattering, each (C, 4) in MeV: of muon, pion, kaon and proton.

    Args:
        value: The most likely one; NaN where there are too few pieces or no momentum within 10 GeV is most likely.
        low: Lower end of the 68 % interval, where the log likelihood has fallen by `_DROP`.
        high: Its upper end; infinite where even 10 GeV is in the interval.
    """

    value: Float[Tensor, "c 4"]
    low: Float[Tensor, "c 4"]
    high: Float[Tensor, "c 4"]


def momentum_of_scattering(paths: Paths, material: Material, spread: float = DIRECTION_SPREAD) -> Scattering:
    """Momenta at the start of tracks from the scattering along their paths.

    Args:
        paths: Paths of tracks; the pieces have at least `PIECE` cm.
        material: What they scatter in.
        spread: Error of a piece's direction in a plane, rad.
    """
    directions, pieces, width = _pieces(paths)
    rows = (pieces >= FEWEST_PIECES).nonzero().flatten()
    rows = rows[pieces[rows].argsort(stable=True)]
    found = torch.full((3, len(pieces), len(MASSES)), torch.nan, dtype=torch.float64)
    for block in torch.split(rows, _BLOCK) if len(rows) else ():  # tracks of alike length together
        most = int(pieces[block].max())
        angles = _differences(directions[block, :most])
        found[:, block] = _most_likely(angles, pieces[block], width[block], material, spread)
    return Scattering(*found)


def _pieces(paths: Paths) -> tuple[Float[Tensor, "c k 3"], Tensor, Scalars]:
    """Directions of the pieces (C, K, 3), padded; their number (C,); and their length (C,) cm."""
    n = len(paths.length)
    length = paths.length.nan_to_num()
    pieces = (length / PIECE).floor().long()
    width = length / pieces.clamp(min=1)
    pieces = pieces.clamp(max=MOST_PIECES)
    most = max(int(pieces.max()) if n else 0, 1)
    part = (paths.arc / width.clamp(min=1e-9)[paths.cluster]).floor().long().clamp(min=0)
    used = (part < most).nonzero().flatten()
    arc, corner, group = paths.arc[used], paths.corner[used], paths.cluster[used] * most + part[used]
    corners = totals(torch.ones_like(arc), group, n * most).clamp(min=1)
    mean = totals(corner, group, n * most) / corners[:, None]
    middle = totals(arc, group, n * most) / corners
    slope = totals((arc - middle[group])[:, None] * (corner - mean[group]), group, n * most)
    return unit(slope).reshape(n, most, 3), pieces, width


def _differences(directions: Float[Tensor, "c k 3"]) -> Float[Tensor, "2 c k-1"]:
    """Angles (2, C, K - 1) between neighbouring pieces in two planes that are at right angles.

    They are 0 in the padding, and beside a piece without direction (a gap).
    """
    one, two = directions[:, :-1], directions[:, 1:]
    middle = one + two
    helper = torch.zeros_like(middle)
    helper.scatter_(2, middle.abs().nan_to_num().argmin(dim=2, keepdim=True), 1.0)
    across = torch.linalg.cross(middle, helper)
    across = across / across.norm(dim=2, keepdim=True)
    upright = torch.linalg.cross(middle / middle.norm(dim=2, keepdim=True), across)
    step = two - one
    return torch.stack([(step * across).sum(2), (step * upright).sum(2)]).nan_to_num()


def _most_likely(angles: Tensor, pieces: Tensor, width: Scalars, material: Material, spread: float) -> Tensor:
    """Most likely momentum and ends of the interval (3, C, M) for each mass."""
    grid = _grid()
    likelihood = _log_likelihood(angles, pieces, width, material, spread)
    known = (pieces > 0).repeat_interleave(len(MASSES))
    found = _interval(likelihood.flatten(0, 1), grid, known)
    return torch.stack(found).view(3, len(pieces), len(MASSES))


def _grid() -> Scalars:
    """Momenta (P,) MeV looked at."""
    return torch.logspace(np.log10(_LOWEST), np.log10(_HIGHEST), _POINTS, dtype=torch.float64)


@lru_cache(maxsize=64)
def _strengths(mass: float, material: Material) -> tuple[Tensor, np.ndarray, np.ndarray]:
    """Ranges (P,) cm of the momenta looked at, and ln R and ln theta_0^2 of a piece for a table of ranges.

    Scattering varies as 1 / (p beta)^2; Highland's logarithm of beta is that of each range.
    """
    kinetic = torch.sqrt(_grid() ** 2 + mass**2) - mass
    ranges = csda_range(kinetic, mass, material)
    table = torch.logspace(-3, float(ranges.max().log10()), _TABLE, dtype=torch.float64)
    t = energy_of_range(table, mass, material)
    p = momentum(t, mass)
    strength = highland_angle(torch.full_like(p, PIECE), p, p / (t + mass), material.radiation_length) ** 2
    return ranges, table.log().numpy(), strength.log().numpy()


def _squares(pieces: int, width: Scalars, material: Material, place: float) -> Tensor:
    """theta_0^2 (C, M, P, K) of each piece for each mass and initial momentum; infinite where it has stopped before.

    It is taken at a place of the piece from 0 to 1, interpolated in the range that is left; Highland's logarithm of the
    thickness is that of each track.
    """
    depth = (torch.arange(pieces) + place) * width[:, None]
    squares = width.new_empty(len(width), len(MASSES), _POINTS, pieces)
    for i, mass in enumerate(MASSES):
        ranges, log_range, log_strength = _strengths(mass, material)
        left = ranges[None, :, None] - depth[:, None, :]
        log = np.interp(left.clamp(min=1e-3).log().numpy(), log_range, log_strength)
        squares[:, i] = torch.where(left > 0, torch.from_numpy(np.exp(log)), torch.inf)
    thicker = width / PIECE * (1 + 0.038 * torch.log(width / PIECE)) ** 2
    return squares.mul_(thicker[:, None, None, None])


def _log_likelihood(angles: Tensor, pieces: Tensor, width: Scalars, material: Material, spread: float) -> Tensor:
    """Log likelihood (C, M, P) of each mass and initial momentum, by the Cholesky factor of the three diagonals."""
    total = torch.zeros(len(width), len(MASSES), _POINTS, dtype=torch.float64)
    n_angles = angles.shape[2]
    if not len(width) or n_angles == 0:
        return total
    behind, middle, ahead = (_squares(n_angles + 1, width, material, place) for place in (1 - _PLACE, 0.5, _PLACE))
    stopped = ahead.isinf()
    above, scale = torch.zeros_like(total), torch.ones_like(total)
    rests = torch.zeros(2, *total.shape, dtype=torch.float64)
    for k in range(n_angles):
        valid = (pieces[:, None, None] - 1 > k) & ~stopped[..., k + 1]
        variance = 13 / 35 * (behind[..., k] + ahead[..., k + 1]) + 2 * spread**2
        variance = torch.where(valid, variance, 1.0)
        link = above / scale
        scale = torch.sqrt((variance - link**2).clamp(min=1e-12))
        rests = (angles[:, :, k, None, None] - link * rests) / scale
        total = total + torch.where(valid, _log_density(rests).sum(0) - 2 * scale.log(), 0.0)
        above = torch.where(valid & middle[..., k + 1].isfinite(), 9 / 70 * middle[..., k + 1] - spread**2, 0.0)
    # a particle that would have stopped before the last piece did not make the track
    last = (pieces - 1).clamp(min=0)[:, None, None, None].expand(-1, *total.shape[1:], 1)
    return torch.where(stopped.gather(3, last)[..., 0], -torch.inf, total)


def _log_density(x: Tensor) -> Tensor:
    """Log of the density of a unit Gaussian with a part that is wider, without the constant."""
    core = np.log(1 - _TAIL) - 0.5 * x**2
    tail = np.log(_TAIL / _WIDER) - 0.5 * (x / _WIDER) ** 2
    return torch.logaddexp(core, tail)


def _interval(likelihood: Tensor, grid: Tensor, known: Tensor) -> tuple[Scalars, Scalars, Scalars]:
    """The maximum between the points of the grid, and where the log likelihood is `_DROP` below it, (C,) each."""
    n, points = likelihood.shape
    if not n:
        return likelihood[:, 0], likelihood[:, 0], likelihood[:, 0]
    log = grid.log()
    best = likelihood.argmax(dim=1)
    at = best.clamp(min=1, max=points - 2)
    low, mid, high = (likelihood.gather(1, (at + k)[:, None])[:, 0] for k in (-1, 0, 1))
    bend = low - 2 * mid + high
    shift = torch.where(bend < 0, 0.5 * (low - high) / bend, 0.0).nan_to_num().clamp(-0.5, 0.5)
    inner = best == at
    value = torch.where(inner, log[at] + shift * (log[1] - log[0]), log[best])
    peak = torch.where(inner & low.isfinite(), mid - 0.25 * (low - high) * shift, likelihood.amax(1))
    drop = likelihood - (peak - _DROP)[:, None]
    inside = drop >= 0
    index = torch.arange(points)
    first = torch.where(inside, index, points).amin(1).minimum(best)
    last = torch.where(inside, index, -1).amax(1).maximum(best)
    lower = torch.where(first > 0, _crossing(drop, log, first - 1, first), log[0])
    upper = torch.where(last < points - 1, _crossing(drop, log, last, last + 1), torch.inf)
    known = known & (best < points - 1)
    return tuple(torch.where(known, x.exp(), torch.nan) for x in (value, lower, upper))  # type: ignore[return-value]


def _crossing(drop: Tensor, log: Tensor, left: Tensor, right: Tensor) -> Scalars:
    """Where a straight line between two points of the grid is zero; the inner one beside a point of no likelihood."""
    points = len(log)
    left, right = left.clamp(min=0), right.clamp(max=points - 1)
    a, b = drop.gather(1, left[:, None])[:, 0], drop.gather(1, right[:, None])[:, 0]
    part = torch.where(a.isinf(), 1.0, torch.where(b.isinf(), 0.0, a / (a - b)))
    return log[left] + part.nan_to_num().clamp(0, 1) * (log[right] - log[left])
