"""The compiled kernels against the plain-torch path, and the choice between them."""

import time

import pytest
import torch

from nuforge.errors import InputError
from nuforge.nn.kernels import convolution as compiled
from nuforge.nn.kernels import library, maps
from nuforge.nn.sparse import Level
from nuforge.nn.sparse.convolution import convolve

needs_kernel = pytest.mark.skipif(library.backend() == "torch", reason="the compiled kernel was not built")


def voxels(n, side, generator):
    coordinates = torch.randint(0, side, (n, 3), generator=generator)
    event = torch.randint(0, 3, (n, 1), generator=generator)
    return torch.unique(torch.cat([event, coordinates], 1), dim=0)


def maps_of(level):
    return [level.neighbours, level.downward, level.downward.transposed]


def results(features, weight, kernel_map, monkeypatch, backend):
    monkeypatch.setenv("NUFORGE_SPARSE", backend)
    features, weight = features.clone().requires_grad_(), weight.clone().requires_grad_()
    out = convolve(features, weight, kernel_map)
    (out * torch.linspace(-1, 1, out.shape[1])).sum().backward()
    return out.detach(), features.grad, weight.grad


@needs_kernel
@pytest.mark.parametrize(("channels_in", "channels_out"), [(8, 8), (16, 16), (24, 48), (80, 64), (32, 80), (16, 96)])
@pytest.mark.parametrize(("n", "side"), [(0, 4), (1, 4), (300, 5), (2000, 30)])
def test_compiled_and_plain_torch_give_the_same_numbers(channels_in, channels_out, n, side, monkeypatch):
    generator = torch.Generator().manual_seed(channels_in * n + channels_out)
    level = Level.of(voxels(n, side, generator))
    for kernel_map in maps_of(level):
        features = torch.randn(kernel_map.forward.n_in, channels_in, generator=generator)
        offsets = kernel_map.forward.table.shape[0]
        weight = torch.randn(offsets, channels_in, channels_out, generator=generator)
        plain, fast = (results(features, weight, kernel_map, monkeypatch, b) for b in ("torch", "compiled"))
        for a, b in zip(plain, fast, strict=True):
            scale = float(a.abs().max()) if a.numel() else 1.0
            torch.testing.assert_close(b, a, rtol=1e-5, atol=1e-5 * scale)


@needs_kernel
def test_any_number_of_threads_gives_the_same_bytes(monkeypatch):
    generator = torch.Generator().manual_seed(2)
    level = Level.of(voxels(8000, 40, generator))
    features = torch.randn(len(level), 32, generator=generator)
    weight = torch.randn(27, 32, 32, generator=generator)
    before = torch.get_num_threads()
    first = results(features, weight, level.neighbours, monkeypatch, "compiled")
    try:
        for threads in (1, 2, 3, 7) * 30:
            torch.set_num_threads(threads)
            again = results(features, weight, level.neighbours, monkeypatch, "compiled")
            assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True)), threads
    finally:
        torch.set_num_threads(before)


@needs_kernel
@pytest.mark.parametrize("pause", [0.0, 1e-3])
def test_calls_that_follow_each_other_soon_or_late_find_all_threads_ready(pause):
    """Threads that still look out for work, and threads that sleep already, must both hear of the next call."""
    generator = torch.Generator().manual_seed(3)
    level = Level.of(voxels(3000, 30, generator))
    x, weight = torch.randn(len(level), 16, generator=generator), torch.randn(27, 16, 16, generator=generator)
    pairs = level.neighbours.forward.pairs
    before = torch.get_num_threads()
    first = compiled.convolve(x, weight, pairs)
    try:
        torch.set_num_threads(4)
        for _ in range(300):
            time.sleep(pause)
            assert torch.equal(compiled.convolve(x, weight, pairs), first)
    finally:
        torch.set_num_threads(before)


@needs_kernel
def test_what_the_kernels_cannot_take_goes_by_plain_torch():
    features, weight = torch.zeros(3, 8, dtype=torch.float64), torch.zeros(27, 8, 8, dtype=torch.float64)
    assert not library.usable(features, weight)


