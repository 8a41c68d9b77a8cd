"""Batch norm with leaky ReLU against torch's own layers, compiled and plain."""

import pytest
import torch
from torch import nn

from nuforge.nn.kernels import library
from nuforge.nn.norm import NormActivation

needs_kernel = pytest.mark.skipif(library.backend() == "torch", reason="the compiled kernel was not built")
BACKENDS = ["torch", pytest.param("compiled", marks=needs_kernel)]


def filled(channels, generator):
    """A layer none of whose parameters and buffers has its first value."""
    layer = NormActivation(channels)
    with torch.no_grad():
        for tensor in (layer.weight, layer.bias, layer.running_mean):
            tensor.copy_(torch.randn(channels, generator=generator))
        layer.running_variance.copy_(torch.rand(channels, generator=generator) + 0.5)
    return layer


def reference(layer):
    """The same in torch's layers."""
    norm = nn.BatchNorm1d(len(layer.weight), eps=layer.eps, momentum=layer.momentum)
    state = {name.replace("variance", "var"): value for name, value in layer.state_dict().items()}
    norm.load_state_dict({**state, "num_batches_tracked": torch.tensor(0)})
    return nn.Sequential(norm, nn.LeakyReLU(layer.slope))


def outcome(layer, x, pull):
    """Output, gradients of input, weight and bias, running mean and variance."""
    x = x.clone().requires_grad_()
    y = layer(x)
    y.backward(pull)
    parameters = dict(layer.named_parameters()).values()
    running = [b for name, b in layer.named_buffers() if "running" in name]
    return [y.detach(), x.grad, *(p.grad for p in parameters), *running]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("n", "channels"), [(2, 8), (255, 24), (3000, 40), (700, 64), (50, 5)])
def test_layer_is_batch_norm_and_leaky_relu(n, channels, training, backend, monkeypatch):
    monkeypatch.setenv("NUFORGE_SPARSE", backend)
    generator = torch.Generator().manual_seed(n)
    layer = filled(channels, generator).train(training)
    x = 3 * torch.randn(n, channels, generator=generator) + torch.randn(channels, generator=generator)
    pull = torch.randn(n, channels, generator=generator)
    want = outcome(reference(layer).double().train(training), x.double(), pull.double())
    for a, b in zip(outcome(layer, x, pull), want, strict=True):
        # The gradient is a difference of terms of the size of its largest entries, in single precision.
        torch.testing.assert_close(a.double(), b, rtol=1e-4, atol=1e-5 * max(1.0, float(b.abs().max())))


def test_in_double_precision_layer_is_torch_own_to_the_last_digits():
    generator = torch.Generator().manual_seed(1)
    layer = filled(16, generator).double()
    x, pull = torch.randn(2, 300, 16, dtype=torch.float64, generator=generator)
    want = outcome(reference(layer).double(), x, pull)
    for a, b in zip(outcome(layer, x, pull), want, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)


def test_gradients_agree_with_finite_differences():
    layer = filled(4, torch.Generator().manual_seed(2)).double()
    x = torch.randn(6, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(3), requires_grad=True)
    assert torch.autograd.gradcheck(layer, x)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_large_mean_costs_no_precision_of_the_variance(backend, monkeypatch):
    monkeypatch.setenv("NUFORGE_SPARSE", backend)
    layer = NormActivation(8)
    layer(1000 + torch.randn(5000, 8, generator=torch.Generator().manual_seed(4)))
    assert layer.running_variance.sub(1).abs().max() < 0.1 * 5 * (2 / 5000) ** 0.5  # 5 sigma, a tenth of it taken up


@needs_kernel
def test_any_number_of_threads_gives_the_same_bytes():
    generator = torch.Generator().manual_seed(5)
    x, pull = torch.randn(2, 20_000, 24, generator=generator)
    before = torch.get_num_threads()
    try:
        found = []
        for threads in (1, 2, 3, 7):
            torch.set_num_threads(threads)
            found += [outcome(filled(24, torch.Generator().manual_seed(6)), x, pull) for _ in range(5)]
    finally:
        torch.set_num_threads(before)
    for other in found[1:]:
        assert all(torch.equal(a, b) for a, b in zip(found[0], other, strict=True))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("n", [0, 1])
def test_too_few_rows_for_a_variance_take_the_running_one(n, backend, monkeypatch):
    monkeypatch.setenv("NUFORGE_SPARSE", backend)
    layer = filled(8, torch.Generator().manual_seed(7))
    before = layer.running_mean.clone()
    x, pull = torch.randn(2, n, 8, generator=torch.Generator().manual_seed(8))
    got, want = outcome(layer.train(), x, pull), outcome(reference(layer).eval(), x, pull)
    for a, b in zip(got, want, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)
    assert torch.equal(layer.running_mean, before)


def test_names_in_a_checkpoint_stay():
    assert list(NormActivation(8).state_dict()) == ["weight", "bias", "running_mean", "running_variance"]
