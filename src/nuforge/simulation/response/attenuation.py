"""Attenuation: drifting electrons that impurities catch. `recombination.sample_survivors` throws the dice."""

import torch

from nuforge.detectors.constant import Constant
from nuforge.shapes import Scalars


def surviving_fraction(time: Scalars, lifetime: Constant) -> Scalars:
    """Fraction (N,) of electrons that are still free after a time (N,) ns: exp(-time / lifetime), lifetime in ns."""
    return torch.exp(-time / lifetime)
