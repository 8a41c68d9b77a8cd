"""MobileNetV2, by torchvision."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn
from torchvision.models.mobilenetv2 import MobileNetV2 as Torchvision

from nuforge.errors import InputError
from nuforge.models.backbone import Backbone


class MobileNetV2(Backbone):
    """Inverted residual blocks; a place of the maps is 32 x 32 pixels apart.

    Args:
        width: Channels over the published ones; the last 1280 are as many for each width up to 1, as published.
        views: Channels of the images.

    Source:
        Sandler et al., arXiv:1801.04381; layers and first weights are torchvision's.
    """

    def __init__(self, width: float = 1.0, views: int = 1) -> None:
        super().__init__()
        if not width > 0 or views < 1:
            raise InputError(f"width must be positive and views at least 1, got {width} and {views}; 1.0 is published")
        whole = Torchvision(num_classes=1, width_mult=width)
        self.layers = whole.features
        self.layers[0][0] = first_convolution(self.layers[0][0], views)
        self.features = whole.last_channel

    def maps(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d y x"]:
        """Features (N, D, Y, X) of images (N, C, H, W)."""
        out: Tensor = self.layers(images)
        return out


def first_convolution(published: nn.Conv2d, views: int) -> nn.Conv2d:
    """A first convolution for images of so many channels, otherwise as published, with new weights."""
    convolution = nn.Conv2d(
        views,
        published.out_channels,
        published.kernel_size,  # type: ignore[arg-type]
        published.stride,  # type: ignore[arg-type]
        published.padding,  # type: ignore[arg-type]
        bias=False,
    )
    nn.init.kaiming_normal_(convolution.weight, mode="fan_out")
    return convolution
