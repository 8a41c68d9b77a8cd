"""Bricks of networks over images."""

import pytest
import torch

from nuforge.errors import InputError
from nuforge.nn.counts import log_counts
from nuforge.nn.local_response import LocalResponseNorm
from nuforge.nn.squeeze_excite import SqueezeExcite


def images(channels, seed=0):
    return torch.randn(2, channels, 3, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("channels", [1, 2, 3, 8])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_local_response_is_that_of_torch(channels, layout):
    x = 3 * images(channels).to(memory_format=layout)
    expected = torch.nn.LocalResponseNorm(5, alpha=0.3, beta=0.75, k=1.0)(x)
    torch.testing.assert_close(LocalResponseNorm(5, alpha=0.3)(x), expected)


def test_the_gradient_of_local_response_is_that_of_finite_differences():
    assert torch.autograd.gradcheck(LocalResponseNorm(5, alpha=0.3), images(7).requires_grad_())


def test_without_light_there_is_no_response():
    x = torch.zeros(1, 4, 2, 2, requires_grad=True)
    y = LocalResponseNorm()(x)
    y.sum().backward()
    assert not y.any()
    assert torch.equal(x.grad, torch.ones_like(x))


def test_a_gate_only_dims():
    x, gate = images(8).abs(), SqueezeExcite(8).double()
    share = gate(x) / x
    assert ((share > 0) & (share < 1)).all()
    torch.testing.assert_close(share, share[:, :, :1, :1].expand_as(share))  # of a channel, everywhere alike
    torch.testing.assert_close(gate(x.mean((2, 3))), gate(x).mean((2, 3)))


def test_a_gate_looks_at_all_channels_of_its_own_image():
    x, gate = images(8).requires_grad_(), SqueezeExcite(8).double()
    gate(x)[0, 0].sum().backward()
    assert (x.grad[0].abs().sum((1, 2)) > 0).all()
    assert not x.grad[1].any()


def test_a_gate_without_channels_is_refused():
    with pytest.raises(InputError, match="channels and reduction must be at least 1, got 0 and 16"):
        SqueezeExcite(0)


def test_a_muon_is_one_and_nothing_is_zero():
    torch.testing.assert_close(log_counts(torch.tensor([0.0, 9.0, 99.0])), torch.tensor([0.0, 1.0, 2.0]))
