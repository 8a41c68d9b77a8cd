"""Points: where do particles start and end, of which class are they?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.events.rows import rows_where
from nuforge.events.weights import row_weights
from nuforge.nn.points import dbscan
from nuforge.simulation.truth import VoxelClass
from nuforge.tasks.point_figures import NEAR, POINT_CLASSES, nearest_by_class, point_figures, point_statistics
from nuforge.tasks.task import Task
from nuforge.tasks.weighing import binary_cross_entropy_sum, counted, cross_entropy_sum, rows_of

ABOUT: Mapping[str, Column] = {
    "position": Column("cm", "where", "prediction"),
    "probability": Column("", f"probability of {', '.join(POINT_CLASSES)}", "prediction"),
    "score": Column("", "how likely it is a point, 0 to 1", "prediction"),
    "end": Column("", "probability that it is an end and no start", "prediction"),
}
"""The columns of `reco_points`."""

PURE = 0.5
"""The purity within 3 voxels below which no threshold is chosen."""


class Points(Task):
    """What `PPN` says of points: masks, offsets, classes and ends learned near true points, and merged to points.

    A voxel is positive if its centre is within `radius` of a true point; a coarser voxel if it holds a positive one.
    The loss is the sum of the cross entropy of the mask on every level, in which positive and negative voxels weigh
    the same, and on positive voxels the mean square of the offset's error, the cross entropy of the class, and near
    tracks that of start and end. Each voxel learns its nearest point; of points at one place, such as those of all
    particles of a vertex, the one of its own class.

    Args:
        voxel: Side of a voxel in cm.
        origin: Corner of voxel (0, 0, 0) in cm.
        radius: How far from a point voxels are positive, in voxels.
        threshold: Voxels with a larger score propose a point. Positive voxels weigh as much in the loss as all others,
            so the score is larger than the probability to be near a point; best chosen on validation.
        purity: Voxels whose most probable class has no larger probability propose none.
        merge: Proposals of one class within this distance, in voxels, are one point: that of the highest score.

    Source:
        Domine et al. (DeepLearnPhysics), arXiv:2006.14745, with the numbers of its published code.
    """

    choices = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    threshold: Tensor

    needs = ("points.position", "points.label", "points.end", "voxels.label")

    def __init__(
        self,
        voxel: float,
        origin: Sequence[float],
        radius: float = 5.0,
        threshold: float = 0.5,
        purity: float = 0.5,
        merge: float = 1.999,
    ) -> None:
        super().__init__()
        if min(voxel, radius, merge) <= 0 or len(origin) != 3:
            raise InputError(
                f"voxel, radius and merge must be positive and origin have 3 numbers, got {voxel}, {radius}, {merge} "
                f"and {tuple(origin)}; take voxel and origin from the detector"
            )
        self.voxel, self.origin = voxel, tuple(origin)
        self.radius, self.purity, self.merge = radius, purity, merge
        self.register_buffer("threshold", torch.tensor(float(threshold)))

    def forward(self, features: Mapping[str, Table]) -> Mapping[str, Table]:
        """The levels of voxels that speak of points, finest first."""
        tables, name = {}, "voxels"
        while name:
            table = features[name]
            tables[name] = table.only([column for column in table if column != "features"])
            name = table.refers_to.get("parent", "")
        return tables

    def loss(self, outputs: Mapping[str, Table], events: Events) -> Tensor:
        """Sum of the losses of all questions, from `points` and `voxels.label`; 0 without voxels."""
        voxels = outputs["voxels"]
        distance, row = self._nearest(voxels, events)
        positive = distance <= self.radius
        total = voxels["mask"].sum() * 0.0
        level = positive
        for table in outputs.values():
            total = total + balanced_cross_entropy(table["mask"].float(), level, row_weights(events, table.batch))
            if "parent" in table:
                coarser = outputs[table.refers_to["parent"]]
                level = torch.zeros(len(coarser), dtype=torch.bool, device=level.device).index_put(
                    (table["parent"][level],), torch.ones((), dtype=torch.bool, device=level.device)
                )
        weight = rows_of(row_weights(events, voxels.batch), positive)
        return total + self._at_points(voxels, events["points"], positive, row[positive], weight)

    def _at_points(
        self, voxels: Table, points: Table, positive: Tensor, row: Tensor, weight: Tensor | None = None
    ) -> Tensor:
        """Losses of offset, class and end on positive voxels, whose points are the given rows, with their weights."""
        n = counted(torch.ones_like(row, dtype=torch.bool), weight)
        label, end = points["label"][row], points["end"][row]
        place = self.in_voxels(points["position"])[row] - (voxels["index"][positive] + 0.5)
        offset = voxels["offset"][positive].float()
        square = _square_error_sum(offset, place.float(), weight) / (3 * n)
        kind = cross_entropy_sum(voxels["type"][positive].float(), label, weight) / n
        track = label == VoxelClass.TRACK
        logit = voxels["end"][positive][track].float()
        ends = binary_cross_entropy_sum(logit, end[track].float(), rows_of(weight, track))
        return square + kind + ends / counted(track, weight)

    def _nearest(self, voxels: Table, events: Events) -> tuple[Tensor, Tensor]:
        """Distance (N,) of each voxel to the point that it learns, in voxels, infinite beyond the radius; its row."""
        points = events["points"]
        centre = voxels["index"].double() + 0.5
        position = self.in_voxels(points["position"])
        own = events["voxels"]["label"]
        return nearest_by_class(centre, voxels.batch, own, position, points, self.radius)

    def in_voxels(self, position: Float[Tensor, "n 3"]) -> Float[Tensor, "n 3"]:
        """Positions (N, 3) cm in units of voxels from the origin, float64."""
        return (position.double() - position.new_tensor(self.origin, dtype=torch.float64)) / self.voxel

    def predict(self, outputs: Mapping[str, Table], choice: float | None = None) -> Mapping[str, Table]:
        """`reco_points` with position (P, 3) cm, probability (P, 4), score (P,) and end (P,).

        Those of an event are in the order of their most probable class, then of falling score.

        Args:
            outputs: What `forward` gave.
            choice: Replaces the task's own threshold.
        """
        voxels, least = outputs["voxels"], self.threshold if choice is None else choice
        mask = voxels["mask"].float()
        score = (mask[:, 1] - mask[:, 0]).sigmoid()
        proposed = rows_where(score > least)  # few voxels: nothing else is asked of the others
        kind = voxels["type"][proposed].float().softmax(1)
        pure = kind.amax(1) > self.purity
        proposed, kind = proposed[pure], kind[pure]
        place = voxels["index"][proposed].double() + 0.5 + voxels["offset"][proposed].double()
        batch, score = voxels.batch[proposed], score[proposed]
        best = best_of_merged(place, batch * len(POINT_CLASSES) + kind.argmax(1), score, self.merge)
        columns = {
            "position": (place[best] * self.voxel + place.new_tensor(self.origin)).float(),
            "probability": kind[best],
            "score": score[best],
            "end": voxels["end"][proposed[best]].float().sigmoid(),
        }
        counts = torch.bincount(batch[best], minlength=voxels.n_events)
        return {"reco_points": Table.from_counts(columns, counts, about=ABOUT)}

    def statistics(self, events: Events, prediction: Mapping[str, Table]) -> Mapping[str, Tensor]:
        """Per event, what `nuforge.tasks.point_figures` counts of `points` and `reco_points`."""
        return point_statistics(events["points"], prediction["reco_points"], self.voxel)

    def figures(self, sums: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Figures of merit (R,) from statistics summed over events, (R, ...) for R resamplings."""
        return point_figures(sums)

    def merit(self, figures: Mapping[str, Tensor]) -> Tensor:
        """The efficiency within 3 voxels where at least half of the points found are near true ones, else below 0.

        What is not found is lost to what follows; of several points on a cluster the one of the highest score counts.
        """
        found, pure = (
            figures[f"point {name} within {NEAR:g} voxels"].nan_to_num() for name in ("efficiency", "purity")
        )
        return torch.where(pure >= PURE, found, pure - 1)

    def choose(self, choice: float) -> None:
        """The threshold."""
        self.threshold.fill_(choice)


