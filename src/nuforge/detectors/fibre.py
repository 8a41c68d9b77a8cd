"""Fibre: how much light of a cell reaches its sensor, from how far, and how soon."""

from dataclasses import dataclass

from nuforge.detectors.constant import Constant, number, require_not_negative, require_positive
from nuforge.units import cm, m, ns


@dataclass(frozen=True)
class Fibre:
    """A wavelength-shifting fibre along a cell and back, both ends at the sensor.

    Light of two components goes either way round the loop; `simulation.response.fibre` has the formula.

    Args:
        short: Attenuation length in cm of the component that is lost first.
        long: That of the other.
        short_share: Share of the first in the light that is caught. 289.5 cm and 852.3 cm, 0.3137 to 0.1669: NOvA's
            photon transport (SimpleTransport, AttenPars).
        pigtail: Fibre in cm between the cell's end and the sensor. NOvA's manifold bends it over 16 to 32 cells.
        speed: Of light along the fibre in cm/ns: c over 1.59, the index of the core (SimpleTransport), less what
            light at an angle loses.

    Raises:
        ValueError: If a length or the speed is not positive, or the share is not one.
    """

    short: Constant = 289.5 * cm
    long: Constant = 852.3 * cm
    short_share: Constant = 0.3137 / (0.3137 + 0.1669)
    pigtail: float = 1.0 * m
    speed: float = 17.0 * cm / ns

    def __post_init__(self) -> None:
        require_positive("short", "cm", self.short, "it is an attenuation length")
        require_positive("long", "cm", self.long, "it is an attenuation length")
        require_not_negative("pigtail", "cm", self.pigtail, "zero is a sensor at the cell's end")
        require_positive("speed", "cm/ns", self.speed, "light makes some 17 in a fibre")
        if not 0 <= number(self.short_share) <= 1:
            raise ValueError(f"short_share must be between 0 and 1, got {number(self.short_share)}; it is a fraction")
