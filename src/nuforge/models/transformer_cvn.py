"""TransformerCVN: a slice and its prongs classified together, by attention between their pixel maps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import pad

from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.events.images import MAP, VIEWS, images_of, prong_of_pixels
from nuforge.models.towers import Views
from nuforge.nn.counts import log_counts
from nuforge.nn.encoder import Encoder
from nuforge.nn.pooled_levels import PooledLevels
from nuforge.nn.sparse import SparseTensor


class Front(Protocol):
    """What makes features of images from pixels."""

    features: int

    def __call__(self, events: Events, image: Int[Tensor, " n"], n: int) -> Float[Tensor, "i d"]:
        """Features (n, features) of n images, of the `pixels` (N,) whose image is known; -1 is none."""


class DenseFront(nn.Module):
    """Images of each view, looked at by a backbone; the features of both views stand side by side.

    Args:
        views: Looks at the images.
    """

    def __init__(self, views: Views) -> None:
        super().__init__()
        self.views, self.features = views, views.features

    def forward(self, events: Events, image: Int[Tensor, " n"], n: int) -> Float[Tensor, "i d"]:
        """Features (n, features) of images, empty ones too."""
        images = images_of(events, image, n)
        features: Tensor = self.views(images).mean((2, 3)) if n else images.new_zeros(0, self.features)
        return features


class SparseFront(nn.Module):
    """Sparse convolutions at the pixels of each view, pooled at several sizes; both views stand side by side.

    A pixel is given with its charge and its place in the map, which pooling would forget: how far from the vertex
    something begins is what tells a photon.

    Args:
        depth: Sizes of pixels that are looked at; each is twice the one before.
        width: Channels of the finest; level i has i + 1 times as many.
        blocks: Residual blocks of a level.
        hidden: Features of a view.
    """

    def __init__(self, depth: int = 4, width: int = 16, blocks: int = 1, hidden: int = 64) -> None:
        super().__init__()
        self.levels = PooledLevels(depth, width, blocks, hidden, inputs=3, dimension=2)
        self.features = VIEWS * hidden

    def forward(self, events: Events, image: Int[Tensor, " n"], n: int) -> Float[Tensor, "i d"]:
        """Features (n, features) of images, empty ones too."""
        pixels, seen = events["pixels"], image >= 0
        view, row, column = (pixels[name][seen].long() for name in ("view", "row", "column"))
        place = [2 * x.float() / side - 1 for x, side in zip((row, column), MAP, strict=True)]
        features = torch.stack([log_counts(pixels["charge"][seen].float()), *place], 1)
        where = torch.stack([image[seen] * VIEWS + view, row, column], 1)
        found: Tensor = self.levels(SparseTensor.of(where, features), VIEWS * n)
        return found.reshape(n, self.features)


@dataclass(frozen=True, eq=False)
class Attention:
    """How much of each token went into each.

    Args:
        weights: (layers, B, heads, L, L): what token i takes (the axis before the last) from token j (the last).
        rows: The prong of each token (B, L), -1 for the event's own token, which is the first, and for padding.
        valid: Which tokens are no padding (B, L).
    """

    weights: Tensor
    rows: Tensor
    valid: Tensor


class TransformerCVN(nn.Module):
    """Features of events and of their prongs, each a token that has looked at all others of its event.

    One front reads the map of an event, another those of all prongs. A learned tag says which of the two a token is of;
    prongs have no order. Of an event with more than `most` prongs those of most energy are tokens; the others have
    features of 0, of which a task says what it says of a prong that it knows nothing of.

    Args:
        event_front: Reads event maps.
        prong_front: Reads prong maps.
        width: Channels of a token.
        layers: Layers of attention.
        heads: Heads of each.
        dropout: Fraction of attention and of channels that is left out in training.
        most: Prongs that an event has tokens for.

    Source:
        Shmakov, Yankelevich, Bian, Baldi et al., arXiv:2303.06201.
    """

    def __init__(
        self,
        event_front: DenseFront | SparseFront,
        prong_front: DenseFront | SparseFront,
        width: int = 128,
        layers: int = 6,
        heads: int = 8,
        dropout: float = 0.1,
        most: int = 20,
    ) -> None:
        super().__init__()
        if most < 1:
            raise InputError(f"most must be 1 prong or more, got {most}; 20 is usual")
        self.event_front, self.prong_front, self.most = event_front, prong_front, most
        self.event_token = nn.Linear(event_front.features, width)
        self.prong_token = nn.Linear(prong_front.features, width)
        self.tags = nn.Parameter(torch.randn(2, width) / width**0.5)
        self.encoder = Encoder(width, layers, heads, dropout)
        self.features = width

    def forward(self, events: Events) -> Mapping[str, Table]:
        """Features of events and prongs.

        Args:
            events: `pixels` (view, row, column, charge, hit), `hits` (prong) and `prongs` (energy).

        Returns:
            `event` with features (B, width), and `prongs` with features (P, width).
        """
        rows, slot = brightest(events["prongs"], self.most)
        tokens, _ = self._encoded(events, rows, slot)
        prongs = tokens.new_zeros(len(events["prongs"]), self.features)
        prongs = prongs.index_copy(0, rows, tokens[events["prongs"].batch[rows], slot])
        about = {"features": Column("", "features of the network", "prediction")}
        one_each = torch.arange(len(events) + 1, device=tokens.device)
        return {
            "event": Table({"features": tokens[:, 0]}, one_each, about=about),
            "prongs": Table({"features": prongs}, events["prongs"].offsets, about=about),
        }

    def attention(self, events: Events) -> Attention:
        """How much of each token went into each, in every layer; without dropout in eval mode."""
        rows, slot = brightest(events["prongs"], self.most)
        tokens, weights = self._encoded(events, rows, slot)
        number = torch.full(tokens.shape[:2], -1, device=tokens.device)
        number[events["prongs"].batch[rows], slot] = rows
        valid = number >= 0
        valid[:, 0] = True
        return Attention(torch.stack(weights), number, valid)

    def _encoded(self, events: Events, rows: Tensor, slot: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Tokens (B, L, width) after the encoder, that of the event first, and the attention of each layer."""
        event = self.event_token(self.event_front(events, events["pixels"].batch, len(events))) + self.tags[0]
        number = torch.full((len(events["prongs"]),), -1, device=rows.device)
        number[rows] = torch.arange(len(rows), device=rows.device)
        of_pixel = prong_of_pixels(events)
        image = torch.where(of_pixel >= 0, number[of_pixel], -1) if len(number) else of_pixel
        prong = self.prong_token(self.prong_front(events, image, len(rows))) + self.tags[1]
        longest = int(slot.max()) if len(slot) else 0
        tokens = pad(event[:, None], (0, 0, 0, longest))
        place = (events["prongs"].batch[rows], slot)
        tokens = tokens.index_put(place, prong)
        valid = torch.zeros(tokens.shape[:2], dtype=torch.bool, device=tokens.device)
        valid[:, 0] = True
        valid[place] = True
        encoded: tuple[Tensor, list[Tensor]] = self.encoder(tokens, valid)
        return encoded


def brightest(prongs: Table, most: int) -> tuple[Int[Tensor, " k"], Int[Tensor, " k"]]:
    """Rows (K,) of the prongs of most energy, at most so many of each event, and their places in it (K,), from 1 on."""
    order = prongs["energy"].argsort(descending=True, stable=True)
    order = order[prongs.batch[order].argsort(stable=True)]
    place = torch.arange(len(order), device=order.device) - prongs.offsets[prongs.batch[order]]
    kept = place < most
    return order[kept], place[kept] + 1
