"""Cosmic muons that enter a box from above, at the rate and with the spectrum of the surface."""

from dataclasses import dataclass

import torch
from torch import Tensor

from nuforge.detectors import Block, Detector
from nuforge.detectors.volume import Volume
from nuforge.events import Events
from nuforge.physics.constants import MUON_MASS
from nuforge.physics.cosmic_muons import CHARGE_RATIO, muon_intensity_below
from nuforge.simulation.sources.primaries import primaries
from nuforge.units import GeV, MeV, cm, g

ROOF = 360.0 * g / cm**2
"""Concrete and barite over NOvA's far detector, as much as 3.6 m of water (14 radiation lengths)."""

_LOWEST, _HIGHEST = 10.0 * MeV, 100.0 * GeV  # kinetic energies; 0.2 % of all muons are above
_ENERGIES, _COSINES = 400, 200


@dataclass(frozen=True)
class _Faces:
    """The upper face and the four sides of a box: axis and side (N,), area in cm^2."""

    axis: Tensor
    outward: Tensor
    area: Tensor


@dataclass(frozen=True)
class _Flux:
    """Intensity integrated over cells of energy and cosine, per cm^2, rad of azimuth and ns, through two kinds of area.

    Args:
        energy: Edges of kinetic energy in MeV.
        cosine: Edges of the cosine of the zenith angle.
        level: (C, E) times the cosine: what a level area sees.
        upright: (C, E) times the sine: what an area across the way's level part sees.
    """

    energy: Tensor
    cosine: Tensor
    level: Tensor
    upright: Tensor


def cosmic_rate(detector: Detector | Block, overburden: float = ROOF) -> float:
    """Rate in 1/ns of muons of more than 10 MeV through the first volume of a detector.

    The integral of the intensity over all directions from above times the area that the box shows to each; the roof is
    flat and far wider than the box.

    Args:
        detector: Its first volume, its `up`, one of the six axis directions.
        overburden: Roof in g/cm^2.

    Raises:
        ValueError: If up is not along an axis.
    """
    return float(_rates(_faces(detector.volumes[0], detector.up), _flux(overburden)).sum())


def cosmic_muons(
    counts: Tensor,
    detector: Detector | Block,
    generator: torch.Generator,
    *,
    window: tuple[float, float] = (0.0, 0.0),
    overburden: float = ROOF,
) -> Events:
    """Events of `counts` (B,) cosmic muons, each an interaction of its own where it enters the box.

    Args:
        counts: int64 (B,), the muons of each event.
        detector: Its first volume, its `up`, one of the six axis directions.
        generator: Source of randomness.
        window: First and last time of entry in ns; times are even.
        overburden: Roof in g/cm^2.

    Raises:
        ValueError: If up is not along an axis.
    """
    volume, n = detector.volumes[0], int(counts.sum())
    faces, flux = _faces(volume, detector.up), _flux(overburden)

    def even(size: int) -> Tensor:
        return torch.rand(size, generator=generator, dtype=torch.float64)

    face = _drawn(_rates(faces, flux), n, generator)
    is_level = face == 0
    energy, cosine = (even(n) for _ in range(2))
    for mask, spectrum in ((is_level, flux.level), (~is_level, flux.upright)):
        cell = _drawn(spectrum.flatten(), int(mask.sum()), generator)
        row, column = torch.div(cell, len(flux.energy) - 1, rounding_mode="floor"), cell % (len(flux.energy) - 1)
        cosine[mask] = torch.lerp(flux.cosine[row], flux.cosine[row + 1], cosine[mask])
        low, high = flux.energy[column].log(), flux.energy[column + 1].log()
        energy[mask] = torch.lerp(low, high, energy[mask]).exp()
    direction = _directions(face, cosine, faces, detector.up, even(n))
    entry = _entries(face, faces, volume, torch.rand((n, 3), generator=generator, dtype=torch.float64))
    pdg = torch.where(even(n) < CHARGE_RATIO / (1 + CHARGE_RATIO), -13, 13)
    time = window[0] + (window[1] - window[0]) * even(n)
    events = primaries(torch.ones(n, dtype=torch.int64), counts, entry, pdg, energy, direction)
    return _at(events, time)


def cosmic_background(
    n_events: int,
    detector: Detector | Block,
    generator: torch.Generator,
    *,
    window: tuple[float, float],
    overburden: float = ROOF,
) -> Events:
    """Events of the cosmic muons that enter in a window of time (ns), in Poisson's number, as `cosmic_muons`."""
    mean = cosmic_rate(detector, overburden) * (window[1] - window[0])
    counts = torch.poisson(torch.full((n_events,), mean, dtype=torch.float64), generator=generator).to(torch.int64)
    return cosmic_muons(counts, detector, generator, window=window, overburden=overburden)


