"""Truth: labels of voxels, fragments, points and clusters from who deposited what, the same for every transport."""

from nuforge.simulation.truth.ancestry import prune
from nuforge.simulation.truth.classes import CLASSES, VoxelClass
from nuforge.simulation.truth.clusters import cluster_truth, given_truth
from nuforge.simulation.truth.fragments import label_fragments
from nuforge.simulation.truth.identification import IDENTITIES, Identity, identification, primary
from nuforge.simulation.truth.label import label_voxels
from nuforge.simulation.truth.points import label_points

__all__ = [
    "CLASSES",
    "IDENTITIES",
    "Identity",
    "VoxelClass",
    "cluster_truth",
    "given_truth",
    "identification",
    "label_fragments",
    "label_points",
    "label_voxels",
    "primary",
    "prune",
]
