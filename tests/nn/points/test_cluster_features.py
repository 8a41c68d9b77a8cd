import pytest
import torch
from bunches import bunches, clusters_of, line_bunches
from hypothesis import given
from hypothesis import strategies as st

from nuforge.errors import InputError
from nuforge.nn.points import Members, cluster_shapes, directions, local_stopping, node_features


def rotation(generator):
    q, r = torch.linalg.qr(torch.randn(3, 3, generator=generator, dtype=torch.float64))
    return q * r.diagonal().sign()


def random_clusters(n=12, rows=400, seed=0):
    """Voxels along lines in double precision, values, clusters, and a start and end of each."""
    generator = torch.Generator().manual_seed(seed)
    position, cluster = line_bunches(n, rows, generator)
    value = torch.rand(rows, generator=generator, dtype=torch.float64)
    ends = 100 * torch.rand(2, n, 3, generator=generator, dtype=torch.float64)
    return position.double(), value, Members.of(cluster, n), *ends


@given(bunches())
def test_clusters_hold_their_points_and_sums_means_and_maxima_of_them(bunch):
    position, cluster, batch = bunch
    clusters = clusters_of(cluster, batch)
    assert len(clusters) == len(batch)
    for c, rows in enumerate(torch.split_with_sizes(clusters.order, clusters.counts.tolist())):
        mine = (cluster == c).nonzero()[:, 0]
        assert torch.equal(rows, mine)
        if len(mine):
            torch.testing.assert_close(clusters.sum(position)[c], position[mine].sum(0))
            torch.testing.assert_close(clusters.mean(position)[c], position[mine].mean(0))
            torch.testing.assert_close(clusters.max(position)[c], position[mine].amax(0))
    assert torch.equal(clusters.sorted(cluster), clusters.number)
    assert torch.equal(clusters.spread(batch), batch[clusters.number])


@given(bunches(), st.sampled_from([1.0, 4.0]))
def test_every_feature_is_finite_whatever_a_cluster_has(bunch, radius):
    position, cluster, batch = bunch
    position = position.requires_grad_()
    n = len(batch)
    start, end = torch.zeros(n, 3), torch.full((n, 3), 3.5, requires_grad=True)
    value = torch.ones(len(position), requires_grad=True)
    features = node_features(position, value, clusters_of(cluster, batch), batch, start, end, radius)
    assert features.shape == (n, 33)
    assert features.dtype == position.dtype
    assert features.isfinite().all()
    features.sum().backward()
    for leaf in (position, value, end):
        assert leaf.grad is not None
        assert leaf.grad.isfinite().all()


@given(bunches())
def test_shapes_are_centre_scaled_covariance_and_size(bunch):
    position, cluster, batch = bunch
    shapes = cluster_shapes(position.double(), clusters_of(cluster, batch))
    for c in range(len(batch)):
        mine = position[cluster == c].double()
        centre, covariance, axis, size = torch.split_with_sizes(shapes[c], [3, 9, 3, 1])
        assert size == len(mine)
        if not len(mine):
            assert (shapes[c] == 0).all()
            continue
        torch.testing.assert_close(centre, mine.mean(0))
        scatter = (mine - mine.mean(0)).T @ (mine - mine.mean(0))
        width = torch.linalg.eigvalsh(scatter)
        if float(width[2]) < 1e-9:
            assert (shapes[c, 3:15] == 0).all()
            continue
        torch.testing.assert_close(covariance, (scatter / width[2]).flatten())
        torch.testing.assert_close(axis.norm(), 1 - width[1] / width[2], rtol=1e-6, atol=1e-7)
        torch.testing.assert_close(scatter @ axis, width[2] * axis, rtol=1e-6, atol=1e-6 * float(width[2]))


@pytest.mark.parametrize("seed", range(5))
def test_features_turn_and_move_with_the_event(seed):
    position, value, clusters, start, end = random_clusters(seed=seed)
    turn, step = rotation(torch.Generator().manual_seed(seed)), torch.tensor([3.0, -40.0, 7.0], dtype=torch.float64)
    kind = torch.arange(len(clusters)) % 5
    straight = node_features(position, value, clusters, kind, start, end, 12.0)
    there, *ends = (x @ turn.T + step for x in (position, start, end))
    moved = node_features(there, value, clusters, kind, *ends, 12.0)
    centre, covariance, axis, same, *points, rest = torch.split_with_sizes(straight, [3, 9, 3, 4, 3, 3, 3, 3, 2], 1)
    expected = [centre @ turn.T + step, (turn @ covariance.view(-1, 3, 3) @ turn.T).flatten(1), axis @ turn.T, same]
    expected += [points[0] @ turn.T + step, points[1] @ turn.T + step, points[2] @ turn.T, points[3] @ turn.T, rest]
    torch.testing.assert_close(moved, torch.cat(expected, 1), rtol=1e-8, atol=1e-8)


