"""Detector: where, of what, in which field, read out how. A frozen value that is passed as an argument, always."""

import math
from dataclasses import dataclass
from typing import Any, cast

from nuforge.detectors.constant import Constant, require_positive
from nuforge.detectors.medium import Medium
from nuforge.detectors.pixels import PixelReadout
from nuforge.detectors.plain import plain
from nuforge.detectors.volume import Volume
from nuforge.physics.material import Material

Direction = tuple[float, float, float]


@dataclass(frozen=True)
class Detector:
    """A detector in its own right-handed axes. `dataclasses.replace` makes a systematic variation of it.

    Args:
        name: Name.
        volumes: Active volumes.
        medium: What fills them.
        field: Drift field in kV/cm.
        readout: How charge is read.
        origin: Corner of voxel (0, 0, 0) in cm.
        up: Unit vector away from the Earth.
        beam: Unit vector along the travel of the beam.
        drift: Unit vector along the travel of the electrons, one of the six axis directions; the anode is the face of
            the volume that it points at.

    Raises:
        ValueError: If there is no volume, the field is not positive, or a direction is not what it should be.
    """

    name: str
    volumes: tuple[Volume, ...]
    medium: Medium
    field: Constant
    readout: PixelReadout
    origin: tuple[float, float, float]
    up: Direction
    beam: Direction
    drift: Direction

    def __post_init__(self) -> None:
        if not self.volumes:
            raise ValueError("volumes must not be empty, got (); a detector needs something to deposit energy in")
        require_positive("field", "kV/cm", self.field, "with no field no charge is collected")
        for name in ("up", "beam", "drift"):
            direction = getattr(self, name)
            if len(direction) != 3 or not math.isclose(math.hypot(*direction), 1.0, abs_tol=1e-6):
                raise ValueError(f"{name} must be a unit vector of 3, got {direction}; divide it by its length")
        if sorted(map(abs, self.drift)) != [0, 0, 1]:
            raise ValueError(f"drift must be along an axis, got {self.drift}; turn the detector's axes with the field")

    def description(self) -> dict[str, Any]:
        """This detector as plain JSON (cm, ns, MeV, kV, K); `nuforge.detectors.from_description` is the inverse."""
        return cast(dict[str, Any], plain(self))

    @property
    def material(self) -> Material:
        """The material of the medium."""
        return self.medium.material

    @property
    def drift_axis(self) -> int:
        """The axis that electrons drift along: 0, 1 or 2."""
        return [abs(component) for component in self.drift].index(1)

    @property
    def drift_length(self) -> float:
        """The longest drift of any volume in cm."""
        return max(volume.extent[self.drift_axis] for volume in self.volumes)
