"""Sums over a whole slice: its calibrated energy, what no prong took of it, and how near the walls it comes."""

import torch

from nuforge.detectors.nova import SegmentedDetector
from nuforge.events import Column, Events
from nuforge.simulation.cells.places import places_of
from nuforge.simulation.cells.walls import ways_to_walls

_ABOUT = {
    "energy_x": Column("MeV", "sum of the calibrated energies of the slice's hits in view X", "readout"),
    "energy_y": Column("MeV", "that of view Y", "readout"),
    "loose_energy": Column("MeV", "that of hits of both views in no prong", "readout"),
    "edge": Column("cm", "least distance of the middle of a cell with a hit to a wall, 0 without hits", "readout"),
}


def slice_sums(events: Events, detector: SegmentedDetector) -> Events:
    """Events with `event.energy_x`, `energy_y`, `loose_energy` and `edge`; an event is one slice.

    A hit tells its distance to the walls across its cell and along the beam; along its cell it tells nothing, but hits
    of the other view do.

    Args:
        events: With `hits` that have an `energy` and a `prong`.
        detector: Says where cells and walls are.
    """
    hits, n = events["hits"], len(events)
    places = places_of(events, detector)
    views = torch.zeros(2 * n, dtype=torch.float64).index_add_(0, places.group, places.charge).view(n, 2)
    loose = hits["prong"] < 0
    rest = torch.zeros(n, dtype=torch.float64).index_add_(0, hits.batch[loose], places.charge[loose])
    edge = ways_to_walls(events, detector).amin(1)
    columns = {
        "energy_x": views[:, 0].float(),
        "energy_y": views[:, 1].float(),
        "loose_energy": rest.float(),
        "edge": torch.where(hits.counts > 0, edge, 0.0).float(),
    }
    return events.with_table("event", events["event"].with_columns(columns, about=_ABOUT))
