import pytest
import torch
from clouds import clouds
from hypothesis import given
from hypothesis import strategies as st

from nuforge.errors import InputError
from nuforge.nn.points import (
    Voxels,
    ragged_attention,
    segment_max,
    segment_mean,
    segment_softmax,
    segment_sum,
)
from nuforge.nn.points.padding import blocks, rounded_up
from nuforge.nn.sparse import Level

SEGMENT = {
    segment_sum: lambda rows: rows.sum(0),
    segment_mean: lambda rows: rows.mean(0) if len(rows) else rows.sum(0),
    segment_max: lambda rows: rows.amax(0) if len(rows) else rows.sum(0),
}
COUNTS = st.lists(st.integers(0, 9), min_size=0, max_size=6)
SHAPES = st.sampled_from([(), (1,), (3,), (2, 3)])


def random_rows(counts, shape, seed, n=1):
    generator = torch.Generator().manual_seed(seed)
    offsets = torch.tensor([0, *counts]).cumsum(0)
    rows = [torch.randn(sum(counts), *shape, generator=generator, dtype=torch.float64) for _ in range(n)]
    return (*rows, offsets)


@pytest.mark.parametrize("reduce", SEGMENT, ids=lambda f: f.__name__)
@given(counts=COUNTS, shape=SHAPES, seed=st.integers(0, 2**31))
def test_segments_reduce_to_what_each_gives_alone(reduce, counts, shape, seed):
    values, offsets = random_rows(counts, shape, seed)
    parts = [SEGMENT[reduce](rows) for rows in values.split(counts)] if counts else []
    expected = torch.stack(parts) if parts else values.new_zeros(0, *shape)
    torch.testing.assert_close(reduce(values, offsets), expected)
    torch.testing.assert_close(reduce(values.float(), offsets), expected.float())


@given(COUNTS, SHAPES, st.integers(0, 2**31))
def test_the_softmax_is_that_of_each_segment_alone(counts, shape, seed):
    scores, offsets = random_rows(counts, shape, seed)
    scores = 100 * scores
    expected = torch.cat([rows.softmax(0) for rows in scores.split(counts)]) if counts else scores
    torch.testing.assert_close(segment_softmax(scores, offsets), expected)


@pytest.mark.parametrize("function", [*SEGMENT, segment_softmax], ids=lambda f: f.__name__)
@pytest.mark.parametrize("counts", [[3, 0, 1, 4], [0], [], [5]])
@pytest.mark.parametrize("shape", [(), (2,)])
def test_gradients_of_segments_are_those_of_finite_differences(function, counts, shape):
    values, offsets = random_rows(counts, shape, 7)
    values.requires_grad_()
    assert torch.autograd.gradcheck(lambda v: function(v, offsets).square(), values)


def test_equal_largest_values_share_the_gradient():
    values = torch.tensor([1.0, 2.0, 2.0, -1.0], requires_grad=True)
    segment_max(values, torch.tensor([0, 3, 4])).sum().backward()
    assert values.grad.tolist() == [0.0, 0.5, 0.5, 1.0]


def dense_attention(query, key, value, offsets, scale=None):
    parts = []
    for low, high in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
        q, k, v = (x[low:high].transpose(0, 1) for x in (query, key, value))
        weight = (q @ k.transpose(1, 2) * (query.shape[2] ** -0.5 if scale is None else scale)).softmax(2)
        parts.append((weight @ v).transpose(0, 1))
    return torch.cat(parts) if parts else value


