"""Tracks in cells, followed from where they begin: straight for a step, then turned to the hits ahead, to the end."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from nuforge.detectors.nova import SegmentedDetector
from nuforge.simulation.cells.places import Places

STEP = 26.0
"""cm, four planes: how far a track is straight. Steps are longer for tracks that are steep (`_STEEP`)."""
MUON_LOSS = (0.7, 2.2)
"""MeV/cm of calibrated energy over a step between which a muon is alone there. Its mean is 1.4."""
_LOSS = 1.45
"""MeV/cm that a muon has of a step where it is not alone."""
_AHEAD = 120.0  # cm: hits this far ahead turn the track
_GAP = 300.0  # cm: a muon along the cells of a dead module is not seen in one view for a metre or two
_AGAIN = 3  # hits behind such a gap
_ROAD = 7.0  # cm on either side: nearly two cells
_WIDENING = 0.03  # of the road, per cm ahead, beyond a gap
_WANDER = 0.06  # rad: turn of a step, that of a muon of 200 MeV/c over its 0.7 radiation lengths
_OFF, _OFF_AT_FIRST = 1.0, 4.0  # cm: how far aside of the expected place a step begins; at first by the vertex's error
_RESOLUTION = 1.5  # cm: a cell is 3.9 wide
_OUTLIERS = (4.0, 2.5, 2.0)  # resolutions from which on hits count less, in one fit after the other
_BEYOND = 8.0  # cm: how far one view alone may end after the other: a plane
_CENTRAL = 5.0  # cm aside: of a muon
_STEEP = 0.35  # cosine to the beam below which steps are as for that
_BEHIND = 10.0  # cm
_STEPS = 150


@dataclass(frozen=True)
class Followed:
    """What T tracks are.

    Args:
        length: Along the track, cm (T,).
        calm: How much of that in steps with the energy of a muon alone, cm (T,).
        energy: Calibrated energy of the muon: what is near the track, no more than a muon's where it is not alone, MeV.
        seen: Hits over cells crossed in the view where that is less, 1 at most (T,).
        direction: Unit vector at the beginning (T, 3).
    """

    length: Float[Tensor, " t"]
    calm: Float[Tensor, " t"]
    energy: Float[Tensor, " t"]
    seen: Float[Tensor, " t"]
    direction: Float[Tensor, "t 3"]


@dataclass(frozen=True)
class _Hits:
    """Hits (N,) of tracks: one of two tracks is there twice. `alone` is less where there are many in a plane."""

    track: Tensor
    view: Tensor
    z: Tensor
    u: Tensor
    energy: Tensor
    alone: Tensor

    def kept(self, chosen: Tensor, place: Tensor) -> _Hits:
        """Some of them, with new numbers of their tracks."""
        columns = (self.view, self.z, self.u, self.energy, self.alone)
        return _Hits(place[self.track[chosen]], *(column[chosen] for column in columns))


def follow(
    places: Places,
    detector: SegmentedDetector,
    event: Int[Tensor, " t"],
    point: Float[Tensor, "t 3"],
    direction: Float[Tensor, "t 3"],
) -> Followed:
    """Tracks of particles that scatter, from a first guess to where their hits end.

    In every step a line is fitted to the hits ahead in both views at once, which may turn as much as a muon scatters;
    hits aside count the less the farther they are and the more hits their plane has. The track goes on while both
    views, or one with the other again behind a gap, have hits ahead.

    Args:
        places: Hits.
        detector: Says how wide cells are.
        event: Of each track.
        point: Where it begins, about, cm.
        direction: Unit vector, about.
    """
    n, readout = len(event), detector.readout
    hits = _hits_of(places, event)
    length, calm, energy = (torch.zeros(n, dtype=torch.float64) for _ in range(3))
    seen, crossed = (torch.zeros(n, 2, dtype=torch.float64) for _ in range(2))
    begin, active = direction.double().clone(), torch.arange(n)
    point, direction = point.double(), direction.double()
    for number in range(_STEPS):
        if not len(active):
            break
        point, direction = _turned(hits, point, direction, number == 0)
        if number == 0:
            begin = direction
        along, aside, _ = _seen_from(hits, point, direction)
        way, goes = _way(hits, along, aside, direction)
        inside = (along >= 0) & (along < way[hits.track] + 1e-6) & (aside.abs() < _ROAD)
        had = torch.zeros_like(way).index_add_(0, hits.track[inside], hits.energy[inside])
        loss = had / way.clamp(min=readout.depth)
        is_calm = (loss > MUON_LOSS[0]) & (loss < MUON_LOSS[1])
        length[active] += way
        calm[active] += torch.where(is_calm, way, 0.0)
        energy[active] += torch.where(is_calm, had, torch.minimum(had, _LOSS * way))
        central = inside & (aside.abs() < _CENTRAL)
        seen[active] += torch.bincount((2 * hits.track + hits.view)[central], minlength=2 * len(way)).view(-1, 2)
        per_cm = direction[:, 2:].abs() / (2 * readout.depth) + direction[:, :2].abs() / (2 * readout.width)
        crossed[active] += way[:, None] * per_cm
        place = goes.cumsum(0) - 1
        hits = hits.kept(goes[hits.track] & (along > 0), place)
        point, direction, active = (point + way[:, None] * direction)[goes], direction[goes], active[goes]
    share = (seen / crossed.clamp(min=1)).clamp(max=1).amin(1)
    return Followed(length, calm, energy, share, begin)


def _hits_of(places: Places, event: Tensor) -> _Hits:
    """The hits of the event of each track."""
    counts = torch.bincount(places.event, minlength=places.n_events)
    of_track = counts[event]
    track = torch.repeat_interleave(torch.arange(len(event)), of_track)
    order = torch.argsort(places.event, stable=True)
    begin = (counts.cumsum(0) - counts)[event] - (of_track.cumsum(0) - of_track)
    hit = order[begin[track] + torch.arange(len(track))]
    z, u = places.z[hit], places.u[hit]
    plane = torch.stack([places.group.double(), places.z], 1)
    _, which, many = torch.unique(plane, dim=0, return_inverse=True, return_counts=True)
    return _Hits(track, places.view[hit], z, u, places.charge[hit], 1 / many[which][hit].double())


def _seen_from(hits: _Hits, point: Tensor, direction: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Way along its track (N,) cm to where each hit is nearest to it, how far aside (N,), and the way aside (N, 3)."""
    p, d = point[hits.track], direction[hits.track]
    in_x = hits.view == 0
    across, at = torch.where(in_x, d[:, 0], d[:, 1]), torch.where(in_x, p[:, 0], p[:, 1])
    flat = torch.hypot(across, d[:, 2]).clamp(min=1e-2)
    z, u = hits.z - p[:, 2], hits.u - at
    along, aside = (z * d[:, 2] + u * across) / flat**2, (u * d[:, 2] - z * across) / flat
    to_u, none = d[:, 2] / flat, torch.zeros_like(z)
    normal = torch.stack([torch.where(in_x, to_u, none), torch.where(in_x, none, to_u), -across / flat], 1)
    return along, aside, normal


