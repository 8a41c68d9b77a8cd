"""Backbone: what looks at images."""

from __future__ import annotations

from abc import ABC, abstractmethod

from jaxtyping import Float
from torch import Tensor, nn


class Backbone(nn.Module, ABC):
    """A convolutional network over images, without a head: coarse maps of features, or their means.

    What it gives for an image does not depend on the others, once it is in evaluation mode.
    """

    features: int
    """Channels of its maps, and numbers for an image."""

    @abstractmethod
    def maps(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d y x"]:
        """Features (N, D, Y, X) of images (N, C, H, W), each place of which sees a part of the image."""

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d"]:
        """Features (N, D) of images (N, C, H, W): means over the places of the maps."""
        return self.maps(images).mean((2, 3))
