"""What of a cascade is uncertain: factors on what hadrons do inside nuclei, 1 as they are measured on free nucleons."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from nuforge.errors import InputError


@dataclass(frozen=True)
class CascadeDials:
    """Systematic parameters of hadrons inside nuclei.

    Args:
        nucleon_mean_free_path: Factor on the mean free path of nucleons.
        pion_mean_free_path: Factor on the mean free path of pions, by whatever happens to them.
        pion_absorption: Factor on the rate at which pairs of nucleons absorb pions.
        charge_exchange: Factor on the rate of charge exchange of pions and kaons.

    Raises:
        InputError: If a mean free path is not positive, or a rate negative.
    """

    nucleon_mean_free_path: float = 1.0
    pion_mean_free_path: float = 1.0
    pion_absorption: float = 1.0
    charge_exchange: float = 1.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value, is_path = getattr(self, field.name), field.name.endswith("path")
            if not (math.isfinite(value) and (value > 0 if is_path else value >= 0)):
                expected = "positive" if is_path else "0 or more"
                raise InputError(f"{field.name} must be {expected}, got {value}; 1 changes nothing")


NOMINAL = CascadeDials()