def balanced_cross_entropy(
    logits: Float[Tensor, "n 2"], positive: Tensor, weight: Float[Tensor, " n"] | None = None
) -> Tensor:
    """Mean of the mean cross entropies of positive and of negative rows; 0 for a kind that has no rows.

    Args:
        logits: (N, 2) of negative and positive.
        positive: (N,).
        weight: Of each row (N,), that of its event; 1 if not given.
    """
    each = F.cross_entropy(logits, positive.long(), reduction="none")
    each = each if weight is None else each * weight.to(each)
    parts = [(each * kind).sum() / counted(kind, weight) for kind in (positive, ~positive)]
    return (parts[0] + parts[1]) / 2


def _square_error_sum(found: Tensor, true: Tensor, weight: Tensor | None) -> Tensor:
    """Squared errors of vectors (N, 3) summed, each row with its weight."""
    if weight is None:
        return F.mse_loss(found, true, reduction="sum")
    return ((found - true).square() * weight.to(found)[:, None]).sum()


def best_of_merged(
    position: Float[Tensor, "n 3"], group: Int[Tensor, " n"], score: Float[Tensor, " n"], within: float
) -> Int[Tensor, " m"]:
    """Row (M,) of the highest score among positions of a group joined by steps up to a length, sorted by group.

    It does not depend on the order of the rows: of equal scores the first by x, y, z counts.

    Args:
        position: (N, 3).
        group: (N,) int64 from 0, such as the event; positions of two groups are never joined.
        score: (N,).
        within: The longest step, in the unit of the positions.
    """
    if not len(position):
        return group.new_zeros(0)
    order = torch.arange(len(position), device=position.device)
    for key in (*position.flip(1).unbind(1), -score, group):  # the last key counts most
        order = order[key[order].argsort(stable=True)]
    joined = dbscan(position[order], group[order], within, 1)  # numbered in the order of first rows
    first = joined.new_full((int(joined.max()) + 1,), len(joined))
    first.scatter_reduce_(0, joined, torch.arange(len(joined), device=joined.device), "amin")
    return order[first]
