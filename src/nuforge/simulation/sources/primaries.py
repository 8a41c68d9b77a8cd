"""Primary particles as events: what every source ends with."""

import torch
from torch import Tensor

from nuforge.events import Events, Process, Table
from nuforge.physics.particles import mass_of


def primaries(
    particles_per_interaction: Tensor,
    interactions_per_event: Tensor,
    vertex: Tensor,
    pdg: Tensor,
    kinetic: Tensor,
    direction: Tensor,
) -> Events:
    """Events of primary particles that leave their interactions' vertices at time 0.

    Args:
        particles_per_interaction: int64 (I,).
        interactions_per_event: int64 (B,).
        vertex: (I, 3) cm.
        pdg: int64 (P,), in the order of the interactions.
        kinetic: (P,) MeV.
        direction: Unit vectors (P, 3).

    Returns:
        Events with `event` (numbered from 0, weight 1), `interactions` and `particles`.
    """
    n, n_particles, n_interactions = len(interactions_per_event), len(pdg), len(vertex)
    mass = mass_of(pdg)
    kinetic = kinetic.double()
    momentum = direction * torch.sqrt(kinetic * (kinetic + 2 * mass)).unsqueeze(1)
    interaction = torch.repeat_interleave(torch.arange(n_interactions), particles_per_interaction)
    event_of = torch.repeat_interleave(torch.arange(n), interactions_per_event)
    zero = torch.zeros(n, dtype=torch.int64)
    event = {"source": zero, "run": zero, "subrun": zero, "event": torch.arange(n), "variation": zero}
    ones = torch.ones(n, dtype=torch.int64)
    return Events(
        {
            "event": Table.from_counts({**event, "weight": ones.double()}, ones),
            "interactions": Table.from_counts(
                {
                    "vertex": vertex.float(),
                    "time": torch.zeros(n_interactions, dtype=torch.float64),
                    "neutrino": torch.zeros(n_interactions, dtype=torch.int64),
                    "mode": torch.zeros(n_interactions, dtype=torch.int64),
                },
                interactions_per_event,
            ),
            "particles": Table.from_counts(
                {
                    "pdg": pdg,
                    "parent": torch.full((n_particles,), -1),
                    "process": torch.full((n_particles,), int(Process.PRIMARY)),
                    "start": vertex.float()[interaction],
                    "time": torch.zeros(n_particles, dtype=torch.float64),
                    "momentum": momentum.float(),
                    "interaction": interaction,
                },
                torch.bincount(event_of[interaction], minlength=n),
            ),
        }
    )
