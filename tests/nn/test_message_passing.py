"""Message passing: pairs both ways, the order of nodes does not matter, and every parameter learns."""

import pytest
import torch

from nuforge.errors import InputError
from nuforge.nn.message_passing import MessagePassing, PairGraph

FIRST, SECOND, N = torch.tensor([0, 3, 1, 2]), torch.tensor([2, 0, 3, 1]), 6  # nodes 4 and 5 are alone
WIDTH = 5


def rows(n, seed=0):
    return torch.randn(n, WIDTH, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def layer():
    torch.manual_seed(0)
    return MessagePassing(WIDTH).eval()


def run(layer, nodes, there, back, first, second):
    graph = PairGraph.of(first, second, len(nodes))
    nodes, edges = layer(nodes, graph.both_ways(there, back), graph)
    return nodes, graph.of_pairs(edges)


def test_edges_go_both_ways_and_are_sorted_by_target():
    graph = PairGraph.of(FIRST, SECOND, N)
    assert (graph.target.diff() >= 0).all()
    assert torch.equal(graph.source[graph.there], FIRST)
    assert torch.equal(graph.target[graph.there], SECOND)
    assert torch.equal(graph.source[graph.back], SECOND)
    assert torch.equal(graph.target[graph.back], FIRST)
    assert graph.offsets.tolist() == [0, 2, 4, 6, 8, 8, 8]


def test_permuting_nodes_permutes_the_answer(layer):
    there, back, order = rows(4, 1), rows(4, 2), torch.tensor([3, 0, 5, 1, 4, 2])
    nodes, pairs = run(layer, rows(N), there, back, FIRST, SECOND)
    mixed, same = run(layer, rows(N)[order.argsort()], there, back, order[FIRST], order[SECOND])
    torch.testing.assert_close(mixed[order], nodes)
    torch.testing.assert_close(same, pairs)


def test_it_does_not_matter_which_node_of_a_pair_is_first(layer):
    there, back = rows(4, 1), rows(4, 2)
    straight = run(layer, rows(N), there, back, FIRST, SECOND)
    turned = run(layer, rows(N), back, there, SECOND, FIRST)
    for a, b in zip(straight, turned, strict=True):
        torch.testing.assert_close(a, b)


def test_a_node_hears_its_neighbours_and_nobody_else(layer):
    nodes = rows(N).requires_grad_()
    after, _ = run(layer, nodes, rows(4, 1), rows(4, 2), FIRST, SECOND)
    after[0].sum().backward()
    heard = nodes.grad.abs().sum(1) > 0
    assert heard.tolist() == [True, False, True, True, False, False]


def test_nodes_without_edges_and_graphs_without_nodes_pass(layer):
    none = torch.zeros(0, dtype=torch.int64)
    for n in (0, 1, 3):
        nodes, pairs = run(layer.train(), rows(n), rows(0), rows(0), none, none)
        assert nodes.shape == (n, WIDTH)
        assert pairs.shape == (0, WIDTH)
        assert nodes.isfinite().all()


def test_every_parameter_learns(layer):
    nodes, pairs = run(layer.train(), rows(N), rows(4, 1), rows(4, 2), FIRST, SECOND)
    (nodes.square().sum() + pairs.square().sum()).backward()
    assert not [name for name, p in layer.named_parameters() if p.grad is None or not p.grad.any()]


def test_a_layer_without_channels_is_refused():
    with pytest.raises(InputError, match="width must be at least 1"):
        MessagePassing(0)
