"""GoogLeNet as the event classifier of NOvA has it: local response normalisation, branches of 5 x 5, no batch norm."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from nuforge.errors import InputError
from nuforge.models.backbone import Backbone
from nuforge.nn.local_response import LocalResponseNorm


class Inception(nn.Module):
    """Branches of 1 x 1, 3 x 3, 5 x 5 and pooling side by side, the larger ones behind fewer channels.

    Args:
        channels: Of the input.
        plain: Channels of the branch of 1 x 1.
        three: Channels before and after the 3 x 3.
        five: Channels before and after the 5 x 5.
        pooled: Channels behind the largest of 3 x 3.

    Source:
        Szegedy et al., arXiv:1409.4842, figure 2b.
    """

    def __init__(self, channels: int, plain: int, three: tuple[int, int], five: tuple[int, int], pooled: int) -> None:
        super().__init__()
        self.split = plain, three[0], five[0]
        self.narrow = nn.Conv2d(channels, sum(self.split), 1)  # the three of 1 x 1 that read the input, in one
        self.three = nn.Conv2d(three[0], three[1], 3, padding=1)
        self.five = nn.Conv2d(five[0], five[1], 5, padding=2)
        self.pool = nn.MaxPool2d(3, 1, 1)
        self.pooled = nn.Conv2d(channels, pooled, 1)
        self.channels = plain + three[1] + five[1] + pooled

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d h w"]:
        """Maps of the branches (N, D, H, W) of maps (N, C, H, W)."""
        plain, three, five = self.narrow(x).relu_().split(self.split, 1)
        return torch.cat(
            [plain, self.three(three).relu_(), self.five(five).relu_(), self.pooled(self.pool(x)).relu_()], 1
        )


class GoogLeNet(Backbone):
    """The stem and the first three inception modules of GoogLeNet; a place of the maps is 16 x 16 pixels apart.

    Args:
        width: Channels over the published ones.
        views: Channels of the images.
        alpha: Of the local response normalisation. Published are 1e-4 for pixels up to 255, of which a muon has 9; of
            `log_counts` it has 1, and the same is 81 times as much.

    Source:
        Aurisano et al., JINST 11 (2016) P09001, figure 3 (a tower of it); channels from Szegedy et al.,
        arXiv:1409.4842, table 1: stem, 3a, 3b, 4a.
    """

    def __init__(self, width: float = 1.0, views: int = 1, alpha: float = 8e-3) -> None:
        super().__init__()
        if not width > 0 or views < 1:
            raise InputError(f"width must be positive and views at least 1, got {width} and {views}; 1.0 is published")
        first, second = scaled(64, width), scaled(192, width)
        a = inception(second, "3a", width)
        b = inception(a.channels, "3b", width)
        c = inception(b.channels, "4a", width)
        self.stem = nn.Sequential(
            nn.Conv2d(views, first, 7, 2, 3),
            nn.ReLU(True),
            nn.MaxPool2d(3, 2, 1),
            LocalResponseNorm(alpha=alpha),
            nn.Conv2d(first, first, 1),
            nn.ReLU(True),
            nn.Conv2d(first, second, 3, padding=1),
            nn.ReLU(True),
            LocalResponseNorm(alpha=alpha),
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


def inception(channels: int, place: str, width: float = 1.0) -> Inception:
    """The inception module of a place in GoogLeNet ("3a", "3b" or "4a"), on maps of so many channels."""
    plain, three, five, pooled = _CHANNELS[place]
    return Inception(
        channels,
        scaled(plain, width),
        (scaled(three[0], width), scaled(three[1], width)),
        (scaled(five[0], width), scaled(five[1], width)),
        scaled(pooled, width),
    )


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
