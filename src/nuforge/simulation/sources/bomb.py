"""Particle bomb: some particles of many kinds from one vertex or several, and muons from above."""

import torch
from torch import Tensor

from nuforge.detectors import Block, Detector
from nuforge.events import Events
from nuforge.simulation.sources.primaries import primaries

MENU: tuple[tuple[int, float, float], ...] = (
    (11, 50.0, 700.0),
    (22, 50.0, 700.0),
    (13, 50.0, 1000.0),
    (-13, 50.0, 1000.0),
    (211, 50.0, 500.0),
    (-211, 50.0, 500.0),
    (2212, 50.0, 400.0),
    (111, 50.0, 500.0),
)
"""What a bomb is made of: PDG number, lowest and highest kinetic energy in MeV."""


def particle_bomb(
    n_events: int,
    detector: Detector | Block,
    generator: torch.Generator,
    *,
    fewest: int = 2,
    most: int = 5,
    most_cosmics: int = 3,
    fewest_vertices: int = 1,
    most_vertices: int = 1,
    menu: tuple[tuple[int, float, float], ...] = MENU,
) -> Events:
    """Events of `fewest` to `most` particles from each vertex plus 0 to `most_cosmics` muons from above.

    Kinds are equally likely, energies even between their limits, directions isotropic, vertices even in the inner
    80 % of the volume (each side). Muons of 200 to 3000 MeV enter by the upper face, downwards.

    Args:
        n_events: Number of events.
        detector: Its first volume and its `up` are used.
        generator: Source of randomness.
        fewest: Fewest particles of a vertex.
        most: Most particles of a vertex.
        most_cosmics: Most muons from above.
        fewest_vertices: Fewest vertices of an event. More than one make a spill: interactions that are read out
            together.
        most_vertices: Most vertices of an event.
        menu: PDG number, lowest and highest kinetic energy (MeV) of each kind.

    Returns:
        Events whose `interactions` are first the vertices, then the muons from above.

    Raises:
        ValueError: If a range is empty.
    """
    if not 1 <= fewest <= most:
        raise ValueError(f"fewest must be between 1 and most, got fewest = {fewest}, most = {most}")
    if not 1 <= fewest_vertices <= most_vertices:
        raise ValueError(
            "fewest_vertices must be between 1 and most_vertices, "
            f"got fewest_vertices = {fewest_vertices}, most_vertices = {most_vertices}"
        )
    n_vertices = torch.full((n_events,), most_vertices)
    if fewest_vertices < most_vertices:
        n_vertices = torch.randint(fewest_vertices, most_vertices + 1, (n_events,), generator=generator)
    n_bomb = torch.randint(fewest, most + 1, (int(n_vertices.sum()),), generator=generator)
    n_cosmic = torch.randint(0, most_cosmics + 1, (n_events,), generator=generator)
    interactions = n_vertices + n_cosmic
    kinds_of_interaction = torch.stack([n_vertices, n_cosmic], 1).flatten()
    is_bomb = torch.tensor([True, False]).repeat(n_events).repeat_interleave(kinds_of_interaction)
    counts = torch.ones(len(is_bomb), dtype=torch.int64)
    counts[is_bomb] = n_bomb
    from_bomb = torch.repeat_interleave(is_bomb, counts)
    up = torch.tensor(detector.up, dtype=torch.float64)
    pdg, kinetic = _kinds(from_bomb, menu, generator)
    direction = _directions(from_bomb, up, generator)
    vertex = _places(is_bomb, detector, up, generator)
    return primaries(counts, interactions, vertex, pdg, kinetic, direction)


def _kinds(
    from_bomb: Tensor, menu: tuple[tuple[int, float, float], ...], generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """PDG numbers (N,) and kinetic energies (N,) MeV of particles from the menu, and of muons of either sign."""
    n = len(from_bomb)
    kinds = torch.tensor(menu, dtype=torch.float64)[torch.randint(len(menu), (n,), generator=generator)]
    sign = torch.where(_uniform((n,), generator) < 0.5, 1, -1)
    pdg = torch.where(from_bomb, kinds[:, 0].long(), 13 * sign)
    low, high = (torch.where(from_bomb, kinds[:, k], limit) for k, limit in ((1, 200.0), (2, 3000.0)))
    return pdg, low + (high - low) * _uniform((n,), generator)


def _directions(from_bomb: Tensor, up: Tensor, generator: torch.Generator) -> Tensor:
    """Unit vectors (N, 3), isotropic for particles of a bomb, downwards for the others."""
    direction = torch.randn((len(from_bomb), 3), generator=generator, dtype=torch.float64)
    direction = direction / direction.norm(dim=1, keepdim=True)
    rise = direction @ up
    downward = direction - (rise + rise.abs() + 0.3).unsqueeze(1) * up
    return torch.where(from_bomb.unsqueeze(1), direction, downward / downward.norm(dim=1, keepdim=True))


def _places(is_bomb: Tensor, detector: Detector | Block, up: Tensor, generator: torch.Generator) -> Tensor:
    """Vertices (I, 3) cm of bombs, and places on the upper face where the others enter."""
    volume = detector.volumes[0]
    lower, upper = (torch.tensor(corner, dtype=torch.float64) for corner in (volume.lower, volume.upper))
    center, half = 0.5 * (lower + upper), 0.5 * (upper - lower)
    place = (2 * _uniform((len(is_bomb), 3), generator) - 1) * half
    on_top = place - ((place @ up) - (half @ up.abs()) + 1e-4).unsqueeze(1) * up
    return center + torch.where(is_bomb.unsqueeze(1), 0.8 * place, on_top)


def _uniform(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return torch.rand(shape, generator=generator, dtype=torch.float64)
