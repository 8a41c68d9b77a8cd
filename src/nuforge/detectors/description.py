"""A detector from its description, so that a file or a checkpoint says what it was made with."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from nuforge.detectors.cells import CellReadout
from nuforge.detectors.detector import Detector
from nuforge.detectors.fibre import Fibre
from nuforge.detectors.medium import Medium
from nuforge.detectors.photodiode import Photodiode
from nuforge.detectors.pixels import PixelReadout
from nuforge.detectors.recombination import Birks, EllipsoidalBox, ModifiedBox
from nuforge.detectors.scintillator import Scintillator
from nuforge.detectors.volume import Volume
from nuforge.physics.material import DensityEffect, Element, Material

_CLASSES = (
    Detector,
    Volume,
    Medium,
    Material,
    Element,
    DensityEffect,
    PixelReadout,
    Birks,
    ModifiedBox,
    EllipsoidalBox,
    Scintillator,
    CellReadout,
    Fibre,
    Photodiode,
)
_BY_NAME: dict[str, Any] = {cls.__name__: cls for cls in _CLASSES}


def from_description(plain: Mapping[str, Any]) -> Detector:
    """The detector whose `Detector.description()` this is, also after a trip through JSON, or that of an older store.

    Raises:
        ValueError: If an entry is missing or unknown.
    """
    built = _built(_today(plain))
    if not isinstance(built, Detector):
        raise ValueError(
            f"expected the description of a Detector, got that of a {type(built).__name__}; pass the whole"
        )
    return built


def _today(plain: Mapping[str, Any]) -> Mapping[str, Any]:
    """A description as it is written today: field and drift were the detector's before they were its readout's."""
    if plain.get("kind") != Detector.__name__ or not {"field", "drift"} <= set(plain):
        return plain
    moved = {name: plain[name] for name in ("field", "drift")}
    rest = {name: value for name, value in plain.items() if name not in moved}
    return {**rest, "readout": {**plain["readout"], **moved}}


def _built(plain: object) -> object:
    if isinstance(plain, list | tuple):
        return tuple(_built(item) for item in plain)
    if not isinstance(plain, Mapping):
        return plain
    kind = str(plain.get("kind"))
    if kind not in _BY_NAME:
        raise ValueError(
            f"kind of a part of a detector must be one of {sorted(_BY_NAME)}, got {kind!r}; update NuForge"
        )
    cls = _BY_NAME[kind]
    expected, got = {f.name for f in fields(cls)}, set(plain) - {"kind"}
    if expected != got:
        raise ValueError(
            f"description of a {kind} must have {sorted(expected)}: missing {sorted(expected - got)}, "
            f"unknown {sorted(got - expected)}; it was written by another version"
        )
    return cls(**{name: _built(plain[name]) for name in got})
