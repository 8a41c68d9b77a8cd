"""Segmented detectors of liquid scintillator, like NOvA's."""

from dataclasses import replace
from types import MappingProxyType
from typing import TypeAlias

from nuforge.detectors.cells import CellReadout
from nuforge.detectors.detector import Detector
from nuforge.detectors.scintillator import Scintillator
from nuforge.detectors.volume import Volume
from nuforge.physics.composition import mass_fractions, mixture
from nuforge.physics.material import Material
from nuforge.physics.media import MINERAL_OIL

SegmentedDetector: TypeAlias = Detector[Scintillator, CellReadout]
"""A detector of scintillator in cells."""

_PVC_DENSITY = 1.49
"""g/cm^3 of PVC with titanium dioxide."""
_TITANIUM_DIOXIDE = 0.15
"""Share of the mass of the walls: NOvA, Technical Design Report 2007."""


def nova_far() -> SegmentedDetector:
    """A detector like NOvA's far one: 896 planes of 384 cells, 15 m x 15 m x 59 m, 14 kt, on the surface.

    Up is +y, the beam travels along +z from plane 0 on, x and y are centred at 0.

    Cells are 384 x 3.9 cm = 15.0 m long here; NOvA's are 15.5 m, and 3.9 cm by 6.0 cm (Fermilab, news of 2013-05).

    Source: NOvA, Technical Design Report (2007), Fermilab-Design-2007-01.
    """
    return _nova("nova-far", CellReadout(planes=896, cells=384))


def nova_near() -> SegmentedDetector:
    """A detector like NOvA's near one: 192 planes of 96 cells, 3.7 m x 3.7 m x 12.7 m, without its muon catcher."""
    return _nova("nova-near", CellReadout(planes=192, cells=96))


def _nova(name: str, readout: CellReadout) -> SegmentedDetector:
    half, end = readout.length / 2, readout.planes * readout.depth
    return Detector(
        name=name,
        volumes=(Volume((-half, -half, 0.0), (half, half, end)),),
        medium=Scintillator(material=oil_in_walls(readout.active_share), active=MINERAL_OIL),
        readout=readout,
        origin=(-half, -half, 0.0),
        up=(0.0, 1.0, 0.0),
        beam=(0.0, 0.0, 1.0),
    )


def oil_in_walls(active_share: float) -> Material:
    """Mineral oil in walls of PVC, mixed by mass.

    With NOvA's walls 67 % of the mass is oil (63 % in the detector, whose walls have ends and corners, Talaga et al.
    2015), a radiation length is 36 cm (38 in NOvA's papers).

    Args:
        active_share: Share of the volume that is oil.
    """
    walls = {symbol: (1 - _TITANIUM_DIOXIDE) * part for symbol, part in mass_fractions("C2H3Cl").items()}
    for symbol, part in mass_fractions("TiO2").items():
        walls[symbol] = walls.get(symbol, 0.0) + _TITANIUM_DIOXIDE * part
    oil = {element.symbol: element.mass_fraction for element in MINERAL_OIL.elements}
    density = active_share * MINERAL_OIL.density + (1 - active_share) * _PVC_DENSITY
    mass = active_share * MINERAL_OIL.density / density
    parts = {symbol: mass * oil.get(symbol, 0.0) + (1 - mass) * walls.get(symbol, 0.0) for symbol in {**oil, **walls}}
    return mixture("mineral oil in PVC", parts, density)


def _calibrated(detector: SegmentedDetector, factor: float) -> SegmentedDetector:
    return replace(detector, readout=replace(detector.readout, energy_scale=factor))


def _lit(detector: SegmentedDetector, factor: float) -> SegmentedDetector:
    sensor = detector.readout.sensor
    brighter = replace(sensor, light_yield=factor * sensor.light_yield)
    return replace(detector, readout=replace(detector.readout, sensor=brighter))


def _attenuated(detector: SegmentedDetector, factor: float) -> SegmentedDetector:
    fibre = detector.readout.fibre
    longer = replace(fibre, short=factor * fibre.short, long=factor * fibre.long)
    return replace(detector, readout=replace(detector.readout, fibre=longer))


def _noisy(detector: SegmentedDetector, factor: float) -> SegmentedDetector:
    sensor = detector.readout.sensor
    noisier = replace(sensor, noise=factor * sensor.noise, dark_rate=factor * sensor.dark_rate)
    return replace(detector, readout=replace(detector.readout, sensor=noisier))


def _quenched(detector: SegmentedDetector, factor: float) -> SegmentedDetector:
    return replace(detector, medium=replace(detector.medium, birks=factor * detector.medium.birks))


_SHIFTS = MappingProxyType(
    {
        "calibration-up": (_calibrated, 1.05),
        "calibration-down": (_calibrated, 0.95),
        "light-up": (_lit, 1.1),
        "light-down": (_lit, 0.9),
        "attenuation-up": (_attenuated, 1.1),
        "attenuation-down": (_attenuated, 0.9),
        "noise-up": (_noisy, 1.5),
        "quenching-up": (_quenched, 1.5),
    }
)


def shifted(detector: SegmentedDetector, name: str) -> SegmentedDetector:
    """The detector with one thing of it another than its calibration knows.

    Args:
        detector: The nominal one.
        name: One of `SHIFT_NAMES`. Calibration: energies 5 % too large or small, NOvA's largest systematic error
            (arXiv:2108.08219). Light: 10 % more or less, which the calibration makes up for in the mean. Attenuation:
            lengths 10 % longer or shorter than it believes. Noise: half as much again. Quenching: Birks' constant half
            as large again.

    Raises:
        ValueError: If there is no such shift.
    """
    if name not in _SHIFTS:
        raise ValueError(f"no shift '{name}' of a segmented detector; there are {SHIFT_NAMES}")
    change, factor = _SHIFTS[name]
    return change(detector, factor)


SHIFT_NAMES: tuple[str, ...] = tuple(_SHIFTS)
"""The systematic variations that `shifted` knows."""
