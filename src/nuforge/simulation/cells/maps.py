"""Pixel maps: what networks look at, a slice in two views of 100 planes and 80 cells."""

import torch
from torch import Tensor

from nuforge.detectors.nova import SegmentedDetector
from nuforge.events import Column, Events, Table
from nuforge.events.images import MAP
from nuforge.simulation.cells.places import places_of

PLANES, CELLS = MAP
"""Planes of each view and cells of a map."""
PER_COUNT = 278.0 / 255
"""MeV of a count: 255 are 278 MeV, and a muon's 10 MeV are 9. Median of filled pixels of NOvA's files: 9."""
_CENTRED = 30  # rows that decide where the middle of a map is

_PIXELS = {
    "view": Column("", "view: 0 X, 1 Y", "readout"),
    "row": Column("", "plane in the map", "readout"),
    "column": Column("", "cell in the map", "readout"),
    "charge": Column("", "charge in 1 to 255", "readout"),
    "hit": Column("", "the brightest hit of it", "readout", "hits"),
}
_EVENT = {
    "first_plane": Column("", "number of the detector's plane at row 0 of the map of view X", "readout"),
    "first_cell": Column("", "number of the cell at column 0 of the maps of both views", "readout"),
}


def pixel_maps(events: Events, detector: SegmentedDetector) -> Events:
    """Events with `pixels`, and where the maps are in the detector; an event is one slice.

    The maps begin with the first plane of the slice, and are centred in each view at the mean cell of its first 30
    rows (4 m), weighted with energy: what leaves a map leaves it far from the vertex. Rows count the planes of their
    own view: every other plane of the detector. What is outside is left out; charges are whole numbers up to 255, and
    pixels of 0 are not there.

    Args:
        events: With `hits` that have an `energy`.
        detector: Says where cells are.
    """
    hits, n = events["hits"], len(events)
    places = places_of(events, detector)
    first_plane = torch.full((n,), detector.readout.planes, dtype=torch.int64)
    first_plane.scatter_reduce_(0, hits.batch, hits["plane"].to(torch.int64), "amin")
    first_plane = torch.where(hits.counts > 0, first_plane - first_plane % 2, 0)
    row = torch.div(hits["plane"] - first_plane[places.event], 2, rounding_mode="floor")
    early = torch.where(row < _CENTRED, places.charge, 1e-9 * places.charge)
    first_cell = _mean_cell(places.group, hits["cell"].double(), early, n) - CELLS // 2
    column = hits["cell"] - first_cell[places.group]
    inside = (row < PLANES) & (column >= 0) & (column < CELLS)
    code = ((places.group * PLANES + row) * CELLS + column)[inside]
    where = inside.nonzero().squeeze(1)
    order = torch.argsort(code, stable=True)
    code, where = code[order], where[order]
    pixel, place = torch.unique_consecutive(code, return_inverse=True)
    energy = places.charge[where]
    total = torch.zeros(len(pixel), dtype=torch.float64).index_add_(0, place, energy)
    count = (total / PER_COUNT).round().clamp(0, 255)
    kept = count > 0
    hit = _brightest(place, energy, where, len(pixel))[kept]
    pixel = pixel[kept]
    group = torch.div(pixel, PLANES * CELLS, rounding_mode="floor")
    columns = {
        "view": (group % 2).to(torch.int32),
        "row": (torch.div(pixel, CELLS, rounding_mode="floor") % PLANES).to(torch.int32),
        "column": (pixel % CELLS).to(torch.int32),
        "charge": count[kept].to(torch.uint8),
        "hit": hit,
    }
    counts = torch.bincount(torch.div(group, 2, rounding_mode="floor"), minlength=n)
    pixels = Table.from_counts(columns, counts, about=_PIXELS)
    corner = {"first_plane": first_plane, "first_cell": first_cell.view(n, 2)}
    return events.with_table("pixels", pixels).with_table("event", events["event"].with_columns(corner, about=_EVENT))


def _mean_cell(group: Tensor, cell: Tensor, charge: Tensor, n_events: int) -> Tensor:
    """The mean cell (2 B,) of each view, weighted with charge, as a whole number; 0 where there is nothing."""
    weight, moment = (torch.zeros(2 * n_events, dtype=torch.float64) for _ in range(2))
    weight.index_add_(0, group, charge)
    moment.index_add_(0, group, charge * cell)
    return torch.where(weight > 0, moment / weight.clamp(min=1e-30), 0.0).round().to(torch.int64)


def _brightest(place: Tensor, energy: Tensor, hit: Tensor, n: int) -> Tensor:
    """The hit (n,) with the largest energy at each place."""
    most = torch.full((n,), -torch.inf, dtype=energy.dtype).scatter_reduce_(0, place, energy, "amax")
    best = energy >= most[place]
    none = torch.iinfo(torch.int64).max
    return torch.full((n,), none).scatter_reduce_(0, place[best], hit[best], "amin")