def _at(events: Events, time: Tensor) -> Events:
    """The same, each interaction with its particles at a time of its own (N,) ns."""
    interactions, particles = events["interactions"], events["particles"]
    later = {"time": time.index_select(0, particles["interaction"])}
    return events.with_table("interactions", interactions.with_columns({"time": time})).with_table(
        "particles", particles.with_columns(later)
    )


def _faces(volume: Volume, up: tuple[float, float, float]) -> _Faces:
    """The upper face, then the four sides."""
    if sorted(map(abs, up)) != [0, 0, 1]:
        raise ValueError(f"up must be along an axis for cosmic muons, got {up}; turn the detector's axes")
    above = [abs(component) for component in up].index(1)
    axes, outward = [above], [up[above]]
    for axis in range(3):
        if axis != above:
            axes += [axis, axis]
            outward += [-1.0, 1.0]
    extent = torch.tensor(volume.extent, dtype=torch.float64)
    area = extent.prod() / extent[axes]
    return _Faces(torch.tensor(axes), torch.tensor(outward, dtype=torch.float64), area)


def _flux(overburden: float) -> _Flux:
    """The intensity under a roof (g/cm^2) in cells of energy and angle, by the value at their middles."""
    energy = torch.logspace(0, 1, _ENERGIES + 1, dtype=torch.float64)
    energy = _LOWEST * (_HIGHEST / _LOWEST) ** energy.log10()
    cosine = torch.linspace(0, 1, _COSINES + 1, dtype=torch.float64)
    e, c = (energy[1:] * energy[:-1]).sqrt(), 0.5 * (cosine[1:] + cosine[:-1])[:, None]
    intensity = muon_intensity_below(e + MUON_MASS, c, overburden)
    per_azimuth = intensity * energy.diff() * cosine.diff()[:, None]
    return _Flux(energy, cosine, per_azimuth * c, per_azimuth * torch.sqrt(1 - c**2))


def _rates(faces: _Faces, flux: _Flux) -> Tensor:
    """Rate (5,) 1/ns through each face: azimuths give 2 pi of level areas, and 2 of each upright side."""
    azimuth = torch.tensor([2 * torch.pi, 2.0, 2.0, 2.0, 2.0], dtype=torch.float64)
    seen = torch.stack([flux.level.sum(), *[flux.upright.sum()] * 4])
    return faces.area * azimuth * seen


def _drawn(weight: Tensor, n: int, generator: torch.Generator) -> Tensor:
    """Numbers (n,) of cells with probabilities in proportion to `weight`."""
    edges = weight.cumsum(0)
    place = torch.rand(n, generator=generator, dtype=torch.float64) * edges[-1]
    return torch.searchsorted(edges, place, right=True).clamp(max=len(weight) - 1)


def _directions(face: Tensor, cosine: Tensor, faces: _Faces, up: tuple[float, float, float], share: Tensor) -> Tensor:
    """Directions of travel (N, 3): downwards, into the face; azimuths of sides fall with the cosine to their normal."""
    above = int(faces.axis[0])
    first, second = (axis for axis in range(3) if axis != above)
    sine = torch.sqrt(1 - cosine**2)
    around = 2 * torch.pi * share
    level = torch.stack([around.cos(), around.sin()], 1)
    across = 2 * share - 1  # sine of the azimuth from the normal
    inward = -faces.outward[face]
    normal = torch.sqrt(1 - across**2) * inward
    side = torch.where(
        (faces.axis[face] == first)[:, None], torch.stack([normal, across], 1), torch.stack([across, normal], 1)
    )
    flat = torch.where((face == 0)[:, None], level, side) * sine[:, None]
    direction = torch.zeros(len(face), 3, dtype=torch.float64)
    direction[:, above] = -cosine * up[above]
    direction[:, first], direction[:, second] = flat[:, 0], flat[:, 1]
    return direction


def _entries(face: Tensor, faces: _Faces, volume: Volume, share: Tensor) -> Tensor:
    """Places (N, 3), even on their faces."""
    lower, upper = (torch.tensor(corner, dtype=torch.float64) for corner in (volume.lower, volume.upper))
    place = lower + (upper - lower) * share
    axis = faces.axis[face]
    wall = torch.where(faces.outward[face] > 0, upper[axis], lower[axis])
    return place.scatter(1, axis[:, None], wall[:, None])
