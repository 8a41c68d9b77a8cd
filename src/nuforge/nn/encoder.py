"""Encoder: layers of attention among the tokens of an event, padded to one length, that say who looked at whom."""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from nuforge.errors import InputError


class EncoderLayer(nn.Module):
    """Attention and a perceptron, each on normalised tokens and added to them.

    Args:
        width: Channels of a token.
        heads: Heads of the attention; they share the width.
        inner: Channels inside the perceptron.
        dropout: Fraction of attention weights and of what is added that is left out in training.

    Source:
        Vaswani et al., arXiv:1706.03762, with norm first: Xiong et al., arXiv:2002.04745.
    """

    def __init__(self, width: int, heads: int, inner: int, dropout: float) -> None:
        super().__init__()
        if min(width, heads, inner) < 1 or width % heads:
            raise InputError(f"heads must divide the width, got width {width}, {heads} heads, {inner} inner channels")
        self.heads = heads
        self.norm_in, self.norm_out = nn.LayerNorm(width), nn.LayerNorm(width)
        self.asked = nn.Linear(width, 3 * width)
        self.joined = nn.Linear(width, width)
        self.perceptron = nn.Sequential(
            nn.Linear(width, inner), nn.GELU(), nn.Dropout(dropout), nn.Linear(inner, width)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, tokens: Float[Tensor, "b l w"], valid: Bool[Tensor, "b l"]
    ) -> tuple[Float[Tensor, "b l w"], Float[Tensor, "b h l l"]]:
        """Tokens, and how much of each token (last axis) went into each (the axis before), by head.

        Args:
            tokens: (B, L, width).
            valid: Which are no padding (B, L), one of each event at least; padding gets nothing and gives nothing.
        """
        asked = self.asked(self.norm_in(tokens)).unflatten(2, (3, self.heads, -1))
        query, key, value = asked.permute(2, 0, 3, 1, 4)  # (B, heads, L, width / heads) each
        scores = query @ key.transpose(2, 3) / math.sqrt(query.shape[-1])
        weights = scores.masked_fill(~valid[:, None, None, :], -torch.inf).softmax(3)
        gathered = (self.dropout(weights) @ value).transpose(1, 2).flatten(2)
        tokens = tokens + self.dropout(self.joined(gathered))
        return tokens + self.dropout(self.perceptron(self.norm_out(tokens))), weights


class Encoder(nn.Module):
    """Layers of attention one after another; tokens have no order but what their channels say.

    Args:
        width: Channels of a token.
        layers: Number of layers.
        heads: Heads of each.
        dropout: As in `EncoderLayer`, whose perceptron is twice as wide as the tokens here.
    """

    def __init__(self, width: int, layers: int, heads: int, dropout: float) -> None:
        super().__init__()
        if layers < 1:
            raise InputError(f"an encoder has one layer or more, got {layers}")
        self.layers = nn.ModuleList(EncoderLayer(width, heads, 2 * width, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, tokens: Float[Tensor, "b l w"], valid: Bool[Tensor, "b l"]) -> tuple[Tensor, list[Tensor]]:
        """Normalised tokens (B, L, width), and the attention (B, heads, L, L) of each layer, first to last."""
        attention = []
        for layer in self.layers:
            tokens, weights = layer(tokens, valid)
            attention.append(weights)
        return self.norm(tokens), attention
