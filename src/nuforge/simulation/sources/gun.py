"""Particle gun: one particle an event, always the same way."""

import torch

from nuforge.events import Events
from nuforge.simulation.sources.primaries import primaries


def particle_gun(
    n_events: int,
    pdg: int,
    kinetic: float,
    position: tuple[float, float, float] = (0.0, 0.0, 0.0),
    direction: tuple[float, float, float] = (0.0, 0.0, 1.0),
) -> Events:
    """Events of one particle each.

    Args:
        n_events: Number of events.
        pdg: PDG number: 11, 13, 22, 111, 211, 2212 or their antiparticles.
        kinetic: Kinetic energy in MeV.
        position: cm.
        direction: Of travel, of any length but 0.

    Raises:
        ValueError: If the energy is not positive or the direction is null.
    """
    if kinetic <= 0:
        raise ValueError(f"kinetic energy must be positive (MeV), got {kinetic}; a particle at rest has no direction")
    unit = torch.tensor(direction, dtype=torch.float64)
    if not float(unit.norm()) > 0:
        raise ValueError(f"direction must not be null, got {direction}; (0, 0, 1) is along the beam")
    ones = torch.ones(n_events, dtype=torch.int64)
    vertex = torch.tensor(position).expand(n_events, 3)
    energy = torch.full((n_events,), kinetic, dtype=torch.float64)
    return primaries(ones, ones, vertex, pdg * ones, energy, (unit / unit.norm()).expand(n_events, 3))
