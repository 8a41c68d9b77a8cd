"""Clusters and their pairs with names: what classical ways of grouping look at, and the form of their answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from nuforge.events import Events, Table, offsets_of
from nuforge.events.weights import weights_to_learn
from nuforge.nn.cluster_graph import ENDS, ClusterGraph, Joining
from nuforge.nn.points import connected_components
from nuforge.shapes import Points, Rows, Scalars
from nuforge.tasks.grouping import GROUP, SCORE

TINY = 1e-6
"""cm; shorter vectors have no direction."""


@dataclass(frozen=True, eq=False)
class ClusterPairs:
    """The nodes and pairs of a batch of events, by what a physicist calls them.

    Args:
        graph: Nodes, pairs and their features.
        clusters: The clusters of the batch, with their truth if there is any.
        weight: Of each event (B,).
    """

    graph: ClusterGraph
    clusters: Table
    weight: Scalars

    @classmethod
    def of(cls, events: Events, joining: Joining) -> ClusterPairs:
        """Of the clusters of a batch; see `ClusterGraph.of`."""
        return cls(ClusterGraph.of(events, joining), events["clusters"], weights_to_learn(events))

    def column(self, name: str) -> Tensor:
        """A column of `clusters` for each node."""
        return self.clusters[name][self.graph.rows]

    @property
    def n(self) -> int:
        """Number of nodes."""
        return len(self.graph.rows)

    @property
    def batch(self) -> Rows:
        """The event of each node (N,)."""
        return self.clusters.batch[self.graph.rows]

    @property
    def size(self) -> Rows:
        """Voxels of each node (N,)."""
        return self.graph.voxels.counts

    @property
    def centre(self) -> Points:
        """Centre of each node (N, 3) in cm."""
        return self.graph.nodes[:, :3]

    @property
    def away(self) -> Points:
        """Unit vector (N, 3) from the start of each node to its centre, 0 for a node of one place."""
        return unit(self.centre - self.column("start"))

    @property
    def start_loss(self) -> Scalars:
        """dE/dx (N,) in MeV/cm at the start of each node."""
        return self.graph.nodes[:, 31]

    def both_ways(self) -> Ways:
        """All pairs from either node."""
        first, second = self.graph.pairs
        at_first, at_second, _, gap, _ = torch.split_with_sizes(self.graph.edges, [3, 3, 3, 1, 9], 1)
        return Ways(
            torch.cat([first, second]),
            torch.cat([second, first]),
            torch.cat([gap[:, 0], gap[:, 0]]),
            torch.cat([at_first, at_second]),
            torch.cat([at_second, at_first]),
        )

    def grouped(self, first: Int[Tensor, " k"], second: Int[Tensor, " k"]) -> Rows:
        """The group (N,) of each node, numbered from 0 in its event, if the pairs (K,), (K,) of nodes are joined."""
        group = connected_components(torch.stack([first, second]), self.n)
        lowest = torch.full((self.clusters.n_events,), self.n, device=group.device)
        return group - lowest.scatter_reduce(0, self.batch, group, "amin")[self.batch]


@dataclass(frozen=True, eq=False)
class Ways:
    """Pairs of nodes from one (W,) to another (W,): every pair is there both ways.

    Args:
        one: The node looked from.
        other: The node looked at.
        gap: Between their closest voxels, cm.
        at_one: The closest voxel of the one (W, 3), cm.
        at_other: The closest voxel of the other.
    """

    one: Int[Tensor, " w"]
    other: Int[Tensor, " w"]
    gap: Float[Tensor, " w"]
    at_one: Float[Tensor, "w 3"]
    at_other: Float[Tensor, "w 3"]

    def where(self, mask: Bool[Tensor, " w"]) -> Ways:
        """Those for which a mask holds."""
        return Ways(*(getattr(self, name)[mask] for name in ("one", "other", "gap", "at_one", "at_other")))


def grouping_tables(pairs: ClusterPairs, group: Rows) -> Mapping[str, Table]:
    """What `Grouping` predicts, of groups (N,) of nodes: `clusters.reco_group`, `edges` of score 1 within groups."""
    clusters, rows = pairs.clusters, pairs.graph.rows
    of_clusters = torch.full((len(clusters),), -1, device=rows.device)
    of_clusters[rows] = group
    batch, codes = pairs.batch, int(group.max()) + 1 if len(group) else 1
    order = (batch * codes + group).argsort(stable=True)
    _, counts = torch.unique_consecutive((batch * codes + group)[order], return_counts=True)
    first, second = complete_pairs(counts)
    source, target = rows[order[first]], rows[order[second]]
    per_event = torch.bincount(batch[order[first]], minlength=clusters.n_events)
    columns = {"source": source, "target": target, "score": torch.ones(len(source), device=rows.device)}
    return {
        "clusters": Table({"reco_group": of_clusters}, clusters.offsets, about={"reco_group": GROUP}),
        "edges": Table(columns, offsets_of(per_event), about={**ENDS, "score": SCORE}),
    }


def complete_pairs(counts: Int[Tensor, " g"]) -> tuple[Int[Tensor, " e"], Int[Tensor, " e"]]:
    """All pairs (E,), (E,) of rows of one group, the lower first; groups have `counts` (G,) rows each, end to end."""
    ends = torch.repeat_interleave(counts.cumsum(0), counts)
    later = ends - torch.arange(len(ends), device=ends.device) - 1
    first = torch.repeat_interleave(later)
    return first, torch.arange(len(first), device=ends.device) - offsets_of(later)[first] + first + 1


def unit(vector: Points) -> Points:
    """Vectors (N, 3) of length 1 in the same direction; 0 for one that is too short to have any."""
    length = vector.norm(dim=1, keepdim=True)
    return torch.where(length > TINY, vector / length.clamp(min=TINY), 0.0)


def lowest(cost: Float[Tensor, " w"], group: Int[Tensor, " w"]) -> Int[Tensor, " g"]:
    """The row of the lowest cost in each group that has any, the first of equals, by group; infinite costs are none."""
    rows = cost.isfinite().nonzero().flatten()
    order = rows[cost[rows].argsort(stable=True)]
    order = order[group[order].argsort(stable=True)]
    first = torch.ones(len(order), dtype=torch.bool, device=order.device)
    first[1:] = group[order].diff() != 0
    return order[first]


def probabilities(label: Rows, classes: int, sure: float) -> Float[Tensor, "n k"]:
    """Probability (N, K): `sure` for the class that is named (N,), the rest shared evenly."""
    table = torch.full((len(label), classes), (1.0 - sure) / (classes - 1))
    return table.scatter(1, label[:, None].cpu(), sure).to(label.device)
