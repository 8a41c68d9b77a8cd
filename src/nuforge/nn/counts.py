"""Scaling of charges that are kept in counts of 8 bits."""

import math

from torch import Tensor

MUON = 9.0
"""Counts of a muon that passes a cell (`nuforge.simulation.cells.maps`)."""


def log_counts(charge: Tensor) -> Tensor:
    """ln(1 + charge) over that of a muon: 0 where there is nothing, 1 for a muon, 2.4 for 255 counts."""
    return charge.log1p() / math.log1p(MUON)
