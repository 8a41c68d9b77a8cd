import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nuforge.errors import InputError
from nuforge.nn.kernels import library
from nuforge.nn.points import connected_components, partition

PATHS = ["torch"] if library.backend() == "torch" else ["torch", "compiled"]


@st.composite
def graphs(draw, largest=9):
    """Edges with scores, and offsets of the nodes of events; some scores tie, some are 0 or 1."""
    counts = draw(st.lists(st.integers(0, largest), max_size=4))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    offsets = torch.tensor([0, *counts]).cumsum(0)
    parts = [torch.triu_indices(n, n, 1) + low for n, low in zip(counts, offsets.tolist(), strict=False)]
    edges = torch.cat([torch.zeros(2, 0, dtype=torch.int64), *parts], 1)
    edges = edges[:, torch.rand(edges.shape[1], generator=generator) < draw(st.sampled_from([0.3, 1.0]))]
    edges = edges[:, torch.randperm(edges.shape[1], generator=generator)]
    turned = torch.rand(edges.shape[1], generator=generator) < 0.5
    edges = torch.where(turned, edges.flip(0), edges)
    logit = draw(st.sampled_from([1.0, 4.0])) * torch.randn(edges.shape[1], generator=generator, dtype=torch.float64)
    score = logit.sigmoid()
    return edges, (4 * score).round() / 4 if draw(st.integers(0, 3)) == 0 else score, offsets


def run(path, *arguments):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NUFORGE_SPARSE", path)
        return partition(*arguments)


def cross_entropy(edges, score, group):
    """Of all edges, if those within groups are meant to be on."""
    p = score.clamp(1e-9, 1 - 1e-9)
    same = group[edges[0]] == group[edges[1]]
    return -float(torch.where(same, p.log(), (-p).log1p()).sum())


def by_hand(edges, score, offsets):
    """Groups by trying every edge from the highest score on, with the entropy of all edges computed anew each time."""
    n = int(offsets[-1])
    group = torch.arange(n)
    for e in sorted(range(len(score)), key=lambda e: (-float(score[e]), e)):
        a, b = group[edges[0, e]], group[edges[1, e]]
        joined = torch.where(group == b, a, group)
        gained = cross_entropy(edges, score, group) - cross_entropy(edges, score, joined)
        if score[e] >= 0.5 and gained > 1e-9:
            group = joined
    return group


def same_groups(a, b):
    return torch.equal(a[:, None] == a[None], b[:, None] == b[None])


def of_events(offsets):
    return torch.repeat_interleave(offsets.diff())


@pytest.mark.parametrize("path", PATHS)
@given(graphs())
def test_edges_join_groups_from_the_highest_score_on_where_the_entropy_falls(path, graph):
    edges, score, offsets = graph
    group = run(path, edges, score, offsets)
    names = 1000 * of_events(offsets) + group
    assert same_groups(names, by_hand(edges, score, offsets))
    assert cross_entropy(edges, score, names) <= cross_entropy(edges, score, torch.arange(len(names))) + 1e-9


@pytest.mark.parametrize("path", PATHS)
@given(graphs())
def test_groups_are_numbered_from_zero_in_each_event_by_their_first_nodes(path, graph):
    edges, score, offsets = graph
    for numbers in torch.split_with_sizes(run(path, edges, score, offsets), offsets.diff().tolist()):
        known = -1
        for number in numbers.tolist():
            assert number <= known + 1
            known = max(known, number)


@given(graphs(), st.integers(0, 2**31))
def test_the_order_of_nodes_and_edges_does_not_matter(graph, seed):
    edges, score, offsets = graph
    generator = torch.Generator().manual_seed(seed)
    score = (score + 1e-6 * torch.rand(len(score), generator=generator, dtype=torch.float64)).clamp(max=1)  # no ties
    batch = of_events(offsets)
    mixed = torch.randperm(len(batch), generator=generator)
    order = mixed[batch[mixed].argsort(stable=True)]
    place = torch.empty_like(order).scatter_(0, order, torch.arange(len(order)))
    rows = torch.randperm(len(score), generator=generator)
    straight = partition(edges, score, offsets)
    moved = partition(place[edges[:, rows]].flip(0), score[rows], offsets)
    assert same_groups(1000 * batch + moved[place], 1000 * batch + straight)


