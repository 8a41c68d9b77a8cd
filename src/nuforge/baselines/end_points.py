"""End points: where clusters of voxels of one class begin and end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nuforge.baselines.branches import Branches
from nuforge.baselines.by_hand import ByHand
from nuforge.baselines.clusters import ClusterShapes, farthest, ways
from nuforge.baselines.neighbourhood import Floats, Integers, Pairs
from nuforge.baselines.rules import Rules
from nuforge.events import Events, Table
from nuforge.nn.points import dbscan, nearest_other
from nuforge.simulation.truth import CLASSES, VoxelClass
from nuforge.tasks.point_figures import POINT_CLASSES
from nuforge.tasks.points import ABOUT, best_of_merged

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class EndPoints(ByHand):
    """Points by hand: voxels classified by `Rules`, clustered by DBSCAN within a class, and the ends of the clusters.

    Small patches of a class that touch a cluster of another are first given to it. The ends of a cluster are its two
    voxels that are farthest apart along it, of a shower along its principal axis; a place is the mean of the voxels
    around.

    - A track has both: the end is where it is denser (the Bragg peak), the other is its start. Where branches leave it
      or it turns, several tracks meet: their common point is a start, and every tip an end.
    - A Michel or delta starts at the end nearer to a track, and there on the track if the two touch.
    - A shower starts at an end that touches a track, if one does and the other does not, else at the narrower end. It
      has a point only outside the cones of all showers of more energy: what is inside belongs to those.

    The lengths hold for voxels of 0.3 cm in liquid argon. They are what one would begin with; the cone and the stretch
    were then made longer on 40 particle bombs, and no other moves the balance of efficiency and purity by 0.02.

    Args:
        voxel: Side of a voxel in cm.
        origin: Corner of voxel (0, 0, 0) in cm.
        gap: Largest step inside a cluster, in voxels.
        least: Voxels of a cluster that has points, for shower, track, Michel and delta.
        around: Radius of the voxels whose mean is a point's place, in voxels.
        branch: Length beyond which something that leaves a track is another one, in voxels.
        branches: Branches of a cluster of tracks that are looked for.
        bend: Cosine of the angle by which a way must turn to be that of two tracks; 0.9 is 26 degrees.
        stretch: Length from either end, in voxels, over which density and width are compared.
        touching: Distance that is none, in voxels.
        cone: Tangent of the half opening angle of a shower.
        cone_length: How far a shower's cone goes, in voxels; 400 are 120 cm, nine radiation lengths.
        merge: Points of a class within this distance, in voxels, are one.
    """

    file: ClassVar[str] = "end_points.json"

    voxel: float
    origin: tuple[float, float, float]
    gap: float = 2.9
    least: tuple[int, int, int, int] = (20, 10, 8, 5)
    around: float = 2.5
    branch: float = 10.0
    branches: int = 5
    bend: float = 0.9
    stretch: float = 25.0
    touching: float = 5.0
    cone: float = 0.6
    cone_length: float = 400.0
    merge: float = 3.0

    def predict(self, readout: Events) -> Mapping[str, Table]:
        """`reco_points` with the columns that `nuforge.tasks.points.Points` gives; `score` is 1."""
        voxels = readout["voxels"].to("cpu")
        probability = Rules().predict(readout)["voxels"]["probability"].cpu()
        pieces = _Pieces.of(voxels, probability, self.gap, torch.tensor([*self.least, 1]))
        found = self._points(pieces)
        event, kind = (torch.from_numpy(column[found.piece]) for column in (pieces.event, pieces.kind))
        place, size = torch.from_numpy(found.place), torch.from_numpy(pieces.clusters.size[found.piece])
        best = best_of_merged(place, event * len(CLASSES) + kind, size, self.merge)
        columns = {
            "position": (place[best] * self.voxel + torch.tensor(self.origin, dtype=torch.float64)).float(),
            "probability": torch.from_numpy(pieces.probability[found.piece]).float()[best],
            "score": torch.ones(len(best)),
            "end": torch.from_numpy(found.end).float()[best],
        }
        counts = torch.bincount(event[best], minlength=len(readout))
        return {"reco_points": Table.from_counts(columns, counts, about=ABOUT).to(readout.device)}

    def _points(self, pieces: _Pieces) -> _Found:
        """Points of all pieces."""
        near = Pairs.within(pieces.place, pieces.clusters.of, max(self.gap, self.around))
        graph = near.closer_than(self.gap).graph()
        cut = Branches.of(pieces.place, graph, pieces.clusters, self.branch, self.branches, self.bend)
        ones = np.ones((len(pieces.place), 1))
        sums = near.closer_than(self.around).sums(np.hstack([ones, pieces.place]))
        mean = sums[:, 1:] / sums[:, :1]  # of the voxels around each
        outermost = np.stack([farthest(side * pieces.clusters.along, pieces.clusters.of) for side in (-1, 1)], axis=1)
        rows = np.where((pieces.kind == VoxelClass.SHOWER)[:, None], outermost, cut.ends)
        ends = [_End.of(pieces, graph, rows[:, i], self.stretch) for i in range(2)]
        away, row = zip(*(_to_tracks(pieces, end.rows) for end in ends), strict=True)
        turned = self._turned(pieces, ends, np.stack(away, axis=1))
        start, end = (np.where(turned, rows[:, 1 - i], rows[:, i]) for i in range(2))
        place = mean[start]
        place_away, on_track = (np.where(turned, pair[1], pair[0]) for pair in (away, row))
        attached = _is(pieces.kind, VoxelClass.MICHEL, VoxelClass.DELTA) & (place_away <= self.touching)
        place[attached] = mean[on_track[attached]]
        joins = np.concatenate([cut.joins, cut.kinks[cut.kinks >= 0]])
        tips, joins = (rows[pieces.kind[pieces.clusters.of[rows]] == VoxelClass.TRACK] for rows in (cut.tips, joins))
        of_tips, of_joins = pieces.clusters.of[tips], pieces.clusters.of[joins]
        first = np.flatnonzero(~self._inside_cones(pieces, mean[start]))
        track = np.flatnonzero(pieces.kind == VoxelClass.TRACK)
        met = np.isin(first, of_joins)
        return _Found(
            np.concatenate([of_joins, first, track, of_tips]),
            np.concatenate([mean[joins], place[first], mean[end[track]], mean[tips]]),
            np.concatenate([np.zeros(len(joins), np.bool_), met, np.ones(len(track) + len(tips), np.bool_)]),
        )

    def _turned(self, pieces: _Pieces, ends: list[_End], away: Floats) -> Mask:
        """Whether a piece (K,) starts at its second end; `away` is how far either is from a track (K, 2)."""
        turned: Mask = ends[0].density > ends[1].density
        attached = _is(pieces.kind, VoxelClass.MICHEL, VoxelClass.DELTA)
        turned[attached] = (away[:, 1] < away[:, 0])[attached]
        shower = pieces.kind == VoxelClass.SHOWER
        touch = away < self.touching
        narrower = ends[1].width < ends[0].width
        turned[shower] = np.where(touch[:, 0] != touch[:, 1], touch[:, 1], narrower)[shower]
        return turned

    def _inside_cones(self, pieces: _Pieces, start: Floats) -> Mask:
        """Whether a piece (K,) is a shower inside the cone of one of more energy."""
        rows = np.flatnonzero(pieces.kind == VoxelClass.SHOWER)
        inside = np.zeros(len(pieces.kind), np.bool_)
        centre, energy, apex = pieces.clusters.shape.centre[rows], pieces.clusters.energy[rows], start[rows]
        pairs = Pairs.within(centre, pieces.event[rows], 2 * self.cone_length)
        stronger = energy[pairs.first] >= energy[pairs.second]
        host = np.where(stronger, pairs.first, pairs.second)
        other = np.where(stronger, pairs.second, pairs.first)
        axis = centre - apex
        axis /= np.maximum(np.linalg.norm(axis, axis=1, keepdims=True), 1e-9)
        step = centre[other] - apex[host]
        along = np.einsum("ij,ij->i", step, axis[host])
        across = np.linalg.norm(step - along[:, None] * axis[host], axis=1)
        caught = (along > 0) & (along < self.cone_length) & (across < self.cone * along + self.touching)
        inside[rows[other[caught]]] = True
        return inside


@dataclass(frozen=True)
class _Found:
    """Points: the piece of each (M,), its place (M, 3) in voxels, and whether it is an end (M,)."""

    piece: Integers
    place: Floats
    end: Mask


@dataclass(frozen=True)
class _Pieces:
    """Clusters of voxels of one class.

    Args:
        clusters: Their shapes and voxels.
        place: Centres of their voxels (N, 3).
        value: Energies of their voxels (N,) MeV.
        voxel_event: Event of each of their voxels (N,).
        kind: Class of each (K,).
        event: Event of each (K,).
        probability: Mean over its voxels (K, 4) of the classes that have points, which add up to 1.
    """

    clusters: ClusterShapes
    place: Floats
    value: Floats
    voxel_event: Integers
    kind: Integers
    event: Integers
    probability: Floats

    @classmethod
    def of(cls, voxels: Table, probability: Tensor, gap: float, least: Tensor) -> _Pieces:
        """The clusters of enough voxels, after small patches went to what they touch."""
        place, batch, kind = voxels["index"].double() + 0.5, voxels.batch, probability.argmax(1)
        kind = _without_patches(place, batch, kind, gap, least)
        chosen = kind != VoxelClass.LOW_ENERGY
        place, batch, kind = place[chosen], batch[chosen], kind[chosen]
        cluster = dbscan(place, batch * len(CLASSES) + kind, gap, 1)
        enough = (torch.bincount(cluster)[cluster] >= least[kind]).numpy()
        of = np.unique(cluster.numpy()[enough], return_inverse=True)[1]
        where, value = place.numpy()[enough], voxels["value"][chosen].double().numpy()[enough]
        clusters = ClusterShapes.of_voxels(of, where, value)
        n = len(clusters.size)
        row = np.zeros(n, np.int64)
        row[of] = np.arange(len(of))
        share = probability[chosen][:, : len(POINT_CLASSES)].double().numpy()[enough]
        sums = np.stack([np.bincount(of, weights=column, minlength=n) for column in share.T], axis=1)
        mean = sums / np.maximum(sums.sum(axis=1, keepdims=True), 1e-9)
        event = batch.numpy()[enough]
        return cls(clusters, where, value, event, kind.numpy()[enough][row], event[row], mean)


def _without_patches(place: Tensor, batch: Tensor, kind: Tensor, gap: float, least: Tensor) -> Tensor:
    """Classes (N,) in which patches of too few voxels take the class of the nearest larger one, if one is near."""
    cluster = dbscan(place, batch * len(CLASSES) + kind, gap, 1)
    large = (torch.bincount(cluster)[cluster] >= least[kind]) & (kind != VoxelClass.LOW_ENERGY)
    rows, small = large.nonzero()[:, 0], (~large & (kind != VoxelClass.LOW_ENERGY)).nonzero()[:, 0]
    nearest, _ = nearest_other(place[small], batch[small], place[rows], batch[rows], gap)
    found = nearest >= 0
    out = torch.where(large, kind, int(VoxelClass.LOW_ENERGY))
    out[small[found]] = kind[rows[nearest[found]]]
    return out


@dataclass(frozen=True)
class _End:
    """One end of each cluster.

    Args:
        rows: Its voxel (K,).
        density: Mean energy of the voxels near it (K,) MeV.
        width: Mean distance of the voxels near it from the axis (K,) voxels.
    """

    rows: Integers
    density: Floats
    width: Floats

    @classmethod
    def of(cls, pieces: _Pieces, graph: object, rows: Integers, stretch: float) -> _End:
        of, n = pieces.clusters.of, len(rows)
        near = ways(graph, rows)[0] <= np.minimum(stretch, pieces.clusters.length / 2)[of]
        count = np.maximum(np.bincount(of[near], minlength=n), 1)
        values = (pieces.value, pieces.clusters.across)
        return cls(rows, *(np.bincount(of[near], weights=value[near], minlength=n) / count for value in values))


def _is(kind: Integers, *classes: VoxelClass) -> Mask:
    """Whether each is one of some classes (K,)."""
    return np.isin(kind, classes)


def _to_tracks(pieces: _Pieces, rows: Integers) -> tuple[Floats, Integers]:
    """Distance (K,) from voxels to the nearest one of a track in their event, and its row; infinite and -1 if none."""
    track = np.flatnonzero(pieces.kind[pieces.clusters.of] == VoxelClass.TRACK)
    place, event = torch.from_numpy(pieces.place), torch.from_numpy(pieces.voxel_event)
    row, distance = nearest_other(place[rows], event[rows], place[track], event[track])
    found: Integers = np.where(row.numpy() < 0, -1, np.append(track, -1)[row.numpy()])
    return distance.numpy(), found
