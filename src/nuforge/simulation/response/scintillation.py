"""Scintillation: the part of a deposit that the scintillator gets, and the light that comes of it."""

from functools import lru_cache

import torch

from nuforge.detectors.scintillator import Scintillator
from nuforge.physics.constants import MUON_MASS
from nuforge.physics.material import Material
from nuforge.physics.stopping import stopping_power
from nuforge.shapes import Scalars

_TYPICAL = 280.0
"""Kinetic energy in MeV of a muon that loses least."""


def loss_in_scintillator(medium: Scintillator) -> float:
    """dE/dx in the scintillator over that in the average of scintillator and walls, of a minimum-ionising particle.

    Particles fly through the average. What they deposit on the share s of a path that is inside of the walls is s
    times this ratio; the walls, which are denser, have the rest.
    """
    return _minimum(medium.active) / _minimum(medium.material)


@lru_cache(maxsize=8)
def _minimum(material: Material) -> float:
    return float(stopping_power(torch.tensor([_TYPICAL], dtype=torch.float64), MUON_MASS, material))


def light_of(energy: Scalars, loss: Scalars, medium: Scintillator) -> Scalars:
    """Light (N,) of deposits (N,) MeV with a dE/dx (N,) in MeV/cm, as MeV of unquenched light.

    Birks' law as Chou extended it: L = E / (1 + k s + c s^2), s = dE/dx over the density.

    Source: Birks, Proc. Phys. Soc. A 64 (1951) 874; Chou, Phys. Rev. 87 (1952) 904.
    """
    s = loss / medium.active.density
    return energy / (1 + medium.birks * s + medium.chou * s**2)


def light_of_muon(medium: Scintillator) -> Scalars:
    """Light (1,) for a MeV that a minimum-ionising particle deposits: what an energy scale set by muons takes for 1."""
    one = torch.ones(1, dtype=torch.float64)
    return light_of(one, one * _minimum(medium.active), medium)
