"""CellReadout: planes of long cells across the beam, upright and level in turn, each read at one end."""

from dataclasses import dataclass, field

from nuforge.detectors.constant import Constant, require_not_negative, require_positive
from nuforge.detectors.fibre import Fibre
from nuforge.detectors.photodiode import Photodiode
from nuforge.units import cm


@dataclass(frozen=True)
class CellReadout:
    """Planes of cells that are counted along z, from the detector's origin; cells along x or y.

    Cells of even planes are upright: they tell x, which is view 0, and are read at their upper end. Cells of odd planes
    are level: they tell y, view 1, and are read at their end of large x.

    Args:
        planes: Number of planes.
        cells: Number of cells of a plane; a plane is a square.
        width: Pitch of cells across the beam in cm. 3.9: NOvA.
        depth: Pitch of planes along the beam in cm. 6.6: NOvA.
        side_wall: Wall between two cells of a plane in cm. 0.33: NOvA's extrusions (Talaga et al. 2015, NIM A 861).
        face_wall: Wall of a cell towards the next plane in cm; two of them lie between two planes. 0.48: the same.
        fibre: What brings the light to the sensor.
        sensor: What makes charge of it.
        believed: The fibre that the calibration assumes.
        energy_scale: Calibrated energies are wrong by this factor.
        gain_spread: Standard deviation of the light of cells around what the calibration assumes. NOvA's calibration
            is good to a few per cent of a cell.
        dead: Share of cells that are not read.
        pattern: Which cells are dead, and how bright each is: another number is another detector of the same make.

    Raises:
        ValueError: If a number is out of its range, or the walls leave no room.
    """

    planes: int
    cells: int
    width: float = 3.9 * cm
    depth: float = 6.6 * cm
    side_wall: float = 0.33 * cm
    face_wall: float = 0.48 * cm
    fibre: Fibre = field(default_factory=Fibre)
    sensor: Photodiode = field(default_factory=Photodiode)
    believed: Fibre = field(default_factory=Fibre)
    energy_scale: Constant = 1.0
    gain_spread: float = 0.03
    dead: float = 0.005
    pattern: int = 0

    def __post_init__(self) -> None:
        for name in ("planes", "cells"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}; NOvA has hundreds")
        require_positive("energy_scale", "no unit", self.energy_scale, "1 is a calibration that is right")
        require_not_negative("gain_spread", "no unit", self.gain_spread, "zero is cells that are all alike")
        if not (0 <= self.side_wall < self.width and 0 <= 2 * self.face_wall < self.depth):
            raise ValueError(
                f"walls must leave room in a cell of {self.width} x {self.depth} cm, got a side of {self.side_wall} cm "
                f"and faces of {self.face_wall} cm; make them thinner"
            )
        if not 0 <= self.dead < 1:
            raise ValueError(f"dead must be a fraction below 1, got {self.dead}; 0 is a detector without dead cells")

    @property
    def length(self) -> float:
        """Length of a cell in cm."""
        return self.cells * self.width

    @property
    def active_share(self) -> float:
        """Share of the volume that is inside of the walls."""
        return (1 - self.side_wall / self.width) * (1 - 2 * self.face_wall / self.depth)
