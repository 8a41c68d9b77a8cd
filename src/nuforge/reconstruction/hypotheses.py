"""What a track may be: muon, pion, kaon or proton, in this order in every column of four, and what the classes are."""

from __future__ import annotations

from enum import IntEnum

from nuforge.physics.constants import ELECTRON_MASS, KAON_MASS, MUON_MASS, PION_MASS, PROTON_MASS


class Species(IntEnum):
    """Numbers of the identification of particles (`pid`); -1 for anything else."""

    PHOTON = 0
    ELECTRON = 1
    MUON = 2
    PION = 3
    PROTON = 4


HYPOTHESES = ("muon", "pion", "kaon", "proton")
MASSES = (MUON_MASS, PION_MASS, KAON_MASS, PROTON_MASS)
"""MeV, of the hypotheses."""
PDG = ((13,), (211, -211), (321, -321), (2212,))
"""Numbers of the hypotheses; charges are not told apart."""

HYPOTHESIS_OF = {Species.MUON: 0, Species.PION: 1, Species.PROTON: 3}
"""The hypothesis of a track's identification; any other is taken for a muon."""

MASS_OF = {
    Species.PHOTON: 0.0,
    Species.ELECTRON: ELECTRON_MASS,
    Species.MUON: MUON_MASS,
    Species.PION: PION_MASS,
    Species.PROTON: PROTON_MASS,
}
"""MeV, of the identification."""
