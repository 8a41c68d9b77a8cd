"""Features of voxels: what a person sees at and around each voxel, as numbers for a classical classifier."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from nuforge.baselines.clusters import FAR, ClusterShapes, Paths, distance_to, ways
from nuforge.baselines.neighbourhood import Floats, Integers, Pairs, Shape, blocks, moments
from nuforge.events import Events
from nuforge.events.connected import components, connected
from nuforge.nn.points.apart import apart

RADII = (2, 4, 8, 16, 32)  # voxels; 2 takes in all 26 neighbours
GAP = 3.0  # voxels; what is no farther apart belongs to one loose cluster, so a missing voxel does not cut a track
STEPS = (10, 50, 200)  # sizes of clusters: "bigger" is the next step above one's own
HOT = 1.8  # a neighbourhood with this multiple of its cluster's energy per voxel may be a Bragg peak
_BLOCK = 60_000  # voxels handled at once

_LOCAL = ("count", "energy", "density", "linearity", "planarity", "extent", "one_sided", "across")
_CLUSTER = ("size", "energy", "density", "length", "linearity", "planarity", "end", "across")
_PATH = ("near", "far", "length", "detour", "hot", "beyond", "near_density", "far_density", "near_count", "far_count")
_AROUND = ("distance", "size", "linearity", "density", "track_distance", "track_length")

FEATURES: tuple[str, ...] = (
    "value",
    "neighbour_max",
    "neighbour_std",
    *(f"{name}_{radius}" for radius in RADII for name in _LOCAL),
    *(f"small_{radius}" for radius in RADII[2:]),
    *(f"bend_{radius}" for radius in RADII[1:]),
    *(f"contrast_{radius}" for radius in RADII[2:]),
    *(f"cluster_{name}" for name in _CLUSTER),
    *(f"loose_{name}" for name in _CLUSTER),
    *(f"path_{name}" for name in _PATH),
    *(f"bigger_{name}" for name in _AROUND),
)
"""Names of the columns. Lengths in voxels, energies in MeV.

value, neighbour_*   own energy; largest and standard deviation of the energies within radius 2
*_r                  within radius r: number of voxels, energy, energy per voxel, linearity and planarity of the
                     principal components, extent along the first of them over r, how one-sided the neighbourhood
                     lies (distance to its centre over r: large at ends), distance from its axis (large off a track)
small_r              voxels of clusters of fewer than 10 voxels among them: the spray of a shower
bend_r, contrast_r   alignment of the axes at this and the next smaller radius; ratio of energies per voxel of radius
                     4 and r (a Bragg peak is dense in its surroundings)
cluster_*, loose_*   of the cluster of touching voxels, and of the one that may have gaps: its size, energy, energy per
                     voxel, length, linearity, planarity; distance of the voxel from the nearer end of the axis (0 to
                     0.5 of its length), and from the axis
path_*               along the loose cluster: way to the nearer end, to the other, from end to end, detour from that,
                     way to the nearest dense place; energy per voxel and number of voxels around either end
bigger_*             nearest cluster that is bigger: its distance, size, linearity, energy per voxel; distance to the
                     nearest other cluster that is long and straight, and its length
