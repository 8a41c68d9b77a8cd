"""Prongs: hits of a view in one direction from the vertex, and pairs of both views that are one particle's."""

from dataclasses import dataclass

import torch
from torch import Tensor

from nuforge.detectors.nova import SegmentedDetector
from nuforge.events import Column, Events, Table
from nuforge.simulation.cells.directions import angles_of, angular_peaks, apart, blur
from nuforge.simulation.cells.matching import matched
from nuforge.simulation.cells.measured import PRONG_COLUMNS, measured
from nuforge.simulation.cells.places import Places, places_of

_MOST = 5  # prongs of a view
_ROUNDS = 6
_NOBODY = 6.0  # half the squared distance, in blurs, from which on a hit is nobody's
_SAME = 0.12  # rad: two prongs this near are one
_TOUCHING = 8.0  # cm: hits this near the vertex go with the prong of most energy
_OF_HIT = {"prong": Column("", "the prong it is in, -1 for none", "readout", "prongs")}


@dataclass(frozen=True)
class ViewProngs:
    """Up to K prongs in each of 2 B views.

    Args:
        angle: (2 B, K) rad in the plane of z and u.
        is_prong: (2 B, K) whether there is one.
        of_hit: (N,) the prong of each hit in its view, -1 for none.
    """

    angle: Tensor
    is_prong: Tensor
    of_hit: Tensor


def find_prongs(events: Events, detector: SegmentedDetector) -> Events:
    """Events with `prongs` and `hits.prong`; an event is one slice with a vertex.

    In each view fuzzy clusters of angles about the vertex, one for each direction in which hits lie; then prongs of
    both views whose energy falls alike along the beam are one in space. Those without a partner stay, seen in one view.
    Nothing here knows who made the hits: prongs merge, split and share hits wrongly as they do in data.

    Args:
        events: With `hits` that have an `energy`, and `event.vertex`.
        detector: Says where cells are.

    Source: Krishnapuram and Keller, IEEE Trans. Fuzzy Syst. 1 (1993) 98, in NOvA: Niner, thesis, Indiana 2015.
    """
    places = places_of(events, detector)
    vertex = events["event"]["vertex"].double()
    views = view_prongs(places, vertex)
    pairs = matched(places, vertex, views.of_hit, views.is_prong)
    row = torch.full((2 * len(events), _MOST), -1)
    both = torch.arange(len(pairs.event))
    for view, number in enumerate((pairs.in_x, pairs.in_y)):
        has = number >= 0
        row[2 * pairs.event[has] + view, number[has]] = both[has]
    of_hit = torch.where(views.of_hit >= 0, row[places.group, views.of_hit.clamp(min=0)], -1)
    values = measured(places, vertex, of_hit, pairs, views.angle)
    order = torch.argsort(values["energy"], descending=True, stable=True)
    order = order[torch.argsort(pairs.event[order], stable=True)]
    place = torch.empty_like(order)
    place[order] = torch.arange(len(order))
    of_hit = torch.where(of_hit >= 0, place[of_hit.clamp(min=0)] if len(place) else of_hit, -1)
    counts = torch.bincount(pairs.event, minlength=len(events))
    prongs = Table.from_counts({name: value[order] for name, value in values.items()}, counts, about=PRONG_COLUMNS)
    hits = events["hits"].with_columns({"prong": of_hit}, about=_OF_HIT)
    return events.with_table("prongs", prongs).with_table("hits", hits)


def view_prongs(places: Places, vertex: Tensor) -> ViewProngs:
    """Fuzzy clusters of the angles of hits about their vertices (B, 3), in each view."""
    groups = 2 * places.n_events
    center, known = angular_peaks(places, vertex, _MOST)
    angle, distance = angles_of(places, vertex)
    width = blur(distance)
    weight = places.charge.clamp(min=0) / width
    for _ in range(_ROUNDS):
        member = _membership(angle, width, center, known, places.group)
        pull = (member * weight[:, None])[..., None] * torch.stack([angle.cos(), angle.sin()], 1)[:, None]
        total = torch.zeros(groups, _MOST, 2, dtype=pull.dtype).index_add_(0, places.group, pull)
        center = torch.where(total.norm(dim=2) > 0, torch.atan2(total[..., 1], total[..., 0]), center)
        known = known & ~_doubled(center, known)
    member = _membership(angle, width, center, known, places.group)
    best = member.max(1)
    of_hit = torch.where(best.values > 0.2, best.indices, -1)
    energy = _energies(places, of_hit, groups)
    leading = energy.argmax(1)[places.group]
    touching = (distance < _TOUCHING) & (energy.amax(1)[places.group] > 0)
    of_hit = torch.where(touching, leading, of_hit)
    hits = torch.zeros(groups * _MOST, dtype=torch.int64)
    seen = of_hit >= 0
    hits.index_add_(0, (places.group * _MOST + of_hit)[seen], torch.ones_like(of_hit[seen]))
    is_prong = known & (hits.view(groups, _MOST) >= 2)
    of_hit = torch.where(seen & is_prong[places.group, of_hit.clamp(min=0)], of_hit, -1)
    return ViewProngs(center, is_prong, of_hit)


def _membership(angle: Tensor, width: Tensor, center: Tensor, known: Tensor, group: Tensor) -> Tensor:
    """How much of each hit (N, K) belongs to each prong of its view; less than all, where noise takes some."""
    away = 0.5 * (apart(angle[:, None], center[group]) / width[:, None]).square()
    away = torch.where(known[group], away, torch.inf)
    nobody = torch.full_like(away[:, :1], _NOBODY)
    return torch.softmax(-torch.cat([away, nobody], 1), 1)[:, :-1]


def _doubled(center: Tensor, known: Tensor) -> Tensor:
    """Which prongs (G, K) are as good as one before them."""
    near = apart(center[:, :, None], center[:, None]).abs() < _SAME
    earlier = torch.ones(center.shape[1], center.shape[1], dtype=torch.bool).tril(-1)
    return (near & known[:, None] & earlier).any(2) & known


def _energies(places: Places, of_hit: Tensor, groups: int) -> Tensor:
    """Energy (G, K) MeV of prongs."""
    energy = torch.zeros(groups * _MOST, dtype=torch.float64)
    seen = of_hit >= 0
    energy.index_add_(0, (places.group * _MOST + of_hit)[seen], places.charge[seen])
    return energy.view(groups, _MOST)
