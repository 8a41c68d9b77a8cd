"""Truth: labels of voxels from who deposited what, the same for every transport."""

from nuforge.simulation.truth.ancestry import prune
from nuforge.simulation.truth.classes import CLASSES, VoxelClass
from nuforge.simulation.truth.label import label_voxels

__all__ = ["CLASSES", "VoxelClass", "label_voxels", "prune"]
