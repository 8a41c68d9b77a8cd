"""Small particle bombs of low energy, made in a moment: a thousand voxels an event."""

import torch

from nuforge.detectors import lartpc_cube
from nuforge.samples import Sample
from nuforge.simulation.readout import read_out
from nuforge.simulation.sources import particle_bomb
from nuforge.simulation.transport import transport
from nuforge.simulation.truth import prune

MENU = ((11, 50.0, 150.0), (22, 50.0, 150.0), (13, 50.0, 150.0), (2212, 50.0, 200.0), (211, 50.0, 150.0))
EVENTS = 17


def deposited(n_events: int, generator: torch.Generator):
    """What the particles leave behind."""
    detector = lartpc_cube()
    flying = particle_bomb(n_events, detector, generator, fewest=1, most=3, most_cosmics=0, most_vertices=2, menu=MENU)
    return transport(flying, detector, generator)


def make(n_events: int, shard: int, generator: torch.Generator):
    """One shard."""
    return prune(read_out(deposited(n_events, generator), lartpc_cube(), generator))


def small_bombs() -> Sample:
    """Events on all sides of the split."""
    return Sample("small-bombs", {}, make, EVENTS, lartpc_cube(), shard_size=EVENTS)
