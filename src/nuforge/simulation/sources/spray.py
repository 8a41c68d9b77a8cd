"""Particle spray: some particles from one vertex, most of them along the beam."""

import torch

from nuforge.detectors import Block, Detector
from nuforge.events import Events
from nuforge.simulation.directions import turned
from nuforge.simulation.sources.primaries import primaries

MENU: tuple[tuple[int, float, float], ...] = (
    (11, 300.0, 3000.0),
    (22, 200.0, 2000.0),
    (13, 300.0, 3000.0),
    (211, 200.0, 2000.0),
    (-211, 200.0, 2000.0),
    (2212, 100.0, 1500.0),
    (111, 200.0, 2000.0),
)
"""What a spray is made of: PDG number, lowest and highest kinetic energy in MeV."""


def particle_spray(
    n_events: int,
    detector: Detector | Block,
    generator: torch.Generator,
    *,
    beam: tuple[float, float, float] = (0.0, 0.0, 1.0),
    fewest: int = 1,
    most: int = 1,
    concentration: float = 4.0,
    margin: float = 100.0,
    menu: tuple[tuple[int, float, float], ...] = MENU,
) -> Events:
    """Events of `fewest` to `most` particles from one vertex, with directions about the beam.

    Kinds are equally likely, energies even between their limits, vertices even in the volume within a margin.
    Directions have the density exp(k cos theta) of von Mises and Fisher.

    Args:
        n_events: Number of events.
        detector: Its first volume is used.
        generator: Source of randomness.
        beam: Unit vector.
        fewest: Fewest particles of an event.
        most: Most particles of an event.
        concentration: k: 4 has half of all within 34 degrees, 0 none preferred.
        margin: cm from each wall.
        menu: PDG number, lowest and highest kinetic energy (MeV) of each kind.

    Raises:
        ValueError: If a range is empty, or the margin leaves no room.
    """
    if not 1 <= fewest <= most:
        raise ValueError(f"fewest must be between 1 and most, got fewest = {fewest}, most = {most}")
    volume = detector.volumes[0]
    if not 0 <= margin < min(volume.extent) / 2:
        raise ValueError(f"margin must be less than half of {min(volume.extent)} cm, got {margin}; lower it")
    counts = torch.randint(fewest, most + 1, (n_events,), generator=generator)
    n = int(counts.sum())
    kinds = torch.tensor(menu, dtype=torch.float64)[torch.randint(len(menu), (n,), generator=generator)]
    share, place, around = (torch.rand(size, generator=generator, dtype=torch.float64) for size in (n, n, n))
    kinetic = kinds[:, 1] + (kinds[:, 2] - kinds[:, 1]) * share
    cosine = 2 * place - 1
    if concentration > 0:
        k = torch.tensor(concentration, dtype=torch.float64)
        cosine = 1 + torch.log(place + (1 - place) * torch.exp(-2 * k)) / k
    axis = torch.tensor(beam, dtype=torch.float64).expand(n, 3)
    direction = turned(axis, (1 - cosine).clamp(0, 2) / 2, 2 * torch.pi * around)
    lower, upper = (torch.tensor(corner, dtype=torch.float64) for corner in (volume.lower, volume.upper))
    inner = torch.rand((n_events, 3), generator=generator, dtype=torch.float64)
    vertex = lower + margin + (upper - lower - 2 * margin) * inner
    return primaries(counts, torch.ones(n_events, dtype=torch.int64), vertex, kinds[:, 0].long(), kinetic, direction)