@given(graphs())
def test_sure_scores_give_the_components_of_the_edges_that_are_on(graph):
    edges, _, offsets = graph
    group = torch.randint(0, 3, (int(offsets[-1]),), generator=torch.Generator().manual_seed(0))
    truth = (group[edges[0]] == group[edges[1]]).double()
    found = partition(edges, truth, offsets)
    on = connected_components(edges[:, truth == 1], len(group))
    assert same_groups(1000 * of_events(offsets) + found, on)


def test_many_weak_edges_against_outweigh_a_strong_one():
    edges = torch.tensor([[0, 2, 1, 0, 0, 1], [1, 3, 2, 2, 3, 3]])
    together, apart = torch.tensor([0.99, 0.98, 0.9]), torch.tensor([0.2, 0.2, 0.2])
    for scores, groups in [(apart, [0, 0, 1, 1]), (apart + 0.3, [0, 0, 0, 0])]:
        assert partition(edges, torch.cat([together, scores]), torch.tensor([0, 4])).tolist() == groups
    assert math.log(9) < 3 * math.log(4)


def complete(n, noise, generator):
    """All edges of n nodes in groups of about eight, with scores that are wrong at times."""
    edges = torch.triu_indices(n, n, 1)
    group = torch.randint(0, max(n // 8, 1), (n,), generator=generator)
    logit = 8.0 * (group[edges[0]] == group[edges[1]]) - 4
    return edges, (logit + noise * torch.randn(edges.shape[1], generator=generator)).sigmoid()


@pytest.mark.skipif("compiled" not in PATHS, reason="the compiled kernel was not built")
@pytest.mark.parametrize("n", [120, 2100])  # gains in a matrix, and in lists
def test_both_paths_give_the_same_groups(n):
    edges, score = complete(n, 2.0, torch.Generator().manual_seed(n))
    kept = torch.rand(len(score), generator=torch.Generator().manual_seed(1)) < 200 / n
    edges, score, offsets = edges[:, kept], score[kept], torch.tensor([0, n])
    plain, fast = (run(path, edges, score, offsets) for path in ("torch", "compiled"))
    assert torch.equal(plain, fast)
    assert 5 < int(plain.max()) < n - 5


def test_any_number_of_threads_gives_the_same_groups():
    parts = [complete(30, 3.0, torch.Generator().manual_seed(i)) for i in range(12)]
    edges = torch.cat([edges + 30 * i for i, (edges, _) in enumerate(parts)], 1)
    score, offsets = torch.cat([score for _, score in parts]), 30 * torch.arange(13)
    first, before = partition(edges, score, offsets), torch.get_num_threads()
    try:
        for threads in (1, 2) * 30:
            torch.set_num_threads(threads)
            assert torch.equal(partition(edges, score, offsets), first)
    finally:
        torch.set_num_threads(before)
    alone = torch.cat([partition(*part, torch.tensor([0, 30])) for part in parts])
    assert torch.equal(alone, first)


EDGES, SCORES, OFFSETS = torch.tensor([[0, 1], [1, 2]]), torch.tensor([0.9, 0.1]), torch.tensor([0, 3, 4])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: partition(EDGES, SCORES[:1], OFFSETS), "score must be 2 probabilities, one per edge"),
        (lambda: partition(EDGES, 3 * SCORES, OFFSETS), "pass probabilities from 0 to 1, not logits"),
        (lambda: partition(EDGES + 2, SCORES, OFFSETS), "edges must join nodes 0 to 3, got 2 to 4"),
        (lambda: partition(EDGES + 1, SCORES, OFFSETS), "edges must join two nodes of one event, got 2 and 3"),
        (lambda: partition(EDGES[:1].repeat(2, 1), SCORES, OFFSETS), "got 0 and 0"),
        (lambda: partition(EDGES.float(), SCORES, OFFSETS), r"edges must be int64 of shape \(2, edges\)"),
        (lambda: partition(EDGES, SCORES, OFFSETS.flip(0)), "offsets must rise from 0"),
    ],
)
def test_what_has_no_partition_is_refused_in_one_line(call, message):
    with pytest.raises(InputError, match=message) as refused:
        call()
    assert "\n" not in str(refused.value)
