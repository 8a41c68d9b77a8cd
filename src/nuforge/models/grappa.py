"""GrapPA: clusters of voxels as a graph, whose nodes and edges learn from each other."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.nn.cluster_graph import ENDS, ClusterGraph, Joining
from nuforge.nn.message_passing import MessagePassing, PairGraph, hidden_layers
from nuforge.nn.norm import NormActivation
from nuforge.nn.points import reversed_edge_features

_CLASSES = 4


class GrapPA(nn.Module):
    """Features of clusters, and of the pairs that are joined, by rounds of message passing.

    The nodes are clusters of some classes: fragments of showers, or of tracks, that make up particles, or particles
    that make up interactions. Two nodes of an event are joined if the gap between their closest voxels is not too long.

    Args:
        width: Channels of nodes and edges.
        layers: Rounds of message passing.
        joining: Which clusters are nodes, and which of them are joined; as `Joining` has it if not given.

    Source:
        Drielsma et al., arXiv:2007.01335: complete graph with a cut on the gap (500 voxels of 0.3 cm for showers, 100
        for tracks), features of nodes and edges, three rounds of three-layer functions, the strongest message; widths
        64 for fragments and 128 for interactions in SPINE.
    """

    def __init__(self, width: int = 64, layers: int = 3, joining: Joining | None = None) -> None:
        super().__init__()
        if width < 1 or layers < 1:
            raise InputError(f"width and layers must be at least 1, got {width} and {layers}")
        self.joining = joining or Joining()
        self.node_input, self.edge_input = nn.Linear(_NODE_INPUTS, width), nn.Linear(_EDGE_INPUTS, width)
        self.node_layers, self.edge_layers = hidden_layers(width, 2), hidden_layers(width, 2)
        self.rounds = nn.ModuleList(MessagePassing(width) for _ in range(layers))
        self.node_output, self.edge_output = NormActivation(width), NormActivation(width)
        self.features = width

    def forward(self, events: Events) -> Mapping[str, Table]:
        """Features of clusters and edges.

        Args:
            events: `voxels` (index; value in MeV; cluster) and `clusters` (kind; start and end in cm).

        Returns:
            `clusters` with features (N, width), zero for those that are no nodes, and `node`, whether they are;
            `edges` with source and target, source < target, each pair once, and features (E, width).
        """
        graph = ClusterGraph.of(events, self.joining)
        clusters = events["clusters"]
        nodes, edges = self._passed(graph)
        of_clusters = nodes.new_zeros(len(clusters), self.features).index_copy(0, graph.rows, nodes)
        is_node = torch.zeros(len(clusters), dtype=torch.bool, device=nodes.device).index_fill(0, graph.rows, True)
        source, target = graph.rows[graph.pairs]
        columns = {"source": source, "target": target, "features": edges}
        return {
            "clusters": Table({"features": of_clusters, "node": is_node}, clusters.offsets, about=_OF_CLUSTERS),
            "edges": Table(columns, graph.offsets, about=_OF_EDGES),
        }

    def _passed(self, graph: ClusterGraph) -> tuple[Tensor, Tensor]:
        """Nodes (N, width) and pairs (E, width) after all rounds."""
        first, second = graph.pairs
        pairs = PairGraph.of(first, second, len(graph.rows))
        both = pairs.both_ways(graph.edges, reversed_edge_features(graph.edges))
        nodes = self.node_layers(self.node_input(scaled_nodes(graph.nodes)))
        edges = self.edge_layers(self.edge_input(scaled_edges(both)))
        for layer in self.rounds:
            nodes, edges = layer(nodes, edges, pairs)
        return self.node_output(nodes), pairs.of_pairs(self.edge_output(edges))


_NODE_INPUTS, _EDGE_INPUTS = 32 + _CLASSES, 20
_OF_CLUSTERS = {
    "features": Column("", "features of the network", "prediction"),
    "node": Column("", "whether the cluster is a node of the graph", "prediction"),
}
_OF_EDGES = {**ENDS, "features": Column("", "features of the network", "prediction")}


def scaled_nodes(nodes: Float[Tensor, "n 33"]) -> Float[Tensor, "n 36"]:
    """Features of nodes brought to order one: positions in m, logarithms of sizes and energies, one channel a class."""
    parts = torch.split_with_sizes(nodes, [3, 12, 1, 2, 1, 6, 6, 2], 1)
    centre, shape, size, value, kind, ends, directions, loss = parts
    classes = F.one_hot(kind[:, 0].long(), _CLASSES).to(nodes.dtype)
    logarithms = [(size + 1).log() / 2 - 2, (value + 0.1).log(), (loss + 0.5).log() - 1]
    return torch.cat([centre / 100, shape, *logarithms, classes, ends / 100, directions], 1)


def scaled_edges(edges: Float[Tensor, "m 19"]) -> Float[Tensor, "m 20"]:
    """Features of edges brought to order one: positions and gap in m, and the logarithm of the gap in cm."""
    ends, direction, gap, outer = torch.split_with_sizes(edges, [6, 3, 1, 9], 1)
    return torch.cat([ends / 100, direction, gap / 100, (gap + 0.3).log() / 2 - 1, outer], 1)
