"""Detector: where, of what, read out how. A frozen value that is passed as an argument, always."""

import math
from dataclasses import dataclass
from typing import Any, Generic, Protocol, cast, runtime_checkable

from typing_extensions import TypeVar

from nuforge.detectors.plain import plain
from nuforge.detectors.volume import Volume
from nuforge.physics.material import Material

Direction = tuple[float, float, float]


@runtime_checkable
class Matter(Protocol):
    """What every medium is: something made of a material. What else it has, its response knows."""

    @property
    def material(self) -> Material:
        """What particles fly through."""


MediumT = TypeVar("MediumT", bound=Matter, covariant=True, default=Matter)
ReadoutT = TypeVar("ReadoutT", covariant=True, default=object)


@dataclass(frozen=True)
class Detector(Generic[MediumT, ReadoutT]):
    """A detector in its own right-handed axes. `dataclasses.replace` makes a systematic variation of it.

    Medium and readout are values of the kind that the detector's response asks for: a `TimeProjectionChamber` is a
    `Detector[Medium, PixelReadout]`. A plain `Detector` is one of any kind, for sources, transport and files, which
    look at neither.

    Args:
        name: Name.
        volumes: Active volumes.
        medium: What fills them.
        readout: How it is read.
        origin: Corner in cm from which its voxels or cells are counted.
        up: Unit vector away from the Earth.
        beam: Unit vector along the travel of the beam.

    Raises:
        ValueError: If there is no volume, or a direction is no unit vector.
    """

    name: str
    volumes: tuple[Volume, ...]
    medium: MediumT
    readout: ReadoutT
    origin: tuple[float, float, float]
    up: Direction
    beam: Direction

    def __post_init__(self) -> None:
        if not self.volumes:
            raise ValueError("volumes must not be empty, got (); a detector needs something to deposit energy in")
        for name in ("up", "beam"):
            require_unit_vector(name, getattr(self, name))

    def description(self) -> dict[str, Any]:
        """This detector as plain JSON (cm, ns, MeV, kV, K); `nuforge.detectors.from_description` is the inverse."""
        return cast(dict[str, Any], plain(self))

    @property
    def material(self) -> Material:
        """The material of the medium."""
        return self.medium.material


def require_unit_vector(name: str, direction: Direction) -> None:
    """Refuses what is no unit vector of three components.

    Raises:
        ValueError: Naming it with its value.
    """
    if len(direction) != 3 or not math.isclose(math.hypot(*direction), 1.0, abs_tol=1e-6):
        raise ValueError(f"{name} must be a unit vector of 3, got {direction}; divide it by its length")
