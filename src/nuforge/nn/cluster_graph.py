"""Graphs of clusters: which are joined, and what nodes and edges are described by, for a whole batch of events."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from nuforge.errors import InputError
from nuforge.events import Column, Events, offsets_of
from nuforge.events.rows import rows_where
from nuforge.nn.points import Members, closest_pairs, edge_features, node_features
from nuforge.shapes import Rows

ENDS = {
    "source": Column("", "the first cluster", "prediction", "clusters"),
    "target": Column("", "the second cluster", "prediction", "clusters"),
}
"""The columns of `edges` that name the clusters of each pair."""


@dataclass(frozen=True)
class Joining:
    """Which clusters are nodes, and which of them are joined.

    Args:
        kinds: Classes of clusters that are nodes.
        longest: The longest gap in cm between the closest voxels of two joined clusters, for each class from 0; a pair
            of two classes has the larger of both.
        radius: Within which voxels count for directions and dE/dx at the ends of a cluster, cm. The 1.5 of SPINE tell
            fewer protons and pions.
        voxel: Side of a voxel in cm.
        origin: Where voxel 0 begins in cm, along each axis.
        most: A pair beyond this many shorter ones of either cluster is left out, so that the graph of an event with
            thousands of clusters grows with their number, not with its square. Events of up to `most` + 1 clusters
            have all pairs; a particle bomb has 24 fragments of showers, 91 at most in 400.
    """

    kinds: tuple[int, ...] = (0, 1, 2, 3)
    longest: tuple[float, ...] = (150.0, 30.0, 30.0, 30.0)
    radius: float = 5.0
    voxel: float = 0.3
    origin: tuple[float, float, float] = (-115.2, -115.2, -115.2)
    most: int = 100

    def __post_init__(self) -> None:
        known = range(len(self.longest))
        if not self.kinds or any(kind not in known for kind in self.kinds):
            raise InputError(
                f"kinds must be some of the classes {list(known)} that have a longest gap, got {list(self.kinds)}; "
                "name the classes of clusters that become nodes"
            )
        if self.voxel <= 0 or self.radius <= 0 or min(self.longest) < 0:
            raise InputError(
                f"voxel and radius must be positive and longest not negative (cm), got {self.voxel}, {self.radius} and "
                f"{list(self.longest)}; give the detector's voxel size and the longest gaps between clusters"
            )
        if self.most < 1:
            raise InputError(f"most must be at least 1 pair of a cluster, got {self.most}; 100 is usual")

    @property
    def cuts(self) -> Float[Tensor, "k k"]:
        """The longest gap (K, K) in cm of a pair of two classes."""
        longest = torch.tensor(self.longest, dtype=torch.float64)
        return torch.maximum(longest[:, None], longest)


@dataclass(frozen=True, eq=False)
class ClusterGraph:
    """Nodes and pairs of a batch of events.

    Args:
        rows: The clusters (N,) that are nodes, rising.
        pairs: The two nodes (2, E) of each pair, the lower number first, sorted.
        offsets: Where the pairs of each event begin, and the end (B + 1,).
        position: Of all voxels of the batch (V, 3), cm.
        voxels: The voxels of each node.
        nodes: Features of nodes (N, 33).
        edges: Features of pairs (E, 19), seen from the first node.
    """

    rows: Rows
    pairs: Int[Tensor, "2 e"]
    offsets: Int[Tensor, " starts"]
    position: Float[Tensor, "v 3"]
    voxels: Members
    nodes: Float[Tensor, "n 33"]
    edges: Float[Tensor, "e 19"]

    @classmethod
    def of(cls, events: Events, joining: Joining) -> ClusterGraph:
        """The graph of the clusters of a batch.

        Args:
            events: `voxels` (index, value in MeV, cluster) and `clusters` (kind; start and end in cm).
            joining: Which clusters are nodes, and which are joined.
        """
        clusters, voxels = events["clusters"], events["voxels"]
        rows = rows_where(torch.isin(clusters["kind"], clusters["kind"].new_tensor(joining.kinds)))
        batch = clusters.batch[rows]
        kind, start, end = (clusters[name][rows] for name in ("kind", "start", "end"))
        position = (voxels["index"] + 0.5) * joining.voxel + voxels["value"].new_tensor(joining.origin)
        points = Members.of(_followed(voxels["cluster"], rows, len(clusters)), len(rows))
        nodes = node_features(position, voxels["value"], points, kind, start, end, joining.radius)
        pairs = closest_pairs(position, points, batch, joining.cuts, kind).nearest(joining.most)
        edges = edge_features(position, pairs)
        counts = torch.bincount(batch[pairs.edges[0]], minlength=clusters.n_events)
        return cls(rows, pairs.edges, offsets_of(counts), position, points, nodes, edges)


def _followed(cluster: Int[Tensor, " v"], rows: Rows, n_clusters: int) -> Int[Tensor, " v"]:
    """The node of each voxel, -1 for none, from its cluster and the clusters that are nodes."""
    node = torch.full((n_clusters + 1,), -1, device=rows.device)  # the last is that of voxels without a cluster
    node[rows] = torch.arange(len(rows), device=rows.device)
    return node[cluster]
