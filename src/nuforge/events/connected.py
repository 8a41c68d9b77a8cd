"""Connected voxels: neighbours among the 26 around a voxel, found in sorted keys, for many groups at once."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Integers = NDArray[np.int64]

_ROWS_AHEAD = ((0, 1), (1, -1), (1, 0), (1, 1))  # (dx, dy) of the rows along z that come later in the order of keys


@dataclass(frozen=True)
class VoxelKeys:
    """One number per (group, voxel), in the order group, x, y, z.

    Neighbours differ by fixed steps: one slot is left free at the end of each axis, so no step wraps around.
    """

    keys: Integers  # (N,)
    step_x: int
    step_y: int

    @classmethod
    def of(cls, group: Integers, index: NDArray[np.integer]) -> "VoxelKeys":
        """Keys of voxels `index` (N, 3), each in its `group` (N,) >= 0.

        Raises:
            ValueError: If groups and extent do not fit into 63 bits.
        """
        if not len(group):
            return cls(np.zeros(0, np.int64), 1, 1)
        axes = np.ascontiguousarray(index.T, dtype=np.int64)
        low, high = axes.min(axis=1), axes.max(axis=1)
        room = [int(n) for n in high - low + 2]
        step_y, step_x = room[2], room[1] * room[2]
        if (int(group.max()) + 1) * room[0] * step_x >= 2**63:
            raise ValueError(
                f"voxels span {[n - 1 for n in room]} in {int(group.max()) + 1} groups, which does not fit into "
                "63 bits; give fewer events at once, or look for a wrong voxel index"
            )
        x, y, z = axes - low[:, None]
        return cls(((group * room[0] + x) * room[1] + y) * room[2] + z, step_x, step_y)


def neighbour_pairs(keys: Integers, step_x: int, step_y: int) -> tuple[Integers, Integers]:
    """Positions (E,), (E,) of all neighbouring pairs in sorted, unique keys; each pair once, the smaller key first."""
    here = np.arange(len(keys))
    first, second = [here[:-1][keys[1:] - keys[:-1] == 1]], [here[1:][keys[1:] - keys[:-1] == 1]]
    for place, wanted in _rows_ahead(keys, step_x, step_y):
        row = here
        for k in range(3):  # the three voxels z-1, z, z+1 of that row are consecutive keys
            row = row[(place[row] + k < len(keys))]
            row = row[keys[place[row] + k] <= wanted[row] + 2]
            first.append(row)
            second.append(place[row] + k)
    return np.concatenate(first), np.concatenate(second)


def joining_pairs(keys: Integers, step_x: int, step_y: int) -> tuple[Integers, Integers]:
    """Some of `neighbour_pairs`, with the same components: what joins two voxels of a row need not join both."""
    here = np.arange(len(keys))
    first, second = [here[:-1][keys[1:] - keys[:-1] == 1]], [here[1:][keys[1:] - keys[:-1] == 1]]
    beyond = np.append(keys, [np.iinfo(np.int64).max] * 2)
    for place, wanted in _rows_ahead(keys, step_x, step_y):
        last = wanted + 2
        one = np.flatnonzero(beyond[place] <= last)
        first.append(one)
        second.append(place[one])
        two = one[(beyond[place[one]] == wanted[one]) & (beyond[place[one] + 1] == last[one])]  # z-1, z+1 and not z
        first.append(two)
        second.append(place[two] + 1)
    return np.concatenate(first), np.concatenate(second)


def _rows_ahead(keys: Integers, step_x: int, step_y: int) -> Iterator[tuple[Integers, Integers]]:
    """For each row ahead of the voxels (N,): where keys from its voxel at z-1 on begin, and that voxel's key."""
    for dx, dy in _ROWS_AHEAD:
        wanted = keys + (dx * step_x + dy * step_y - 1)
        yield np.searchsorted(keys, wanted), wanted


def neighbour_of(keys: Integers, wanted: Integers, step_x: int, step_y: int) -> Integers:
    """Position (M,) in sorted, unique keys of each wanted voxel, else of one of its 26 neighbours, else -1."""
    if not len(keys):
        return np.full(len(wanted), -1)
    place = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
    found = np.where(keys[place] == wanted, place, -1)
    for dx in (-1, 0, 1):
        for dy in (-1, 0, 1):
            lost = np.flatnonzero(found < 0)
            row = wanted[lost] + (dx * step_x + dy * step_y)
            place = np.searchsorted(keys, row - 1).clip(max=len(keys) - 1)
            found[lost] = np.where(np.abs(keys[place] - row) <= 1, place, -1)
    return found


def connected(group: Integers, index: NDArray[np.integer]) -> Integers:
    """The component (N,) of each voxel, numbered from 0: voxels of one group joined through any of 26 neighbours.

    Args:
        group: (N,) int64 >= 0, for example the event of a voxel; components never join two groups.
        index: (N, 3) voxel numbers; a voxel may be named more than once.
    """
    voxels = VoxelKeys.of(group, index)
    keys, inverse = np.unique(voxels.keys, return_inverse=True)
    first, second = joining_pairs(keys, voxels.step_x, voxels.step_y)
    return components(first, second, len(keys))[inverse]


def components(first: Integers, second: Integers, n: int) -> Integers:
    """The component (n,) of each of n nodes joined by the pairs (first, second)."""
    if n == 0:
        return np.zeros(0, np.int64)
    graph = coo_array((np.ones(len(first), np.int8), (first, second)), shape=(n, n))
    labels: Integers = connected_components(graph, directed=False)[1].astype(np.int64)
    return labels
