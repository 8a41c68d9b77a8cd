"""Geant4's words for what NuForge stores: process names and codes, and masses of particles and nuclei."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from particle import InvalidParticle, Particle, ParticleNotFound

from nuforge.events.process import Process
from nuforge.formats.distinct import distinct
from nuforge.units import MeV

ATOMIC_MASS_UNIT = 931.49410242 * MeV  # CODATA 2018

ELECTRON_MASS = 0.51099895 * MeV  # CODATA 2018

_NUCLEI = 1_000_000_000  # PDG numbers of nuclei are 10LZZZAAAI

NAME_LENGTH = 16
"""Names in files may be cut to so many characters."""

BOUND_DECAY_ENERGY = 1.5 * MeV
"""An electron at rest capture of a mu- with more kinetic energy comes from the muon's decay in orbit; one with less is
an Auger electron of the muonic atom (below 1.0 MeV in argon)."""

_NAMES = {
    Process.PRIMARY: ("primary", "Primary"),
    Process.DECAY: ("Decay", "DecayWithSpin", "PionDecayMakeSpin", "RadioactiveDecay", "Radioactivation"),
    Process.IONISATION: ("eIoni", "muIoni", "hIoni", "ionIoni", "alphaIoni", "MicroElec"),
    Process.BREMSSTRAHLUNG: ("eBrem", "muBrems", "hBrems", "SynRad"),
    Process.PAIR_PRODUCTION: ("conv", "ePairProd", "muPairProd", "hPairProd", "GammaToMuPair"),
    Process.COMPTON: ("compt",),
    Process.PHOTOELECTRIC: ("phot",),
    Process.ANNIHILATION: ("annihil", "AnnihiToMuPair", "AnnihiToTauPair", "ee2hadr"),
    Process.ELASTIC: ("hadElastic", "CoulombScat", "nuclearStopping", "msc", "nElastic"),
    Process.INELASTIC: (
        "photonNuclear",
        "electronNuclear",
        "positronNuclear",
        "muonNuclear",
        "nFission",
        "chargeEx",
    ),
    Process.CAPTURE: (
        "muMinusCaptureAtRest",
        "muMinusAtomicCaptureAtRest",
        "hBertiniCaptureAtRest",
        "hFritiofCaptureAtRest",
        "hINCLXXCaptureAtRest",
        "PiMinusAbsorptionAtRest",
        "PiMinusCaptureAtRest",
        "KaonMinusAbsorptionAtRest",
        "KaonMinusCaptureAtRest",
        "sigmaMinusCaptureAtRest",
        "antiProtonCaptureAtRest",
    ),
    Process.NEUTRON_CAPTURE: ("nCapture", "nCaptureHP", "neutronCapture"),
}
_BY_NAME = {name[:NAME_LENGTH]: process for process, names in _NAMES.items() for name in names}
_MUON_CAPTURE = frozenset(name[:NAME_LENGTH] for name in ("muMinusCaptureAtRest", "muMinusAtomicCaptureAtRest"))

# G4EmProcessSubType.hh, G4HadronicProcessType.hh and G4DecayProcessType.hh of Geant4 11; edep-sim writes these numbers.
_BY_SUBTYPE = {
    1: Process.ELASTIC,
    2: Process.IONISATION,
    3: Process.BREMSSTRAHLUNG,
    4: Process.PAIR_PRODUCTION,
    5: Process.ANNIHILATION,
    6: Process.ANNIHILATION,
    7: Process.ANNIHILATION,
    8: Process.ELASTIC,
    12: Process.PHOTOELECTRIC,
    13: Process.COMPTON,
    14: Process.PAIR_PRODUCTION,
    15: Process.PAIR_PRODUCTION,
    111: Process.ELASTIC,
    121: Process.INELASTIC,
    131: Process.NEUTRON_CAPTURE,
    132: Process.CAPTURE,
    141: Process.INELASTIC,
    151: Process.CAPTURE,
    152: Process.CAPTURE,
    161: Process.INELASTIC,
    201: Process.DECAY,
    202: Process.DECAY,
    203: Process.DECAY,
    210: Process.DECAY,
    211: Process.DECAY,
    221: Process.DECAY,
    231: Process.DECAY,
}


NAME_OF = {
    Process.PRIMARY: b"primary",
    Process.DECAY: b"Decay",
    Process.IONISATION: b"eIoni",
    Process.BREMSSTRAHLUNG: b"eBrem",
    Process.PAIR_PRODUCTION: b"conv",
    Process.COMPTON: b"compt",
    Process.PHOTOELECTRIC: b"phot",
    Process.ANNIHILATION: b"annihil",
    Process.ELASTIC: b"hadElastic",
    Process.INELASTIC: b"hadInelastic",
    Process.CAPTURE: b"hBertiniCaptureAtRest",
    Process.NEUTRON_CAPTURE: b"nCapture",
}
"""A name of Geant4, as bytes, for each process but UNKNOWN and DEEXCITATION, to write files with."""


def process_of_name(name: str) -> Process:
    """The process of a Geant4 process name, whole or cut to 16 characters; UNKNOWN for one that is not known."""
    cut = name[:NAME_LENGTH]
    if cut not in _BY_NAME and "Inel" in cut:  # protonInelastic, neutronInelasti, anti_protonInela
        return Process.INELASTIC
    return _BY_NAME.get(cut, Process.UNKNOWN)


def processes_of_names(
    names: NDArray[Any], pdg: NDArray[np.int64], kinetic_energy: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Codes (`nuforge.events.Process`) of particles that began in processes of those names.

    Args:
        names: (N,) Geant4 process names, as bytes.
        pdg: (N,) PDG numbers.
        kinetic_energy: (N,) MeV, at the start.

    Returns:
        (N,) int64. Electrons of a mu- at rest are of its decay in orbit above `BOUND_DECAY_ENERGY`.
    """
    known, which = distinct(names)
    words = [name.decode("ascii", "replace") if isinstance(name, bytes) else str(name) for name in known]
    codes = np.array([process_of_name(word) for word in words], dtype=np.int64)[which]
    of_muon = np.array([word[:NAME_LENGTH] in _MUON_CAPTURE for word in words], dtype=bool)[which]
    codes[of_muon & (pdg == 11) & (kinetic_energy > BOUND_DECAY_ENERGY)] = Process.DECAY
    return codes


