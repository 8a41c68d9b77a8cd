"""How near hits come to each wall of a detector of cells."""

import torch
from jaxtyping import Float
from torch import Tensor

from nuforge.detectors.nova import SegmentedDetector
from nuforge.events import Events


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
