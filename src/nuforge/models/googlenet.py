"""GoogLeNet as the event classifier of NOvA has it: branches of 5 x 5; with batch norm, or as published."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from nuforge.errors import InputError
from nuforge.models.backbone import Backbone
from nuforge.nn.local_response import LocalResponseNorm

Norm = Literal["batch", "local"]
"""Batch norm in every layer (as GoogLeNet's successors), or local response normalisation in the stem (as published)."""


class Inception(nn.Module):
    """Branches of 1 x 1, 3 x 3, 5 x 5 and pooling side by side, the larger ones behind fewer channels.

    Args:
        channels: Of the input.
        plain: Channels of the branch of 1 x 1.
        three: Channels before and after the 3 x 3.
        five: Channels before and after the 5 x 5.
        pooled: Channels behind the largest of 3 x 3.
        norm: Of the layers.

    Source:
        Szegedy et al., arXiv:1409.4842, figure 2b.
    """

    def __init__(
        self, channels: int, plain: int, three: tuple[int, int], five: tuple[int, int], pooled: int, norm: Norm
    ) -> None:
        super().__init__()
        self.split = plain, three[0], five[0]
        self.narrow = _layer(channels, sum(self.split), 1, norm)  # the three of 1 x 1 that read the input, in one
        self.three = _layer(three[0], three[1], 3, norm)
        self.five = _layer(five[0], five[1], 5, norm)
        self.pooled = nn.Sequential(nn.MaxPool2d(3, 1, 1), _layer(channels, pooled, 1, norm))
        self.channels = plain + three[1] + five[1] + pooled

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d h w"]:
        """Maps of the branches (N, D, H, W) of maps (N, C, H, W)."""
        plain, three, five = self.narrow(x).split(self.split, 1)
        return torch.cat([plain, self.three(three), self.five(five), self.pooled(x)], 1)


class GoogLeNet(Backbone):
    """The stem and the first three inception modules of GoogLeNet; a place of the maps is 16 x 16 pixels apart.

    Args:
        width: Channels over the published ones.
        views: Channels of the images.
        norm: "batch", with which a training of some thousand steps comes farther, or "local", as published.
        alpha: Of the local response normalisation. Published are 1e-4 for pixels up to 255, of which a muon has 9; of
            `log_counts` it has 1, and the same is 81 times as much.

    Source:
        Aurisano et al., JINST 11 (2016) P09001, figure 3 (a tower of it); channels from Szegedy et al.,
        arXiv:1409.4842, table 1: stem, 3a, 3b, 4a. Batch norm: Ioffe and Szegedy, arXiv:1502.03167.
    """

    def __init__(self, width: float = 1.0, views: int = 1, norm: Norm = "batch", alpha: float = 8e-3) -> None:
        super().__init__()
        if not width > 0 or views < 1:
            raise InputError(f"width must be positive and views at least 1, got {width} and {views}; 1.0 is published")
        first, second = scaled(64, width), scaled(192, width)
        a = inception(second, "3a", width, norm)
        b = inception(a.channels, "3b", width, norm)
        c = inception(b.channels, "4a", width, norm)
        dimmed = [LocalResponseNorm(alpha=alpha)] if norm == "local" else []
        self.stem = nn.Sequential(
            _layer(views, first, 7, norm, stride=2),
            nn.MaxPool2d(3, 2, 1),
            *dimmed,
            _layer(first, first, 1, norm),
            _layer(first, second, 3, norm),
            *dimmed,
            nn.MaxPool2d(3, 2, 1),
        )
        self.inceptions = nn.Sequential(a, b, nn.MaxPool2d(3, 2, 1), c)
        self.features = c.channels
        initialise(self)

    def maps(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d y x"]:
        """Features (N, D, Y, X) of images (N, C, H, W)."""
        out: Tensor = self.inceptions(self.stem(images))
        return out


_CHANNELS = {
    "3a": (64, (96, 128), (16, 32), 32),
    "3b": (128, (128, 192), (32, 96), 64),
    "4a": (192, (96, 208), (16, 48), 64),
}


def inception(channels: int, place: str, width: float = 1.0, norm: Norm = "batch") -> Inception:
    """The inception module of a place in GoogLeNet ("3a", "3b" or "4a"), on maps of so many channels."""
    plain, three, five, pooled = _CHANNELS[place]
    return Inception(
        channels,
        scaled(plain, width),
        (scaled(three[0], width), scaled(three[1], width)),
        (scaled(five[0], width), scaled(five[1], width)),
        scaled(pooled, width),
        norm,
    )


def _layer(channels: int, wider: int, size: int, norm: Norm, stride: int = 1) -> nn.Sequential:
    """A convolution, its norm, ReLU."""
    convolution = nn.Conv2d(channels, wider, size, stride, size // 2, bias=norm == "local")
    scaling = [nn.BatchNorm2d(wider)] if norm == "batch" else []
    return nn.Sequential(convolution, *scaling, nn.ReLU(True))


def scaled(channels: int, width: float) -> int:
    """Channels of a narrower network: a multiple of 8, for vectors, and 8 at least."""
    return max(8, round(channels * width / 8) * 8)


def initialise(module: nn.Module) -> None:
    """Weights of convolutions as He et al. (arXiv:1502.01852) have them for layers with ReLU; no biases."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
            if part.bias is not None:
                nn.init.zeros_(part.bias)
