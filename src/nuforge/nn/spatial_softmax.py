"""Spatial softmax: from a map of scores to where it points."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def expected_place(scores: Float[Tensor, "n k h w"]) -> Float[Tensor, "n k 2"]:
    """The mean row and column (N, K, 2) of maps, each place weighted with the softmax of its score over the map.

    Moving the scores by whole pixels moves the answer as far, and gradients reach every place: a map is a position
    finer than its pixels. Rows and columns are counted at the middle of pixels: 0.5 to H - 0.5.

    Args:
        scores: (N, K, H, W).

    Source:
        Finn, Tan, Duan, Darrell, Levine, Abbeel, arXiv:1509.06113, equation 2.
    """
    n, k, height, width = scores.shape
    share = scores.float().flatten(2).softmax(2).view(n, k, height, width)
    rows = torch.arange(height, device=scores.device, dtype=share.dtype) + 0.5
    columns = torch.arange(width, device=scores.device, dtype=share.dtype) + 0.5
    return torch.stack([share.sum(3) @ rows, share.sum(2) @ columns], 2)