"""


@lru_cache(maxsize=1)
def voxel_features(events: Events) -> NDArray[np.float32]:
    """The features (N, len(FEATURES)) of all voxels of all events, from `voxels.index` and `voxels.value` alone.

    They do not change when an event is moved, mirrored or turned by right angles; they hold no position. Those of the
    last events are kept, for the next method that asks for the same: do not write to them.
    """
    voxels = events["voxels"]
    index, value = voxels["index"].cpu().numpy().astype(np.float64), voxels["value"].cpu().numpy().astype(np.float64)
    offsets, event = voxels.offsets.cpu().numpy(), voxels.batch.cpu().numpy()
    out = np.zeros((len(voxels), len(FEATURES)), np.float32)
    for low, high in blocks(offsets, _BLOCK):
        rows = slice(int(offsets[low]), int(offsets[high]))
        if rows.start < rows.stop:
            out[rows] = _block_features(index[rows], value[rows], event[rows] - low)
    return out


def _block_features(index: Floats, value: Floats, event: Integers) -> Floats:
    """The features (n, len(FEATURES)) of a block of events."""
    pairs = Pairs.within(index, event, RADII[-1])
    touching = ClusterShapes.of_voxels(connected(event, index.astype(np.int64)), index, value)
    near = pairs.closer_than(GAP)
    loose = ClusterShapes.of_voxels(components(near.first, near.second, len(value)), index, value)
    local, sums = _local_features(pairs, index, value, touching)
    columns = [
        local,
        _cluster_features(touching),
        _cluster_features(loose),
        _path_features(near, loose, sums),
        _surroundings(apart(index, event, 2 * FAR), touching),
    ]
    return np.concatenate(columns, axis=1)


def _local_features(
    pairs: Pairs, index: Floats, value: Floats, touching: ClusterShapes
) -> tuple[Floats, dict[int, tuple[Floats, Floats]]]:
    """Own value and features of growing neighbourhoods (n, C); also number and energy within each radius."""
    small = (touching.size < STEPS[0])[touching.of].astype(np.float64)
    weights = np.concatenate([moments(index - index.mean(axis=0)), np.stack([value, value**2, small], axis=1)], axis=1)
    position = weights[:, 1:4]
    columns: list[Floats] = []
    spray: list[Floats] = []
    bend: list[Floats] = []
    contrast: list[Floats] = []
    own: list[Floats] = [value]
    sums: dict[int, tuple[Floats, Floats]] = {}
    smaller: Shape | None = None
    for radius in RADII:
        within = pairs.closer_than(radius)
        total = within.sums(weights)
        shape = Shape.of_sums(total)
        count, energy = total[:, 0], total[:, 10]
        density = energy / count
        away = np.linalg.norm(position - shape.centre, axis=1)
        extent = np.sqrt(shape.spread[:, 0]) / radius
        columns += [
            count,
            energy,
            density,
            shape.linearity,
            shape.planarity,
            extent,
            away / radius,
            shape.distance(position),
        ]
        sums[radius] = (count, energy)
        if radius == RADII[0]:
            own += [_largest(within, value), np.sqrt(np.maximum(total[:, 11] / count - density**2, 0.0))]
        if radius >= RADII[2]:
            spray.append(total[:, 12])
            contrast.append(sums[RADII[1]][1] / sums[RADII[1]][0] / np.maximum(density, 1e-9))
        if smaller is not None:
            bend.append(smaller.alignment(shape))
        smaller = shape
    return np.stack([*own, *columns, *spray, *bend, *contrast], axis=1), sums


def _largest(pairs: Pairs, value: Floats) -> Floats:
    """The largest value (n,) in each neighbourhood."""
    largest = value.copy()
    np.maximum.at(largest, pairs.first, value[pairs.second])
    np.maximum.at(largest, pairs.second, value[pairs.first])
    return largest


def _cluster_features(clusters: ClusterShapes) -> Floats:
    """Features (n, 8) of each voxel's cluster and its place in it."""
    columns = [
        clusters.size,
        clusters.energy,
        clusters.energy / clusters.size,
        clusters.length,
        clusters.shape.linearity,
        clusters.shape.planarity,
    ]
    end = np.minimum(clusters.along, 1.0 - clusters.along)
    return np.stack([*(column[clusters.of] for column in columns), end, clusters.across], axis=1)


def _path_features(near: Pairs, loose: ClusterShapes, sums: dict[int, tuple[Floats, Floats]]) -> Floats:
    """Features (n, 10) of the way along the loose cluster."""
    graph = near.graph()
    paths = Paths.along(graph, loose)
    count, energy = sums[RADII[2]]
    density = sums[RADII[1]][1] / sums[RADII[1]][0]
    typical = (loose.energy / loose.size)[loose.of]
    hot, place = ways(graph, np.flatnonzero(density > HOT * typical))
    hot = np.minimum(hot, FAR)
    same_end = (place >= 0) & (paths.near_end[place] == paths.near_end)
    beyond = np.where(same_end, paths.near[place] - paths.near, -hot)
    end_density = energy / count
    columns = [paths.near, paths.far, paths.length, paths.detour, hot, beyond]
    columns += [end_density[paths.near_end], end_density[paths.far_end], count[paths.near_end], count[paths.far_end]]
    return np.stack(columns, axis=1)


def _surroundings(position: Floats, clusters: ClusterShapes) -> Floats:
    """Features (n, 6) of the nearest bigger cluster and the nearest other that is long and straight."""
    size, density = clusters.size[clusters.of], (clusters.energy / clusters.size)[clusters.of]
    linearity, length = clusters.shape.linearity[clusters.of], clusters.length[clusters.of]
    distance, row = np.full(len(size), FAR), np.full(len(size), -1)
    for below, step in zip((0, *STEPS), STEPS, strict=False):
        asked = (size >= below) & (size < step)
        found, where = distance_to(position, size >= step, asked)
        distance, row = np.where(asked, found, distance), np.where(asked, where, row)
    straight = (linearity > 0.97) & (length > 30.0)
    to_track, track = distance_to(position, straight, ~straight)
    columns = [distance, *(np.where(row >= 0, column[row], 0.0) for column in (size, linearity, density))]
    columns += [to_track, np.where(track >= 0, length[track], 0.0)]
    return np.stack(columns, axis=1)
