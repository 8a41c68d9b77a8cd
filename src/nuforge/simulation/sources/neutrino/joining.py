"""Where the Delta ends and deep inelastic scattering begins: shares of both by hadronic mass, which add up to 1.

Deep inelastic scattering averages over resonances above the Delta; below it is the background beneath the Delta.

Source: Juszczak, Nowak and Sobczyk, Nucl. Phys. B Proc. Suppl. 159 (2006) 211 (NuWro).
"""

from __future__ import annotations

import torch
from torch import Tensor

LEAST, START, END = 1080.0, 1300.0, 1600.0
"""MeV: a nucleon and a pion; only the Delta and its background up to here; only deep inelastic from here."""
BACKGROUND = 0.25
"""Share at 1300 MeV where the isospin of the hadrons may be 1/2 by charged currents: NuWro has 0.3 for p pi0, 0.2 for
n pi+; nothing elsewhere."""


def deep_share(w: Tensor, background: float) -> Tensor:
    """Share (N,) of deep inelastic scattering at hadronic masses (N,) in MeV; the Delta has the rest."""
    low = background * (w - LEAST) / (START - LEAST)
    middle = background + (1 - background) * (w - START) / (END - START)
    return torch.where(w < START, low, middle).clamp(0, 1)


def background_share(charged: bool, extreme: bool) -> float:
    """Share at 1300 MeV of a current, and of a total charge that only isospin 3/2 has (`extreme`) or not."""
    return BACKGROUND if charged and not extreme else 0.0
