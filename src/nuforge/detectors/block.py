"""Block: matter alone, for a transport without a response."""

from dataclasses import dataclass

from nuforge.detectors.constant import require_positive
from nuforge.detectors.volume import Volume
from nuforge.physics.material import Material


@dataclass(frozen=True)
class Block:
    """Volumes of one material that nobody reads out: what a transport needs to know of a `Detector`, no more.

    Args:
        name: Name.
        volumes: Where it is.
        material: What it is made of.
        up: Unit vector away from the Earth.
    """

    name: str
    volumes: tuple[Volume, ...]
    material: Material
    up: tuple[float, float, float] = (0.0, 1.0, 0.0)


def box(material: Material, side: float) -> Block:
    """A cube of a material centred at 0, `side` in cm.

    Raises:
        ValueError: If the side is not positive.
    """
    require_positive("side", "cm", side, "it is that of a cube")
    return Block(f"box of {material.name}", (Volume((-side / 2,) * 3, (side / 2,) * 3),), material)
