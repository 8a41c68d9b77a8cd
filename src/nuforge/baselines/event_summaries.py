"""Summaries of events: what a person would histogram first, one number an event each, from voxels alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nuforge.baselines.clusters import FAR, ClusterShapes, distance_to
from nuforge.baselines.neighbourhood import Floats, Integers
from nuforge.events import Events
from nuforge.events.connected import VoxelKeys, components, neighbour_pairs
from nuforge.nn.points.apart import apart

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
HOT = (0.5, 1.0, 2.0)  # MeV in a voxel; a minimum-ionising track has about 0.2, see `Rules`
SIZES = ((1, 1), (2, 4), (5, 9), (10, 49), (50, 10**9))  # voxels of a cluster, from and to
SMALL, LONG, STRAIGHT = 10, 30.0, 0.97  # voxels; voxels; linearity


def _size_names() -> tuple[str, ...]:
    spans = [f"{low}" if low == high else f"{low}-{high}" if high < SIZES[-1][1] else f"{low}+" for low, high in SIZES]
    return tuple(f"{what} of {span} voxels" for span in spans for what in ("clusters", "energy in clusters"))


SUMMARIES: tuple[str, ...] = (
    "voxels",
    "energy",
    "energy per voxel",
    *(f"voxel energy, quantile {q:g}" for q in QUANTILES),
    *(f"voxels above {limit:g} MeV" for limit in HOT),
    "energy in voxels above 1 MeV, fraction",
    "neighbours per voxel",
    "voxels with 2 neighbours or fewer, fraction",
    "voxel energy beside its neighbours, spread",
    "clusters",
    *_size_names(),
    "largest cluster, fraction of voxels",
    "energy of a single voxel",
    "energy of a small cluster",
    "energy of a small cluster, quantile 0.9",
    "energy per voxel of small clusters",
    "distance of small clusters, median",
    "small clusters 30 cm away, fraction",
    "energy per voxel of clusters of 10-49 voxels",
    "linearity of clusters of 10-49 voxels",
    "straight clusters",
    "length of straight clusters",
    "energy per length of straight clusters",
    "voxels per length of straight clusters",
)
"""Names of the columns. Energies in MeV, lengths in voxels; what is not there counts 0.

