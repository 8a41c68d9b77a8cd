"""With what: geometry, medium, sensors and readout as frozen values, and functions that return one."""

from nuforge.detectors.block import Block, box
from nuforge.detectors.cells import CellReadout
from nuforge.detectors.description import from_description
from nuforge.detectors.detector import Detector
from nuforge.detectors.fibre import Fibre
from nuforge.detectors.lartpc import TimeProjectionChamber, lartpc_cube
from nuforge.detectors.medium import Medium
from nuforge.detectors.nova import SegmentedDetector, nova_far, nova_near
from nuforge.detectors.photodiode import Photodiode
from nuforge.detectors.pixels import PixelReadout
from nuforge.detectors.recombination import Birks, EllipsoidalBox, ModifiedBox
from nuforge.detectors.scintillator import Scintillator
from nuforge.detectors.volume import Volume

__all__ = [
    "Birks",
    "Block",
    "CellReadout",
    "Detector",
    "EllipsoidalBox",
    "Fibre",
    "Medium",
    "ModifiedBox",
    "Photodiode",
    "PixelReadout",
    "Scintillator",
    "SegmentedDetector",
    "TimeProjectionChamber",
    "Volume",
    "box",
    "from_description",
    "lartpc_cube",
    "nova_far",
    "nova_near",
]
