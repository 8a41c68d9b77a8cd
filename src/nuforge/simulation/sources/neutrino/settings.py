"""Settings of the generator: what of the model is chosen, and what of it is uncertain."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from nuforge.errors import InputError
from nuforge.physics import two_nucleon_currents
from nuforge.physics.delta_production import DeltaFormFactors
from nuforge.physics.form_factors import FormFactors
from nuforge.simulation.nucleus.dials import CascadeDials

Gas = Literal["global", "local"]
"""How nucleons move: one Fermi sphere for the whole nucleus with a fixed removal energy, or one at each density, in a
well of its depth."""
SettingsName = Literal["A", "B"]


@dataclass(frozen=True)
class GeneratorSettings:
    """A model of neutrinos on nuclei.

    Args:
        form_factors: Of nucleons.
        delta: Of the transition to the Delta.
        gas: How nucleons move.
        pair_share: Scattering on pairs, as a share of quasi-elastic scattering on the same nucleus.
        formation_time: fm/c, within which hadrons of deep inelastic scattering do not interact; their paths are
            stretched by p / m. 0.342 fm/c: SKAT (Baranov et al., IHEP-84-64, 1984), as in GENIE.
        cascade: Dials of what happens on the way out.

    Raises:
        InputError: If a number or a name is out of range.
    """

    form_factors: FormFactors = field(default_factory=FormFactors)
    delta: DeltaFormFactors = field(default_factory=DeltaFormFactors)
    gas: Gas = "global"
    pair_share: float = two_nucleon_currents.SHARE
    formation_time: float = 0.342
    cascade: CascadeDials = field(default_factory=CascadeDials)

    def __post_init__(self) -> None:
        if self.gas not in get_args(Gas):
            raise InputError(f"gas must be one of {get_args(Gas)}, got '{self.gas}'")
        for name, unit in (("pair_share", "no unit"), ("formation_time", "fm/c")):
            if not getattr(self, name) >= 0:
                raise InputError(f"{name} must be 0 or more ({unit}), got {getattr(self, name)}")


def generator_settings(name: SettingsName) -> GeneratorSettings:
    """Setting A, the default, or B, for tests of robustness: other form factors, nucleons and final states.

    A: dipoles, M_A 990 MeV, a global Fermi gas, free-nucleon rates in the cascade. B: BBA05, M_A 1030 MeV (the average
    of deuterium data), the Delta of Graczyk et al., a local Fermi gas, mean free paths 20 % shorter and 30 % more
    absorption of pions, the uncertainties that GENIE gives them.
    """
    if name not in get_args(SettingsName):
        raise InputError(f"settings must be one of {get_args(SettingsName)}, got '{name}'")
    if name == "A":
        return GeneratorSettings()
    return GeneratorSettings(
        form_factors=FormFactors("bba05", axial_mass=1030.0),
        delta=DeltaFormFactors(axial_mass=940.0, axial_coupling=1.19, steeper=False),
        gas="local",
        cascade=CascadeDials(nucleon_mean_free_path=0.8, pion_mean_free_path=0.8, pion_absorption=1.3),
    )
