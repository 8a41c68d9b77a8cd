"""Batch norm over rows with its activation, for ragged batches."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nuforge.nn.kernels import norm as kernels


class NormActivation(nn.Module):
    """Batch norm over rows, then leaky ReLU; nothing but input and output is kept for the gradients.

    With fewer than two rows there is no variance: the running one is used, and an empty batch passes.

    Args:
        channels: Channels of the rows.
        eps: Added to the variance.
        slope: Slope of the leaky ReLU below zero.
        momentum: Weight of the newest batch in the running mean and variance.
    """

    running_mean: Tensor
    running_variance: Tensor

    def __init__(self, channels: int, eps: float = 1e-4, slope: float = 0.33, momentum: float = 0.1) -> None:
        super().__init__()
        self.eps, self.slope, self.momentum = eps, slope, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_variance", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalised and activated rows (N, C)."""
        learn = self.training and len(x) > 1
        affine, running = (self.weight, self.bias), (self.running_mean, self.running_variance)
        if kernels.usable(x, self.weight):
            y: Tensor = kernels.NormActivation.apply(x, *affine, *running, learn, self.momentum, self.eps, self.slope)
            return y
        y = F.batch_norm(x, *running, *affine, learn, self.momentum, self.eps)
        return F.leaky_relu(y, self.slope, inplace=True)
