"""Fibre: the share of light that arrives after a way along it, and when."""

import torch

from nuforge.detectors.fibre import Fibre
from nuforge.shapes import Scalars


def transmitted(distance: Scalars, length: float, fibre: Fibre) -> Scalars:
    """Light (N,) that reaches the sensor from places in a cell, where 1 is what one way round of no length brings.

    The fibre runs along the cell and back. Light goes either way: d, or the rest of the loop,

        f(d) = g(p + d) + g(p + 2 L - d),  g(x) = s exp(-x / short) + (1 - s) exp(-x / long).

    Args:
        distance: From the end that is read, cm.
        length: Of the cell, cm.
        fibre: Its constants.
    """
    near, far = fibre.pigtail + distance, fibre.pigtail + 2 * length - distance
    return _left(near, fibre) + _left(far, fibre)


def _left(way: Scalars, fibre: Fibre) -> Scalars:
    share = fibre.short_share
    return share * torch.exp(-way / fibre.short) + (1 - share) * torch.exp(-way / fibre.long)


def delay(distance: Scalars, fibre: Fibre) -> Scalars:
    """Time (N,) ns that light takes by the shorter way to the sensor from a distance (N,) cm to the read end."""
    return (fibre.pigtail + distance) / fibre.speed
