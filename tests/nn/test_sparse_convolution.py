"""Sparse convolution against dense convolution in float64, and its properties."""

from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from nuforge.errors import InputError
from nuforge.nn.kernels.library import LIBRARY
from nuforge.nn.sparse import (
    Footprint,
    InverseConvolution,
    Level,
    SparseTensor,
    StridedConvolution,
    SubmanifoldConvolution,
    maps,
)

SIDE = 6
DENSE = {2: F.conv2d, 3: F.conv3d}
DENSE_INVERSE = {2: F.conv_transpose2d, 3: F.conv_transpose3d}


def random_voxels(dimension, n_events, occupancy, seed, shift=0):
    """Shuffled coordinates (N, 1 + D) of a random set; some events may be empty."""
    generator = torch.Generator().manual_seed(seed)
    full = torch.rand(n_events, *[SIDE] * dimension, generator=generator) < occupancy
    coordinates = full.nonzero()
    coordinates[:, 1:] += shift
    return coordinates[torch.randperm(len(coordinates), generator=generator)]


def on_grid(coordinates, features, n_events, shift=0):
    """Features (B, C, SIDE, ...) on the dense grid; differentiable."""
    dimension = coordinates.shape[1] - 1
    grid = features.new_zeros(n_events, *[SIDE] * dimension, features.shape[1])
    index = (coordinates[:, 0], *(coordinates[:, 1:] - shift).unbind(1))
    return grid.index_put(index, features).movedim(-1, 1).contiguous()


def at_voxels(grid, coordinates, shift=0):
    return grid.movedim(1, -1)[(coordinates[:, 0], *(coordinates[:, 1:] - shift).unbind(1))]


def dense_kernel(weight, dimension):
    """(K, C_in, C_out) -> (C_out, C_in, k, ...)."""
    size = round(weight.shape[0] ** (1 / dimension))
    return weight.view(*[size] * dimension, *weight.shape[1:]).permute(-1, -2, *range(dimension)).contiguous()


def same_with_gradients(sparse_out, dense_out, inputs, seed=0):
    """Outputs and the gradients of all inputs agree."""
    torch.testing.assert_close(sparse_out, dense_out)
    generator = torch.Generator().manual_seed(seed)
    pull = torch.randn(sparse_out.shape, dtype=sparse_out.dtype, generator=generator)
    got = torch.autograd.grad(sparse_out, inputs, pull)
    want = torch.autograd.grad(dense_out, inputs, pull)
    for a, b in zip(got, want, strict=True):
        torch.testing.assert_close(a, b)


def double(module):
    torch.manual_seed(1)
    module = module.double()
    with torch.no_grad():
        module.weight.normal_()
    return module


CASES = given(
    dimension=st.sampled_from([2, 3]),
    n_events=st.integers(1, 3),
    occupancy=st.sampled_from([0.0, 0.004, 0.05, 0.3, 1.0]),
    channels=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    seed=st.integers(0, 99),
    shift=st.sampled_from([0, -2, 1000]),
)


@settings(max_examples=40, deadline=None)
@CASES
def test_submanifold_is_dense_convolution_at_occupied_voxels(dimension, n_events, occupancy, channels, seed, shift):
    where = random_voxels(dimension, n_events, occupancy, seed, shift)
    layer = double(SubmanifoldConvolution(*channels, dimension))
    x = torch.randn(len(where), channels[0], dtype=torch.float64, requires_grad=True)
    out = layer(SparseTensor.of(where, x)).given_features()
    kernel = dense_kernel(layer.weight, dimension)
    dense = at_voxels(DENSE[dimension](on_grid(where, x, n_events, shift), kernel, padding=1), where, shift)
    same_with_gradients(out, dense, [x, layer.weight])