@given(st.lists(st.integers(0, 40), max_size=6), st.sampled_from([None, 0.3]), st.integers(0, 2**31))
def test_ragged_attention_is_dense_attention_inside_each_event(counts, scale, seed):
    query, key, offsets = random_rows(counts, (2, 4), seed, n=2)
    value, _ = random_rows(counts, (2, 5), seed + 1)
    expected = dense_attention(query, key, value, offsets, scale)
    torch.testing.assert_close(ragged_attention(query, key, value, offsets, scale), expected)
    single = ragged_attention(query.float(), key.float(), value.float(), offsets, scale)
    torch.testing.assert_close(single, expected.float(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("counts", [[3, 0, 1, 4, 3], [0, 0], []])
def test_gradients_of_ragged_attention_are_those_of_finite_differences(counts):
    query, key, value, offsets = random_rows(counts, (2, 3), 3, n=3)
    rows = [x.requires_grad_() for x in (query, key, value)]
    assert torch.autograd.gradcheck(lambda *x: ragged_attention(*x, offsets), rows)


def test_permuted_rows_of_an_event_give_permuted_attention():
    query, key, value, offsets = random_rows([7, 12, 1], (2, 4), 0, n=3)
    order = torch.cat([torch.randperm(7), 7 + torch.randperm(12), torch.tensor([19])])
    straight = ragged_attention(query, key, value, offsets)
    permuted = ragged_attention(query[order], key[order], value[order], offsets)
    torch.testing.assert_close(permuted, straight[order])


def test_blocks_hold_every_row_once_with_at_most_an_eighth_of_padding():
    counts = torch.randint(0, 3000, (500,), generator=torch.Generator().manual_seed(0))
    offsets = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
    found = blocks(offsets, pairs=2**20)
    rows = torch.cat([b.rows.flatten() if b.valid is None else b.rows[b.valid] for b in found])
    assert torch.equal(rows.sort()[0], torch.arange(int(offsets[-1])))
    assert sum(b.rows.numel() for b in found) <= 1.125 * len(rows)
    assert all(len(b.events) == 1 or b.rows.shape[0] * b.rows.shape[1] ** 2 <= 2**20 for b in found)
    n = torch.arange(5000)
    assert ((rounded_up(n) >= n) & (rounded_up(n) <= 1.125 * n)).all()


@given(clouds(), st.sampled_from([0.5, 0.75, 3.0]), st.sampled_from([0.0, 0.25]), st.integers(0, 2**31))
def test_voxels_are_the_floor_of_positions_and_hold_what_their_points_carry(cloud, size, origin, seed):
    position, batch, _ = cloud
    order = torch.randperm(len(batch), generator=torch.Generator().manual_seed(seed))
    position, batch = position[order], batch[order]
    voxels = Voxels.of(position, batch, size, origin)
    where = torch.cat([batch[:, None], ((position - origin) / size).floor().long()], 1)
    expected, voxel = where.unique(dim=0, return_inverse=True) if len(where) else (where, batch)
    assert torch.equal(voxels.coordinates, expected)
    assert torch.equal(voxels.voxel, voxel)
    assert len(voxels) == len(expected)
    values = torch.randn(len(batch), 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    total = values.new_zeros(len(expected), 2).index_add(0, voxel, values)
    torch.testing.assert_close(voxels.sum(values), total)
    torch.testing.assert_close(voxels.mean(values), total / torch.bincount(voxel, minlength=len(voxels))[:, None])
    largest = torch.full_like(total, -torch.inf).scatter_reduce(0, voxel[:, None].expand(-1, 2), values, "amax")
    torch.testing.assert_close(voxels.max(values), largest)
    if len(voxels) and position.shape[1] > 1:
        assert Level.of(voxels.coordinates).order is None  # sorted already, as sparse convolution wants them


def test_gradients_reach_what_points_carry():
    position = torch.rand(12, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    voxels = Voxels.of(position, torch.arange(12) // 6, 0.6)
    values = torch.randn(12, 2, dtype=torch.float64, requires_grad=True)
    for pooled in (voxels.sum, voxels.mean, voxels.max):
        assert torch.autograd.gradcheck(lambda v, pooled=pooled: pooled(v).square(), values)


ROWS, BOTH = torch.zeros(3, 2), torch.tensor([0, 3])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: segment_sum(ROWS, torch.tensor([0, 2])), "offsets must rise from 0 to the 3 rows"),
        (lambda: segment_sum(ROWS, torch.tensor([0, 4, 3])), "offsets must rise from 0 to the 3 rows"),
        (lambda: segment_max(ROWS, BOTH.int()), r"offsets must be int64 of shape \(events \+ 1,\)"),
        (lambda: segment_sum(ROWS.long(), BOTH), "values must be floating, got torch.int64"),
        (lambda: segment_softmax(ROWS, torch.tensor([1, 3])), "offsets must rise from 0 to the 3 rows"),
        (lambda: ragged_attention(ROWS, ROWS, ROWS, BOTH), r"must all be \(rows, heads, channels\)"),
        (lambda: Voxels.of(ROWS, BOTH, 1.0), r"batch must be int64 of shape \(3,\)"),
        (lambda: Voxels.of(ROWS, torch.zeros(3).long(), 0.0), "size must be positive"),
        (lambda: Voxels.of(ROWS, torch.zeros(3).long(), 1.0).sum(ROWS[:2]), "values must have 3 rows, got 2"),
        (
            lambda: Voxels.of(torch.tensor([[0.0] * 3, [1e12] * 3]), torch.tensor([0, 1]), 0.3),
            r"more than 2\^62 places; check the unit",
        ),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(call, message):
    with pytest.raises(InputError, match=message) as refused:
        call()
    assert "\n" not in str(refused.value)
