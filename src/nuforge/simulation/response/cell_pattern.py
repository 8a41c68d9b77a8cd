"""Which cells are dead, and how bright each is: a fixed pattern of the detector."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from nuforge.detectors.cells import CellReadout
from nuforge.shapes import Mask, Rows, Scalars

_DEAD, _BRIGHT = 1, 2  # two patterns that know nothing of each other


def is_alive(channel: Rows, readout: CellReadout) -> Mask:
    """Whether cells (N,) are read. A channel is plane times number of cells plus cell."""
    return _uniform(channel, readout.pattern, _DEAD) >= readout.dead


def brightness(channel: Rows, readout: CellReadout) -> Scalars:
    """Light (N,) of cells over what the calibration assumes, float64: normal about 1, at least 0.1."""
    quantile = 2 * _uniform(channel, readout.pattern, _BRIGHT) - 1
    normal = math.sqrt(2) * torch.erfinv(quantile.clamp(-1 + 1e-12, 1 - 1e-12))
    return (1 + readout.gain_spread * normal).clamp(min=0.1)


def _uniform(channel: Rows, pattern: int, salt: int) -> Float[Tensor, " n"]:
    """Numbers (N,) even in [0, 1) that depend on their channel alone: the finaliser of splitmix64.

    Source: Steele, Lea and Flood, OOPSLA 2014; products wrap around 2^64.
    """
    x = channel + _signed((pattern * 4 + salt) * 0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        x = (x ^ _shifted(x, shift)) * _signed(factor)
    return _shifted(x ^ _shifted(x, 31), 11).double() * 2.0**-53


def _shifted(x: Rows, bits: int) -> Rows:
    """Bits moved down, with zeros above, which the sign of int64 would fill."""
    return (x >> bits) & ((1 << (64 - bits)) - 1)


def _signed(number: int) -> int:
    """The int64 of the same 64 bits."""
    return (number + 2**63) % 2**64 - 2**63
