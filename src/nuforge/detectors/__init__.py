"""With what: geometry, medium, sensors and readout as frozen values, and functions that return one."""

from nuforge.detectors.block import Block, box
from nuforge.detectors.description import from_description
from nuforge.detectors.detector import Detector
from nuforge.detectors.lartpc import lartpc_cube
from nuforge.detectors.medium import Medium
from nuforge.detectors.pixels import PixelReadout
from nuforge.detectors.recombination import Birks, EllipsoidalBox, ModifiedBox
from nuforge.detectors.volume import Volume

__all__ = [
    "Birks",
    "Block",
    "Detector",
    "EllipsoidalBox",
    "Medium",
    "ModifiedBox",
    "PixelReadout",
    "Volume",
    "box",
    "from_description",
    "lartpc_cube",
]