@settings(max_examples=40, deadline=None)
@CASES
def test_strided_is_dense_convolution_where_a_voxel_lies_inside(dimension, n_events, occupancy, channels, seed, shift):
    where = random_voxels(dimension, n_events, occupancy, seed, shift)
    layer = double(StridedConvolution(*channels, dimension))
    x = torch.randn(len(where), channels[0], dtype=torch.float64, requires_grad=True)
    out = layer(SparseTensor.of(where, x))
    coarse = torch.cat([where[:, :1], where[:, 1:].div(2, rounding_mode="floor")], 1).unique(dim=0)
    assert torch.equal(out.coordinates, coarse)
    dense = DENSE[dimension](on_grid(where, x, n_events, shift), dense_kernel(layer.weight, dimension), stride=2)
    same_with_gradients(out.features, at_voxels(dense, coarse, shift // 2), [x, layer.weight])


@settings(max_examples=40, deadline=None)
@CASES
def test_inverse_is_dense_transposed_convolution_at_the_fine_voxels(
    dimension, n_events, occupancy, channels, seed, shift
):
    where = random_voxels(dimension, n_events, occupancy, seed, shift)
    layer = double(InverseConvolution(*channels, dimension))
    level = Level.of(where)
    x = torch.randn(len(level.coarser), channels[0], dtype=torch.float64, requires_grad=True)
    out = layer(SparseTensor(level.coarser, x), level)
    grid = on_grid(level.coarser.coordinates, x, n_events, shift // 2)
    kernel = dense_kernel(layer.weight, dimension).transpose(0, 1).contiguous()
    dense = DENSE_INVERSE[dimension](grid, kernel, stride=2)
    same_with_gradients(out.features, at_voxels(dense, level.coordinates, shift), [x, layer.weight])


SHAPES = given(
    dimension=st.sampled_from([2, 3]),
    size=st.integers(1, 5),
    stride=st.integers(1, 3),
    dilation=st.integers(1, 2),
    occupancy=st.sampled_from([0.0, 0.004, 0.1, 1.0]),
    seed=st.integers(0, 99),
)


@settings(max_examples=40, deadline=None)
@SHAPES
def test_any_odd_kernel_and_dilation_is_dense_convolution(dimension, size, stride, dilation, occupancy, seed):
    size += 1 - size % 2
    where = random_voxels(dimension, 2, occupancy, seed)
    layer = double(SubmanifoldConvolution(2, 3, dimension, size, dilation))
    x = torch.randn(len(where), 2, dtype=torch.float64, requires_grad=True)
    out = layer(SparseTensor.of(where, x)).given_features()
    kernel = dense_kernel(layer.weight, dimension)
    dense = DENSE[dimension](on_grid(where, x, 2), kernel, padding=dilation * (size // 2), dilation=dilation)
    same_with_gradients(out, at_voxels(dense, where), [x, layer.weight])


@settings(max_examples=60, deadline=None)
@SHAPES
def test_any_kernel_stride_and_dilation_is_dense_convolution_and_reaches_all_that_is_not_zero(
    dimension, size, stride, dilation, occupancy, seed
):
    where = random_voxels(dimension, 2, occupancy, seed)
    layer = double(StridedConvolution(2, 3, dimension, size, stride, dilation))
    x = torch.randn(len(where), 2, dtype=torch.float64, requires_grad=True)
    out = layer(SparseTensor.of(where, x))
    margin = stride * dilation * size  # outputs may lie before the first voxel and behind the last
    grid = F.pad(on_grid(where, x, 2), [margin] * (2 * dimension))
    before = dilation * (size // 2) if size % 2 else 0
    padded = F.pad(grid, [before] * (2 * dimension))
    dense = DENSE[dimension](padded, dense_kernel(layer.weight, dimension), stride=stride, dilation=dilation)
    shift = -(margin // stride)
    same_with_gradients(out.features, at_voxels(dense, out.coordinates, shift), [x, layer.weight])
    touched = DENSE[dimension](
        (F.pad(on_grid(where, torch.ones_like(x), 2), [margin + before] * (2 * dimension))).abs(),
        torch.ones_like(dense_kernel(layer.weight, dimension)),
        stride=stride,
        dilation=dilation,
    )
    assert len(out.level) == int((touched[:, 0] > 0).sum())


@settings(max_examples=40, deadline=None)
@SHAPES
def test_the_way_back_is_the_transpose_of_the_way_down(dimension, size, stride, dilation, occupancy, seed):
    where = random_voxels(dimension, 2, occupancy, seed)
    down = double(StridedConvolution(2, 3, dimension, size, stride, dilation))
    back = InverseConvolution(3, 2, dimension, size, stride, dilation).double()
    with torch.no_grad():
        back.weight.copy_(down.weight.transpose(1, 2))
    x = SparseTensor.of(where, torch.randn(len(where), 2, dtype=torch.float64))
    y = down(x)
    z = y.with_features(torch.randn(len(y.level), 3, dtype=torch.float64))
    torch.testing.assert_close((y.features * z.features).sum(), (x.features * back(z, x.level).features).sum())


@pytest.mark.parametrize(("size", "dilation"), [(5, 1), (3, 2), (1, 1)])
def test_compiled_and_searched_neighbours_of_any_kernel_are_the_same(size, dilation, monkeypatch):
    where = random_voxels(3, 3, 0.3, seed=1)
    tables = []
    for choice in ("torch", "compiled") if LIBRARY.loaded is not None else ("torch",):
        monkeypatch.setenv("NUFORGE_SPARSE", choice)
        tables.append(Level.of(where).around(Footprint(size, dilation=dilation)).forward.table)
    assert all(torch.equal(tables[0], other) for other in tables[1:])
    assert int((tables[0] >= 0).sum()) >= len(where)


def test_kernels_that_cannot_be_are_refused():
    level = Level.of(torch.tensor([[0, 1, 1, 1]]))
    with pytest.raises(InputError, match="has an odd size and no stride, got size 2 and stride 1"):
        level.around(Footprint(2))
    with pytest.raises(InputError, match="must be 1 at least, got 0, 1 and 1"):
        Footprint(0)


def test_four_dimensions_agree_with_a_sum_over_offsets():
    where = random_voxels(4, 2, 0.05, seed=3)
    layer = double(SubmanifoldConvolution(2, 3, dimension=4))
    x = torch.randn(len(where), 2, dtype=torch.float64, requires_grad=True)
    grid = F.pad(on_grid(where, x, 2), [1] * 8)
    dense = torch.zeros(len(where), 3, dtype=torch.float64)
    for weight, offset in zip(layer.weight, product(range(3), repeat=4), strict=True):
        dense = dense + at_voxels(grid, where + torch.tensor([0, *offset])) @ weight
    same_with_gradients(layer(SparseTensor.of(where, x)).given_features(), dense, [x, layer.weight])


def by_hand(where, reach=1):
    """Pairs (row, offset, row) of voxels of one event that are near each other, from all pairs."""
    step = where[None, :, 1:] - where[:, None, 1:]
    near = (where[None, :, 0] == where[:, None, 0]) & (step.abs() <= reach).all(2)
    return {(int(i), *step[i, j].tolist(), int(j)) for i, j in near.nonzero().tolist()}


@pytest.mark.parametrize("choice", ["torch", "compiled"])
def test_grids_of_any_size_have_the_neighbours_that_all_pairs_have(choice, monkeypatch):
    if choice == "compiled" and LIBRARY.loaded is None:
        pytest.skip("no kernels were built")
    monkeypatch.setenv("NUFORGE_SPARSE", choice)
    generator = torch.Generator().manual_seed(0)
    seeds = torch.randint(0, 2**20, (120, 3), generator=generator)
    event = torch.randint(0, 65_536, (120, 1), generator=generator)
    event[60:] = event[:60]  # events with voxels far apart
    steps = torch.randint(-2, 3, (8, 120, 3), generator=generator)
    where = torch.cat([torch.cat([event, seeds + step], 1) for step in steps]).unique(dim=0)
    level = Level.of(where)
    table = level.neighbours.forward.table
    offsets = list(product((-1, 0, 1), repeat=3))
    found = {(i, *offsets[k], int(table[k, i])) for k, i in (table >= 0).nonzero().tolist()}
    assert found == by_hand(level.coordinates)
    wide = level.around(Footprint(5)).forward.table
    assert int((wide >= 0).sum()) == len(by_hand(level.coordinates, reach=2))
    coarse = torch.cat([where[:, :1], where[:, 1:] >> 1], 1).unique(dim=0)
    assert torch.equal(level.coarser.coordinates, coarse)
    with pytest.raises(InputError, match="1 voxels are given more than once"):
        Level.of(torch.cat([where, where[5:6]]))


def test_one_voxel_meets_only_the_centre_of_the_kernel():
    layer = double(SubmanifoldConvolution(2, 3))
    x = torch.ones(1, 2, dtype=torch.float64)
    out = layer(SparseTensor.of(torch.tensor([[0, 5, -7, 9]]), x)).features
    torch.testing.assert_close(out, x @ layer.weight[13])


def test_opposite_borders_and_other_events_are_not_neighbours():
    ends = torch.tensor([[0, 0, 0, 0], [0, 0, 0, 5], [0, 0, 1, 7], [0, 5, 5, 5], [1, 0, 0, 0], [2, 0, 0, 1]])
    assert int((Level.of(ends).neighbours.forward.table >= 0).sum()) == len(ends)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_cutting_into_blocks_changes_nothing(dtype, monkeypatch):
    monkeypatch.setenv("NUFORGE_SPARSE", "torch")
    where, x = random_voxels(3, 3, 0.4, seed=5), None
    x = torch.randn(len(where), 4, dtype=dtype, requires_grad=True)
    layer = SubmanifoldConvolution(4, 5).to(dtype)

    def run():
        tensor = SparseTensor.of(where, x)
        out = layer(tensor).given_features()
        n_blocks = max(tensor.level.neighbours.forward._blocks)
        return n_blocks, out, *torch.autograd.grad(out.sin().sum(), [x, layer.weight])

    whole = run()
    monkeypatch.setattr(maps, "PAIR_BYTES", 4096)
    cut = run()
    assert whole[0] == 1
    assert cut[0] >= 8
    for a, b in zip(whole[1:], cut[1:], strict=True):
        torch.testing.assert_close(a, b)


def test_results_are_the_same_for_any_number_of_threads():
    where = random_voxels(3, 40, 0.3, seed=8)
    layers = [SubmanifoldConvolution(16, 48), StridedConvolution(48, 32), InverseConvolution(32, 16)]
    x = torch.randn(len(where), 16, requires_grad=True)

    def run():
        tensor = SparseTensor.of(where, x)
        out = layers[2](layers[1](layers[0](tensor)), tensor.level).features
        return out, *torch.autograd.grad(out.square().sum(), [x, *(layer.weight for layer in layers)])

    before = torch.get_num_threads()
    try:
        results = []
        for n in (1, 2, 3, 4):
            torch.set_num_threads(n)
            results.append(run())
    finally:
        torch.set_num_threads(before)
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            assert torch.equal(a, b)


def test_permuting_voxels_permutes_the_output():
    where = random_voxels(3, 2, 0.2, seed=2)
    x = torch.randn(len(where), 3, dtype=torch.float64)
    layer = double(SubmanifoldConvolution(3, 2))
    order = torch.randperm(len(where), generator=torch.Generator().manual_seed(0))
    straight = layer(SparseTensor.of(where, x)).given_features()
    mixed = layer(SparseTensor.of(where[order], x[order])).given_features()
    torch.testing.assert_close(mixed, straight[order])


def test_maps_are_built_once_per_level():
    where = random_voxels(3, 2, 0.2, seed=2)
    tensor = SparseTensor.of(where, torch.ones(len(where), 1))
    again = SubmanifoldConvolution(1, 4)(tensor)
    assert again.level.neighbours is tensor.level.neighbours
    assert StridedConvolution(4, 4)(again).level is tensor.level.coarser


@pytest.mark.parametrize(("choice", "dtype"), [("torch", torch.bfloat16), ("compiled", torch.float32)])
def test_autocast_computes_in_half_width_where_no_kernel_does_better(choice, dtype, monkeypatch):
    if choice == "compiled" and LIBRARY.loaded is None:
        pytest.skip("the kernels were not built")
    monkeypatch.setenv("NUFORGE_SPARSE", choice)
    where = random_voxels(3, 2, 0.3, seed=4)
    x = torch.randn(len(where), 4, requires_grad=True)
    layer = SubmanifoldConvolution(4, 8)
    with torch.autocast("cpu", torch.bfloat16):
        out = layer(SparseTensor.of(where, x)).given_features()
    assert out.dtype == dtype
    out.float().square().sum().backward()
    assert x.grad.dtype == layer.weight.grad.dtype == torch.float32
    exact = layer(SparseTensor.of(where, x)).given_features()
    torch.testing.assert_close(out.float(), exact, rtol=0.05, atol=0.05)  # 8 bits of mantissa


def test_a_voxel_given_twice_is_refused():
    where = torch.tensor([[0, 1, 1, 1], [1, 2, 3, 4], [0, 5, 5, 5], [1, 2, 3, 4]])
    with pytest.raises(InputError, match=r"1 voxels are given more than once, the first is \[2, 3, 4\] of event 1"):
        Level.of(where)


def test_wrong_shapes_are_refused():
    where = torch.tensor([[0, 1, 1, 1]])
    with pytest.raises(InputError, match="coordinates must be int64"):
        Level.of(where.float())
    with pytest.raises(InputError, match=r"features must have shape \(1 voxels, channels\)"):
        SparseTensor.of(where, torch.ones(2, 1))
    with pytest.raises(InputError, match="takes 3 channels and 27 offsets, got 1 channels"):
        SubmanifoldConvolution(3, 1)(SparseTensor.of(where, torch.ones(1, 1)))
    with pytest.raises(InputError, match="more than 2\\^62 places"):
        Level.of(torch.tensor([[0, 0, 0, 0], [3, 2**61, 2**61, 1]]))
    other = Level.of(where)
    with pytest.raises(InputError, match="give the level that the strided convolution came from"):
        InverseConvolution(1, 1)(SparseTensor(Level.of(where).coarser, torch.ones(1, 1)), other)
