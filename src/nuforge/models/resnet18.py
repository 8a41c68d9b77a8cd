"""ResNet18, of torchvision's residual blocks."""

from __future__ import annotations

import itertools

from jaxtyping import Float
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock

from nuforge.errors import InputError
from nuforge.models.backbone import Backbone

_STAGES = 64, 128, 256, 512
_BLOCKS = 2  # of each stage


class ResNet18(Backbone):
    """Four stages of residual blocks; a place of the maps is 32 x 32 pixels apart.

    Names of the weights are those of `torchvision.models.resnet18`, which has one width only.

    Args:
        width: Channels over the published ones.
        views: Channels of the images.

    Source:
        He et al., arXiv:1512.03385, table 1; first weights as in torchvision.
    """

    def __init__(self, width: float = 1.0, views: int = 1) -> None:
        super().__init__()
        if not width > 0 or views < 1:
            raise InputError(f"width must be positive and views at least 1, got {width} and {views}; 1.0 is published")
        first, *later = channels = [max(8, round(c * width / 8) * 8) for c in _STAGES]
        self.conv1 = nn.Conv2d(views, first, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(first)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = _stage(first, first, 1)
        self.layer2, self.layer3, self.layer4 = (_stage(a, b, 2) for a, b in itertools.pairwise(channels))
        self.features = later[-1]
        for part in self.modules():
            if isinstance(part, nn.Conv2d):
                nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")

    def maps(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d y x"]:
        """Features (N, D, Y, X) of images (N, C, H, W)."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        out: Tensor = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return out


def _stage(channels: int, wider: int, stride: int) -> nn.Sequential:
    """Residual blocks, the first of which goes to more channels and fewer places."""
    aside = None
    if stride > 1:
        aside = nn.Sequential(nn.Conv2d(channels, wider, 1, stride, bias=False), nn.BatchNorm2d(wider))
    first = BasicBlock(channels, wider, stride, aside)
    return nn.Sequential(first, *(BasicBlock(wider, wider) for _ in range(_BLOCKS - 1)))
