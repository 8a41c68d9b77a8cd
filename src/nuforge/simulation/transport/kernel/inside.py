"""Compiled cascades of hadrons that begin inside nuclei."""

from __future__ import annotations

import ctypes

import torch
from torch import Tensor

from nuforge.simulation.nucleus import Products
from nuforge.simulation.nucleus.cascade import Swarm
from nuforge.simulation.nucleus.dials import CascadeDials
from nuforge.simulation.transport.kernel.calls import drawn_seed, products_of
from nuforge.simulation.transport.kernel.nuclei import nuclear_model, nucleus

_MANY = 24
"""Products a nucleus for which there is room at first."""


def leave(
    swarm: Swarm, z: int, a: int, left: Tensor, total: Tensor, dials: CascadeDials, generator: torch.Generator
) -> Products:
    """As `nucleus.cascade` and then `nucleus.interaction.settle`, of nuclei of one kind.

    Args:
        swarm: Who begins inside, in the order of the nuclei.
        z: Protons of the nuclei at the start.
        a: Nucleons at the start.
        left: Protons and nucleons (N, 2) beside the swarm.
        total: Four-momenta (N, 4) in MeV of swarm and nucleus.
        dials: Systematic parameters.
        generator: Source of randomness.
    """
    n = len(left)
    first = torch.zeros(n + 1, dtype=torch.int64)
    first[1:] = torch.bincount(swarm.owner, minlength=n).cumsum(0)
    seed = drawn_seed(generator)
    real = (swarm.position, swarm.direction, swarm.energy)
    columns = (*(column.double().contiguous() for column in real), left.contiguous(), total.double().contiguous())
    target, model = nucleus(z, a), nuclear_model(dials)
    begin = (ctypes.byref(model), ctypes.byref(target), n, first, swarm.kind.contiguous(), *columns, seed)
    return products_of("leave", *begin, room=_MANY * n)
