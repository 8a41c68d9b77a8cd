"""A set of occupied voxels, and which of them are neighbours: found once, shared by every layer on the set."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from itertools import product

import torch
from torch import Tensor

from nuforge.errors import InputError
from nuforge.nn.kernels import library
from nuforge.nn.kernels import maps as kernels
from nuforge.nn.sparse.footprint import Footprint
from nuforge.nn.sparse.maps import KernelMap, Pairing

_LARGEST_KEY = 2**62


@dataclass(frozen=True, eq=False)
class Level:
    """The occupied voxels of a batch at one voxel size, sorted by (batch, x, y, ...).

    `Level.of` makes the finest one; the rest follow by `coarser`. Everything derived is made on first use and kept.

    Args:
        coordinates: Event number and D voxel numbers of the sorted rows (N, 1 + D) int64.
        keys: One number per voxel (N,) int64, rising; neighbours along the last axis differ by one. They number a grid
            with an empty margin of one voxel on every side, so that the key of a neighbour is never another voxel's.
        strides: What a step along each axis, the batch first, adds to the key (1 + D,) int64.
        order: The given row of each sorted row (N,), or None if rows were sorted already.
    """

    coordinates: Tensor
    keys: Tensor
    strides: Tensor
    order: Tensor | None = None
    _around: dict[Footprint, KernelMap] = field(default_factory=dict, init=False, repr=False)
    _down: dict[Footprint, tuple[Level, KernelMap]] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def of(cls, coordinates: Tensor) -> Level:
        """The level of voxels in any order.

        Args:
            coordinates: Event number and D voxel numbers, (N, 1 + D) int64, D from 2 to 4; negative ones too.

        Raises:
            InputError: If the shape or type is another, a voxel is given twice, or the grid is too large to number.
        """
        if coordinates.ndim != 2 or not 3 <= coordinates.shape[1] <= 5 or coordinates.dtype != torch.int64:
            raise InputError(
                f"coordinates must be int64 of shape (voxels, 1 + D) with D from 2 to 4, got {coordinates.dtype} of "
                f"{tuple(coordinates.shape)}; give the event number and the voxel numbers of each voxel"
            )
        keys, strides = _numbered(coordinates)
        steps = keys.diff()
        if bool((steps > 0).all()):
            return cls(coordinates, keys, strides)
        keys, order = keys.sort(stable=True)
        coordinates = coordinates[order]
        repeated = keys.diff() == 0
        if bool(repeated.any()):
            first = coordinates[repeated.nonzero()[0, 0]].tolist()
            raise InputError(
                f"{int(repeated.sum())} voxels are given more than once, the first is {first[1:]} of event {first[0]}; "
                "give each voxel of an event once: sum the values of duplicates"
            )
        return cls(coordinates, keys, strides, order)

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def dimension(self) -> int:
        """Number of axes of space."""
        return len(self.strides) - 1

    @cached_property
    def given(self) -> Tensor | None:
        """The sorted row of each given row (N,), or None if rows were sorted already."""
        if self.order is None:
            return None
        return torch.empty_like(self.order).scatter_(0, self.order, torch.arange(len(self), device=self.keys.device))

    @cached_property
    def neighbours(self) -> KernelMap:
        """The map of a 3^D submanifold convolution. Offsets go from (-1, ..., -1) to (1, ..., 1), last axis fastest."""
        return KernelMap.symmetric(neighbour_table(self.keys, self.strides))

    def around(self, footprint: Footprint) -> KernelMap:
        """The map of a submanifold convolution; offsets in the order of `Footprint.steps`.

        Raises:
            InputError: If the footprint is even or has a stride: its outputs are not these voxels.
        """
        if footprint.stride != 1 or not footprint.centred:
            raise InputError(
                f"a submanifold convolution has an odd size and no stride, got size {footprint.size} and stride "
                f"{footprint.stride}; take a strided convolution"
            )
        if footprint == _NEXT:
            return self.neighbours
        if footprint not in self._around:
            self._around[footprint] = KernelMap.symmetric(self._neighbours_at(footprint))
        return self._around[footprint]

    def _neighbours_at(self, footprint: Footprint) -> Tensor:
        """For each place and voxel the row of the neighbour there, or -1: (K, N) int32."""
        reach = footprint.size // 2 * footprint.dilation
        keys, strides = _numbered(self.coordinates, reach)
        steps = (footprint.steps(self.dimension).to(keys.device) * strides[1:]).sum(1)
        if keys.device.type == "cpu" and library.backend() == "compiled":
            return kernels.neighbour_table_at(keys, steps)
        return _searched_at(keys, steps)

    def down(self, footprint: Footprint) -> tuple[Level, KernelMap]:
        """The voxels that a strided convolution reaches, wherever one of the input is met, and its map."""
        if footprint == _HALVES:
            return self.coarser, self.downward
        if footprint not in self._down:
            self._down[footprint] = self._reached(footprint)
        return self._down[footprint]

    def _reached(self, footprint: Footprint) -> tuple[Level, KernelMap]:
        steps = footprint.steps(self.dimension).to(self.keys.device)
        place = self.coordinates[None, :, 1:] - steps[:, None]  # of the output, times the stride: (K, N, D)
        met = (place % footprint.stride == 0).all(2)
        offset, row = met.nonzero(as_tuple=True)
        event = self.coordinates[row, :1]
        coordinates = torch.cat([event, place[met].div(footprint.stride, rounding_mode="floor")], 1)
        keys, strides = _numbered(coordinates)
        keys, output = torch.unique(keys, return_inverse=True)
        reached = coordinates.new_empty(len(keys), coordinates.shape[1])
        reached[output] = coordinates
        down = row.new_full((len(steps), len(keys)), -1, dtype=torch.int32)
        down[offset, output] = row.int()
        up = row.new_full((len(steps), len(self)), -1, dtype=torch.int32)
        up[offset, row] = output.int()
        maps = KernelMap(Pairing(down, len(self)), Pairing(up, len(keys), single=footprint.tiles))
        return Level(reached, keys, strides), maps

    @cached_property
    def _halving(self) -> tuple[Level, KernelMap, Tensor]:
        event, place = self.coordinates[:, :1], self.coordinates[:, 1:]
        halved = torch.cat([event, place >> 1], 1)
        keys, strides = _numbered(halved)
        keys, parent = torch.unique(keys, return_inverse=True)
        coordinates = halved.new_empty(len(keys), halved.shape[1])
        coordinates[parent] = halved
        bits = torch.tensor([2**axis for axis in reversed(range(self.dimension))], device=place.device)
        offset = ((place & 1) * bits).sum(1)
        rows = torch.arange(len(self), device=parent.device)
        down = rows.new_full((2**self.dimension, len(keys)), -1, dtype=torch.int32)
        down[offset, parent] = rows.int()
        up = rows.new_full((2**self.dimension, len(self)), -1, dtype=torch.int32)
        up[offset, rows] = parent.int()
        maps = KernelMap(Pairing(down, len(self)), Pairing(up, len(keys), single=True))
        return Level(coordinates, keys, strides), maps, parent

    @property
    def coarser(self) -> Level:
        """The voxels of twice the size that hold one of these: voxel number = floor(finer number / 2)."""
        return self._halving[0]

    @property
    def downward(self) -> KernelMap:
        """The map of a strided 2^D convolution to the coarser level. Offsets are in the order of `neighbours`."""
        return self._halving[1]

    @property
    def parent(self) -> Tensor:
        """The row of `coarser` that holds each voxel (N,) int64."""
        return self._halving[2]


_NEXT, _HALVES = Footprint(3), Footprint(2, 2)


def _numbered(coordinates: Tensor, margin: int = 1) -> tuple[Tensor, Tensor]:
    """Keys (N,) and their strides (1 + D,), of a grid with an empty margin of so many voxels on every side."""
    if not len(coordinates):
        return coordinates.new_zeros(0), coordinates.new_ones(coordinates.shape[1])
    lower, strides = _grid(coordinates, margin)
    if strides[0] * int(coordinates[:, 0].max() - lower[0] + 1) > _LARGEST_KEY:
        coordinates = _narrowed(coordinates, margin)
        lower, strides = _grid(coordinates, margin)
    steps = torch.tensor(strides, device=coordinates.device)
    return ((coordinates - lower) * steps).sum(1), steps


def _grid(coordinates: Tensor, margin: int) -> tuple[Tensor, list[int]]:
    """The first place (1 + D,) of a grid around the voxels, and what a step along each axis adds to a key."""
    lower = coordinates.amin(0)
    lower[1:] -= margin
    extent = (coordinates.amax(0) - lower + 1 + margin).tolist()
    strides = [1]
    for n in extent[:0:-1]:
        strides.insert(0, strides[0] * n)
    return lower, strides


def _narrowed(coordinates: Tensor, margin: int) -> Tensor:
    """Voxels of a grid too large to number, with empty gaps closed: who is within the margin of whom stays as it is.

    In each event and along each axis a gap of more than the margin becomes one of margin + 1 voxels, so that the grid
    is as large as the most voxels of an event ask for.

    Raises:
        InputError: If events and voxels span more than 2^62 along one axis.
    """
    out = coordinates.clone()
    event = coordinates[:, 0] - coordinates[:, 0].min()
    for axis in range(1, coordinates.shape[1]):
        value = coordinates[:, axis] - coordinates[:, axis].min()
        span = int(value.max()) + 1
        if span * (int(event.max()) + 1) > _LARGEST_KEY:
            raise InputError(
                f"voxel numbers span {span} voxels in {int(event.max()) + 1} events, more than 2^62 places; "
                "check the units of the positions, or use larger voxels"
            )
        codes, place = torch.unique(event * span + value, return_inverse=True)
        first = torch.ones_like(codes, dtype=torch.bool)
        first[1:] = codes[1:].div(span, rounding_mode="floor") != codes[:-1].div(span, rounding_mode="floor")
        gaps = torch.zeros_like(codes)
        gaps[1:] = codes.diff().clamp(max=margin + 1)
        along = gaps.masked_fill(first, 0).cumsum(0)
        out[:, axis] = (along - along.masked_fill(~first, 0).cummax(0).values)[place]
    return out


def neighbour_table(keys: Tensor, strides: Tensor) -> Tensor:
    """For each offset and voxel the row of the neighbour there, or -1: (3^D, N) int32.

    The three neighbours along the last axis are one search: their keys follow each other.

    Args:
        keys: Rising keys of the voxels (N,) int64.
        strides: What a step along each axis, the batch first, adds to the key (1 + D,) int64.
    """
    ways = torch.tensor(list(product((-1, 0, 1), repeat=len(strides) - 2)), device=keys.device)
    lines = (ways * strides[1:-1]).sum(1)
    if keys.device.type == "cpu" and library.backend() == "compiled":
        return kernels.neighbour_table(keys, lines)
    return _searched(keys, lines)


def _searched(keys: Tensor, lines: Tensor) -> Tensor:
    """The table by binary search. Half the offsets are searched; the other half is the mirror image."""
    n = len(keys)
    rows = torch.arange(n, dtype=torch.int32, device=keys.device)
    sought = torch.cat([keys, keys.new_full((3,), torch.iinfo(torch.int64).max)])
    middle = len(lines) // 2
    table = rows.new_full((3 * len(lines), n), -1)
    table[3 * middle + 1] = rows
    for i, line in enumerate(lines[: middle + 1]):
        first = keys + line - 1
        row = torch.searchsorted(keys, first, out_int32=True)
        for j in range(3 if i < middle else 1):
            found = sought.index_select(0, row) == first + j
            here = found.nonzero()[:, 0]
            there = row.index_select(0, here)
            table[3 * i + j].scatter_(0, here, there)
            table[-1 - 3 * i - j].scatter_(0, there.long(), here.int())
            row += found
    return table


def _searched_at(keys: Tensor, steps: Tensor) -> Tensor:
    """Rows (K, N) int32 of the neighbours at any steps in opposite pairs: half are searched, half are mirror images."""
    n = len(keys)
    rows = torch.arange(n, dtype=torch.int32, device=keys.device)
    table = rows.new_full((len(steps), n), -1)
    middle = len(steps) // 2
    table[middle] = rows
    for k, step in enumerate(steps[:middle]):
        wanted = keys + step
        row = torch.searchsorted(keys, wanted).clamp(max=max(n - 1, 0))
        here = (keys[row] == wanted).nonzero()[:, 0] if n else row
        table[k].scatter_(0, here, row[here].int())
        table[-1 - k].scatter_(0, row[here], here.int())
    return table
