"""SparseTensor: features at the occupied voxels of a batch."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor

from nuforge.errors import InputError
from nuforge.nn.sparse.level import Level


@dataclass(frozen=True, eq=False)
class SparseTensor:
    """Features at occupied voxels.

    Args:
        level: The voxels. Tensors on one level share it, and with it the maps of their convolutions.
        features: Features of the level's sorted rows (N, C).
    """

    level: Level
    features: Tensor

    @classmethod
    def of(cls, coordinates: Tensor, features: Tensor) -> SparseTensor:
        """The tensor of voxels in any order.

        Args:
            coordinates: Event number and D voxel numbers (N, 1 + D) int64; each voxel once.
            features: Their features (N, C).
        """
        if features.ndim != 2 or len(features) != len(coordinates):
            raise InputError(
                f"features must have shape ({len(coordinates)} voxels, channels), got {tuple(features.shape)}; "
                "give one row of features per row of coordinates"
            )
        level = Level.of(coordinates)
        return cls(level, features if level.order is None else features[level.order])

    @property
    def coordinates(self) -> Tensor:
        """Event number and voxel numbers (N, 1 + D) int64, sorted."""
        return self.level.coordinates

    def with_features(self, features: Tensor) -> SparseTensor:
        """Other features on the same voxels, and the same maps."""
        return replace(self, features=features)

    def given_features(self) -> Tensor:
        """Features in the order in which the voxels were given to `of` (N, C)."""
        return self.features if self.level.given is None else self.features[self.level.given]
