"""Neighbourhoods: which voxels lie within a radius of each, and the shape of what lies there."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from nuforge.nn.points.apart import pairs_within

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pairs:
    """Pairs of voxels not farther apart than some radius, each once.

    Args:
        first, second: (E,) rows.
        square: (E,) squared distance in voxels.
        n: Number of voxels.
    """

    first: Integers
    second: Integers
    square: Floats
    n: int

    @classmethod
    def within(cls, position: Floats, event: Integers, radius: float) -> "Pairs":
        """All pairs of positions (N, 3) of one event within `radius`."""
        return cls(*pairs_within(position, event, radius), len(position))

    def closer_than(self, radius: float) -> "Pairs":
        """Those within a smaller radius."""
        near = self.square <= radius * radius
        return Pairs(self.first[near], self.second[near], self.square[near], self.n)

    def sums(self, weights: Floats) -> Floats:
        """For each voxel the sum (N, C) of weights (N, C) over the voxels of its neighbourhood, itself included."""
        one_way = csr_array((np.ones(len(self.first)), (self.first, self.second)), shape=(self.n, self.n))
        total: Floats = weights + one_way @ weights + one_way.T @ weights
        return total

    def graph(self) -> csr_array:
        """The pairs as a graph weighted by distance."""
        return csr_array((np.sqrt(self.square), (self.first, self.second)), shape=(self.n, self.n))


@dataclass(frozen=True)
class Shape:
    """The shape of a group of voxels, with equal weights.

    Args:
        count: (N,) number of voxels.
        centre: (N, 3) mean position.
        spread: (N, 3) variances along the principal axes, largest first.
        axis: (N, 3) unit vector of the largest; one of many where the two largest variances agree.
        covariance: (N, 6) xx, yy, zz, xy, xz, yz.
    """

    count: Floats
    centre: Floats
    spread: Floats
    axis: Floats
    covariance: Floats

    @classmethod
    def of_sums(cls, sums: Floats) -> "Shape":
        """From the sums (N, 10) of `moments`."""
        count = sums[:, 0]
        centre = sums[:, 1:4] / count[:, None]
        x, y, z = centre.T
        products = np.stack([x * x, y * y, z * z, x * y, x * z, y * z], axis=1)
        covariance = sums[:, 4:10] / count[:, None] - products
        spread, axis = principal_axis(covariance)
        return cls(count, centre, spread, axis, covariance)

    def of(self, rows: Integers) -> "Shape":
        """The shapes of some rows."""
        return Shape(self.count[rows], self.centre[rows], self.spread[rows], self.axis[rows], self.covariance[rows])

    @property
    def linearity(self) -> Floats:
        """1 for a line, 0 for a disc or a ball, and 0 for one voxel."""
        return (self.spread[:, 0] - self.spread[:, 1]) / np.maximum(self.spread[:, 0], 1e-6)

    @property
    def planarity(self) -> Floats:
        """1 for a disc, 0 for a line or a ball."""
        return (self.spread[:, 1] - self.spread[:, 2]) / np.maximum(self.spread[:, 0], 1e-6)

    def along_and_across(self, position: Floats) -> tuple[Floats, Floats]:
        """Distances (N,), (N,) of positions (N, 3) from the centre, along the axis (signed) and across it."""
        step = position - self.centre
        along = np.einsum("ij,ij->i", step, self.axis)
        across = np.sqrt(np.maximum(np.einsum("ij,ij->i", step, step) - along * along, 0.0))
        return along, across

    def distance(self, position: Floats) -> Floats:
        """Distance (N,) of positions (N, 3) from a line through the centre; for discs and balls less, smoothly.

        The square is |d|^2 - d C d / c with the covariance C and its largest eigenvalue c, the same as across the axis
        if all variance is along it. Unlike the axis it never depends on a tie.
        """
        x, y, z = (position - self.centre).T
        xx, yy, zz, xy, xz, yz = (self.covariance / np.maximum(self.spread[:, :1], 1e-6)).T
        along = xx * x * x + yy * y * y + zz * z * z + 2 * (xy * x * y + xz * x * z + yz * y * z)
        distance: Floats = np.sqrt(np.maximum(x * x + y * y + z * z - along, 0.0))
        return distance

    def alignment(self, other: "Shape") -> Floats:
        """Squared cosine (N,) between two lines; between other shapes how much their covariances overlap, 0 to 3."""
        twice = np.array([1.0, 1.0, 1.0, 2.0, 2.0, 2.0])
        overlap = (self.covariance * other.covariance) @ twice
        aligned: Floats = overlap / np.maximum(self.spread[:, 0] * other.spread[:, 0], 1e-6)
        return aligned


def moments(position: Floats) -> Floats:
    """Number, position and its products (N, 10) of each voxel, whose sums make a `Shape`."""
    x, y, z = position.T
    return np.stack([np.ones_like(x), x, y, z, x * x, y * y, z * z, x * y, x * z, y * z], axis=1)


def principal_axis(covariance: Floats) -> tuple[Floats, Floats]:
    """Eigenvalues (N, 3), largest first, and the first eigenvector (N, 3) of symmetric matrices (N, 6).

    The columns are xx, yy, zz, xy, xz, yz. The trigonometric solution of the cubic (Smith, Comm. ACM 4 (1961) 168);
    the vector is the largest column of (A - b)(A - c) for the two smaller eigenvalues b and c, and any unit vector
    where all three agree.
    """
    xx, yy, zz, xy, xz, yz = covariance.T
    mean = (xx + yy + zz) / 3
    off = xy * xy + xz * xz + yz * yz
    dx, dy, dz = xx - mean, yy - mean, zz - mean
    size = np.sqrt(np.maximum((dx * dx + dy * dy + dz * dz + 2 * off) / 6, 1e-24))
    determinant = dx * (dy * dz - yz * yz) - xy * (xy * dz - yz * xz) + xz * (xy * yz - dy * xz)
    angle = np.arccos(np.clip(determinant / (2 * size**3), -1.0, 1.0)) / 3
    first = mean + 2 * size * np.cos(angle)
    last = mean + 2 * size * np.cos(angle + 2 * np.pi / 3)
    middle = 3 * mean - first - last
    matrix = np.stack([xx, xy, xz, xy, yy, yz, xz, yz, zz], axis=1).reshape(-1, 3, 3)
    one = np.eye(3)
    product = (matrix - middle[:, None, None] * one) @ (matrix - last[:, None, None] * one)
    norm = np.einsum("nij,nij->nj", product, product)
    best = norm.argmax(axis=1)
    rows = np.arange(len(best))
    vector, length = product[rows, :, best], np.sqrt(norm[rows, best])
    flat = length < 1e-9 * np.maximum(first, 1.0) ** 2
    axis = np.where(flat[:, None], one[0], vector / np.where(flat, 1.0, length)[:, None])
    return np.maximum(np.stack([first, middle, last], axis=1), 0.0), axis


def blocks(offsets: Integers, rows: int) -> Iterator[tuple[int, int]]:
    """Ranges of whole events with about `rows` rows or fewer each, to bound memory; an event is never cut."""
    block = offsets[:-1] // rows
    edges = np.flatnonzero(np.diff(block, prepend=-1))
    ends = np.append(edges, len(block))[1:]  # without events there are no blocks
    return zip(edges.tolist(), ends.tolist(), strict=True)
