"""Paths: the curve that a track's voxels lie along, from its start to its end.

The way along a track is first the shortest way through its voxels (cells of three voxels joined to those near them),
so a track that scatters, kinks or turns back is followed; then centres of energy in steps of five voxels make a
polygon, and every voxel is projected on it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components, dijkstra
from torch import Tensor

from nuforge.events.table import offsets_of
from nuforge.nn.points.apart import pairs_within
from nuforge.reconstruction.clusters import Clusters, extremes, principal_axis, totals
from nuforge.shapes import Rows, Scalars

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

_CELL, _NEAR, _STEP = 3, 7, 5
"""Side of a cell, farthest neighbour of a cell, and step of the polygon, in voxels."""
_BRIDGE = 4  # a track in pieces: neighbours are looked for this many times farther
_ROUNDS = 2  # projections of the voxels on the polygon, each followed by a new polygon

END_EXCESS = 0.6
"""Voxels by which the centres of a track's outermost voxels lie farther apart than its ends: diffusion and the sharing
of charge at both ends. Mean of simulated muons (0.4) and protons (0.85, as more charge reaches farther) that stop."""
LENGTH_SPREAD = 0.5
"""Standard deviation of a track's length in voxels for a known path; of simulated muons and protons of 1 to 200 cm."""


@dataclass(frozen=True, eq=False)
class Paths:
    """Polygons through the voxels of clusters.

    Args:
        along: (V,) cm, way from the first voxel of the cluster along the path to each voxel.
        length: (C,) cm from the start to the end; NaN without voxels.
        start: (C, 3) cm, where the path starts.
        end: (C, 3) cm, where it ends.
        corner: (K, 3) cm, corners of the polygon.
        arc: (K,) cm, their way from the first voxel.
        offsets: (C + 1,) int64, corners of each cluster.
    """

    along: Float[Tensor, " v"]
    length: Float[Tensor, " c"]
    start: Float[Tensor, "c 3"]
    end: Float[Tensor, "c 3"]
    corner: Float[Tensor, "k 3"]
    arc: Float[Tensor, " k"]
    offsets: Int[Tensor, " o"]

    @property
    def cluster(self) -> Rows:
        """Cluster of each corner (K,)."""
        return torch.repeat_interleave(self.offsets.diff(), output_size=len(self.arc))


def paths_of(clusters: Clusters, start: Float[Tensor, "c 3"]) -> Paths:
    """The paths of clusters, each from the end that is nearer to its start.

    Args:
        clusters: Those of tracks (`Clusters.of`).
        start: (C, 3) cm, about where they start; where it is NaN the end is chosen by the first principal axis.
    """
    along = _ways(clusters, start)
    paths = _polygon(clusters, along)
    for _ in range(_ROUNDS):
        paths = _polygon(clusters, _projected(clusters, paths))
    return _with_ends(clusters, paths)


def _ways(clusters: Clusters, start: Float[Tensor, "c 3"]) -> Scalars:
    """Shortest way (V,) cm through the cells of the cluster from its first to each voxel's."""
    cell_of_voxel, center, cluster = _cells(clusters)
    first = _first_cells(clusters, start, center, cluster)
    graph = _graph(center, cluster, clusters.voxel)
    from_start = _distances(graph, first, center, cluster)
    last = _farthest(from_start, cluster)
    back = _distances(graph, last, center, cluster)
    n = len(clusters)
    way = extremes(torch.from_numpy(back), torch.from_numpy(cluster), n, "amax")
    return way[clusters.cluster] - torch.from_numpy(back)[cell_of_voxel]


def _cells(clusters: Clusters) -> tuple[Rows, Floats, Integers]:
    """The cell of each voxel, the centre of energy of each cell (N, 3), and its cluster (N,)."""
    if not len(clusters.row):
        return torch.zeros(0, dtype=torch.int64), np.zeros((0, 3)), np.zeros(0, np.int64)
    place = (clusters.position / (_CELL * clusters.voxel)).floor().long()
    place = place - place.amin(0)
    room = place.amax(0) + 1
    code = ((clusters.cluster * room[0] + place[:, 0]) * room[1] + place[:, 1]) * room[2] + place[:, 2]
    codes, cell = torch.unique(code, return_inverse=True)
    weight = clusters.value.clamp(min=1e-6)
    center = totals(clusters.position * weight[:, None], cell, len(codes)) / totals(weight, cell, len(codes))[:, None]
    cluster = codes // (room[0] * room[1] * room[2])
    return cell, center.numpy(), cluster.numpy()