def _turned(hits: _Hits, point: Tensor, direction: Tensor, first: bool) -> tuple[Tensor, Tensor]:
    """Points and directions (T, 3) after a fit to the hits ahead, with what is expected of both."""
    along, aside, normal = _seen_from(hits, point, direction)
    reach = (2 * _AHEAD if first else _AHEAD) * _scale(direction)
    ahead = ((along > -_BEHIND) & (along < reach[hits.track])).nonzero().squeeze(1)
    track, alone, n = hits.track[ahead], hits.alone[ahead], len(point)
    slope = torch.cat([normal[ahead], normal[ahead] * along[ahead, None]], 1) / _RESOLUTION
    wanted = aside[ahead] / _RESOLUTION
    off = _OFF_AT_FIRST if first else _OFF
    expected = torch.diag(torch.tensor([off**-2] * 3 + [_WANDER**-2] * 3, dtype=torch.float64))
    change = torch.zeros(n, 6, dtype=torch.float64)
    for outlier in _OUTLIERS:
        left = wanted - (slope * change[track]).sum(1)
        pull = slope * (alone * (1 + (left / outlier).square()).pow(-2))[:, None]
        square = (pull[:, :, None] * slope[:, None]).flatten(1)
        system = torch.zeros(n, 36, dtype=torch.float64).index_add_(0, track, square).view(n, 6, 6) + expected
        change = torch.linalg.solve(system, torch.zeros_like(change).index_add_(0, track, pull * wanted[:, None]))
    return point + change[:, :3], torch.nn.functional.normalize(direction + change[:, 3:], dim=1)


def _way(hits: _Hits, along: Tensor, aside: Tensor, direction: Tensor) -> tuple[Tensor, Tensor]:
    """How far tracks (T,) go now, cm, and whether they go on (T,)."""
    n, scale = len(direction), _scale(direction)
    side, here = 2 * hits.track + hits.view, scale[hits.track]
    near = (along > -_BEHIND / 2) & (along < _AHEAD * here) & (aside.abs() < _ROAD)
    last = torch.full((2 * n,), -torch.inf, dtype=torch.float64)
    last = last.scatter_reduce(0, side[near], along[near], "amax").view(n, 2)
    low, high = last.amin(1), last.amax(1)
    far = (along > STEP * here) & (along < _GAP * here) & (aside.abs() < _ROAD + _WIDENING * along)
    again = (torch.bincount(side[far], minlength=2 * n).view(n, 2) >= _AGAIN).all(1)
    step = STEP * scale
    goes = (low > step) | ((high > step) & again)
    end = torch.minimum(high, low.clamp(min=0) + _BEYOND * scale).clamp(min=0)
    return torch.where(goes, step, end), goes


def _scale(direction: Tensor) -> Tensor:
    """How much longer than along the beam steps are (T,): as many planes, but for steep tracks."""
    return 1 / direction[:, 2].abs().clamp(min=_STEEP)
