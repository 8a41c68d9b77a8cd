"""The charged particles that the built-in transport flies, and their numbers in its tables."""

from dataclasses import dataclass
from enum import IntEnum

import torch
from torch import Tensor

from nuforge.physics.constants import (
    ELECTRON_MASS,
    KAON_LIFETIME,
    KAON_MASS,
    MUON_LIFETIME,
    MUON_MASS,
    PION_LIFETIME,
    PION_MASS,
    PROTON_MASS,
)


class Species(IntEnum):
    """Rows of the tables of charged particles."""

    ELECTRON = 0
    POSITRON = 1
    MUON = 2
    PI_PLUS = 3
    PI_MINUS = 4
    PROTON = 5
    K_PLUS = 6
    K_MINUS = 7


@dataclass(frozen=True)
class Properties:
    """Mass (MeV), lifetime (ns, 0 for a stable particle) and PDG numbers of a species."""

    mass: float
    lifetime: float
    pdg: tuple[int, ...]


PROPERTIES = {
    Species.ELECTRON: Properties(ELECTRON_MASS, 0.0, (11,)),
    Species.POSITRON: Properties(ELECTRON_MASS, 0.0, (-11,)),
    Species.MUON: Properties(MUON_MASS, MUON_LIFETIME, (13, -13)),
    Species.PI_PLUS: Properties(PION_MASS, PION_LIFETIME, (211,)),
    Species.PI_MINUS: Properties(PION_MASS, PION_LIFETIME, (-211,)),
    Species.PROTON: Properties(PROTON_MASS, 0.0, (2212,)),
    Species.K_PLUS: Properties(KAON_MASS, KAON_LIFETIME, (321,)),
    Species.K_MINUS: Properties(KAON_MASS, KAON_LIFETIME, (-321,)),
}
MASSES = torch.tensor([PROPERTIES[s].mass for s in Species])


def species_of(pdg: Tensor) -> Tensor:
    """Species number of PDG numbers (N,), -1 for what the transport does not fly as a charged particle."""
    species = torch.full_like(pdg, -1)
    for s, properties in PROPERTIES.items():
        for number in properties.pdg:
            species = torch.where(pdg == number, int(s), species)
    return species
