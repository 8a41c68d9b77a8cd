"""Scintillator: a medium that gives light where it is active, and lets particles fly through the rest of it."""

from dataclasses import dataclass

from nuforge.detectors.constant import Constant, require_not_negative
from nuforge.physics.material import Material
from nuforge.units import MeV, cm, g


@dataclass(frozen=True)
class Scintillator:
    """A scintillator in walls: an average for what flies through, and the part of it that gives light.

    Args:
        material: What particles fly through: scintillator and walls, mixed by mass.
        active: The scintillator alone.
        birks: First constant of the light's quenching, g/cm^2/MeV (`simulation.response.scintillation`). 0.0116: a
            usual value for scintillators of mineral oil and pseudocumene, which are quoted from 0.009 to 0.015.
        chou: Second constant, (g/cm^2/MeV)^2; 0 is Birks' law.

    Raises:
        ValueError: If a constant is negative.
    """

    material: Material
    active: Material
    birks: Constant = 0.0116 * g / cm**2 / MeV
    chou: Constant = 0.0

    def __post_init__(self) -> None:
        require_not_negative("birks", "g/cm^2/MeV", self.birks, "zero is light without quenching")
        require_not_negative("chou", "(g/cm^2/MeV)^2", self.chou, "zero is Birks' law")
