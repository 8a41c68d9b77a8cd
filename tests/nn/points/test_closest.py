import pytest
import torch
from bunches import bunches, clusters_of, line_bunches
from hypothesis import given
from hypothesis import strategies as st

from nuforge.errors import InputError
from nuforge.nn.kernels import library
from nuforge.nn.points import Members, closest_pairs, edge_features, reversed_edge_features

PATHS = ["torch"] if library.backend() == "torch" else ["torch", "compiled"]
CUTS = torch.tensor([[9.0, 4.0, 0.0], [4.0, 2.0, 1.0], [0.0, 1.0, 0.0]])


def found(path, *arguments):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NUFORGE_SPARSE", path)
        return closest_pairs(*arguments)


def by_hand(position, cluster, batch, cut):
    """Edges, closest rows and distances, from the distances of all pairs of points."""
    edges, points, distances = [], [], []
    for a in range(len(batch)):
        for b in range(a + 1, len(batch)):
            rows_a, rows_b = ((cluster == c).nonzero()[:, 0] for c in (a, b))
            if batch[a] != batch[b] or not len(rows_a) or not len(rows_b):
                continue
            x, y, z = (position.double()[rows_a, None] - position.double()[None, rows_b]).unbind(2)
            square = x * x + y * y + z * z
            least = square.min()
            if least < float(cut(a, b)) ** 2:
                i, j = (square == least).nonzero()[0].tolist()  # the lowest row of a, then of b
                edges.append([a, b])
                points.append([int(rows_a[i]), int(rows_b[j])])
                distances.append(float(least) ** 0.5)
    return edges, points, distances


@pytest.mark.parametrize("path", PATHS)
@given(bunches(), st.sampled_from([1.0, 2.0, 5.0, 100.0]))
def test_edges_join_clusters_of_an_event_by_their_closest_points(path, bunch, cut):
    position, cluster, batch = bunch
    pairs = found(path, position, clusters_of(cluster, batch), batch, cut)
    edges, points, distances = by_hand(position, cluster, batch, lambda a, b: cut)
    assert pairs.edges.T.tolist() == edges
    assert pairs.points.T.tolist() == points
    assert pairs.distance.tolist() == pytest.approx(distances, rel=1e-15)


@pytest.mark.parametrize("path", PATHS)
@given(bunches(), st.integers(0, 2**31))
def test_the_cut_may_depend_on_the_kinds_of_both_clusters(path, bunch, seed):
    position, cluster, batch = bunch
    kind = torch.randint(0, 3, batch.shape, generator=torch.Generator().manual_seed(seed))
    pairs = found(path, position, clusters_of(cluster, batch), batch, CUTS, kind)
    edges, points, _ = by_hand(position, cluster, batch, lambda a, b: CUTS[kind[a], kind[b]])
    assert (pairs.edges.T.tolist(), pairs.points.T.tolist()) == (edges, points)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("seed", range(5))
def test_of_many_equally_close_points_those_of_the_lowest_rows_count(path, seed):
    side = torch.arange(20)
    plane = torch.cartesian_prod(side, side, torch.tensor([0, 3])).float()  # two planes, every point above another
    position = plane[torch.randperm(len(plane), generator=torch.Generator().manual_seed(seed))]
    cluster = (position[:, 2] > 0).long()
    pairs = found(path, position, Members.of(cluster, 2), torch.zeros(2, dtype=torch.int64), 10.0)
    first = int((cluster == 0).nonzero()[0, 0])
    above = int((position == position[first] + torch.tensor([0.0, 0.0, 3.0])).all(1).nonzero())
    assert pairs.points.tolist() == [[first], [above]]


@pytest.mark.skipif("compiled" not in PATHS, reason="the compiled kernel was not built")
@pytest.mark.parametrize(
    "scale", [1.0, 0.3]
)  # at 0.3 cm distances that tie in voxels differ by rounding, alike for both
@pytest.mark.parametrize("cut", [500.0, 8.0])
def test_large_clusters_have_the_same_closest_points_on_both_paths(cut, scale):
    position, cluster = line_bunches(40, 6000, torch.Generator().manual_seed(1))
    batch = torch.arange(40) % 3
    arguments = scale * position.double(), Members.of(cluster, 40), batch, scale * cut
    plain, fast = (found(path, *arguments) for path in ("torch", "compiled"))
    assert len(plain) > 10
    assert torch.equal(plain.edges, fast.edges)
    assert torch.equal(plain.points, fast.points)
    assert torch.equal(plain.distance, fast.distance)


