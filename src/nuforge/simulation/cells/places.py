"""Where hits are: z of their plane, and the coordinate across the beam that it tells."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from nuforge.detectors.nova import SegmentedDetector
from nuforge.events import Events


@dataclass(frozen=True)
class Places:
    """Hits of B events in two views.

    Args:
        group: Twice the event plus the view.
        z: Middle of the plane, cm.
        u: Middle of the cell, x in view 0 and y in view 1, cm.
        charge: What weighs a hit: its energy in MeV, or its photo-electrons.
        n_events: B.
    """

    group: Int[Tensor, " n"]
    z: Float[Tensor, " n"]
    u: Float[Tensor, " n"]
    charge: Float[Tensor, " n"]
    n_events: int

    @property
    def event(self) -> Int[Tensor, " n"]:
        """The event of each hit."""
        return torch.div(self.group, 2, rounding_mode="floor")

    @property
    def view(self) -> Int[Tensor, " n"]:
        """The view of each hit."""
        return self.group % 2


def places_of(events: Events, detector: SegmentedDetector, weight: str = "energy") -> Places:
    """The places of `hits`, weighted with one of their columns."""
    hits, readout = events["hits"], detector.readout
    view = hits["view"].to(torch.int64)
    corner = torch.tensor(detector.origin, dtype=torch.float64)
    z = corner[2] + (hits["plane"].double() + 0.5) * readout.depth
    u = corner[view] + (hits["cell"].double() + 0.5) * readout.width
    return Places(2 * hits.batch + view, z, u, hits[weight].double(), len(events))