def processes_of_subtypes(subtypes: NDArray[np.int64], is_primary: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Codes (N,) of particles that began in processes of those Geant4 subtype numbers (N,)."""
    known, which = distinct(subtypes)
    codes = np.array([_BY_SUBTYPE.get(int(number), Process.UNKNOWN) for number in known], dtype=np.int64)[which]
    return np.where(is_primary, int(Process.PRIMARY), codes)


def masses(pdg: NDArray[np.int64]) -> NDArray[np.float64]:
    """Masses (N,) in MeV of particles and nuclei with those PDG numbers (N,).

    Source: the Particle Data Group by the package `particle`, whose nuclei are neutral atoms: their electrons are taken
    off here (binding of the electrons, below 1 MeV, neglected). A nucleus that it lacks has A atomic mass units; other
    numbers that it lacks are NaN.
    """
    known, which = distinct(pdg)
    return np.array([_mass(int(number)) for number in known], dtype=np.float64)[which]


@lru_cache(maxsize=4096)
def _mass(pdg: int) -> float:
    """The mass of one kind of particle, MeV."""
    if abs(pdg) in (12, 14, 16, 22):
        return 0.0
    try:
        mass = Particle.from_pdgid(pdg).mass
    except (ParticleNotFound, InvalidParticle):
        mass = None
    if abs(pdg) < _NUCLEI:
        return math.nan if mass is None else float(mass)
    charge, nucleons = abs(pdg) // 10_000 % 1000, abs(pdg) // 10 % 1000
    atom = nucleons * ATOMIC_MASS_UNIT if mass is None else float(mass)
    return atom - charge * ELECTRON_MASS
