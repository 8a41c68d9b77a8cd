"""Primary particles as events: what every source ends with."""

import torch
from torch import Tensor

from nuforge.events import Events, Process, Table
from nuforge.physics.constants import ELECTRON_MASS, MUON_MASS, NEUTRAL_PION_MASS, PION_MASS, PROTON_MASS

MASSES = {
    11: ELECTRON_MASS,
    13: MUON_MASS,
    22: 0.0,
    111: NEUTRAL_PION_MASS,
    211: PION_MASS,
    2212: PROTON_MASS,
}
"""Masses (MeV) of the particles that sources make, by the absolute PDG number."""


def mass_of(pdg: Tensor) -> Tensor:
    """Masses (N,) in MeV of PDG numbers (N,).

    Raises:
        ValueError: If a number is not in `MASSES`.
    """
    mass = torch.full(pdg.shape, -1.0, dtype=torch.float64)
    for number, value in MASSES.items():
        mass = torch.where(pdg.abs() == number, value, mass)
    if bool((mass < 0).any()):
        raise ValueError(f"no mass of PDG number {int(pdg[mass < 0][0])}; sources make {sorted(MASSES)}")
    return mass


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
