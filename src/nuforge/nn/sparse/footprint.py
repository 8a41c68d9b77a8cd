"""Footprint: which input places an output of a convolution meets."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from nuforge.errors import InputError


@dataclass(frozen=True)
class Footprint:
    """An output at place p meets the inputs at stride x p + dilation x o, o along every axis.

    For an odd size o goes from -(size - 1) / 2 to (size - 1) / 2, for an even one from 0 to size - 1. That is dense
    convolution with padding dilation x (size - 1) / 2 for odd sizes and none for even ones.

    Args:
        size: Places along each axis.
        stride: Input voxels between two outputs.
        dilation: Input voxels between two places.

    Raises:
        InputError: If one of them is less than 1.
    """

    size: int
    stride: int = 1
    dilation: int = 1

    def __post_init__(self) -> None:
        if min(self.size, self.stride, self.dilation) < 1:
            raise InputError(
                f"size, stride and dilation of a kernel must be 1 at least, got {self.size}, {self.stride} and "
                f"{self.dilation}; a usual kernel is 3, 1, 1"
            )

    @property
    def centred(self) -> bool:
        """Whether every place has an opposite one, so that who is my neighbour has me as its neighbour."""
        return self.size % 2 == 1

    @property
    def tiles(self) -> bool:
        """Whether every input meets exactly one output."""
        return self.size == self.stride and self.dilation == 1

    def steps(self, dimension: int) -> Tensor:
        """dilation x o for every place (size^D, D) int64, the last axis fastest."""
        first = -(self.size // 2) if self.centred else 0
        along = [self.dilation * o for o in range(first, first + self.size)]
        return torch.tensor(list(product(along, repeat=dimension)), dtype=torch.int64)
