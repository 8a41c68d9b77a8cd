"""Track merging: fragments joined across a gap where they lie on one line, as one did before networks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import torch

from nuforge.baselines.cluster_pairs import ClusterPairs, grouping_tables, unit
from nuforge.baselines.tuned import Tuned, mean_voxel_ari
from nuforge.events import Events, Table
from nuforge.nn.cluster_graph import Joining
from nuforge.shapes import Rows


@dataclass
class TrackMerging(Tuned):
    """Collinearity and gap: two fragments are one track if the gap is short and both lie on one line.

    The line of a fragment is its principal axis through its voxel closest to the other. The smaller one's centre must
    not lie off the larger one's line, and if it is long enough to have an axis, both axes must agree.

    Args:
        joining: Classes of fragments, and how far from each other they are looked at.
        gap: The longest gap in cm.
        angle: The largest angle between the axes in degrees.
        off: The largest distance of the smaller one's centre from the larger one's line in cm.
        straight: Voxels of a fragment whose axis is looked at.
    """

    file: ClassVar[str] = "track_merging.json"
    grids: ClassVar[Mapping[str, Sequence[float]]] = {
        "gap": (0.0, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0),
        "angle": (5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 90.0),
        "off": (0.3, 0.6, 1.0, 1.5, 2.0, 3.0, 5.0),
        "straight": (5.0, 10.0, 20.0, 40.0),
    }

    joining: Joining = field(default=Joining((1,), (max(grids["gap"]),) * 4))
    gap: float = 5.0
    angle: float = 20.0
    off: float = 1.0
    straight: float = 10.0

    def fit(self, batches: Iterable[Events]) -> None:
        """Move the numbers to the highest Rand index of voxels."""
        seen = [self._pairs(batch) for batch in batches]
        self.tune(lambda method: mean_voxel_ari([(pairs, method.groups(pairs)) for pairs in seen]))

    def predict(self, readout: Events) -> Mapping[str, Table]:
        """`clusters.reco_group` (N,), and `edges` within groups."""
        pairs = self._pairs(readout)
        return grouping_tables(pairs, self.groups(pairs))

    def groups(self, pairs: ClusterPairs) -> Rows:
        """The group (N,) of each node, from 0 in each event."""
        ways, size, kind = pairs.both_ways(), pairs.size, pairs.column("kind")
        ways = ways.where(
            (size[ways.one] > size[ways.other]) | ((size[ways.one] == size[ways.other]) & (ways.one < ways.other))
        )
        axis = unit(pairs.graph.nodes[:, 12:15])
        step = pairs.centre[ways.other] - ways.at_one
        off = (step - (step * axis[ways.one]).sum(1, keepdim=True) * axis[ways.one]).norm(dim=1)
        along = (axis[ways.one] * axis[ways.other]).sum(1).abs().clamp(max=1)
        agree = (torch.rad2deg(torch.arccos(along)) < self.angle) | (size[ways.other] < self.straight)
        joined = (ways.gap < self.gap) & (off < self.off) & agree & (kind[ways.one] == kind[ways.other])
        return pairs.grouped(ways.one[joined], ways.other[joined])

    def _pairs(self, events: Events) -> ClusterPairs:
        return ClusterPairs.of(events, self.joining)