@needs_kernel
@pytest.mark.parametrize("n", [0, 1, 400])
@pytest.mark.parametrize(("channels_in", "channels_out"), [(12, 12), (9, 12), (1, 5), (60, 36), (8, 3)])
def test_channels_that_fill_no_vectors_are_compiled_too(n, channels_in, channels_out, monkeypatch):
    generator = torch.Generator().manual_seed(channels_in)
    where = torch.randint(0, 9, (n, 3), generator=generator)
    where = torch.cat([torch.zeros(n, 1, dtype=torch.int64), where], 1).unique(dim=0)
    x = torch.randn(len(where), channels_in, generator=generator)
    weight = torch.randn(27, channels_in, channels_out, generator=generator)
    found = []
    for backend in ("torch", "compiled"):
        monkeypatch.setenv("NUFORGE_SPARSE", backend)
        leaves = x.clone().requires_grad_(), weight.clone().requires_grad_()
        y = convolve(*leaves, Level.of(where).neighbours).add_(1.0)  # as residual blocks add
        y.square().sum().backward()
        found.append((y, *(leaf.grad for leaf in leaves)))
    for plain, compiled_one in zip(*found, strict=True):
        assert compiled_one.is_contiguous()
        torch.testing.assert_close(compiled_one, plain, rtol=1e-4, atol=1e-4 * float(plain.detach().norm()))


@needs_kernel
@pytest.mark.parametrize("dimension", [2, 3, 4])
@pytest.mark.parametrize(("n", "side"), [(0, 4), (1, 4), (300, 5), (2000, 12)])
def test_neighbours_are_those_that_plain_torch_finds(n, side, dimension, monkeypatch):
    generator = torch.Generator().manual_seed(n)
    where = torch.randint(-side, side, (n, dimension), generator=generator)
    where = torch.cat([torch.randint(0, 3, (n, 1), generator=generator), where], 1).unique(dim=0)
    tables = []
    for backend in ("torch", "compiled"):
        monkeypatch.setenv("NUFORGE_SPARSE", backend)
        tables.append(Level.of(where).neighbours.forward.table)
    assert torch.equal(*tables)


@needs_kernel
@pytest.mark.parametrize("n", [0, 1, 600, 3000])
def test_pairs_are_the_entries_of_the_table_by_block_and_offset(n):
    generator = torch.Generator().manual_seed(n)
    table = torch.randint(-5, 5, (8, n), generator=generator, dtype=torch.int32).clamp(min=-1)
    pairs = maps.pairs_of(table)
    offset, target = (table >= 0).nonzero(as_tuple=True)
    order = (target // maps.BLOCK * 8 + offset).argsort(stable=True)
    assert torch.equal(pairs.target.long(), target[order])
    assert torch.equal(pairs.source, table[offset, target][order])
    counts = torch.bincount((target // maps.BLOCK * 8 + offset), minlength=len(pairs.starts) - 1)
    assert torch.equal(pairs.starts.diff(), counts)


@needs_kernel
@pytest.mark.parametrize("capability", ["AVX2", "DEFAULT"])
def test_builds_for_older_processors_give_the_same_numbers(capability, monkeypatch):
    generator = torch.Generator().manual_seed(9)
    level = Level.of(voxels(3000, 25, generator))
    features = torch.randn(len(level), 24, generator=generator)
    weight = torch.randn(27, 24, 40, generator=generator)
    newest = results(features, weight, level.neighbours, monkeypatch, "compiled")
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    library.LIBRARY.loaded  # noqa: B018  the newest, which is put back afterwards
    monkeypatch.delitem(library.LIBRARY.__dict__, "loaded")
    older = results(features, weight, level.neighbours, monkeypatch, "compiled")
    for a, b in zip(newest, older, strict=True):
        torch.testing.assert_close(b, a, rtol=1e-5, atol=1e-5 * float(a.abs().max()))


def test_the_backend_can_be_chosen_and_a_wrong_name_is_refused(monkeypatch):
    monkeypatch.setenv("NUFORGE_SPARSE", "torch")
    assert library.backend() == "torch"
    monkeypatch.setenv("NUFORGE_SPARSE", "cuda")
    with pytest.raises(InputError, match="NUFORGE_SPARSE must be 'torch' or 'compiled', got 'cuda'"):
        library.backend()


def test_to_insist_on_a_kernel_that_was_not_built_is_refused(monkeypatch):
    monkeypatch.setitem(library.LIBRARY.__dict__, "loaded", None)
    monkeypatch.setenv("NUFORGE_SPARSE", "compiled")
    with pytest.raises(InputError, match="no kernel was built"):
        library.backend()
    monkeypatch.delenv("NUFORGE_SPARSE")
    assert library.backend() == "torch"
