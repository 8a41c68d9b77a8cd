from contextlib import contextmanager

import pytest
import torch
from clouds import clouds, squares
from hypothesis import given
from hypothesis import strategies as st

from nuforge.errors import InputError
from nuforge.nn.kernels import library
from nuforge.nn.points import connected_components, nearest, nearest_graph, radius_graph
from nuforge.nn.points.apart import apart


@given(clouds(), st.sampled_from([0.5, 1.0, 1.7, 40.0]), st.booleans())
def test_a_radius_graph_has_all_pairs_of_an_event_within_the_radius_and_no_other(cloud, radius, loop):
    position, batch, _ = cloud
    near = squares(position, batch) <= radius**2
    if not loop:
        near.fill_diagonal_(False)
    target, source = near.nonzero(as_tuple=True)
    assert torch.equal(radius_graph(position, batch, radius, loop), torch.stack([source, target]))


BACKENDS = ["torch"] if library.backend() == "torch" else ["torch", "compiled"]


@contextmanager
def searched(backend, short):
    """Events up to so many points from the distances of all pairs on one of the paths, longer ones by trees."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NUFORGE_SPARSE", backend)
        patch.setattr(nearest, "_SHORT", {backend: short})
        yield


@given(clouds(), st.integers(1, 20), st.booleans(), st.sampled_from(BACKENDS), st.sampled_from([0, 5, 1000]))
def test_a_nearest_graph_has_the_smallest_distances_in_the_event(cloud, k, loop, backend, short):
    position, batch, _ = cloud
    with searched(backend, short):
        source, target = nearest_graph(position, batch, k, loop)
    square = squares(position, batch)
    assert (batch[source] == batch[target]).all()
    assert len(set(zip(source.tolist(), target.tolist(), strict=True))) == len(source)
    wanted = square.clone().fill_diagonal_(torch.inf).sort(1)[0][:, :k]
    for i in range(len(position)):
        found = source[target == i]
        if loop:
            assert found[0] == i
            found = found[1:]
        assert i not in found
        expected = wanted[i][wanted[i].isfinite()]
        torch.testing.assert_close(square[i, found], expected, rtol=1e-9, atol=1e-9)


@given(clouds(), st.integers(0, 2**31))
def test_the_order_of_points_and_events_does_not_matter(cloud, seed):
    position, batch, _ = cloud
    order = torch.randperm(len(batch), generator=torch.Generator().manual_seed(seed))
    back = torch.empty_like(order).scatter_(0, order, torch.arange(len(order)))
    mixed = order[radius_graph(position[order], batch[order], 1.0)]
    assert {*zip(*mixed.tolist(), strict=True)} == {*zip(*radius_graph(position, batch, 1.0).tolist(), strict=True)}
    for backend, short in [("torch", 0), *((backend, 1000) for backend in BACKENDS)]:
        with searched(backend, short):
            source, target = nearest_graph(position[order], batch[order], 3)
            straight = nearest_graph(position, batch, 3)
        assert (target.diff() >= 0).all()
        square = squares(position, batch)
        away = square[order[source], order[target]]
        torch.testing.assert_close(away.sort()[0], square[straight[0], straight[1]].sort()[0])
        assert torch.equal(order[target].bincount(minlength=len(back)), straight[1].bincount(minlength=len(back)))


@pytest.mark.parametrize("threads", [1, 2])
def test_every_way_of_search_finds_the_same_neighbours(threads):
    generator = torch.Generator().manual_seed(1)
    position = torch.rand(4000, 3, generator=generator, dtype=torch.float64)
    batch = torch.randint(0, 100, (4000,), generator=generator).sort()[0]
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        found = []
        for backend, short in [("torch", 0), *((backend, n) for backend in BACKENDS for n in (40, 1000))]:
            with searched(backend, short):
                found.append(nearest_graph(position, batch, 8))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(edges, found[0]) for edges in found)


def test_many_points_at_one_place_are_neighbours_of_each_other_but_not_of_themselves():
    position, batch = torch.zeros(300, 3), torch.arange(2).repeat_interleave(150)
    source, target = nearest_graph(position, batch, 4)
    assert (source != target).all()
    assert (batch[source] == batch[target]).all()
    assert target.bincount().tolist() == [4] * 300


def test_single_precision_is_searched_exactly_in_many_events_far_from_the_origin():
    generator = torch.Generator().manual_seed(0)
    batch = torch.randint(0, 60_000, (3000,), generator=generator).sort()[0] * (torch.arange(3000) > 500)
    position = 1e4 + torch.randint(0, 40, (3000, 3), generator=generator).float() / 8
    near = squares(position.double(), batch) <= 1.0
    near.fill_diagonal_(False)
    target, source = near.nonzero(as_tuple=True)
    assert torch.equal(radius_graph(position, batch, 1.0), torch.stack([source, target]))


@given(clouds(), st.sampled_from([0.25, 3.0]))
def test_events_put_apart_keep_their_shape_and_the_gap(cloud, gap):
    position, batch, _ = cloud
    if not len(batch):
        return
    moved = torch.from_numpy(apart(position.numpy(), batch.numpy(), gap))
    together, away = (squares(x, torch.zeros_like(batch)) for x in (position, moved))
    same = batch[:, None] == batch[None]
    torch.testing.assert_close(away[same], together[same])
    assert (away[~same] >= gap**2 * (1 - 1e-12)).all()


@given(st.integers(0, 15), st.integers(0, 20), st.integers(0, 2**31))
def test_components_are_what_can_be_reached_along_edges(n, n_edges, seed):
    generator = torch.Generator().manual_seed(seed)
    edges = torch.randint(0, n, (2, n_edges), generator=generator) if n else torch.zeros(2, 0, dtype=torch.int64)
    reached = torch.eye(n, dtype=torch.float64)
    reached[edges[0], edges[1]] = reached[edges[1], edges[0]] = 1
    reached = torch.linalg.matrix_power(reached, max(n, 1)) > 0 if n else reached > 0
    component = connected_components(edges, n)
    assert torch.equal(component[:, None] == component[None], reached)
    first = torch.tensor([int((component == c).nonzero()[0, 0]) for c in range(int(component.max()) + 1 if n else 0)])
    assert (first.diff() > 0).all()


POINTS, EVENTS = torch.zeros(3, 2), torch.zeros(3, dtype=torch.int64)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: radius_graph(POINTS, EVENTS, 0.0), "radius must be positive"),
        (lambda: radius_graph(POINTS, EVENTS, float("nan")), "radius must be positive"),
        (lambda: radius_graph(POINTS, EVENTS[:2], 1.0), r"batch must be int64 of shape \(3,\)"),
        (lambda: radius_graph(POINTS, EVENTS - 1, 1.0), "batch must not be negative, got -1"),
        (lambda: radius_graph(POINTS.long(), EVENTS, 1.0), r"positions must be floating, of shape \(points, D\)"),
        (lambda: nearest_graph(POINTS + torch.inf, EVENTS, 2), "3 of 3 positions are not finite"),
        (lambda: nearest_graph(POINTS, EVENTS, 0), "k must be at least 1, got 0"),
        (lambda: connected_components(torch.tensor([[0], [3]]), 3), "edges must join nodes 0 to 2, got 0 to 3"),
        (lambda: connected_components(torch.zeros(2, 4), 3), r"edges must be int64 of shape \(2, edges\)"),
    ],
)
def test_what_cannot_be_a_graph_is_refused_in_one_line(call, message):
    with pytest.raises(InputError, match=message) as refused:
        call()
    assert "\n" not in str(refused.value)