def _first_cells(clusters: Clusters, start: Float[Tensor, "c 3"], center: Floats, cluster: Integers) -> Integers:
    """The cell (of clusters that have any) nearest to the start, or outermost along the principal axis."""
    n, group, where = len(clusters), torch.from_numpy(cluster), torch.from_numpy(center)
    axis = principal_axis(where, torch.ones_like(where[:, 0]), group, n).nan_to_num()
    distance = torch.where(
        start[group].isnan().any(1), (where * axis[group]).sum(1), (where - start[group]).square().sum(1)
    )
    return _farthest(-distance.numpy(), cluster)


def _farthest(distance: Floats, cluster: Integers) -> Integers:
    """The cell of the largest distance in each cluster that has any."""
    order = np.lexsort((distance, cluster))
    return order[np.flatnonzero(np.diff(cluster[order], append=-1))]


def _graph(center: Floats, cluster: Integers, voxel: float) -> csr_array:
    """Cells joined to those near them; of a cluster in pieces, to those farther away too."""
    first, second, square = pairs_within(center, cluster, _NEAR * voxel)
    piece = _components(first, second, len(center))
    pieces = np.unique(np.stack([cluster, piece]), axis=1)[0]
    broken = np.bincount(pieces, minlength=1 + int(cluster.max(initial=-1))) > 1
    rows = np.flatnonzero(broken[cluster]) if len(cluster) else np.zeros(0, np.int64)
    a, b, more = pairs_within(center[rows], cluster[rows], _BRIDGE * _NEAR * voxel)
    apart = piece[rows[a]] != piece[rows[b]]
    first, second = np.append(first, rows[a[apart]]), np.append(second, rows[b[apart]])
    distance = np.sqrt(np.append(square, more[apart]))
    return coo_array((distance, (first, second)), shape=(len(center), len(center))).tocsr()


def _components(first: Integers, second: Integers, n: int) -> Integers:
    graph = coo_array((np.ones(len(first), np.int8), (first, second)), shape=(n, n))
    return connected_components(graph, directed=False)[1].astype(np.int64) if n else np.zeros(0, np.int64)


def _distances(graph: csr_array, sources: Integers, center: Floats, cluster: Integers) -> Floats:
    """Shortest way (N,) to each cell from the source of its cluster; as the crow flies where no way leads."""
    if not len(center):
        return np.zeros(0)
    source = np.zeros(int(cluster.max()) + 1, np.int64)
    source[cluster[sources]] = sources
    distance: Floats = dijkstra(graph, directed=False, indices=sources, min_only=True)
    straight = np.linalg.norm(center - center[source[cluster]], axis=1)
    return np.where(np.isfinite(distance), distance, straight)


def _polygon(clusters: Clusters, along: Scalars) -> Paths:
    """Corners at the centres of energy of steps along the way; every cluster is cut into equal steps."""
    n, group = len(clusters), clusters.cluster
    low, high = (extremes(along, group, n, how) for how in ("amin", "amax"))
    extent = torch.where(clusters.counts > 0, high - low, 0.0)
    steps = (extent / (_STEP * clusters.voxel)).round().clamp(min=1).long()
    steps = torch.where(clusters.counts > 0, steps, 0)
    width = (extent / steps.clamp(min=1)).clamp(min=1e-9)
    step = ((along - low[group]) / width[group]).floor().long().clamp(min=0).minimum(steps[group] - 1)
    place = offsets_of(steps)[:-1][group] + step
    weight = clusters.value.clamp(min=1e-6)
    size = totals(weight, place, int(steps.sum()))
    kept = size > 0
    corner = (totals(clusters.position * weight[:, None], place, len(size)) / size[:, None])[kept]
    offsets = offsets_of(totals(kept.long(), torch.repeat_interleave(steps), n))
    of_corner = torch.repeat_interleave(offsets.diff(), output_size=len(corner))
    apart = torch.nn.functional.pad((corner[1:] - corner[:-1]).norm(dim=1), (1, 0))
    apart[offsets[:-1][offsets.diff() > 0]] = 0
    arc = apart.cumsum(0)
    arc = arc - arc[offsets[:-1].clamp(max=max(len(arc) - 1, 0))][of_corner] if len(arc) else arc
    nothing = along.new_full((n, 3), torch.nan)
    return Paths(along, along.new_full((n,), torch.nan), nothing, nothing, corner, arc, offsets)


