"""Message passing on graphs of pairs: edges learn from their two nodes, nodes from the strongest of their edges.

Every pair has an edge each way, so what a node learns does not depend on which of two nodes comes first. Edges are
sorted by target: those of a node are a segment. Nodes are multiplied before they are gathered to edges, of which there
are many more.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from nuforge.errors import InputError
from nuforge.events import offsets_of
from nuforge.nn.norm import NormActivation
from nuforge.nn.points import segment_max


@dataclass(frozen=True, eq=False)
class PairGraph:
    """Pairs of nodes as edges both ways, sorted by target, then source.

    Args:
        source: The node (2E,) int64 that each edge comes from.
        offsets: Where the edges to each node begin, and the end (N + 1,) int64.
        there: The edge (E,) int64 from the first to the second node of each pair.
        back: The edge (E,) int64 from the second to the first.
    """

    source: Int[Tensor, " m"]
    offsets: Int[Tensor, " starts"]
    there: Int[Tensor, " e"]
    back: Int[Tensor, " e"]

    @classmethod
    def of(cls, first: Int[Tensor, " e"], second: Int[Tensor, " e"], n_nodes: int) -> PairGraph:
        """The graph of pairs (E,), (E,) of `n_nodes` nodes; a pair is given once, in either order."""
        source, target = torch.cat([first, second]), torch.cat([second, first])
        order = (target * n_nodes + source).argsort()
        place = torch.empty_like(order)
        place[order] = torch.arange(len(order), device=order.device)
        there, back = place.tensor_split(2)
        return cls(source[order], offsets_of(torch.bincount(target, minlength=n_nodes)), there, back)

    @property
    def target(self) -> Int[Tensor, " m"]:
        """The node (2E,) int64 that each edge goes to."""
        return torch.repeat_interleave(self.offsets.diff(), output_size=len(self.source))

    def both_ways(self, there: Float[Tensor, "e c"], back: Float[Tensor, "e c"]) -> Float[Tensor, "m c"]:
        """What edges carry, from what each pair carries seen from its first and from its second node."""
        rows = torch.empty(2 * len(there), there.shape[1], dtype=there.dtype, device=there.device)
        rows[self.there], rows[self.back] = there, back
        return rows

    def of_pairs(self, edges: Float[Tensor, "m c"]) -> Float[Tensor, "e c"]:
        """What pairs carry (E, C): the mean of both ways, whichever node is first."""
        return 0.5 * (edges.index_select(0, self.there) + edges.index_select(0, self.back))


class MessagePassing(nn.Module):
    """One round: each edge is moved by a function of its source, its target and itself, each node by its edges.

    Both functions have three layers, each of norm, activation and a linear map. The message along an edge is what the
    edge has become: it holds the source already, so there is no third function. The largest of each channel counts.

    Args:
        width: Channels of nodes and of edges.

    Source:
        The meta layer of Battaglia et al., arXiv:1806.01261, as GrapPA takes it (arXiv:2007.01335), with residuals.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        if width < 1:
            raise InputError(f"width must be at least 1, got {width}; give the channels of nodes and edges")
        self.node_norm, self.edge_norm, self.message_norm = (NormActivation(width) for _ in range(3))
        self.of_source, self.of_target = (nn.Linear(width, width, bias=False) for _ in range(2))
        self.of_edge, self.of_node = nn.Linear(width, width), nn.Linear(width, width)
        self.of_message = nn.Linear(width, width, bias=False)
        self.edge_layers, self.node_layers = hidden_layers(width, 2), hidden_layers(width, 2)

    def forward(
        self, nodes: Float[Tensor, "n c"], edges: Float[Tensor, "m c"], graph: PairGraph
    ) -> tuple[Float[Tensor, "n c"], Float[Tensor, "m c"]]:
        """Nodes (N, width) and edges (2E, width) after the round."""
        active = self.node_norm(nodes)
        step = self.of_edge(self.edge_norm(edges))  # many rows: sums are made in place
        step += self.of_source(active).index_select(0, graph.source)
        step += self.of_target(active).index_select(0, graph.target)
        edges = self.edge_layers(step).add_(edges)
        messages = self.message_norm(segment_max(edges, graph.offsets))
        return nodes + self.node_layers(self.of_node(active) + self.of_message(messages)), edges


def hidden_layers(width: int, n: int) -> nn.Sequential:
    """So many layers of norm, activation and a linear map, from `width` channels to as many."""
    layers = ((NormActivation(width), nn.Linear(width, width)) for _ in range(n))
    return nn.Sequential(*(part for layer in layers for part in layer))
