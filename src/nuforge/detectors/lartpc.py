"""Liquid-argon time projection chambers."""

from typing import TypeAlias

from nuforge.detectors.constant import Constant
from nuforge.detectors.detector import Detector
from nuforge.detectors.medium import Medium
from nuforge.detectors.pixels import PixelReadout
from nuforge.detectors.volume import Volume

TimeProjectionChamber: TypeAlias = Detector[Medium, PixelReadout]
"""A detector whose medium lets electrons drift to pixels."""


def lartpc_cube(side: float = 230.4, voxel: float = 0.3, field: Constant = 0.5) -> TimeProjectionChamber:
    """A cube of liquid argon centred at 0 and read by pixels.

    Electrons drift along +x to the anode at x = side / 2; up is +y and the beam travels along +z, so the axes are
    right-handed. 768 voxels of 0.3 cm a side are those of PILArNet (arXiv:2006.01993); 0.5 kV/cm is the nominal field
    of SBND, ICARUS and DUNE.

    Args:
        side: cm, a whole number of voxels.
        voxel: cm.
        field: Drift field in kV/cm.

    Raises:
        ValueError: If the side is not a positive whole number of voxels, or the field is not positive.
    """
    readout = PixelReadout(field=field, drift=(1.0, 0.0, 0.0), voxel=voxel)
    n = round(side / voxel)
    if n < 1 or abs(n * voxel - side) > 1e-6 * voxel * n:
        raise ValueError(
            f"side must be a whole number of voxels of {voxel} cm, got {side} cm; {n * voxel:g} cm would do"
        )
    lower, upper = -side / 2, side / 2
    return Detector(
        name="lartpc-cube",
        volumes=(Volume((lower,) * 3, (upper,) * 3),),
        medium=Medium(),
        readout=readout,
        origin=(lower,) * 3,
        up=(0.0, 1.0, 0.0),
        beam=(0.0, 0.0, 1.0),
    )