def _tangents(paths: Paths) -> Float[Tensor, "k 3"]:
    """Direction (K, 3) of the path at each corner, from the corners before and behind; zero for a single corner."""
    k, cluster = torch.arange(len(paths.arc)), paths.cluster
    before = (k - 1).maximum(paths.offsets[:-1][cluster])
    behind = (k + 1).minimum(paths.offsets[1:][cluster] - 1)
    step = paths.corner[behind] - paths.corner[before]
    tangent: Tensor = step / step.norm(dim=1, keepdim=True).clamp(min=1e-12)
    return tangent


def _nearest_corner(clusters: Clusters, paths: Paths) -> Rows:
    """For each voxel the corner of its step: the nearest by the way along the path it has now."""
    group = clusters.cluster
    n_corners = paths.offsets.diff()
    low, high = (extremes(paths.along, group, len(clusters), how) for how in ("amin", "amax"))
    position = (paths.along - low[group]) / (high - low)[group].clamp(min=1e-9)
    guess = (position * n_corners[group]).floor().long().clamp(min=0).minimum(n_corners[group] - 1)
    best, least = paths.offsets[:-1][group] + guess, None
    for shift in (0, -1, 1, -2, 2):
        other = (paths.offsets[:-1][group] + guess + shift).clamp(min=0)
        other = other.maximum(paths.offsets[:-1][group]).minimum(paths.offsets[1:][group] - 1)
        distance = (clusters.position - paths.corner[other]).square().sum(1)
        closer = torch.ones_like(distance, dtype=torch.bool) if least is None else distance < least
        best = torch.where(closer, other, best)
        least = distance if least is None else torch.where(closer, distance, least)
    return best


def _projected(clusters: Clusters, paths: Paths) -> Scalars:
    """Way (V,) cm along the polygon to the foot of each voxel."""
    if not len(paths.arc):
        return paths.along
    corner = _nearest_corner(clusters, paths)
    tangent = _tangents(paths)
    single = (paths.offsets.diff() == 1)[clusters.cluster]
    foot = ((clusters.position - paths.corner[corner]) * tangent[corner]).sum(1)
    return torch.where(single, paths.along, paths.arc[corner] + foot)


def _with_ends(clusters: Clusters, paths: Paths) -> Paths:
    """The paths from 0 at the first voxel, with their lengths and ends; all on the axis of a cluster in one step."""
    n, group, voxel = len(clusters), clusters.cluster, clusters.voxel
    axis = principal_axis(clusters.position, clusters.value.clamp(min=1e-6), group, n).nan_to_num()
    center = totals(clusters.position, group, n) / clusters.counts.clamp(min=1)[:, None]
    straight = ((clusters.position - center[group]) * axis[group]).sum(1)
    mean = totals(paths.along, group, n) / clusters.counts.clamp(min=1)
    sign = torch.where(totals(straight * (paths.along - mean[group]), group, n) < 0, -1.0, 1.0)
    single = (paths.offsets.diff() <= 1)[group]
    along = torch.where(single, straight * sign[group], _projected(clusters, paths))
    low, high = (extremes(along, group, n, how) for how in ("amin", "amax"))
    extent = high - low
    length = torch.where(clusters.counts > 0, (extent - END_EXCESS * voxel).clamp(min=voxel), torch.nan)
    along = along - low[group]
    arc = paths.arc - low[paths.cluster] if len(paths.arc) else paths.arc
    start, end = (_end(clusters, along, extent, at_end) for at_end in (False, True))
    return replace(paths, along=along, arc=arc, length=length, start=start, end=end)


def _end(
    clusters: Clusters, along: Float[Tensor, " v"], extent: Float[Tensor, " c"], at_end: bool
) -> Float[Tensor, "c 3"]:
    """Centre of energy (C, 3) of the voxels within one voxel of an end of the path; NaN without voxels."""
    group, n = clusters.cluster, len(clusters)
    distance = extent[group] - along if at_end else along
    weight = torch.where(distance <= clusters.voxel, clusters.value.clamp(min=1e-6), 0.0)
    return totals(clusters.position * weight[:, None], group, n) / totals(weight, group, n)[:, None]
