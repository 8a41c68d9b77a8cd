"""What a particle is called in an analysis: primary or not, and of which of five kinds."""

from enum import IntEnum

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from nuforge.events import Table


class Identity(IntEnum):
    """What can be told apart by what a particle deposits; electrons and positrons, mu- and mu+ are one."""

    OTHER = -1
    PHOTON = 0
    ELECTRON = 1
    MUON = 2
    PION = 3
    PROTON = 4


IDENTITIES = ("photon", "electron", "muon", "pion", "proton")

_OF_PDG = {
    22: Identity.PHOTON,
    11: Identity.ELECTRON,
    -11: Identity.ELECTRON,
    13: Identity.MUON,
    -13: Identity.MUON,
    211: Identity.PION,
    -211: Identity.PION,
    2212: Identity.PROTON,
}
_NEUTRAL_PION = 111


def primary(particles: Table) -> Bool[Tensor, " p"]:
    """Which particles (P,) an interaction made itself, counting the photons of its neutral pions.

    Args:
        particles: With pdg and parent; the parent is -1 for what an interaction made.
    """
    parent = particles["parent"]
    made = parent < 0
    return made | (made & (particles["pdg"] == _NEUTRAL_PION))[parent]


def identification(particles: Table) -> Int[Tensor, " p"]:
    """The `Identity` (P,) int64 of particles by their PDG number."""
    pdg = particles["pdg"]
    identity = torch.full_like(pdg, Identity.OTHER)
    for number, which in _OF_PDG.items():
        identity[pdg == number] = which
    return identity
