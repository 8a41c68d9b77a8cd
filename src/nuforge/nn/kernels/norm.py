"""Batch norm over rows with leaky ReLU, and its gradients, by the compiled kernels."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from nuforge.nn.kernels import library
from nuforge.nn.kernels.library import LANES, call


def usable(x: Tensor, weight: Tensor) -> bool:
    """Whether the compiled kernels can take these: single precision, on the CPU, channels in vectors."""
    return x.shape[1] % LANES == 0 and library.usable(x, weight)


class NormActivation(torch.autograd.Function):
    """Leaky ReLU of normalised rows (N, C). Kept for the gradients are the input, and mean and spread of each channel.

    With `learn` the mean and variance are those of the rows, and the running ones move towards them.
    """

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        running_mean: Tensor,
        running_variance: Tensor,
        learn: bool,
        momentum: float,
        eps: float,
        slope: float,
    ) -> Tensor:
        x = x.contiguous()
        mean, inverse_spread = torch.empty_like(weight), torch.empty_like(weight)
        y = torch.empty_like(x)
        running = running_mean, running_variance
        call("norm", x, weight, bias, *running, mean, inverse_spread, y, *x.shape, learn, momentum, eps, slope)
        ctx.save_for_backward(x, weight, bias, mean, inverse_spread)
        ctx.learn, ctx.slope = learn, slope
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        x, weight, bias, *moments = ctx.saved_tensors
        out = torch.empty_like(x), torch.empty_like(weight), torch.empty_like(bias)
        call("norm_gradients", x, gradient.contiguous(), weight, bias, *moments, *out, *x.shape, ctx.learn, ctx.slope)
        return *out, *[None] * 6
