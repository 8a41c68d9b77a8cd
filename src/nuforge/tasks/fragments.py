"""Fragments: which voxels of a class are one connected piece of one particle's deposit?"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.events.rows import majority
from nuforge.events.weights import row_weights
from nuforge.metrics.clustering import Contingency, clustering_sums
from nuforge.metrics.weights import ratio
from nuforge.nn.points import connected_components, dbscan, join_small, nearest_other, number_inside
from nuforge.simulation.truth import CLASSES, VoxelClass
from nuforge.tasks.task import Task
from nuforge.tasks.weighing import binary_cross_entropy_sum, counted, rows_of

FRAGMENT_CLASSES = CLASSES[: VoxelClass.LOW_ENERGY]
"""Shower, track, Michel, delta: the classes whose voxels make fragments."""

GOOD = 0.92
"""The adjusted Rand index above which the published figure counts an event."""

_FIGURES = (
    "fragment ARI",
    f"share with fragment ARI above {GOOD}",
    "fragment efficiency",
    "fragment purity",
    "assigned",
)

TOUCHING = 1.99
"""Voxels closer than this touch: a voxel and its 26 neighbours."""

FRAGMENT = Column("", "number of the fragment in its event, -1 for none", "prediction")
"""The column `voxels.reco_fragment`."""


class Fragments(Task):
    """Edges between voxels that are of different true fragments, learned, cut, and what then still hangs together.

    The loss is the cross entropy of the edges and the negative logarithm of the Dice coefficient of those that should
    be cut, which are few. Cutting happens above a probability that is best chosen on validation; it travels with the
    network's weights.

    Args:
        threshold: Probability to be of different fragments above which an edge is cut.
        least: Fragments of fewer voxels join the nearest of their class.

    Source:
        The clustering of the liquid-argon 3D chain (SPINE), after Koh et al., arXiv:2007.03083.
    """

    needs = ("voxels.fragment", "fragments.label")
    choices = (0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 0.9, 0.99, 1.0)  # 1 cuts nothing
    threshold: Tensor

    def __init__(self, threshold: float = 0.5, least: int = 3) -> None:
        super().__init__()
        if not 0 <= threshold <= 1 or least < 1:
            raise InputError(
                f"threshold must be from 0 to 1 and least 1 voxel or more, got {threshold} and {least}; "
                "0.5 and 3 are usual"
            )
        self.least = least
        self.register_buffer("threshold", torch.tensor(float(threshold)))

    def forward(self, features: Mapping[str, Table]) -> Mapping[str, Table]:
        """The edges with their log-odds, and index and class of the voxels that they join."""
        return {"voxels": features["voxels"].only(["index", "kind"]), "voxel_edges": features["voxel_edges"]}

    def loss(self, outputs: Mapping[str, Table], events: Events) -> Tensor:
        """Cross entropy and -ln(Dice) of the edges whose `voxels.fragment` are known; 0 if there is none."""
        edges, fragment = outputs["voxel_edges"], events["voxels"]["fragment"]
        first, second = fragment[edges["source"]], fragment[edges["target"]]
        known = (first >= 0) & (second >= 0)
        weight = rows_of(row_weights(events, edges.batch), known)
        return cut_loss(edges["logit"].float()[known], (first != second)[known], weight)

    def predict(self, outputs: Mapping[str, Table], choice: float | None = None) -> Mapping[str, Table]:
        """`voxels.reco_fragment` (N,); `choice` replaces the task's own threshold."""
        cut = self.threshold if choice is None else choice
        voxels, edges = outputs["voxels"], outputs["voxel_edges"]
        stays = edges["logit"].float().sigmoid() <= cut
        joined = torch.stack([edges["source"][stays], edges["target"][stays]])
        fragment = connected_components(joined, len(voxels))
        fragment = as_fragments(fragment, voxels["index"], voxels["kind"], voxels.batch, self.least)
        return {"voxels": Table({"reco_fragment": fragment}, voxels.offsets, about={"reco_fragment": FRAGMENT})}

    def statistics(self, events: Events, prediction: Mapping[str, Table]) -> Mapping[str, Tensor]:
        """Per event `fragment_partition` (B, 5, 5, 2), of the voxels whose true fragment is known.

        For each class and for all together: adjusted Rand index, whether it is above 0.92, efficiency, purity and the
        fraction of voxels that have a fragment; each its value and 1, or 0 and 0 where there is none.
        """
        voxels, n, k = events["voxels"], len(events), len(FRAGMENT_CLASSES)
        known = voxels["fragment"] >= 0
        true, found = voxels["fragment"][known], prediction["voxels"]["reco_fragment"][known]
        batch = voxels.batch[known]
        of_class = batch * k + events["fragments"]["label"][true]
        by_class = _sums(Contingency.of(true, found, of_class, n * k)).view(n, k, len(_FIGURES), 2)
        together = _sums(Contingency.of(true, found, batch, n))
        return {"fragment_partition": torch.cat([by_class, together[:, None]], 1)}

    def figures(self, sums: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Means over events (R,) from statistics summed over events; NaN for a class that no event has."""
        total, number = sums["fragment_partition"].unbind(-1)
        mean = ratio(total, number)
        figures = {name: mean[..., -1, i] for i, name in enumerate(_FIGURES)}
        for i, name in enumerate(_FIGURES):
            figures |= {f"{name} of {c}": mean[..., j, i] for j, c in enumerate(FRAGMENT_CLASSES)}
        return figures

    def merit(self, figures: Mapping[str, Tensor]) -> Tensor:
        """The mean adjusted Rand index."""
        return figures["fragment ARI"]

    def choose(self, choice: float) -> None:
        """The threshold."""
        self.threshold.fill_(choice)


def _sums(table: Contingency) -> Tensor:
    """Values of the figures and how often there was one (B, 5, 2)."""
    sums = clustering_sums(table)
    index = sums["ARI"]
    good = torch.stack([(index[:, 0] > GOOD).to(index), index[:, 1]], 1)
    return torch.stack([index, good, sums["efficiency"], sums["purity"], sums["assigned"]], 1)


def cut_loss(logit: Float[Tensor, " e"], cut: Bool[Tensor, " e"], weight: Float[Tensor, " e"] | None = None) -> Tensor:
    """Mean cross entropy and -ln((2 sum p y + 1) / (sum p + sum y + 1)) of edges that should be cut; 0 without edges.

    Args:
        logit: Log-odds of cutting (E,).
        cut: Whether it is right to cut (E,).
        weight: Of each edge (E,), that of its event; 1 if not given. The 1 in the fraction is an edge of weight 1.
    """
    right, p, w = cut.to(logit), logit.sigmoid(), 1.0 if weight is None else weight.to(logit)
    dice = (2 * (w * p * right).sum() + 1) / ((w * p).sum() + (w * right).sum() + 1)
    entropy = binary_cross_entropy_sum(logit, right, weight)
    return entropy / counted(torch.ones_like(cut), weight) - dice.log()


def as_fragments(cluster: Tensor, index: Tensor, kind: Tensor, batch: Tensor, least: int) -> Tensor:
    """Clusters of voxels as `reco_fragment` (N,): none of low-energy voxels, small ones joined, numbered in events.

    Low-energy deposits are detached by what the word means: voxels called so that touch a fragment, alone or in a row,
    are of it.

    Args:
        cluster: (N,) int64 from 0; each is of one event, and of the class of most of its voxels.
        index: Voxel numbers (N, 3).
        kind: Class of each voxel (N,).
        batch: Event of each voxel (N,).
        least: Voxels of a cluster that stays.
    """
    of_cluster = majority(cluster, kind, int(cluster.max()) + 1 if len(cluster) else 0)[cluster]
    cluster = torch.where(of_cluster == VoxelClass.LOW_ENERGY, -1, cluster)
    joined = join_small(cluster, index.double(), batch * len(CLASSES) + of_cluster, least)
    return number_inside(_with_touching(joined, index.double(), kind, batch), batch)


def _with_touching(cluster: Tensor, place: Tensor, kind: Tensor, batch: Tensor) -> Tensor:
    """Clusters (N,) to which low-energy voxels of none belong that hang together and touch one."""
    apart = ((cluster < 0) & (kind == VoxelClass.LOW_ENERGY)).nonzero()[:, 0]
    fragments = (cluster >= 0).nonzero()[:, 0]
    piece = dbscan(place[apart], batch[apart], TOUCHING, 1)
    touched, _ = nearest_other(place[apart], batch[apart], place[fragments], batch[fragments], TOUCHING)
    touches = (touched >= 0).nonzero()[:, 0]
    first = touched.new_full((len(apart),), len(apart)).scatter_reduce(0, piece[touches], touches, "amin")[piece]
    joins = (first < len(apart)).nonzero()[:, 0]
    return cluster.index_copy(0, apart[joins], cluster[fragments[touched[first[joins]]]])
