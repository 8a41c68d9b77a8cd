"""Volumes and materials as Geant4 wants them. Runs in a worker process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import geant4_pybind as g4

MARGIN = 0.1
"""Empty space around the volumes, cm."""

_GAS = 0.1  # g/cm^3: below it a material is a gas to Geant4, which matters to nothing but its density effect
_EMPTY = 1e-25  # g/cm^3, Geant4's lowest density


class Boxes(g4.G4VUserDetectorConstruction):  # type: ignore[misc]
    """Boxes of one material in empty space, where particles fly on until they leave the box around all of them.

    Args:
        volumes: Lower and upper corner (cm) of each.
        material: The fields of `nuforge.physics.Material`.
    """

    def __init__(self, volumes: Sequence[Sequence[Sequence[float]]], material: Mapping[str, Any]) -> None:
        super().__init__()
        self._volumes, self._material = volumes, material
        self._kept: list[Any] = []  # Geant4 holds pointers to these

    @property
    def wall(self) -> list[float]:
        """Distances of the walls of the world from its centre along x, y and z, cm."""
        lower = [min(volume[0][axis] for volume in self._volumes) - MARGIN for axis in range(3)]
        upper = [max(volume[1][axis] for volume in self._volumes) + MARGIN for axis in range(3)]
        return [max(-low, high) for low, high in zip(lower, upper, strict=True)]  # a world is centred at 0

    def Construct(self) -> Any:  # noqa: ANN401
        """The world."""
        world = self._placed("world", [-x for x in self.wall], self.wall, _vacuum(), None)
        filling, elements = material_of(self._material)
        self._kept += elements
        for number, (low, high) in enumerate(self._volumes):
            self._placed(f"volume{number}", low, high, filling, world.GetLogicalVolume())
        return world

    def _placed(self, name: str, lower: Sequence[float], upper: Sequence[float], filling: Any, mother: Any) -> Any:  # noqa: ANN401
        """A box of some material in its mother volume, None for the world."""
        half = [0.5 * (high - low) * g4.cm for low, high in zip(lower, upper, strict=True)]
        center = [0.5 * (high + low) * g4.cm for low, high in zip(lower, upper, strict=True)]
        solid = g4.G4Box(name, *half)
        logical = g4.G4LogicalVolume(solid, filling, name)
        placement = g4.G4PVPlacement(None, g4.G4ThreeVector(*center), logical, name, mother, False, 0, False)
        self._kept += [solid, logical, placement, filling]
        return placement


def material_of(material: Mapping[str, Any]) -> tuple[Any, list[Any]]:
    """Geant4's material of our elements, density, mean excitation energy and density effect; and its elements.

    Args:
        material: The fields of `nuforge.physics.Material`.
    """
    density = material["density"]
    elements = [
        g4.G4Element(f"{e['symbol']}_{e['Z']}", e["symbol"], float(e["Z"]), e["A"] * g4.g / g4.mole)
        for e in material["elements"]
    ]
    state = g4.kStateGas if density < _GAS else g4.kStateLiquid
    made = g4.G4Material(material["name"], density * g4.g / g4.cm3, len(elements), state)
    for element, about in zip(elements, material["elements"], strict=True):
        made.AddElementByMassFraction(element, about["mass_fraction"])
    ionisation, effect = made.GetIonisation(), material["density_effect"]
    ionisation.SetMeanExcitationEnergy(material["mean_excitation"] * g4.MeV)
    names = ("cbar", "k", "a", "x0", "x1", "delta0")
    ionisation.SetDensityEffectParameters(*(effect[name] for name in names))
    return made, elements


def _vacuum() -> Any:  # noqa: ANN401
    """Nothing, as far as Geant4 allows."""
    return g4.G4Material("vacuum", 1.0, 1.008 * g4.g / g4.mole, _EMPTY * g4.g / g4.cm3, g4.kStateGas)
