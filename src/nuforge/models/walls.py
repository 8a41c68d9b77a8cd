"""Walls: how near a slice comes to each wall of the detector, which its pixel map does not say."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from nuforge.detectors import SegmentedDetector
from nuforge.events import Events
from nuforge.simulation.cells.walls import ways_to_walls
from nuforge.units import cm

_BEGIN = 10 * cm
"""Ways become ln(1 + way / 10 cm)."""


class Walls(nn.Module):
    """Six numbers of a slice: the logarithm of how near its hits come to each wall, 0 where none tells.

    Of the walls at low and high x the nearer comes first, so that maps may be mirrored in training.

    Args:
        detector: Says how large it is.
    """

    features = 6

    def __init__(self, detector: SegmentedDetector) -> None:
        super().__init__()
        self._detector = detector

    def forward(self, events: Events) -> Float[Tensor, "b 6"]:
        """Numbers (B, 6) of events with `hits`."""
        ways = ways_to_walls(events, self._detector)
        ways = torch.cat([ways[:, :2].sort(1).values, ways[:, 2:]], 1)
        return torch.where(ways.isfinite(), torch.log1p(ways / _BEGIN), 0.0).float()
