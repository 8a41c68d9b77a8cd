r"""The open end: how far would a particle have gone on? dE/dx along a track with the residual range at its end unknown.

Hadrons that break up nuclei, are absorbed or decay in flight end before their range, and the range says less than the
energy they had. dE/dx along the path tells: it is that of T(R_0 + r), r the way to the end and R_0 >= 0 what was left.
The likelihood is looked at on a grid of R_0, for each hypothesis. Before anything is seen, a track of length L

- stopped with the density g(L) exp(-n(L)),
- ended early with R_0 left with the density g(L + R_0) exp(n(R_0) - n(L + R_0)) n'(R_0),

n the mean number of interactions and decays over a residual range (`survival`), g the density of ranges of particles
whose kinetic energies fall as exp(-T / `SPECTRUM`). The one over the sum is the probability that it stopped. A track
may have been given the wrong way round: that it stopped at its start is a third case, and its energy is that of its
range too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from nuforge.physics.kinematics import momentum
from nuforge.physics.material import Material
from nuforge.physics.ranges import energy_of_range
from nuforge.physics.stopping import stopping_power
from nuforge.reconstruction.clusters import totals
from nuforge.reconstruction.hypotheses import MASSES
from nuforge.reconstruction.loss_density import log_density
from nuforge.reconstruction.profiles import Profiles
from nuforge.reconstruction.survival import end_rates, expected_ends
from nuforge.shapes import Mask, Scalars

SPECTRUM = 300.0
"""MeV, mean kinetic energy that particles are taken to have before anything is seen: of hadrons that neutrinos of 1 to
5 GeV make. It matters for those alone that end minimum ionising."""
COMMON = 0.01
"""Variance that the steps of a track have in common over that of one step: 2 % of dE/dx against 20 %. So many steps say
no more than 1 / `COMMON` of them would."""
TURNED = 0.05
"""Share of tracks whose start is their end, before anything is seen."""
HARD = 3.0
"""Degrees of freedom of Student's distribution that momenta from scattering have, in units of their errors: a twentieth
of simulated pions are off by four or five."""
_SHORTEST, _LONGEST, _POINTS = 0.25, 3000.0, 60  # cm: residual ranges looked at, besides 0
_DROP = 0.5  # fall of the log likelihood at the ends of the 68 % interval: chi^2 rises by 1


@dataclass(frozen=True, eq=False)
class OpenEnds:
    """What is known of residual ranges at the ends of tracks, for each of M hypotheses.

    Args:
        residual: (G,) cm, residual ranges looked at, the first 0.
        kinetic: (C, M, G) MeV, kinetic energies at the start that belong to them.
        likelihood: (C, M, G) log likelihood, relative.
        prior: (C, M, G) log of the probability before anything is seen, relative, of each: of a cell of the grid,
            the first that the particle stopped.
        turned: (C, M) log of likelihood and prior of a particle that stopped at the start of its track.
        known: (C,) whether a step was seen.
    """

    residual: Float[Tensor, " g"]
    kinetic: Float[Tensor, "c m g"]
    likelihood: Float[Tensor, "c m g"]
    prior: Float[Tensor, "c m g"]
    turned: Float[Tensor, "c m"]
    known: Bool[Tensor, " c"]


def open_ends(profiles: Profiles, length: Scalars, stops: Mask, material: Material) -> OpenEnds:
    """The likelihood of residual ranges from dE/dx along the paths of tracks, but in last steps that are not alone.

    Args:
        profiles: Steps of the paths, recombination taken out.
        length: (C,) cm; NaN for what has no path.
        stops: (C,) whether the end is inside of the detector; what leaves has not stopped.
        material: What they flew in.
    """
    log = torch.linspace(np.log(_SHORTEST), np.log(_LONGEST), _POINTS, dtype=torch.float64)
    residual = torch.nn.functional.pad(log.exp(), (1, 0))
    alone = torch.bincount(profiles.cluster, minlength=len(length)) == 1
    used = ~profiles.is_last | alone[profiles.cluster]
    cluster, seen = profiles.cluster[used], profiles.stopping_power[used, None]
    # the last place is that of a particle which stopped at the start
    to_end, to_start = profiles.residual_range[used], length[cluster] - profiles.residual_range[used]
    farther = torch.cat([to_end[:, None] + residual, to_start[:, None]], dim=1)
    steps = torch.bincount(cluster, minlength=len(length))
    weight = 1 / (1 + COMMON * steps)
    way = length.double().nan_to_num(nan=1.0)[:, None] + residual
    kinetic, likelihood, prior = [], [], []
    for i, mass in enumerate(MASSES):
        of_steps = log_density(seen, farther, mass, material)
        likelihood.append(totals(of_steps, cluster, len(length)) * weight[:, None])
        kinetic.append(energy_of_range(way, mass, material) if len(way) else way)
        prior.append(_prior(residual, way, kinetic[-1], stops, i, material))
    likelihoods, priors = torch.stack(likelihood, 1), torch.stack(prior, 1)
    turned = likelihoods[:, :, -1] + priors[:, :, 0] + np.log(TURNED)
    return OpenEnds(residual, torch.stack(kinetic, 1), likelihoods[:, :, :-1], priors, turned, steps > 0)


def _prior(
    residual: Float[Tensor, " g"],
    way: Float[Tensor, "c g"],
    kinetic: Float[Tensor, "c g"],
    stops: Bool[Tensor, " c"],
    hypothesis: int,
    material: Material,
) -> Float[Tensor, "c g"]:
    """Log (C, G) of the probability of residual ranges (G,) of tracks whose range would be (C, G), relative."""
    if not len(way):
        return way
    spectrum = stopping_power(kinetic, MASSES[hypothesis], material).log() - kinetic / SPECTRUM
    survived = expected_ends(residual, hypothesis, material) - expected_ends(way, hypothesis, material)
    edges = torch.cat([residual[:1], (residual[1:-1] * residual[2:]).sqrt(), residual[-1:]])
    cell = edges.diff().log()
    ended = torch.where(stops[:, None], end_rates(residual[1:], hypothesis, material).log(), 0.0)
    first = torch.where(stops, spectrum[:, 0] + survived[:, 0], -torch.inf)
    return torch.cat([first[:, None], spectrum[:, 1:] + survived[:, 1:] + ended + cell], dim=1)


def with_scattering(ends: OpenEnds, value: Tensor, low: Tensor, high: Tensor) -> OpenEnds:
    """The same with what multiple scattering says: momenta (C, M) in MeV, NaN if it says nothing.

    It is Student's distribution in ln p with a width to either side; it does not fall where the interval is open
    (infinite). Hadrons scatter off nuclei besides, so theirs has wide tails.
    """
    masses = ends.kinetic.new_tensor(MASSES)[:, None]
    p = momentum(ends.kinetic, masses).log()
    centre, lower, upper = (x.double().log()[:, :, None] for x in (value, low, high))
    pull = (p - centre) / torch.where(p > centre, upper - centre, centre - lower).clamp(min=1e-3)
    fall = 0.5 * (HARD + 1) * torch.log1p(pull.nan_to_num().square() / HARD)
    return replace(ends, likelihood=ends.likelihood - fall, turned=ends.turned - fall[:, :, 0])


def probabilities(ends: OpenEnds) -> Float[Tensor, "c m g"]:
    """Probability (C, M, G) of each residual range; the first that the particle stopped, at either end of its track."""
    forward = ends.likelihood + ends.prior
    weight = torch.cat([forward, ends.turned[:, :, None]], dim=2).softmax(dim=2)
    return torch.cat([weight[:, :, :1] + weight[:, :, -1:], weight[:, :, 1:-1]], dim=2)


@dataclass(frozen=True, eq=False)
class Interval:
    """Momenta at the start (C, M) in MeV: the most likely one, and the ends of its 68 % interval.

    Args:
        value: NaN where nothing was seen.
        low: That of the length where the particle may have stopped.
        high: Infinite where nothing that was seen limits it.
    """

    value: Float[Tensor, "c m"]
    low: Float[Tensor, "c m"]
    high: Float[Tensor, "c m"]


def most_likely(ends: OpenEnds) -> Interval:
    """Momenta of the most likely residual range, whatever was known before, and where chi^2 is 1 more."""
    likelihood = ends.likelihood
    points = likelihood.shape[2]
    best, peak = _summit(likelihood)
    drop = likelihood - (peak - _DROP)[:, :, None]
    index, inside = torch.arange(points), drop >= 0
    first = torch.where(inside, index, points - 1).amin(2).minimum(best.floor().long())
    last = torch.where(inside, index, 0).amax(2).maximum(best.ceil().long())
    lower, upper = _crossing(drop, first - 1, first), _crossing(drop, last, last + 1)
    p = momentum(ends.kinetic, ends.kinetic.new_tensor(MASSES)[:, None])
    value, low, high = (_between(p, place) for place in (best, lower, upper))
    unknown = ~ends.known[:, None]
    high = torch.where(last >= points - 1, torch.inf, high)
    return Interval(*(torch.where(unknown, torch.nan, x) for x in (value, low, high)))


def _summit(likelihood: Float[Tensor, "c m g"]) -> tuple[Float[Tensor, "c m"], Float[Tensor, "c m"]]:
    """Place on the grid (C, M) and height (C, M) of the maximum, by a parabola through the points about it."""
    points = likelihood.shape[2]
    best = likelihood.argmax(2)
    at = best.clamp(1, points - 2)
    low, mid, high = (likelihood.gather(2, (at + k)[:, :, None])[:, :, 0] for k in (-1, 0, 1))
    bend = low - 2 * mid + high
    inner = (best == at) & (bend < 0)
    shift = torch.where(inner, 0.5 * (low - high) / bend.clamp(max=-1e-12), 0.0).clamp(-0.5, 0.5)
    return best + shift, likelihood.amax(2) - 0.25 * (low - high) * shift


def _crossing(
    drop: Float[Tensor, "c m g"], left: Int[Tensor, "c m"], right: Int[Tensor, "c m"]
) -> Float[Tensor, "c m"]:
    """Place on the grid (C, M) between two neighbours where a straight line is zero; the end beyond either end."""
    points = drop.shape[2]
    left, right = left.clamp(min=0), right.clamp(max=points - 1)
    a, b = (drop.gather(2, k[:, :, None])[:, :, 0] for k in (left, right))
    part = torch.where((a < 0) != (b < 0), a / (a - b), 0.0)
    return left + part.nan_to_num()


def _between(values: Float[Tensor, "c m g"], place: Float[Tensor, "c m"]) -> Float[Tensor, "c m"]:
    """Values (C, M) at places of the grid, interpolated."""
    left = place.floor().long().clamp(0, values.shape[2] - 2)
    a, b = (values.gather(2, k[:, :, None])[:, :, 0] for k in (left, left + 1))
    return torch.lerp(a, b, place - left)
