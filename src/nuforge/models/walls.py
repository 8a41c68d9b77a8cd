"""Walls: how near a slice comes to each wall of the detector, which its pixel map does not say."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from nuforge.detectors import SegmentedDetector
from nuforge.events import Events
from nuforge.units import cm

_BEGIN = 10 * cm
"""Ways become ln(1 + way / 10 cm)."""


class Walls(nn.Module):
    """Six numbers of a slice: the logarithm of how near its hits come to each wall, 0 where none tells.

    Of the walls at low and high x the nearer comes first, so that maps may be mirrored in training.

    Args:
        detector: Says how large it is.
    """

    features = 6

    def __init__(self, detector: SegmentedDetector) -> None:
        super().__init__()
        self._detector = detector

    def forward(self, events: Events) -> Float[Tensor, "b 6"]:
        """Numbers (B, 6) of events with `hits`."""
        ways = ways_to_walls(events, self._detector)
        ways = torch.cat([ways[:, :2].sort(1).values, ways[:, 2:]], 1)
        return torch.where(ways.isfinite(), torch.log1p(ways / _BEGIN), 0.0).float()


def ways_to_walls(events: Events, detector: SegmentedDetector) -> Float[Tensor, "b 6"]:
    """The least way of hits to the walls at low and high x, low and high y, the front and the back, in cm.

    It is infinite where no hit tells; of x and y, only those of their view do.

    Args:
        events: Slices with `hits` (view, plane, cell).
        detector: Says how many cells and planes there are, and of which size.
    """
    hits, readout, n = events["hits"], detector.readout, len(events)
    across, along = (hits["cell"].double() + 0.5) * readout.width, (hits["plane"].double() + 0.5) * readout.depth
    first = 6 * hits.batch
    side = first + 2 * hits["view"].long()
    wall = torch.cat([side, side + 1, first + 4, first + 5])
    way = torch.cat([across, readout.length - across, along, readout.planes * readout.depth - along])
    none = torch.full((6 * n,), torch.inf, dtype=torch.float64, device=events.device)
    return none.scatter_reduce(0, wall, way, "amin").view(n, 6)
