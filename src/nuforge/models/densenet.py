"""DenseNet: every layer of a block reads what all layers before it found."""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision import models

from nuforge.errors import InputError
from nuforge.models.backbone import Backbone


class DenseNet(Backbone):
    """torchvision's DenseNet for small images, without its classifier.

    The first convolution is 5 x 5 with stride 2, and a pooling of 2 follows, so blocks begin at a quarter of the
    resolution; between blocks channels and resolution are halved.

    Args:
        growth: Channels that a layer adds.
        blocks: Layers of each block.
        dropout: Fraction of what a layer adds that is left out in training.
        views: Channels of the images.

    Source:
        Huang, Liu, van der Maaten, Weinberger, arXiv:1608.06993.
    """

    def __init__(
        self, growth: int = 8, blocks: Sequence[int] = (2, 4, 4), dropout: float = 0.0, views: int = 1
    ) -> None:
        super().__init__()
        if not blocks or min(growth, views, *blocks) < 1:
            raise InputError(
                f"growth, views and the layers of blocks must be at least 1, got {growth}, {views}, {blocks}"
            )
        network = models.DenseNet(growth, tuple(blocks), 2 * growth, drop_rate=dropout, num_classes=1)
        self.layers = network.features
        self.layers.conv0 = nn.Conv2d(views, 2 * growth, 5, stride=2, padding=2, bias=False)
        self.features: int = network.classifier.in_features

    def maps(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d y x"]:
        """Features (N, D, Y, X) of images (N, C, H, W)."""
        return F.relu(self.layers(images))