@pytest.mark.skipif("compiled" not in PATHS, reason="the compiled kernel was not built")
def test_any_number_of_threads_finds_the_same():
    position, cluster = line_bunches(40, 4000, torch.Generator().manual_seed(2))
    arguments = position, Members.of(cluster, 40), torch.zeros(40, dtype=torch.int64), 50.0
    first, before = closest_pairs(*arguments), torch.get_num_threads()
    try:
        for threads in (1, 2) * 30:
            torch.set_num_threads(threads)
            again = closest_pairs(*arguments)
            assert torch.equal(again.points, first.points)
            assert torch.equal(again.edges, first.edges)
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("path", PATHS)
def test_an_event_alone_has_the_edges_that_it_has_among_others(path):
    position, cluster = line_bunches(12, 600, torch.Generator().manual_seed(3))
    batch = torch.arange(12) // 4
    together = found(path, position, Members.of(cluster, 12), batch, 60.0)
    for event in range(3):
        own = torch.where(batch[cluster] == event, cluster - 4 * event, -1)
        alone = found(path, position, Members.of(own, 4), batch[:4] * 0, 60.0)
        mine = batch[together.edges[0]] == event
        assert torch.equal(alone.edges + 4 * event, together.edges[:, mine])
        assert torch.equal(alone.points, together.points[:, mine])


def test_a_large_event_takes_no_time():
    position, cluster = line_bunches(300, 50_000, torch.Generator().manual_seed(4), side=768.0)
    pairs = closest_pairs(position, Members.of(cluster, 300), torch.zeros(300, dtype=torch.int64), 25.0)
    assert len(pairs) > 300


@given(bunches())
def test_edges_have_their_points_step_length_and_outer_product(bunch):
    position, cluster, batch = bunch
    pairs = closest_pairs(position, clusters_of(cluster, batch), batch, 100.0)
    features = edge_features(position, pairs)
    a, b, unit, length, outer = torch.split_with_sizes(features, [3, 3, 3, 1, 9], 1)
    assert torch.equal(torch.cat([a, b], 1), position[pairs.points.T].flatten(1))
    torch.testing.assert_close(unit * length, a - b)
    torch.testing.assert_close(length[:, 0].double(), pairs.distance, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(outer, torch.einsum("ei,ej->eij", unit, unit).flatten(1))
    norm = unit.norm(dim=1)
    torch.testing.assert_close(norm, (length[:, 0] > 0).to(norm.dtype))


def test_edges_the_other_way_swap_the_points_and_turn_the_step():
    position, cluster = line_bunches(6, 60, torch.Generator().manual_seed(5))
    batch = torch.zeros(6, dtype=torch.int64)
    pairs = closest_pairs(position, Members.of(cluster, 6), batch, 500.0)
    there = edge_features(position, pairs)
    back = edge_features(position, type(pairs)(pairs.edges.flip(0), pairs.points.flip(0), pairs.distance))
    assert torch.equal(reversed_edge_features(there), back)
    assert torch.equal(reversed_edge_features(back), there)


ROWS, CLUSTERS, BATCH = torch.zeros(3, 3), Members.of(torch.tensor([0, 1, -1]), 2), torch.zeros(2, dtype=torch.int64)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: closest_pairs(ROWS, CLUSTERS, BATCH, 0.0), "cut must be positive"),
        (lambda: closest_pairs(ROWS[:, :2], CLUSTERS, BATCH, 1.0), "positions must have three coordinates, got 2"),
        (lambda: closest_pairs(ROWS, CLUSTERS, BATCH[:1], 1.0), r"batch must be int64 of shape \(2,\)"),
        (lambda: closest_pairs(ROWS[:2], CLUSTERS, BATCH, 1.0), "values must have 3 rows, got 2"),
        (lambda: closest_pairs(ROWS, CLUSTERS, BATCH, CUTS), r"kind must be int64 of shape \(2,\), got none"),
        (lambda: closest_pairs(ROWS, CLUSTERS, BATCH, CUTS.triu(1), BATCH), "or a symmetric matrix"),
        (lambda: closest_pairs(ROWS, CLUSTERS, BATCH, CUTS, BATCH + 3), "kinds must be 0 to 2, got 3 to 3"),
        (lambda: Members.of(torch.tensor([0, 2]), 2), "clusters must be -1 to 1, got 0 to 2"),
        (lambda: Members.of(torch.tensor([0.0]), 2), "cluster must be int64"),
    ],
)
def test_what_is_no_graph_of_clusters_is_refused_in_one_line(call, message):
    with pytest.raises(InputError, match=message) as refused:
        call()
    assert "\n" not in str(refused.value)


def test_the_nearest_edges_of_either_cluster_stay():
    position = torch.tensor([[0.0, 0, 0], [1, 0, 0], [3, 0, 0], [10, 0, 0]])
    pairs = closest_pairs(position, clusters_of(torch.arange(4), torch.zeros(4).long()), torch.zeros(4).long(), 100.0)
    assert pairs.nearest(3).edges.T.tolist() == pairs.edges.T.tolist()
    assert pairs.nearest(1).edges.T.tolist() == [[0, 1], [1, 2], [2, 3]]
    assert pairs.nearest(1).distance.tolist() == [1, 2, 7]
    assert len(pairs.nearest(1).nearest(1)) == 3