Clusters are voxels that touch (26 neighbours); small ones have fewer than 10 voxels, and their distance is that to the
nearest larger one, up to 30 cm. Straight clusters are longer than 30 voxels and straighter than most. The spread beside
neighbours is the mean of |ln(energy / mean of the neighbours)|.
"""


@dataclass(frozen=True)
class _Voxels:
    """Voxels of all events, sorted by event and place, with their neighbours and clusters."""

    index: Floats
    value: Floats
    event: Integers
    n_events: int
    neighbours: Integers
    around: Floats  # mean energy of the neighbours, 0 without
    clusters: ClusterShapes
    home: Integers  # event of each cluster

    @classmethod
    def of(cls, events: Events) -> _Voxels:
        voxels = events["voxels"]
        index, value = voxels["index"].cpu().numpy().astype(np.int64), voxels["value"].cpu().numpy().astype(np.float64)
        event = voxels.batch.cpu().numpy()
        keys = VoxelKeys.of(event, index)
        order = np.argsort(keys.keys)
        index, value, event = index[order], value[order], event[order]
        first, second = neighbour_pairs(keys.keys[order], keys.step_x, keys.step_y)
        n = len(value)
        count = np.bincount(first, minlength=n) + np.bincount(second, minlength=n)
        energy = np.bincount(first, value[second], n) + np.bincount(second, value[first], n)
        clusters = ClusterShapes.of_voxels(components(first, second, n), index.astype(np.float64), value)
        home = np.zeros(len(clusters.size), np.int64)
        home[clusters.of] = event
        around = energy / np.maximum(count, 1)
        return cls(index.astype(np.float64), value, event, len(events), count, around, clusters, home)

    def total(self, of_voxel: Floats | NDArray[np.bool_]) -> Floats:
        """Sums (B,) over the voxels of events."""
        return _total(self.event, of_voxel, self.n_events)

    def total_of_clusters(self, of_cluster: Floats | NDArray[np.bool_]) -> Floats:
        """Sums (B,) over the clusters of events."""
        return _total(self.home, of_cluster, self.n_events)


def event_summaries(events: Events) -> NDArray[np.float32]:
    """The summaries (B, len(SUMMARIES)) of all events, from `voxels.index` and `voxels.value` alone.

    They do not change when an event is moved, mirrored or turned by right angles; they hold no position.
    """
    voxels = _Voxels.of(events)
    columns = [*_of_voxels(voxels), *_of_clusters(voxels), *_of_small(voxels), *_of_stubs(voxels), *_straight(voxels)]
    return np.stack(columns, axis=1).astype(np.float32)


def _of_voxels(voxels: _Voxels) -> list[Floats]:
    """Energies of voxels, and how they lie together."""
    value, n, energy = voxels.value, voxels.total(voxels.value > 0), voxels.total(voxels.value)
    lonely = voxels.neighbours == 0
    ratio = np.abs(np.log(np.where(lonely, 1.0, value / np.where(lonely, 1.0, voxels.around))))
    return [
        n,
        energy,
        _over(energy, n),
        *(_quantile(voxels.event, value, voxels.n_events, q) for q in QUANTILES),
        *(voxels.total(value > limit) for limit in HOT),
        _over(voxels.total(np.where(value > 1.0, value, 0.0)), energy),
        _over(voxels.total(voxels.neighbours.astype(np.float64)), n),
        _over(voxels.total(voxels.neighbours <= 2), n),
        _over(voxels.total(ratio), voxels.total(~lonely)),
    ]


def _of_clusters(voxels: _Voxels) -> list[Floats]:
    """How many clusters of which size, and their energy."""
    size, energy = voxels.clusters.size, voxels.clusters.energy
    columns = [voxels.total_of_clusters(size > 0)]
    for low, high in SIZES:
        chosen = (size >= low) & (size <= high)
        columns += [voxels.total_of_clusters(chosen), voxels.total_of_clusters(np.where(chosen, energy, 0.0))]
    largest = np.zeros(voxels.n_events)
    np.maximum.at(largest, voxels.home, size)
    return [*columns, _over(largest, voxels.total(voxels.value > 0))]


def _of_small(voxels: _Voxels) -> list[Floats]:
    """Energies of small clusters and how far from larger ones they lie."""
    clusters, n = voxels.clusters, voxels.n_events
    small, single = clusters.size < SMALL, clusters.size == 1
    energy, home = clusters.energy[small], voxels.home[small]
    count = voxels.total_of_clusters(small)
    first = np.unique(clusters.of, return_index=True)[1]  # a voxel of each cluster
    asked = np.zeros(len(voxels.value), np.bool_)
    asked[first[small]] = True
    position = apart(voxels.index, voxels.event, 2 * FAR)
    distance = distance_to(position, ~small[clusters.of], asked)[0][first[small]]
    return [
        _over(voxels.total_of_clusters(np.where(single, clusters.energy, 0.0)), voxels.total_of_clusters(single)),
        _over(_total(home, energy, n), count),
        _quantile(home, energy, n, 0.9),
        _over(_total(home, energy, n), _total(home, clusters.size[small], n)),
        _quantile(home, distance, n, 0.5),
        _over(_total(home, distance >= FAR, n), count),
    ]


def _of_stubs(voxels: _Voxels) -> list[Floats]:
    """Density and straightness of clusters of 10 to 49 voxels: short protons are dense and straight, photons not."""
    clusters = voxels.clusters
    stub = (clusters.size >= SIZES[3][0]) & (clusters.size <= SIZES[3][1])
    energy, size = (voxels.total_of_clusters(np.where(stub, x, 0.0)) for x in (clusters.energy, clusters.size))
    linearity = voxels.total_of_clusters(np.where(stub, clusters.shape.linearity, 0.0))
    return [_over(energy, size), _over(linearity, voxels.total_of_clusters(stub))]


def _straight(voxels: _Voxels) -> list[Floats]:
    """Number and length of clusters that are one track, with energy and voxels per length."""
    clusters = voxels.clusters
    chosen = (clusters.length > LONG) & (clusters.shape.linearity > STRAIGHT)
    length, energy, size = (
        voxels.total_of_clusters(np.where(chosen, x, 0.0)) for x in (clusters.length, clusters.energy, clusters.size)
    )
    return [voxels.total_of_clusters(chosen), length, _over(energy, length), _over(size, length)]


def _total(group: Integers, value: Floats | NDArray[np.bool_], n: int) -> Floats:
    """Sums (n,) of values by group."""
    return np.bincount(group, weights=value.astype(np.float64), minlength=n).astype(np.float64)


def _over(a: Floats, b: Floats) -> Floats:
    """a / b, 0 where b is 0."""
    ratio: Floats = np.where(b > 0, a / np.where(b > 0, b, 1.0), 0.0)
    return ratio


def _quantile(group: Integers, value: Floats, n: int, q: float) -> Floats:
    """The value (n,) below which a fraction q of each group lies, the nearest one; 0 for an empty group."""
    count = np.bincount(group, minlength=n)
    if not len(value):
        return np.zeros(n)
    ordered = value[np.lexsort((value, group))]
    row = np.cumsum(count) - count + np.rint(q * np.maximum(count - 1, 0)).astype(np.int64)
    quantile: Floats = np.where(count > 0, ordered[np.minimum(row, len(value) - 1)], 0.0)
    return quantile
