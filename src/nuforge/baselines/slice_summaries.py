"""Summaries of slices: what a person would histogram first, one number an event each."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from nuforge.detectors.nova import SegmentedDetector
from nuforge.events import Events
from nuforge.simulation.cells.places import Places, places_of
from nuforge.simulation.cells.walls import ways_to_walls

_PRONG = ("energy", "length", "gap", "planes", "start_loss", "mean_loss", "end_loss", "width", "longest_gap")
"""What is taken of a prong as it is."""
_VERTEX = 40.0  # cm around the vertex

SLICE_SUMMARIES: tuple[str, ...] = (
    "hits",
    "hits in view X, fraction",
    "energy",
    "energy in view X, fraction",
    "energy per hit",
    "energy in hits above 20 MeV, fraction",
    "planes",
    "planes spanned",
    "hits per plane",
    "cells spanned, X",
    "cells spanned, Y",
    "way to the nearest side wall",
    "way to the roof",
    "way to the front",
    "way to the back",
    "vertex to the nearest side wall",
    "vertex to the roof",
    "vertex to the front",
    "slope, X",
    "slope, Y",
    "width across the slope, X",
    "width across the slope, Y",
    "length along the slope",
    "energy in the first third, fraction",
    "energy in the last third, fraction",
    "energy near the vertex",
    "prongs",
    "prongs in both views",
    "energy in prongs, fraction",
    "transverse energy, fraction",
    "mass of the two leading prongs",
    "angle of the two leading prongs",
    *(f"{which} prong, {what}" for which in ("leading", "second", "longest") for what in (
        *_PRONG, "energy, fraction of the slice", "cosine to the beam", "upwards")),
)  # fmt: skip
"""Names of the columns. MeV, cm, MeV/cm; what is not there counts 0.

