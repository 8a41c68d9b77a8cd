"""From energy deposits to slices with all that is made of them and known about them."""

import torch

from nuforge.detectors.nova import SegmentedDetector
from nuforge.events import Events
from nuforge.simulation.cells.calibration import calibrate
from nuforge.simulation.cells.kinds import prong_kinds
from nuforge.simulation.cells.maps import pixel_maps
from nuforge.simulation.cells.prongs import find_prongs
from nuforge.simulation.cells.slices import slice_hits
from nuforge.simulation.cells.sums import slice_sums
from nuforge.simulation.cells.truth import label_prongs, links_to_heads, true_slice
from nuforge.simulation.cells.vertex import find_vertex
from nuforge.simulation.response.segmented import respond
from nuforge.simulation.truth import prune


def known_slices(
    deposited: Events, detector: SegmentedDetector, generator: torch.Generator, interaction: int = 0
) -> Events:
    """The slice of one interaction of each event: hits with energies, pixel map, vertex, prongs, sums, and their truth.

    Args:
        deposited: Events with `segments` and `particles`, of any transport.
        detector: A segmented scintillator.
        generator: Source of the randomness of the response.
        interaction: Number in its event of the interaction whose slice is taken.
    """
    sliced = links_to_heads(slice_hits(respond(deposited, detector, generator), detector))
    chosen = calibrate(true_slice(sliced, interaction), detector)
    seen = find_prongs(find_vertex(pixel_maps(chosen, detector), detector), detector)
    return prune(prong_kinds(label_prongs(slice_sums(seen, detector)), interaction))
