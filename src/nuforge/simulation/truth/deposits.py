"""Deposits: which particles make one deposit together, and what kind of deposit it is, from their ancestry alone."""

from dataclasses import dataclass
from enum import IntEnum

import torch
from jaxtyping import Float, Int
from torch import Tensor

from nuforge.events import Process, Table
from nuforge.simulation.truth.ancestry import parent_or_self, top_of
from nuforge.simulation.truth.classes import AUGER_ENERGY, DELTA_ENERGY, NUCLEAR_GAMMA_ENERGY

ELECTRON_MASS = 0.51099895  # MeV, PDG
_NUCLEUS = 1_000_000_000  # PDG numbers of nuclei start here


class Kind(IntEnum):
    """What a deposit is before its voxels are looked at."""

    TRACK = 0
    MICHEL = 1
    KNOCK_ON = 2  # a delta if it leaves enough voxels outside its parent's, else a part of its parent
    SHOWER = 3  # low-energy where it is small
    RECOIL = 4  # a charged hadron that a neutron knocked out: a track, low-energy where it is small
    NUCLEAR = 5  # low-energy


@dataclass(frozen=True)
class Deposits:
    """For each particle (P,), the particle that heads its deposit, that deposit's kind, and the head's parent's head.

    Args:
        head: (P,) int64 row of particles; a head is its own head.
        kind: (P,) int64 `Kind`.
        outer: (P,) int64 the head of the deposit that this one came out of, itself for none.
    """

    head: Int[Tensor, " p"]
    kind: Int[Tensor, " p"]
    outer: Int[Tensor, " p"]


def deposits_of(particles: Table) -> Deposits:
    """The deposits of particles, from `pdg`, `parent`, `process` and `momentum`.

    - A track, a Michel electron, and an electron that a track knocked out with more than 3 MeV head a deposit each.
      Electrons that an electron or positron knocks out ionise along it and belong to it; so do those that a track
      knocks out with less, and the Auger electrons of a muonic or pionic atom.
    - A shower is headed by its topmost electron or photon: a primary, each photon of a pi0, a photon that a muon, a
      Michel or a delta radiates (annihilation included). All electrons and photons below it belong to it.
    - What a neutron makes is nuclear, except charged hadrons, whose size decides. So are photons and electrons of
      hadronic processes and of nuclei.
    """
    pdg, process = particles["pdg"].abs(), particles["process"]
    parent = parent_or_self(particles["parent"])
    born = particles["parent"] >= 0
    energy = _electromagnetic_energy(pdg, particles["momentum"])
    electron, photon, neutron, nucleus = pdg == 11, pdg == 22, pdg == 2112, pdg >= _NUCLEUS
    light = electron | photon
    hadron = ~light & ~neutron  # and muons; neutral ones deposit nothing
    from_electron, from_light, from_hadron = (born & mother[parent] for mother in (electron, light, hadron))

    origin = _chain(hadron & from_hadron, parent)
    from_neutron = born & neutron[parent]
    recoil = hadron & from_neutron[origin]

    captured = process == Process.CAPTURE
    decayed = (process == Process.DECAY) | (captured & (energy > AUGER_ENERGY))
    michel = electron & born & (pdg[parent] == 13) & decayed
    knocked = electron & from_hadron & (process == Process.IONISATION)
    auger = electron & from_hadron & captured & ~michel & (energy <= AUGER_ENERGY)
    heads_knock_on = knocked & (energy > DELTA_ENERGY) & ~recoil[parent]

    ionising = _chain(electron & from_electron, parent)  # the electron that this one ionises along
    radiated = photon & from_electron & (michel | knocked | auger)[ionising[parent]]
    follows = ((light | nucleus) & from_light & ~radiated) | ((knocked | auger) & ~heads_knock_on)
    head = top_of(torch.where(follows, parent, torch.where(recoil, origin, torch.arange(len(pdg), device=pdg.device))))

    hadronic = captured | (process == Process.INELASTIC) | (process == Process.ELASTIC)
    nuclear = (process == Process.NEUTRON_CAPTURE) | (process == Process.DEEXCITATION) | from_neutron
    nuclear |= (born & nucleus[parent]) | (hadronic & (energy < NUCLEAR_GAMMA_ENERGY))
    kind = torch.full_like(pdg, Kind.TRACK)
    kind[light] = Kind.SHOWER
    kind[(light & nuclear) | neutron | (recoil & nucleus)] = Kind.NUCLEAR
    kind[recoil & ~nucleus] = Kind.RECOIL
    kind[heads_knock_on] = Kind.KNOCK_ON
    kind[michel] = Kind.MICHEL
    return Deposits(head, kind[head], head[parent[head]])


def _chain(follows: Tensor, parent: Tensor) -> Tensor:
    """The top of the chain of parents that `follows` allows to climb, (P,)."""
    return top_of(torch.where(follows, parent, torch.arange(len(parent), device=parent.device)))


def _electromagnetic_energy(pdg: Int[Tensor, " p"], momentum: Float[Tensor, "p 3"]) -> Float[Tensor, " p"]:
    """Kinetic energy (P,) MeV of electrons and photons; of no meaning for others."""
    mass = torch.where(pdg == 11, ELECTRON_MASS, 0.0)
    square = momentum.double().square().sum(dim=-1)
    return (square + mass.double().square()).sqrt() - mass.double()
