"""Voxels of points: which points share one, and sums, means and maxima of what they carry."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn.functional import pad

from nuforge.errors import InputError
from nuforge.events.rows import rows_where, sort_codes
from nuforge.nn.points.arguments import check_length, check_points
from nuforge.nn.points.segments import segment_max, segment_mean, segment_sum

_KEY_BITS = 62


@dataclass(frozen=True, eq=False)
class Voxels:
    """The voxels that points lie in, in the order of event, x, y, ...

    Args:
        coordinates: Event and voxel numbers of each voxel (V, 1 + D) int64, as sparse convolution takes them.
        order: Points by voxel (N,) int64, those of one voxel in their given order.
        offsets: Where the points of each voxel begin in `order`, and the end (V + 1,) int64.
    """

    coordinates: Tensor
    order: Tensor
    offsets: Tensor

    @classmethod
    def of(cls, position: Tensor, batch: Tensor, size: float, origin: float = 0.0) -> Voxels:
        """Voxels of points: voxel number = floor((position - origin) / size) along each axis.

        Args:
            position: (N, D).
            batch: The event of each point (N,), in any order.
            size: Side of a voxel, in the unit of the positions.
            origin: Where voxel 0 begins, along every axis.

        Raises:
            InputError: If there are too many places for voxels to number them.
        """
        check_points(position, batch)
        check_length("size", size)
        if not len(batch):
            return cls(batch.new_zeros(0, 1 + position.shape[1]), batch, batch.new_zeros(1))
        columns = [batch, *((position.detach() - origin) / size).floor_().t()]
        lows = [int(column.min()) for column in columns]
        extents = [int(column.max()) - low + 1 for column, low in zip(columns, lows, strict=True)]
        bits = [(extent - 1).bit_length() for extent in extents]
        if sum(bits) > _KEY_BITS:
            raise InputError(
                f"points span {extents[1:]} voxels in {extents[0]} events, more than 2^{_KEY_BITS} places; "
                "check the unit of the positions, or use larger voxels"
            )
        key = batch - lows[0]
        for column, low, n in zip(columns[1:], lows[1:], bits[1:], strict=True):
            key.bitwise_left_shift_(n).bitwise_or_(column.to(torch.int64).sub_(low))
        key, order = sort_codes(key, 1 << sum(bits))
        first = pad(rows_where(key.diff() != 0) + 1, (1, 0))
        coordinates = _numbers(key.index_select(0, first), lows, bits)
        return cls(coordinates, order, pad(first, (0, 1), value=len(key)))

    def __len__(self) -> int:
        return len(self.coordinates)

    @cached_property
    def voxel(self) -> Tensor:
        """The voxel of each point (N,) int64."""
        numbers = torch.repeat_interleave(self.offsets.diff(), output_size=len(self.order))
        return torch.empty_like(numbers).scatter_(0, self.order, numbers)

    def sum(self, values: Tensor) -> Tensor:
        """Sums (V, ...) of what points carry (N, ...)."""
        return segment_sum(self._sorted(values), self.offsets)

    def mean(self, values: Tensor) -> Tensor:
        """Means (V, ...) of what points carry (N, ...)."""
        return segment_mean(self._sorted(values), self.offsets)

    def max(self, values: Tensor) -> Tensor:
        """Largest values (V, ...) of what points carry (N, ...)."""
        return segment_max(self._sorted(values), self.offsets)

    def _sorted(self, values: Tensor) -> Tensor:
        if len(values) != len(self.order):
            raise InputError(f"values must have {len(self.order)} rows, got {len(values)}; give one per point")
        return values.index_select(0, self.order)


def _numbers(key: Tensor, lows: list[int], bits: list[int]) -> Tensor:
    """Event and voxel numbers (V, 1 + D) of keys (V,), in which each has some bits, the event the highest."""
    numbers = key.new_empty(len(key), len(bits))
    for axis, (low, n) in reversed(list(enumerate(zip(lows, bits, strict=True)))):
        numbers[:, axis] = (key & ((1 << n) - 1)).add_(low)
        key = key >> n
    return numbers
