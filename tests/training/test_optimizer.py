"""Muon: which weights it turns, and what a step of it is."""

import copy

import pytest
import torch
from torch import nn

from nuforge.nn.sparse import SubmanifoldConvolution
from nuforge.training.optimizer import Muon, optimizer_of


class _Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.sparse = SubmanifoldConvolution(4, 6)
        self.dense = nn.Conv2d(3, 40, 2)
        self.head = nn.Linear(6, 2)


@pytest.fixture
def net():
    torch.manual_seed(0)
    net = _Net()
    for p in net.parameters():
        p.grad = torch.randn_like(p)
    return net


def _singular_values(change, axis):
    return torch.linalg.svdvals(change.movedim(axis, -1).flatten(0, -2))


@pytest.mark.parametrize(("part", "axis"), [("sparse", -1), ("dense", 0)])
def test_a_step_moves_a_kernel_about_as_far_in_all_directions(net, part, axis):
    kernel = net.get_parameter(f"{part}.weight")
    before, gradient = kernel.detach().clone(), kernel.grad.clone()
    optimizer_of(net, "muon", 1e-3, 0.0, True).step()
    change = before - kernel.detach()
    values = _singular_values(change, axis) / (Muon.MOVE * 1e-3)
    assert values.min() > 0.6
    assert values.max() < 1.3
    assert (change * gradient).sum() > 0.6 * Muon.MOVE * 1e-3 * _singular_values(gradient, axis).sum()


def test_the_size_of_the_gradient_does_not_matter_and_its_singular_vectors_stay(net):
    other = copy.deepcopy(net)
    for p, q in zip(net.parameters(), other.parameters(), strict=True):
        q.grad = 1e-4 * p.grad
    for each in (net, other):
        optimizer_of(each, "muon", 1e-3, 0.0, True).step()
    torch.testing.assert_close(net.sparse.weight, other.sparse.weight, rtol=1e-4, atol=1e-6)


def test_what_is_no_kernel_is_adamws(net):
    other = copy.deepcopy(net)
    for p, q in zip(net.parameters(), other.parameters(), strict=True):
        q.grad = p.grad.clone()
    for each, choice in ((net, "muon"), (other, "adamw")):
        optimizer_of(each, choice, 1e-3, 0.1, True).step()
    for name in ("head.weight", "head.bias", "dense.bias"):
        assert torch.equal(net.get_parameter(name), other.get_parameter(name))
    assert not torch.equal(net.sparse.weight, other.sparse.weight)


def test_a_saved_state_goes_on_to_the_same_bytes(net):
    gradients = [[torch.randn_like(p) for p in net.parameters()] for _ in range(4)]

    def advance(net, optimizer, steps):
        for step in steps:
            for p, g in zip(net.parameters(), step, strict=True):
                p.grad = g.clone()
            optimizer.step()

    optimizer = optimizer_of(net, "muon", 1e-3, 0.1, True)
    advance(net, optimizer, gradients[:2])
    other = copy.deepcopy(net)
    resumed = optimizer_of(other, "muon", 1e-3, 0.1, True)
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    advance(net, optimizer, gradients[2:])
    advance(other, resumed, gradients[2:])
    for p, q in zip(net.parameters(), other.parameters(), strict=True):
        assert torch.equal(p, q)


def test_frozen_and_unused_weights_stay(net):
    net.sparse.weight.requires_grad_(False)
    net.dense.weight.grad = None
    before = copy.deepcopy(net.state_dict())
    optimizer_of(net, "muon", 1e-3, 0.1, True).step()
    assert torch.equal(net.sparse.weight, before["sparse.weight"])
    assert torch.equal(net.dense.weight, before["dense.weight"])


def test_a_gradient_of_zero_is_no_reason_for_not_a_number(net):
    net.sparse.weight.grad.zero_()
    optimizer_of(net, "muon", 1e-3, 0.0, True).step()
    assert torch.isfinite(net.sparse.weight).all()
