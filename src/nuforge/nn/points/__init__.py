"""Bricks for points: what is near, what belongs together, and sums over rows, for whole batches of events at once.

What needs the rows of an event together takes `offsets` (B + 1,), as `Table.offsets`; what only asks whether two points
are of one event takes `batch` (N,), as `Table.batch`, in any order. Neighbours are searched on the CPU, wherever the
tensors are; everything else runs where they are.
"""

from nuforge.nn.points.attention import ragged_attention
from nuforge.nn.points.closest import ClosestPairs, closest_pairs
from nuforge.nn.points.cluster_features import cluster_shapes, directions, local_stopping, node_features
from nuforge.nn.points.components import connected_components
from nuforge.nn.points.dbscan import dbscan
from nuforge.nn.points.edge_features import edge_features, reversed_edge_features
from nuforge.nn.points.farthest import farthest_points
from nuforge.nn.points.joining import join_small, number_inside
from nuforge.nn.points.members import Members
from nuforge.nn.points.nearest import nearest_graph
from nuforge.nn.points.others import nearest_other
from nuforge.nn.points.partition import partition
from nuforge.nn.points.radius import radius_graph
from nuforge.nn.points.segments import segment_max, segment_mean, segment_softmax, segment_sum
from nuforge.nn.points.voxels import Voxels

__all__ = [
    "ClosestPairs",
    "Members",
    "Voxels",
    "closest_pairs",
    "cluster_shapes",
    "connected_components",
    "dbscan",
    "directions",
    "edge_features",
    "farthest_points",
    "join_small",
    "local_stopping",
    "nearest_graph",
    "nearest_other",
    "node_features",
    "number_inside",
    "partition",
    "radius_graph",
    "ragged_attention",
    "reversed_edge_features",
    "segment_max",
    "segment_mean",
    "segment_softmax",
    "segment_sum",
]
