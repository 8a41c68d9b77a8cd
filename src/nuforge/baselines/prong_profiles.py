"""Profiles of prongs in segmented scintillator: energy by plane along them, and by cell across."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from nuforge.detectors.nova import SegmentedDetector
from nuforge.events import Events
from nuforge.simulation.cells.places import places_of

PLANES, CELLS = 40, 10
"""Planes along a prong (2.6 m, seven radiation lengths), and cells aside of it (39 cm), that are looked at."""
_STEEPEST = 0.2  # of the direction along the beam: beyond it a prong has no more than a few planes


@dataclass(frozen=True)
class Profiles:
    """What P prongs look like; planes are counted from 0, along the prong or back from its end.

    Args:
        along: MeV/cm in each plane from the start (P, PLANES).
        back: MeV/cm in each plane from the end (P, PLANES).
        sees_along: Whether the plane is between start and end, and of a view in which the prong is seen (P, PLANES).
        sees_back: The same from the end.
        aside: Share of the prong's energy in cells at that distance from its axis (P, CELLS).
        kinks: How far aside of the straight line the middle one of three planes of a view is, cm, from the end
            (P, PLANES - 4); NaN where one has no hit.
        calm: Share of the planes between start and end in which the slice has no more than one muon's energy (P,).
    """

    along: Float[Tensor, "p planes"]
    back: Float[Tensor, "p planes"]
    sees_along: Bool[Tensor, "p planes"]
    sees_back: Bool[Tensor, "p planes"]
    aside: Float[Tensor, "p cells"]
    kinks: Float[Tensor, "p kinks"]
    calm: Float[Tensor, " p"]


ONE_MUON = 18.0
"""MeV in a plane, of a path straight through: a muon leaves 10, and less than this nine times of ten."""


def prong_profiles(readout: Events, detector: SegmentedDetector) -> Profiles:
    """The profiles of `prongs`, in their order.

    Args:
        readout: Events with `hits` (energy, prong), `prongs` and `event.vertex`.
        detector: Says where cells are.
    """
    hits, prongs = readout["hits"], readout["prongs"]
    n, depth, width = len(prongs), detector.readout.depth, detector.readout.width
    seen = (hits["prong"] >= 0).nonzero().squeeze(1)
    row, plane, energy = hits["prong"][seen], hits["plane"][seen].long(), hits["energy"][seen].double()
    first, last = _ends(row, plane, n)
    direction = prongs["direction"].double()
    forward = direction[:, 2] >= 0
    sign = torch.where(forward, 1, -1)
    begin, end = torch.where(forward, first, last), torch.where(forward, last, first)
    path = depth / direction[:, 2].abs().clamp(min=_STEEPEST)
    steps = (plane - begin[row]) * sign[row], (end[row] - plane) * sign[row]
    along, back = (_grid(row, step, energy, n, PLANES) for step in steps)
    count = torch.arange(PLANES)
    planes = begin[:, None] + sign[:, None] * count, end[:, None] - sign[:, None] * count
    views = torch.stack([prongs["hits_x"] > 0, prongs["hits_y"] > 0], 1)
    inside = count <= (last - first)[:, None]
    sees_along, sees_back = (views.gather(1, p.clamp(min=0) % 2) & inside for p in planes)
    moment = _grid(row, steps[1], energy * hits["cell"][seen].double() * width, n, PLANES)
    return Profiles(
        along=(along / path[:, None]).float(),
        back=(back / path[:, None]).float(),
        sees_along=sees_along,
        sees_back=sees_back,
        aside=_aside(readout, detector, seen, row, energy, n),
        kinks=_kinks(moment / back),
        calm=_calm(readout, detector, first, last, path),
    )


def _ends(row: Tensor, plane: Tensor, n: int) -> tuple[Tensor, Tensor]:
    """First and last plane (n,) of each prong."""
    first = torch.full((n,), 1 << 30).scatter_reduce(0, row, plane, "amin")
    last = torch.full((n,), -1).scatter_reduce(0, row, plane, "amax")
    return torch.where(last < 0, 0, first), last.clamp(min=0)


def _grid(row: Tensor, place: Tensor, value: Tensor, n: int, size: int) -> Tensor:
    """Sums (n, size) of values by row and place; what is beyond the last place is left out."""
    inside = (place >= 0) & (place < size)
    code = (row * size + place)[inside]
    return torch.bincount(code, value[inside], n * size).reshape(n, size)


def _aside(
    readout: Events, detector: SegmentedDetector, seen: Tensor, row: Tensor, energy: Tensor, n: int
) -> Float[Tensor, "n cells"]:
    places, direction = places_of(readout, detector), readout["prongs"]["direction"].double()[row]
    view, vertex = places.view[seen], readout["event"]["vertex"].double()[places.event[seen]]
    z = places.z[seen] - vertex[:, 2]
    u = places.u[seen] - torch.where(view == 0, vertex[:, 0], vertex[:, 1])
    across = torch.where(view == 0, direction[:, 0], direction[:, 1])
    distance = (u * direction[:, 2] - z * across).abs() / torch.hypot(across, direction[:, 2]).clamp(min=1e-3)
    cell = (distance / detector.readout.width + 0.5).floor().long().clamp(max=CELLS - 1)
    of_cell = _grid(row, cell, energy, n, CELLS)
    return (of_cell / of_cell.sum(1, keepdim=True).clamp(min=1e-9)).float()


def _kinks(centre: Tensor) -> Float[Tensor, "n kinks"]:
    """From middles (n, PLANES) cm of planes, NaN where there is no hit; planes of one view are every other one."""
    return ((centre[:, :-4] + centre[:, 4:]) / 2 - centre[:, 2:-2]).float()


def _calm(
    readout: Events, detector: SegmentedDetector, first: Tensor, last: Tensor, path: Tensor
) -> Float[Tensor, " n"]:
    hits, planes = readout["hits"], detector.readout.planes
    code = hits.batch * planes + hits["plane"].long()
    in_plane = torch.bincount(code, hits["energy"].double(), len(readout) * planes).reshape(len(readout), planes)
    event = readout["prongs"].batch
    count = torch.arange(2 * PLANES)
    place = first[:, None] + count
    energy = in_plane[event[:, None], place.clamp(max=planes - 1)] * (detector.readout.depth / path)[:, None]
    inside = (place <= last[:, None]) & (energy > 0)
    quiet = inside & (energy < ONE_MUON)
    return (quiet.sum(1) / inside.sum(1).clamp(min=1)).float()
