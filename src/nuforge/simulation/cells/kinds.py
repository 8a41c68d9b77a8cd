"""What kind of particle made a prong, and where its photon came from."""

import torch
from torch import Tensor

from nuforge.events import Column, Events
from nuforge.events.rows import looked_up
from nuforge.simulation.truth.ancestry import parent_or_self, top_of

PIDS = ("electron", "muon", "photon", "pion", "proton")
"""Names of `prongs.pid`: electrons and positrons of decays too, muons and pions of both charges."""
ORIGINS = (
    "electron",
    "muon",
    "proton",
    "pion",
    "photon of a neutron",
    "photon of a pi0",
    "other photon",
    "other",
    "cosmic",
)
"""Names of `prongs.origin`."""
_NUMBERS = (11, 13, 22, 211, 2212)  # PDG numbers in the order of PIDS
_ORIGIN_OF_PID = (0, 1, 6, 3, 2)
_PHOTON, _NEUTRON, _PI0, _FROM_NEUTRON, _FROM_PI0, _OTHER, _COSMIC = 22, 2112, 111, 4, 5, 7, 8
_ABOUT = {
    "pid": Column("", "what its particle is, -1 for none or another", "truth", names=PIDS),
    "origin": Column("", "what its particle is, or for photons what made it", "truth", names=ORIGINS),
}


def prong_kinds(events: Events, interaction: int = 0) -> Events:
    """Events with `prongs.pid` (`PIDS`) and `prongs.origin` (`ORIGINS`).

    A photon is a pi0's if it is its child, a neutron's if one is among its ancestors. Prongs of another interaction
    than that of the event are cosmic, so are all of an event with `event.cosmic`; those of noise alone are "other".

    Args:
        events: With `prongs` that have a `particle`, `particles` and `interactions`.
        interaction: Number in its event of the interaction whose slice it is.
    """
    prongs, particles = events["prongs"], events["particles"]
    head = prongs["particle"]
    pid = looked_up(_pids(particles["pdg"]), head)
    origin = torch.cat([torch.tensor(_ORIGIN_OF_PID), torch.tensor([_OTHER])])[pid]
    photon = head[pid == PIDS.index("photon")]
    mother = looked_up(particles["pdg"], looked_up(particles["parent"], photon))
    of_neutron = _below(particles["pdg"] == _NEUTRON, particles["parent"])[photon]
    came = torch.where(of_neutron, _FROM_NEUTRON, origin[pid == PIDS.index("photon")])
    origin[pid == PIDS.index("photon")] = torch.where(mother == _PI0, _FROM_PI0, came)
    wanted = events["interactions"].offsets[:-1] + interaction
    cosmic = (head >= 0) & (looked_up(particles["interaction"], head) != wanted[prongs.batch])
    if "cosmic" in events["event"]:
        cosmic |= events["event"]["cosmic"][prongs.batch]
    columns = {"pid": pid, "origin": torch.where(cosmic, _COSMIC, origin)}
    return events.with_table("prongs", prongs.with_columns(columns, about=_ABOUT))


def _pids(pdg: Tensor) -> Tensor:
    """The place (P,) in `PIDS`, -1 for others; antiprotons are others."""
    same = torch.where(pdg == -2212, 0, pdg.abs())[:, None] == torch.tensor(_NUMBERS)
    return torch.where(same.any(1), same.int().argmax(1), -1)


def _below(marked: Tensor, parent: Tensor) -> Tensor:
    """Whether a particle (P,) or one of its ancestors is marked."""
    here = torch.arange(len(parent))
    end = top_of(torch.where(marked, here, parent_or_self(parent)))
    return marked[end]