The leading prong is that of most energy, the second the next. Slopes are cosines to the beam of the axis with the
smallest energy-weighted width in a view. The mass is that of two photons, as of a neutral pion.
"""


def slice_summaries(readout: Events, detector: SegmentedDetector) -> Float[Tensor, "b f"]:
    """`SLICE_SUMMARIES` (B, F) float32 of events that are one slice each; zeros of a slice without hits.

    Args:
        readout: Events with `hits` (energy, prong), `prongs` and `event.vertex`.
        detector: Says where cells and walls are.
    """
    places, n = places_of(readout, detector), len(readout)
    parts = [
        _hits(readout, places, n),
        _walls(readout, detector),
        _slopes(places, n),
        _along(readout, places, n),
        _prongs(readout, places, n),
    ]
    return torch.nan_to_num(torch.cat(parts, 1), 0.0, 0.0, 0.0).float()


def summaries_named(summaries: Float[Tensor, "b f"], names: tuple[str, ...]) -> Float[Tensor, "b n"]:
    """Some of the columns (B, N), by their names."""
    return summaries[:, [SLICE_SUMMARIES.index(name) for name in names]]


def leading_prongs(readout: Events, column: str = "energy", rank: int = 0) -> Tensor:
    """The row (B,) in `prongs` of the prong with the largest (next, ...) value of a column, -1 without one."""
    prongs = readout["prongs"]
    order = torch.argsort(prongs[column], descending=True, stable=True)
    order = order[torch.argsort(prongs.batch[order], stable=True)]  # by event, the largest first
    found = torch.full((len(readout),), -1)
    has = prongs.counts > rank
    found[has] = order[prongs.offsets[:-1][has] + rank]
    return found


def _total(event: Tensor, value: Tensor, n: int) -> Tensor:
    return torch.zeros(n, dtype=torch.float64).index_add_(0, event, value.double())


def _extreme(event: Tensor, value: Tensor, n: int, kind: str) -> Tensor:
    """Smallest or largest value (n,) of each event, 0 of none."""
    start = torch.inf if kind == "amin" else -torch.inf
    found = torch.full((n,), start, dtype=torch.float64).scatter_reduce(0, event, value.double(), kind)
    return torch.where(found.isfinite(), found, 0.0)


def _hits(readout: Events, places: Places, n: int) -> Tensor:
    hits, event, energy = readout["hits"], places.event, places.charge
    count, total = hits.counts.double(), _total(event, energy, n)
    in_x = (places.view == 0).double()
    plane = hits["plane"].long()
    different = torch.unique(event * 4096 + plane)
    planes = torch.bincount(torch.div(different, 4096, rounding_mode="floor"), minlength=n).double()
    spanned = _extreme(event, plane, n, "amax") - _extreme(event, plane, n, "amin") + (count > 0)
    spans = []
    for view in (0, 1):
        mine = places.view == view
        cell = hits["cell"].long()[mine]
        ends = [_extreme(event[mine], cell, n, kind) for kind in ("amax", "amin")]
        spans.append(ends[0] - ends[1])
    columns = [
        count,
        _total(event, in_x, n) / count.clamp(min=1),
        total,
        _total(event, in_x * energy, n) / total.clamp(min=1e-9),
        total / count.clamp(min=1),
        _total(event, energy * (energy > 20.0), n) / total.clamp(min=1e-9),
        planes,
        spanned,
        count / planes.clamp(min=1),
        *spans,
    ]
    return torch.stack(columns, 1)


def _walls(readout: Events, detector: SegmentedDetector) -> Tensor:
    """Ways of the hits and of the vertex to the walls, cm; 0 where none tells."""
    ways, low, side = ways_to_walls(readout, detector), detector.origin, detector.readout.length
    vertex = readout["event"]["vertex"].double()
    corner = torch.tensor(low[:2], dtype=torch.float64)
    to_sides = torch.minimum(vertex[:, :2] - corner, corner + side - vertex[:, :2]).amin(1)
    of_hits = torch.stack([ways[:, :4].amin(1), ways[:, 3], ways[:, 4], ways[:, 5]], 1)
    of_vertex = torch.stack([to_sides, low[1] + side - vertex[:, 1], vertex[:, 2] - low[2]], 1)
    some = (readout["hits"].counts > 0)[:, None]
    return torch.cat([torch.where(of_hits.isfinite(), of_hits, 0.0), torch.where(some, of_vertex, 0.0)], 1)


def _slopes(places: Places, n: int) -> Tensor:
    """Cosine to the beam and width in each view, and the longer of the lengths along the axes."""
    group, w = places.group, places.charge
    total = _total(group, w, 2 * n).clamp(min=1e-9)
    z = places.z - (_total(group, w * places.z, 2 * n) / total)[group]
    u = places.u - (_total(group, w * places.u, 2 * n) / total)[group]
    zz, uu, zu = (_total(group, w * x, 2 * n) / total for x in (z * z, u * u, z * u))
    angle = 0.5 * torch.atan2(2 * zu, zz - uu)
    across = -z * angle.sin()[group] + u * angle.cos()[group]
    along = z * angle.cos()[group] + u * angle.sin()[group]
    width = (_total(group, w * across**2, 2 * n) / total).sqrt()
    length = _extreme(group, along, 2 * n, "amax") - _extreme(group, along, 2 * n, "amin")
    seen = torch.bincount(group, minlength=2 * n) > 0
    slope = torch.where(seen, angle.cos(), 0.0)
    return torch.cat([slope.view(n, 2), width.view(n, 2), length.view(n, 2).amax(1, keepdim=True)], 1)


def _along(readout: Events, places: Places, n: int) -> Tensor:
    event, energy = places.event, places.charge
    first, last = (_extreme(event, places.z, n, kind)[event] for kind in ("amin", "amax"))
    place = (places.z - first) / (last - first).clamp(min=1e-9)
    total = _total(event, energy, n).clamp(min=1e-9)
    vertex = readout["event"]["vertex"].double()[event]
    aside = places.u - torch.where(places.view == 0, vertex[:, 0], vertex[:, 1])
    near = torch.hypot(places.z - vertex[:, 2], aside) < _VERTEX
    columns = [
        _total(event, energy * (place <= 1 / 3), n) / total,
        _total(event, energy * (place > 2 / 3), n) / total,
        _total(event, energy * near, n),
    ]
    return torch.stack(columns, 1)


def _prongs(readout: Events, places: Places, n: int) -> Tensor:
    prongs = readout["prongs"]
    energy, direction, event = prongs["energy"].double(), prongs["direction"].double(), prongs.batch
    whole = _total(places.event, places.charge, n).clamp(min=1e-9)
    inside = _total(event, energy, n)
    sideways = torch.stack([_total(event, energy * direction[:, i], n) for i in (0, 1)], 1).norm(dim=1)
    both = _total(event, (prongs["hits_x"] > 0) & (prongs["hits_y"] > 0), n)
    rows = [leading_prongs(readout), leading_prongs(readout, rank=1), leading_prongs(readout, "length")]
    e, d = (_of(value, rows[:2]) for value in (energy, direction))
    cosine = (d[0] * d[1]).sum(1).clamp(-1, 1)
    pair = rows[1] >= 0
    mass = torch.where(pair, (2 * e[0] * e[1] * (1 - cosine)).clamp(min=0).sqrt(), 0.0)
    angle = torch.where(pair, cosine.arccos(), 0.0)
    general = [prongs.counts.double(), both, inside / whole, sideways / inside.clamp(min=1e-9), mass, angle]
    single = [
        value
        for row in rows
        for value in (
            *(_of(prongs[name].double(), [row])[0] for name in _PRONG),
            _of(energy, [row])[0] / whole,
            _of(direction[:, 2], [row])[0],
            _of(direction[:, 1], [row])[0],
        )
    ]
    return torch.stack([*general, *single], 1)


def _of(value: Tensor, rows: list[Tensor]) -> list[Tensor]:
    """Values (P, ...) at rows (B,), 0 where the row is -1."""
    padded = torch.cat([value, torch.zeros_like(value[:1]) if len(value) else value.new_zeros(1, *value.shape[1:])])
    return [padded[torch.where(row >= 0, row, len(value))] for row in rows]
