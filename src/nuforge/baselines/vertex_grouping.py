"""Vertex grouping: particles that start at one place, or point back to it, as one interaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from nuforge.baselines.cluster_pairs import ClusterPairs, grouping_tables, lowest, unit
from nuforge.baselines.tuned import Tuned, mean_voxel_ari
from nuforge.events import Events, Table
from nuforge.nn.cluster_graph import Joining
from nuforge.nn.points import connected_components
from nuforge.shapes import Points, Rows, Scalars
from nuforge.simulation.truth import VoxelClass


@dataclass(frozen=True, eq=False)
class Vertices:
    """What was found of a batch of events.

    Args:
        group: The interaction of each node (N,), from 0 in its event.
        vertex: Where it begins (N, 3), cm.
        entered: Whether it is a muon from above, with what it made (N,).
        angle: Between a particle's direction and the way from the vertex to its start (N,), degrees; 0 at the vertex.
    """

    group: Rows
    vertex: Points
    entered: Bool[Tensor, " n"]
    angle: Scalars


@dataclass
class VertexGrouping(Tuned):
    """Vertices from the starts of particles and the lines of showers; muons from above alone.

    1. Two particles belong together if they come within `gap` and one of them does so not farther than `near` from its
       start. Where several do, they share a vertex: the start of the largest. So do two whose starts are within `near`.
    2. A shower that starts alone belongs to the vertex, or to the track, that its line points back to best, within
       `pointing` degrees and `reach`.
    3. What is left and is small (protons of neutrons, photons without direction) belongs to the nearest interaction
       within `stray`, counted from its vertex; muons from above take only what touches or points.

    Two particles that enter by the upper face never belong together.

    Args:
        joining: Classes of particles; all those of an event are joined.
        gap: cm.
        near: cm.
        pointing: Degrees.
        reach: cm.
        stray: cm.
        small: Voxels; a larger track that touches nothing is an interaction of its own.
        top: The upper face of the detector, cm along `up`.
        margin: A track that starts this near to it has entered, cm.
        up: The vertical axis.
    """

    file: ClassVar[str] = "vertex_grouping.json"
    grids: ClassVar[Mapping[str, Sequence[float]]] = {
        "gap": (0.5, 1.0, 2.0, 3.0, 5.0),
        "near": (0.5, 1.0, 2.0, 3.0, 5.0, 8.0),
        "pointing": (5.0, 10.0, 15.0, 20.0, 30.0, 45.0),
        "reach": (20.0, 40.0, 80.0, 120.0, 200.0),
        "stray": (5.0, 10.0, 20.0, 40.0, 80.0, 120.0, 200.0, 400.0),
        "small": (20.0, 50.0, 100.0, 200.0, 1000.0),
    }

    joining: Joining = field(default=Joining(longest=(1e4,) * 4))
    gap: float = 2.0
    near: float = 2.0
    pointing: float = 20.0
    reach: float = 80.0
    stray: float = 80.0
    small: float = 100.0
    top: float = 115.2
    margin: float = 3.0
    up: int = 1

    def fit(self, batches: Iterable[Events]) -> None:
        """Move the numbers to the highest Rand index of voxels."""
        self.fit_pairs([self.pairs(batch) for batch in batches])

    def fit_pairs(self, seen: Sequence[ClusterPairs]) -> None:
        """The same, from the pairs of batches."""
        self.tune(lambda method: mean_voxel_ari([(pairs, method.find(pairs).group) for pairs in seen]))

    def predict(self, readout: Events) -> Mapping[str, Table]:
        """`clusters.reco_group` (N,), and `edges` within groups."""
        pairs = self.pairs(readout)
        return grouping_tables(pairs, self.find(pairs).group)

    def pairs(self, events: Events) -> ClusterPairs:
        """The particles of a batch, all those of an event joined."""
        return ClusterPairs.of(events, self.joining)

    def find(self, pairs: ClusterPairs) -> Vertices:
        """Interactions, and where they begin."""
        entered = self.entered(pairs)
        first, second = self._touching(pairs, entered)
        body = connected_components(torch.stack([first, second]), pairs.n)
        pointing, angle = self._pointing(pairs, body, entered)
        first, second = torch.cat([first, pointing[0]]), torch.cat([second, pointing[1]])
        body = connected_components(torch.stack([first, second]), pairs.n)
        left = self._left(pairs, body, entered)
        first, second = torch.cat([first, left[0]]), torch.cat([second, left[1]])
        group = pairs.grouped(first, second)
        every = pairs.batch * (pairs.n + 1) + group
        number = torch.unique(every, return_inverse=True)[1]
        of_entered = torch.zeros(len(number), dtype=torch.bool).index_fill(0, number[entered], True)[number]
        return Vertices(group, _vertex(pairs, every)[number], of_entered, angle)

    def entered(self, pairs: ClusterPairs) -> Bool[Tensor, " n"]:
        """Which particles are tracks that enter from above (N,)."""
        height = pairs.column("start")[:, self.up]
        return (pairs.column("kind") == VoxelClass.TRACK) & (height > self.top - self.margin)

    def _touching(
        self, pairs: ClusterPairs, entered: Bool[Tensor, " n"]
    ) -> tuple[Int[Tensor, " w"], Int[Tensor, " w"]]:
        """Pairs of which one starts at the other, or both start together."""
        ways, start = pairs.both_ways(), pairs.column("start")
        begins = (ways.at_one - start[ways.one]).norm(dim=1) < self.near
        together = (start[ways.one] - start[ways.other]).norm(dim=1) < self.near
        joined = ((ways.gap < self.gap) & begins) | together
        joined &= ~entered[ways.one]  # what comes from outside starts at nothing
        return ways.one[joined], ways.other[joined]

    def _pointing(
        self, pairs: ClusterPairs, body: Rows, entered: Bool[Tensor, " n"]
    ) -> tuple[tuple[Int[Tensor, " w"], Int[Tensor, " w"]], Scalars]:
        """Showers that touch nothing with what their lines point back to, and the angle (N,) at which they do."""
        ways, start = pairs.both_ways(), pairs.column("start")
        kind, alone = pairs.column("kind"), torch.bincount(body, minlength=pairs.n)[body] == 1
        asked = (kind[ways.one] == VoxelClass.SHOWER) & alone[ways.one]
        ways = ways.where(asked & ((kind[ways.other] != VoxelClass.SHOWER) | ~alone[ways.other]))
        vertex = _vertex(pairs, body)[body[ways.other]]
        away, cost, angles = pairs.away[ways.one], [], []
        for place in (vertex, ways.at_other):
            step = start[ways.one] - place
            distance = step.norm(dim=1)
            cosine = (unit(step) * away).sum(1).clamp(-1, 1)
            angle = torch.where(distance > self.near, torch.rad2deg(torch.arccos(cosine)), 0.0)
            angles.append(angle)
            reached = (angle < self.pointing) & (distance < self.reach)
            cost.append(torch.where(reached, angle + self.pointing * distance / self.reach, torch.inf))
        best = lowest(torch.minimum(*cost), ways.one)
        found = torch.zeros(pairs.n).index_copy(0, ways.one[best], angles[0][best])
        return (ways.one[best], ways.other[best]), found

    def _left(
        self, pairs: ClusterPairs, body: Rows, entered: Bool[Tensor, " n"]
    ) -> tuple[Int[Tensor, " w"], Int[Tensor, " w"]]:
        """Small particles that belong to nothing yet, and one of the nearest interaction."""
        ways = pairs.both_ways()
        alone = (torch.bincount(body, minlength=pairs.n)[body] == 1) & ~entered & (pairs.size < self.small)
        from_above = torch.zeros(pairs.n, dtype=torch.bool).index_fill(0, body[entered], True)[body]
        ways = ways.where(alone[ways.one] & ~alone[ways.other] & ~from_above[ways.other])
        vertex = _vertex(pairs, body)[body[ways.other]]
        distance = torch.minimum((pairs.centre[ways.one] - vertex).norm(dim=1), ways.gap)
        best = lowest(torch.where(distance < self.stray, distance, torch.inf), ways.one)
        return ways.one[best], ways.other[best]


def _vertex(pairs: ClusterPairs, group: Rows) -> Float[Tensor, "g 3"]:
    """Where each group (N,) begins (G, 3): the start of its largest track, of its largest particle if there is none."""
    track = pairs.column("kind") == VoxelClass.TRACK
    cost = -pairs.size.double() - 1e9 * track
    return pairs.column("start")[lowest(cost, group)]
