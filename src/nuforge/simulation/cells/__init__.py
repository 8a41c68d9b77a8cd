"""What a segmented detector's own software makes of its hits, by classical methods and without any truth.

Hits that come together are slices; a slice gets energies, a pixel map, a vertex and prongs. Only `truth` looks at who
made the hits.
"""

from nuforge.simulation.cells.calibration import calibrate
from nuforge.simulation.cells.known import known_slices
from nuforge.simulation.cells.maps import pixel_maps
from nuforge.simulation.cells.prongs import find_prongs
from nuforge.simulation.cells.slices import each_slice, slice_hits
from nuforge.simulation.cells.sums import slice_sums
from nuforge.simulation.cells.truth import label_prongs, links_to_heads, true_slice
from nuforge.simulation.cells.vertex import find_vertex

__all__ = [
    "calibrate",
    "each_slice",
    "find_prongs",
    "find_vertex",
    "known_slices",
    "label_prongs",
    "links_to_heads",
    "pixel_maps",
    "slice_hits",
    "slice_sums",
    "true_slice",
]
