"""Shower merging: fragments joined to the larger fragment whose cone holds them, as one did before networks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import torch

from nuforge.baselines.cluster_pairs import ClusterPairs, grouping_tables, lowest, probabilities
from nuforge.baselines.prediction import PROBABILITY
from nuforge.baselines.tuned import Tuned, mean_recall, mean_voxel_ari
from nuforge.events import Events, Table
from nuforge.nn.cluster_graph import Joining
from nuforge.shapes import Rows


@dataclass
class ShowerMerging(Tuned):
    """Cone-and-distance merging of fragments of one class, and the most upstream large fragment as the primary one.

    A fragment of `seed` voxels or more has a cone: from its start along the way to its centre. A smaller fragment joins
    the larger one whose cone holds its centre, or that it nearly touches; of several the one with the least sum of
    angle and gap, in units of their limits.

    Args:
        joining: Classes of fragments, and how far from each other they are looked at.
        cone: Half opening angle of a cone in degrees.
        length: Its length from the start to the centre of a fragment, cm. 14 cm of liquid argon are a radiation length.
        touch: A gap below which fragments are joined anyway, cm.
        seed: Voxels of a fragment that has a cone.
        large: The primary fragment has at least this part of the voxels of the largest one.
        sure: Probability of what is named.
    """

    file: ClassVar[str] = "shower_merging.json"
    grids: ClassVar[Mapping[str, Sequence[float]]] = {
        "cone": (10.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0),
        "length": (20.0, 40.0, 60.0, 80.0, 100.0, 140.0, 200.0),
        "touch": (0.0, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0),
        "seed": (3.0, 6.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0),
        "large": (0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 0.8),
    }

    joining: Joining = field(default=Joining((0, 2, 3), (max(grids["length"]),) * 4))
    cone: float = 30.0
    length: float = 80.0
    touch: float = 2.0
    seed: float = 10.0
    large: float = 0.1
    sure: float = 0.9

    def fit(self, batches: Iterable[Events]) -> None:
        """Move the numbers to the highest Rand index of voxels, and to the best recall of primaries."""
        seen = [self._pairs(batch) for batch in batches]
        self.tune(
            lambda method: mean_voxel_ari([(pairs, method.groups(pairs)) for pairs in seen]),
            ("cone", "length", "touch", "seed"),
        )
        grouped = [(pairs, self.groups(pairs)) for pairs in seen]
        label = torch.cat([pairs.column("primary") for pairs in seen])
        weight = torch.cat([pairs.weight[pairs.batch] for pairs in seen])
        self.tune(
            lambda method: mean_recall(label, torch.cat([method.primary(*each) for each in grouped]), 2, weight),
            ("large",),
        )

    def predict(self, readout: Events) -> Mapping[str, Table]:
        """`clusters.reco_group` and `primary_probability` (N, 2), and `edges` within groups."""
        pairs = self._pairs(readout)
        group = self.groups(pairs)
        tables = dict(grouping_tables(pairs, group))
        named = torch.zeros(len(pairs.clusters), dtype=torch.int64)
        named[pairs.graph.rows] = self.primary(pairs, group)
        columns = {"primary_probability": probabilities(named, 2, self.sure)}
        tables["clusters"] = tables["clusters"].with_columns(columns, {"primary_probability": PROBABILITY})
        return tables

    def groups(self, pairs: ClusterPairs) -> Rows:
        """The group (N,) of each node, from 0 in each event."""
        ways, size, kind = pairs.both_ways(), pairs.size, pairs.column("kind")
        step = pairs.centre[ways.other] - pairs.column("start")[ways.one]
        distance = step.norm(dim=1)
        along = (step * pairs.away[ways.one]).sum(1)
        angle = torch.rad2deg(torch.atan2((distance.square() - along.square()).clamp(min=0).sqrt(), along))
        inside = (angle < self.cone) & (distance < self.length) & (size[ways.one] >= self.seed)
        larger = (size[ways.one] > size[ways.other]) | ((size[ways.one] == size[ways.other]) & (ways.one < ways.other))
        joined = larger & (kind[ways.one] == kind[ways.other]) & (inside | (ways.gap < self.touch))
        cost = torch.where(joined, angle / self.cone + ways.gap / self.length, torch.inf)
        best = lowest(cost, ways.other)
        return pairs.grouped(ways.one[best], ways.other[best])

    def primary(self, pairs: ClusterPairs, group: Rows) -> Rows:
        """1 for the primary fragment of each group, 0 for others (N,)."""
        size = pairs.size
        every = pairs.batch * (pairs.n + 1) + group
        leader = lowest(-size.double(), every)
        number = torch.unique(every, return_inverse=True)[1]
        upstream = (pairs.column("start") * pairs.away[leader][number]).sum(1)
        large = size >= self.large * size[leader][number]
        chosen = lowest(torch.where(large, upstream, torch.inf), every)
        return torch.zeros_like(group).index_fill(0, chosen, 1)

    def _pairs(self, events: Events) -> ClusterPairs:
        return ClusterPairs.of(events, self.joining)