def test_the_axis_points_to_the_wide_end():
    along = torch.arange(10.0, dtype=torch.float64)
    cone = torch.stack([along, 0.2 * along, 0 * along], 1)
    position = torch.cat([cone, cone * torch.tensor([1, -1, 1])])
    for sign in (1, -1):
        axis = cluster_shapes(sign * position, Members.of(torch.zeros(20, dtype=torch.int64), 1))[0, 12:15]
        assert axis[0] * sign > 0.5


@pytest.mark.parametrize("step", [[-1, 0, 0], [0, -2, 1], [-1, 1, 0], [0, -1, 1], [-3, -2, 1], [-1, -1, -1]])
def test_the_axis_of_a_straight_line_has_a_positive_largest_component_the_first_of_equal_ones(step):
    step = torch.tensor(step, dtype=torch.float32)
    position = torch.arange(9)[:, None] * step + 100
    axis = cluster_shapes(position, Members.of(torch.zeros(9, dtype=torch.int64), 1))[0, 12:15]
    first = step[step.abs() == step.abs().max()][0]
    torch.testing.assert_close(axis, first.sign() * step / step.norm())


@given(bunches(), st.sampled_from([0.5, 2.0, 5.0]), st.integers(0, 2**31))
def test_directions_and_stopping_are_those_of_the_points_within_the_radius(bunch, radius, seed):
    position, cluster, batch = bunch
    position, generator = position.double(), torch.Generator().manual_seed(seed)
    start = 12 * torch.rand(len(batch), 3, generator=generator, dtype=torch.float64)
    value = torch.rand(len(position), generator=generator, dtype=torch.float64)
    clusters = clusters_of(cluster, batch)
    direction = directions(position, clusters, start, radius)
    stopping = local_stopping(position, value, clusters, start, radius)
    for c in range(len(batch)):
        away = position[cluster == c] - start[c]
        if not len(away):
            assert (direction[c] == 0).all()
            assert stopping[c] == 0
            continue
        distance = away.norm(dim=1)
        mean = away[distance <= max(radius, float(distance.min()))].mean(0)
        torch.testing.assert_close(direction[c], mean / mean.norm())
        near = distance <= radius
        expected = value[cluster == c][near].sum() / distance[near].max() if near.sum() > 1 else torch.zeros(())
        torch.testing.assert_close(stopping[c], expected.double())


def test_an_only_point_at_the_start_has_a_direction_along_x_and_no_stopping():
    one = Members.of(torch.zeros(1, dtype=torch.int64), 1)
    assert directions(torch.ones(1, 3), one, torch.ones(1, 3), 5.0).tolist() == [[1, 0, 0]]
    assert local_stopping(torch.ones(1, 3), torch.ones(1), one, torch.ones(1, 3), 5.0).tolist() == [0]


def test_a_minimum_ionising_track_stops_at_two_mev_a_centimetre():
    position = 0.3 * torch.stack([torch.arange(60.0) + 0.5, torch.zeros(60), torch.zeros(60)], 1)
    value, track = torch.full((60,), 0.63), Members.of(torch.zeros(60, dtype=torch.int64), 1)
    stopping = local_stopping(position, value, track, torch.zeros(1, 3), 15.0)
    assert float(stopping) == pytest.approx(2.1, rel=0.02)


def test_features_do_not_depend_on_the_order_of_points_or_the_number_of_threads():
    position, value, clusters, start, end = random_clusters()
    kind = torch.arange(len(clusters))
    straight = node_features(position, value, clusters, kind, start, end, 12.0)
    order = torch.randperm(len(position), generator=torch.Generator().manual_seed(0))
    mixed = Members.of(clusters.number[clusters.order.argsort()][order], len(clusters))
    torch.testing.assert_close(node_features(position[order], value[order], mixed, kind, start, end, 12.0), straight)
    before = torch.get_num_threads()
    try:
        for threads in (1, 2) * 15:
            torch.set_num_threads(threads)
            assert torch.equal(node_features(position, value, clusters, kind, start, end, 12.0), straight)
    finally:
        torch.set_num_threads(before)


def test_single_precision_is_as_good_as_double():
    position, value, clusters, start, end = random_clusters()
    kind = torch.arange(len(clusters))
    double = node_features(position, value, clusters, kind, start, end, 12.0)
    single = node_features(position.float(), value.float(), clusters, kind, start.float(), end.float(), 12.0)
    torch.testing.assert_close(single, double.float(), rtol=1e-5, atol=1e-5)


def test_bad_arguments_are_refused_in_one_line():
    position, value, clusters, start, _ = random_clusters()
    with pytest.raises(InputError, match=r"start must have the shape \(12, 3\), got \(11, 3\)"):
        directions(position, clusters, start[1:], 5.0)
    with pytest.raises(InputError, match="radius must be positive"):
        local_stopping(position, value, clusters, start, 0.0)
    with pytest.raises(InputError, match="values must have 400 rows, got 399"):
        cluster_shapes(position[1:], clusters)
    with pytest.raises(InputError, match="positions are not finite"):
        cluster_shapes(position * torch.nan, clusters)
