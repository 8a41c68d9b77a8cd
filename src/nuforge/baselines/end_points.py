"""End points: where clusters of voxels of one class begin and end along their principal axis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from nuforge.baselines.by_hand import ByHand
from nuforge.baselines.clusters import Clusters
from nuforge.baselines.neighbourhood import Floats, Integers
from nuforge.baselines.rules import Rules
from nuforge.events import Events, Table
from nuforge.nn.points import closest, dbscan
from nuforge.nn.points.apart import pairs_within
from nuforge.simulation.truth import CLASSES, VoxelClass
from nuforge.tasks.point_figures import POINT_CLASSES
from nuforge.tasks.points import ABOUT

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class EndPoints(ByHand):
    """Points by hand: voxels classified by `Rules`, clustered by DBSCAN within a class, and the ends of the clusters.

    The ends of a cluster are the means of its outermost voxels along its principal axis.

    - A track has both: the end is where it is denser (the Bragg peak), the other is its start.
    - A Michel or delta starts at the end that is nearer to a track.
    - A shower starts at an end that touches a track, if one does and the other does not, else at the narrower end. It
      has a point only if it is not inside the cone of a shower of more energy: what is there belongs to that one.

    The lengths hold for voxels of 0.3 cm in liquid argon.

    Args:
        voxel: Side of a voxel in cm.
        origin: Corner of voxel (0, 0, 0) in cm.
        gap: Largest step inside a cluster, in voxels.
        least: Voxels of a cluster that has points, for shower, track, Michel and delta.
        tip: Length along the axis, in voxels, over which the outermost voxels are averaged.
        inset: How far inside the outermost voxel's centre the end is taken to be, in voxels: what diffusion adds.
        stretch: Length from either end, in voxels, over which density and width are compared.
        touching: Distance from a track, in voxels, that is none.
        cone: Tangent of the half opening angle of a shower.
        cone_length: How far a shower's cone goes, in voxels; 200 are 60 cm, four radiation lengths.
    """

    file: ClassVar[str] = "end_points.json"

    voxel: float
    origin: tuple[float, float, float]
    gap: float = 2.9
    least: tuple[int, int, int, int] = (15, 5, 5, 4)
    tip: float = 2.0
    inset: float = 1.0
    stretch: float = 10.0
    touching: float = 4.0
    cone: float = 0.4
    cone_length: float = 200.0

    def predict(self, readout: Events) -> Mapping[str, Table]:
        """`reco_points`, the columns that `nuforge.tasks.points.Points` gives; `score` is 1."""
        probability = Rules().predict(readout)["voxels"]["probability"].cpu()
        voxels = readout["voxels"].to("cpu")
        pieces = _Pieces.of(voxels, probability, self.gap, np.array(self.least))
        ends = _Ends.of(pieces, self.tip, self.inset, self.stretch)
        turned, away = self._starts(pieces, ends)
        kept = ~self._inside_cones(pieces, ends, turned)
        first = np.where(turned[:, None], ends.place[:, 1], ends.place[:, 0])
        second = np.where(turned[:, None], ends.place[:, 0], ends.place[:, 1])
        track = pieces.kind == VoxelClass.TRACK
        rows = np.concatenate([np.flatnonzero(kept), np.flatnonzero(track)])
        place = np.concatenate([first[kept], second[track]])
        is_end = np.repeat([0.0, 1.0], [kept.sum(), track.sum()])
        order = np.argsort(pieces.event[rows], kind="stable")
        columns = {
            "position": torch.from_numpy(place[order] * self.voxel + np.array(self.origin)).float(),
            "probability": torch.from_numpy(pieces.probability[rows[order]]).float(),
            "score": torch.ones(len(rows)),
            "end": torch.from_numpy(is_end[order]).float(),
        }
        counts = torch.from_numpy(np.bincount(pieces.event[rows], minlength=len(readout)))
        return {"reco_points": Table.from_counts(columns, counts, about=ABOUT).to(readout.device)}

    def _starts(self, pieces: _Pieces, ends: _Ends) -> tuple[Mask, Floats]:
        """Whether a piece starts at its second end (K,), and how far either end is from a track (K, 2)."""
        away = np.stack([_to_tracks(pieces, ends.place[:, i]) for i in range(2)], axis=1)
        turned: Mask = ends.density[:, 0] > ends.density[:, 1]
        attached = (pieces.kind == VoxelClass.MICHEL) | (pieces.kind == VoxelClass.DELTA)
        turned[attached] = (away[:, 1] < away[:, 0])[attached]
        shower = pieces.kind == VoxelClass.SHOWER
        touch = away < self.touching
        by_touch = touch[:, 0] != touch[:, 1]
        turned[shower] = np.where(by_touch, touch[:, 1], ends.width[:, 1] < ends.width[:, 0])[shower]
        return turned, away

    def _inside_cones(self, pieces: _Pieces, ends: _Ends, turned: Mask) -> Mask:
        """Whether a piece (K,) is a shower inside the cone of one of more energy."""
        rows = np.flatnonzero(pieces.kind == VoxelClass.SHOWER)
        inside = np.zeros(len(pieces.kind), np.bool_)
        centre, event = pieces.clusters.shape.centre[rows], pieces.event[rows]
        first, second, _ = pairs_within(centre, event, 2 * self.cone_length)
        energy = pieces.clusters.energy[rows]
        host, other = np.where(energy[first] >= energy[second], (first, second), (second, first))
        start = np.where(turned[:, None], ends.place[:, 1], ends.place[:, 0])[rows]
        axis = centre - start
        axis /= np.maximum(np.linalg.norm(axis, axis=1, keepdims=True), 1e-9)
        step = centre[other] - start[host]
        along = np.einsum("ij,ij->i", step, axis[host])
        across = np.linalg.norm(step - along[:, None] * axis[host], axis=1)
        caught = (along > 0) & (along < self.cone_length) & (across < self.cone * along + self.touching)
        inside[rows[other[caught]]] = True
        return inside


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

    clusters: Clusters
    place: Floats
    value: Floats
    voxel_event: Integers
    kind: Integers
    event: Integers
    probability: Floats

    @classmethod
    def of(cls, voxels: Table, probability: torch.Tensor, gap: float, least: Integers) -> _Pieces:
        """The clusters of enough voxels."""
        kind, batch = probability.argmax(1), voxels.batch
        chosen = kind != VoxelClass.LOW_ENERGY
        kind, batch, index = kind[chosen], batch[chosen], voxels["index"][chosen].double() + 0.5
        cluster = dbscan(index, batch * len(CLASSES) + kind, gap, 1).numpy()
        size = np.bincount(cluster, minlength=1)
        enough = size[cluster] >= least[kind.numpy()]
        of = np.unique(cluster[enough], return_inverse=True)[1]
        place, value = index.numpy()[enough], voxels["value"][chosen].double().numpy()[enough]
        clusters = Clusters.of_voxels(of, place, value)
        n = len(clusters.size)
        row = np.zeros(n, np.int64)
        row[of] = np.arange(len(of))
        share = probability[chosen][:, : len(POINT_CLASSES)].double().numpy()[enough]
        sums = np.stack([np.bincount(of, weights=column, minlength=n) for column in share.T], axis=1)
        event = batch.numpy()[enough]
        return cls(
            clusters,
            place,
            value,
            event,
            kind.numpy()[enough][row],
            event[row],
            sums / np.maximum(sums.sum(axis=1, keepdims=True), 1e-9),
        )


@dataclass(frozen=True)
class _Ends:
    """The two ends of clusters.

    Args:
        place: (K, 2, 3) voxels.
        density: Mean energy of the voxels near either end (K, 2) MeV.
        width: Mean distance of the voxels near either end from the axis (K, 2) voxels.
    """

    place: Floats
    density: Floats
    width: Floats

    @classmethod
    def of(cls, pieces: _Pieces, tip: float, inset: float, stretch: float) -> _Ends:
        clusters, n = pieces.clusters, len(pieces.kind)
        centre, axis = clusters.shape.centre, clusters.shape.axis
        along, across = clusters.shape.of(clusters.of).along_and_across(pieces.place)
        places, density, width = [], [], []
        for side in (-1.0, 1.0):
            ahead = side * along
            outermost = np.full(n, -np.inf)
            np.maximum.at(outermost, clusters.of, ahead)
            depth = outermost[clusters.of] - ahead
            mean = _means(clusters.of, pieces.place, depth <= tip, n)
            reached = np.einsum("ij,ij->i", mean - centre, side * axis)
            wanted = np.maximum(outermost - inset, 0.0)
            places.append(mean + (side * (wanted - reached))[:, None] * axis)
            near = depth <= np.minimum(stretch, clusters.length / 2)[clusters.of]
            density.append(_means(clusters.of, pieces.value[:, None], near, n)[:, 0])
            width.append(_means(clusters.of, across[:, None], near, n)[:, 0])
        return cls(np.stack(places, axis=1), np.stack(density, axis=1), np.stack(width, axis=1))


def _means(of: Integers, values: Floats, chosen: Mask, n: int) -> Floats:
    """Means (n, C) of values (N, C) over the chosen rows of each group."""
    count = np.maximum(np.bincount(of[chosen], minlength=n), 1)
    sums = [np.bincount(of[chosen], weights=column, minlength=n) for column in values[chosen].T]
    means: Floats = np.stack(sums, axis=1) / count[:, None]
    return means


def _to_tracks(pieces: _Pieces, place: Floats) -> Floats:
    """Distance (K,) of places of pieces to the nearest voxel of another piece that is a track."""
    track = pieces.kind[pieces.clusters.of] == VoxelClass.TRACK
    here, there = torch.from_numpy(place), torch.from_numpy(pieces.place[track])
    event, other_event = torch.from_numpy(pieces.event), torch.from_numpy(pieces.voxel_event[track])
    _, distance = closest(here, event, there, other_event)
    found: Floats = distance.numpy()
    return found
