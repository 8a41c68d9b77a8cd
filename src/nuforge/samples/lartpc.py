"""Samples of liquid-argon time projection chambers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from nuforge.samples.sample import Sample

if TYPE_CHECKING:
    import torch

    from nuforge.detectors import Detector
    from nuforge.events import Events


def particle_bomb(events: int = 1000, seed: int = 0, shard_size: int = 100) -> Sample:
    """Several particles from one vertex and muons from above in a cube of 230.4 cm, read out in voxels of 0.3 cm.

    Args:
        events: Number of events.
        seed: Of everything random.
        shard_size: Events made and written together.
    """
    from nuforge.detectors import lartpc_cube

    detector = lartpc_cube()
    return Sample(
        "lartpc-particle-bomb", {}, partial(_particle_bomb, detector=detector), events, detector, shard_size, seed
    )


def _particle_bomb(n_events: int, shard: int, generator: torch.Generator, detector: Detector) -> Events:
    """One shard: who flies, what is deposited, what is read out, what is true."""
    from nuforge.simulation.response.lartpc import respond
    from nuforge.simulation.sources import particle_bomb
    from nuforge.simulation.transport import transport
    from nuforge.simulation.truth import label_voxels, prune

    flying = particle_bomb(n_events, detector, generator)
    deposited = transport(flying, detector, generator)
    return prune(label_voxels(respond(deposited, detector, generator), detector))
