"""Squeeze and excitation: channels are weighed by a gate that has seen all of them."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from nuforge.errors import InputError


class SqueezeExcite(nn.Module):
    """Each channel times a number in 0 to 1, from the means of all channels.

    Args:
        channels: Of the maps.
        reduction: Channels over those of the hidden layer.

    Source:
        Hu, Shen, Albanie, Sun, Wu, arXiv:1709.01507; reduction 16 there.
    """

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        if channels < 1 or reduction < 1:
            raise InputError(f"channels and reduction must be at least 1, got {channels} and {reduction}")
        hidden = max(8, channels // reduction)
        self.gate = nn.Sequential(nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, channels), nn.Sigmoid())

    def forward(self, x: Float[Tensor, "n c *places"]) -> Float[Tensor, "n c *places"]:
        """Maps (N, C, ...) or rows (N, C), gated."""
        gate: Tensor = self.gate(x.flatten(2).mean(2) if x.ndim > 2 else x)
        return x * gate.view(*gate.shape, *(1,) * (x.ndim - 2))
