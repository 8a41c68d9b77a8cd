"""The box of material in which particles fly."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Box:
    """A box along the axes: corners `lower` and `upper` (3,) in cm."""

    lower: Tensor
    upper: Tensor

    def distance(self, position: Tensor, direction: Tensor) -> Tensor:
        """Distance (N,) in cm along unit vectors (N, 3) to the wall, 0 for positions (N, 3) outside."""
        ahead = torch.where(direction > 0, self.upper - position, position - self.lower)
        return (ahead / direction.abs().clamp(min=1e-9)).amin(dim=1).clamp(min=0)

    def contains(self, position: Tensor) -> Tensor:
        """Whether positions (N, 3) are inside, (N,)."""
        return ((position >= self.lower) & (position <= self.upper)).all(dim=1)

    def inside(self, position: Tensor) -> Tensor:
        """The nearest positions (N, 3) in the box."""
        return torch.minimum(torch.maximum(position, self.lower), self.upper)
