"""Particle cuts: who a particle is by its energy loss, its length and the gap before it, and whether it is primary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Self

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from nuforge.baselines.cluster_pairs import ClusterPairs, probabilities
from nuforge.baselines.prediction import PROBABILITY
from nuforge.baselines.residual_range import disagreement
from nuforge.baselines.tuned import Tuned, mean_recall
from nuforge.baselines.vertex_grouping import VertexGrouping, Vertices
from nuforge.events import Events, Table
from nuforge.shapes import Rows, Scalars
from nuforge.simulation.truth import VoxelClass

PHOTON, ELECTRON, MUON, PION, PROTON = range(5)
_KINDS = 5


@dataclass
class ParticleCuts(Tuned):
    """Cuts for the identity of particles and for what an interaction made itself.

    - Track: a muon if it came in from above, if a Michel electron starts at its end, or if it is longer than `long`
      and no other track starts there. Else a proton if its energy loss against residual range goes better with one
      than with a muon, the difference of mean squared pulls being above `heavier`. Else a pion.
    - Shower: a photon if it starts farther than `detached` from all other particles, or loses more than `pair` at its
      start, where two particles lose twice as much as one. Else an electron.
    - Michel and delta: an electron.
    - Primary: tracks and showers that start within `near` of the vertex of their interaction, or showers that point to
      it within `pointing`.

    Args:
        heavier: Below 0 if tracks that go with neither are protons more often.
        long: cm.
        detached: cm.
        pair: MeV/cm.
        near: cm.
        pointing: Degrees.
        beside: cm; what starts no farther from the end of a track starts there.
        sure: Probability of what is named.
        grouping: What finds interactions and their vertices.
    """

    file: ClassVar[str] = "particle_cuts.json"
    grids: ClassVar[Mapping[str, Sequence[float]]] = {
        "heavier": (-16.0, -8.0, -4.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 4.0),
        "long": (10.0, 20.0, 30.0, 40.0, 60.0, 80.0, 100.0, 150.0),
        "detached": (0.0, 0.3, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0),
        "pair": (1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 8.0, 1000.0),
        "near": (0.5, 1.0, 2.0, 3.0, 5.0, 8.0),
        "pointing": (2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 45.0),
    }

    heavier: float = 0.5
    long: float = 60.0
    detached: float = 1.5
    pair: float = 4.0
    near: float = 2.0
    pointing: float = 10.0
    beside: float = 2.0
    sure: float = 0.9
    grouping: VertexGrouping = field(default_factory=VertexGrouping)

    def fit(self, batches: Iterable[Events]) -> None:
        """Move the numbers to the best mean recall of identities, and of primaries; and those of the grouping first."""
        seen = [_Seen.of(batch, self.grouping.pairs(batch), self.beside) for batch in batches]
        self.grouping.fit_pairs([each.pairs for each in seen])
        found = [self.grouping.find(each.pairs) for each in seen]
        identity, primary = (torch.cat([each.pairs.column(name) for each in seen]) for name in ("pid", "primary"))
        weight = torch.cat([each.pairs.weight[each.pairs.batch] for each in seen])
        both = list(zip(seen, found, strict=True))
        self.tune(
            lambda cuts: mean_recall(identity, torch.cat([cuts.identity(each) for each in seen]), _KINDS, weight),
            ("heavier", "long", "detached", "pair"),
        )
        self.tune(
            lambda cuts: mean_recall(primary, torch.cat([cuts.primary(*each).long() for each in both]), 2, weight),
            ("near", "pointing"),
        )

    def predict(self, readout: Events) -> Mapping[str, Table]:
        """`clusters.pid_probability` (N, 5) and `clusters.primary_probability` (N, 2)."""
        seen = _Seen.of(readout, self.grouping.pairs(readout), self.beside)
        found, rows, clusters = self.grouping.find(seen.pairs), seen.pairs.graph.rows, readout["clusters"]
        columns = {}
        for name, named, classes in (
            ("pid", self.identity(seen), _KINDS),
            ("primary", self.primary(seen, found).long(), 2),
        ):
            label = torch.zeros(len(clusters), dtype=torch.int64).index_copy(0, rows, named)
            columns[f"{name}_probability"] = probabilities(label, classes, self.sure)
        return {"clusters": Table(columns, clusters.offsets, about=dict.fromkeys(columns, PROBABILITY))}

    def identity(self, seen: _Seen) -> Rows:
        """Photon 0, electron 1, muon 2, pion 3 or proton 4 for each node (N,)."""
        kind = seen.pairs.column("kind")
        proton = seen.disagreement[:, 0] - seen.disagreement[:, 2] > self.heavier
        muon = self.grouping.entered(seen.pairs) | seen.michel | ((seen.length > self.long) & ~seen.scatters)
        track = torch.where(muon, MUON, torch.where(proton, PROTON, PION))
        photon = (seen.detached > self.detached) | (seen.pairs.start_loss > self.pair)
        shower = torch.where(photon, PHOTON, ELECTRON)
        light = torch.where(kind == VoxelClass.SHOWER, shower, ELECTRON)
        return torch.where(kind == VoxelClass.TRACK, track, light)

    def primary(self, seen: _Seen, found: Vertices) -> Bool[Tensor, " n"]:
        """Whether the interaction itself made each node (N,)."""
        kind = seen.pairs.column("kind")
        from_vertex: Tensor = (seen.pairs.column("start") - found.vertex).norm(dim=1) < self.near
        pointing = (kind == VoxelClass.SHOWER) & (found.angle < self.pointing) & ~found.entered
        return ((kind == VoxelClass.TRACK) | (kind == VoxelClass.SHOWER)) & (from_vertex | pointing)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The cuts that `save` wrote."""
        cuts = super().load(folder)
        return replace(cuts, grouping=VertexGrouping.load(folder))

    def save(self, folder: Path) -> None:
        """Write the numbers, and those of the grouping, as JSON into a folder."""
        super().save(folder)
        self.grouping.save(folder)


@dataclass(frozen=True, eq=False)
class _Seen:
    """What the cuts look at, for each node (N,).

    Args:
        pairs: The particles of a batch.
        disagreement: With a stopping muon, pion and proton (N, 3).
        length: From start to end, cm.
        michel: Whether a Michel electron starts at its end.
        scatters: Whether another track starts there.
        detached: The least distance of its start from any other particle, cm.
    """

    pairs: ClusterPairs
    disagreement: Float[Tensor, "n 3"]
    length: Scalars
    michel: Bool[Tensor, " n"]
    scatters: Bool[Tensor, " n"]
    detached: Scalars

    @classmethod
    def of(cls, events: Events, pairs: ClusterPairs, beside: float) -> _Seen:
        start, end, kind = (pairs.column(name) for name in ("start", "end", "kind"))
        points, n = pairs.graph.voxels, pairs.n
        position, value = points.sorted(pairs.graph.position), points.sorted(events["voxels"]["value"])
        ways = pairs.both_ways()
        at_end = (start[ways.other] - end[ways.one]).norm(dim=1) < beside
        michel, scatters = (
            torch.zeros(n, dtype=torch.bool).index_fill(0, ways.one[at_end & (kind[ways.other] == which)], True)
            for which in (VoxelClass.MICHEL, VoxelClass.TRACK)
        )
        apart = (ways.at_other - start[ways.one]).norm(dim=1)
        detached = torch.full((n,), torch.inf).scatter_reduce(0, ways.one, apart, "amin")
        fit = disagreement(position, value, points.number, end)
        return cls(pairs, fit, (end - start).norm(dim=1), michel, scatters, detached)
