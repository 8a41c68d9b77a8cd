"""What scatters, by which current, and how the modes are numbered."""

from __future__ import annotations

from dataclasses import dataclass

from nuforge.errors import InputError
from nuforge.physics.constants import ELECTRON_MASS, MUON_MASS, TAU_MASS

_LEPTONS = {12: (11, ELECTRON_MASS), 14: (13, MUON_MASS), 16: (15, TAU_MASS)}
NEUTRINOS = (12, -12, 14, -14, 16, -16)
"""PDG numbers."""
NAMES = {100: "coherent", 200: "quasi-elastic", 300: "two nucleons", 400: "Delta", 500: "shallow", 600: "deep"}
"""Of charged currents; neutral currents are 50 more (NuHepMC E.C.1)."""


@dataclass(frozen=True)
class Probe:
    """A kind of neutrino and a current.

    Args:
        pdg: Its PDG number.
        charged: Charged or neutral current.

    Raises:
        InputError: If it is no neutrino.
    """

    pdg: int
    charged: bool

    def __post_init__(self) -> None:
        if self.pdg not in NEUTRINOS:
            raise InputError(f"neutrino must be one of {NEUTRINOS}, got {self.pdg}; these are PDG numbers")

    @property
    def anti(self) -> bool:
        """Whether it is an antineutrino."""
        return self.pdg < 0

    @property
    def lepton(self) -> int:
        """PDG number of the lepton that leaves."""
        return (-1 if self.anti else 1) * _LEPTONS[abs(self.pdg)][0] if self.charged else self.pdg

    @property
    def lepton_mass(self) -> float:
        """Its mass in MeV."""
        return _LEPTONS[abs(self.pdg)][1] if self.charged else 0.0

    @property
    def charge(self) -> int:
        """Charge that the hadrons get."""
        return (-1 if self.anti else 1) if self.charged else 0


def number(mode: int, probe: Probe) -> int:
    """NuHepMC's number of a mode, 50 more for neutral currents."""
    return mode if probe.charged else mode + 50
