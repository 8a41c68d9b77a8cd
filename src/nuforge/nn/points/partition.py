"""Partition of a graph: groups of nodes that explain the scores of its edges."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

from nuforge.errors import InputError
from nuforge.events.rows import rows_where, sort_codes
from nuforge.nn.kernels import library
from nuforge.nn.kernels import partition as kernels
from nuforge.nn.points.arguments import check_offsets
from nuforge.nn.points.components import connected_components

_LEAST = 1e-9
"""Scores are taken as no nearer to 0 and 1, so that no single edge decides against all others."""


def partition(edges: Tensor, score: Tensor, offsets: Tensor) -> Tensor:
    """The group (C,) int64 of each node, numbered from 0 in each event in the order of first nodes.

    Edges with a score of at least 1/2 are tried from the highest score down, equal scores in the order given. An edge
    joins the groups of its ends if that lowers the cross entropy of all edges, an edge within a group counting as -ln p
    and one between groups as -ln(1 - p): if the sum of ln(p / (1 - p)) over all edges between the two groups is
    positive. A pair of nodes without an edge counts nothing.

    Args:
        edges: Two nodes of each edge (2, E) int64, each pair once and of one event, in any order.
        score: Probability p that both are of one group (E,).
        offsets: (B + 1,) int64: event i has the nodes offsets[i] to offsets[i + 1].

    Source:
        arXiv:2007.01335, section III E.
    """
    n = _check(edges, score, offsets)
    ends, p = edges.cpu(), score.detach().cpu().double()
    joins = rows_where(p >= 0.5)
    component = connected_components(ends.index_select(1, joins), n)  # what no such edge joins is never of one group
    n_components = int(component.max()) + 1 if n else 0
    by_node, starts = _by_component(component, n_components)
    place = torch.empty_like(by_node).scatter_(0, by_node, torch.arange(n))
    falling = joins.index_select(0, p[joins].argsort(descending=True, stable=True))
    tried, tried_starts = _by_component(component[ends[0, falling]], n_components)
    inside = rows_where(component[ends[0]] == component[ends[1]])
    all_of, edge_starts = _by_component(component[ends[0, inside]], n_components)
    rows, tried = inside.index_select(0, all_of), falling.index_select(0, tried)
    q = p.index_select(0, rows).clamp(_LEAST, 1 - _LEAST)
    run = kernels.partition if library.backend() == "compiled" else _by_dictionaries
    group = run(place[ends[:, rows]], q.log() - (-q).log1p(), edge_starts, place[ends[:, tried]], tried_starts, starts)
    return _numbered(group.new_empty(n).scatter_(0, by_node, by_node[group]), offsets.cpu()).to(edges.device)


def _by_component(component: Tensor, n: int) -> tuple[Tensor, Tensor]:
    """The order by component (N,), else as given, and where each of n components begins, and the end (n + 1,)."""
    _, order = sort_codes(component, max(n, 1))
    return order, pad(torch.bincount(component, minlength=n).cumsum(0), (1, 0))


def _check(edges: Tensor, score: Tensor, offsets: Tensor) -> int:
    """The number of nodes, if edges, scores and offsets fit."""
    if offsets.dtype != torch.int64 or offsets.ndim != 1 or len(offsets) < 1:
        check_offsets(offsets, 0)
    n = int(offsets[-1])
    check_offsets(offsets, n)
    if edges.ndim != 2 or edges.shape[0] != 2 or edges.dtype != torch.int64:
        raise InputError(
            f"edges must be int64 of shape (2, edges), got {edges.dtype} of {tuple(edges.shape)}; "
            "give both nodes of each"
        )
    if score.shape != edges.shape[1:] or not bool(((score >= 0) & (score <= 1)).all()):
        raise InputError(
            f"score must be {edges.shape[1]} probabilities, one per edge, got shape {tuple(score.shape)}; "
            "pass probabilities from 0 to 1, not logits"
        )
    if edges.numel() and not (int(edges.min()) >= 0 and int(edges.max()) < n):
        raise InputError(
            f"edges must join nodes 0 to {n - 1}, got {int(edges.min())} to {int(edges.max())}; "
            "number the nodes of the whole batch"
        )
    event = torch.repeat_interleave(offsets.diff(), output_size=n)
    crossing = (event[edges[0]] != event[edges[1]]) | (edges[0] == edges[1])
    if bool(crossing.any()):
        a, b = edges[:, crossing][:, 0].tolist()
        raise InputError(f"edges must join two nodes of one event, got {a} and {b}; join nodes of the same event only")
    return n


def _by_dictionaries(
    edges: Tensor, gain: Tensor, edge_starts: Tensor, tried: Tensor, tried_starts: Tensor, starts: Tensor
) -> Tensor:
    """What the compiled kernel gives, with a dictionary of gains for each group; components need not be told apart."""
    n = int(starts[-1])
    gains: list[dict[int, float]] = [{} for _ in range(n)]
    for a, b, g in zip(*edges.tolist(), gain.tolist(), strict=True):
        gains[a][b] = gains[b][a] = gains[a].get(b, 0.0) + g
    group, members = list(range(n)), [[i] for i in range(n)]
    for first, second in zip(*tried.tolist(), strict=True):
        a, b = group[first], group[second]
        if a != b and gains[a][b] > 0:
            _join(a, b, gains, group, members)
    return torch.tensor(group, dtype=torch.int64)


def _join(a: int, b: int, gains: list[dict[int, float]], group: list[int], members: list[list[int]]) -> None:
    """Make one group of two, in place."""
    if len(gains[a]) < len(gains[b]):
        a, b = b, a
    for node in members[b]:
        group[node] = a
    members[a] += members[b]
    del gains[a][b]
    for other, g in gains[b].items():
        if other != a:
            del gains[other][b]
            gains[other][a] = gains[a][other] = gains[a].get(other, 0.0) + g
    gains[b], members[b] = {}, []


def _numbered(group: Tensor, offsets: Tensor) -> Tensor:
    """Groups (C,), each named by one of its nodes, numbered from 0 in each event in the order of first nodes."""
    n = len(group)
    first = torch.full((n,), n).scatter_reduce_(0, group, torch.arange(n), "amin")[group]  # of each node's group
    number = pad((first == torch.arange(n)).long().cumsum(0), (1, 0))  # groups that begin before each node
    return number[first] - torch.repeat_interleave(number[offsets[:-1]], offsets.diff(), output_size=n)
