"""Grouping: which rows of a table belong together, by the edges between them?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from nuforge.errors import InputError
from nuforge.events import Column, Events, Table, offsets_of
from nuforge.events.weights import row_weights
from nuforge.metrics.calibration import expected_calibration_error, reliability_counts
from nuforge.metrics.clustering import Contingency, clustering_sums
from nuforge.metrics.weights import ratio
from nuforge.nn.points import partition
from nuforge.shapes import Rows
from nuforge.tasks.categorical import BINS, TEMPERATURES, categorical_surprise
from nuforge.tasks.task import Task
from nuforge.tasks.weighing import binary_cross_entropy_sum, counted, rows_of

_MEASURES = ("ARI", "AMI", "efficiency", "purity")


class Grouping(Task):
    """A probability for every edge that both its clusters are of one group, cross entropy, and a partition of clusters.

    Groups are made of edges from the highest probability down, where that lowers the cross entropy of all edges.

    Args:
        features: Channels of the features of edges that it reads.
        kinds: Classes of the clusters that are grouped; others are left out of all figures.
        target: Column of `clusters` with the number of the true group inside its event, int64; -1 means unknown and is
            left out.
        by_number: If not 0, figures are also given by the number of true groups in the event: 1, 2, ... and so many or
            more.
    """

    temperatures = TEMPERATURES
    temperature: Tensor

    def __init__(
        self, features: int, kinds: Sequence[int] = (0, 1, 2, 3), target: str = "group", by_number: int = 0
    ) -> None:
        super().__init__()
        if not kinds or by_number < 0:
            raise InputError(
                f"kinds must name a class and by_number not be negative, got {list(kinds)} and {by_number}; "
                "give the classes of clusters that the model has as nodes"
            )
        self.kinds, self.target, self.by_number = tuple(kinds), target, by_number
        self.needs = (f"clusters.{target}",)
        self.head = nn.Linear(features, 1)
        self.register_buffer("temperature", torch.ones(()))

    def forward(self, features: Mapping[str, Table]) -> Mapping[str, Table]:
        """Log-odds of edges (E,), from their features; which clusters are nodes stays beside."""
        edges, clusters = features["edges"], features["clusters"]
        logits = self.head(edges["features"])[:, 0]
        about = {"logits": Column("", "log-odds that both clusters are of one group", "prediction"), **edges.about}
        columns = {"source": edges["source"], "target": edges["target"], "logits": logits}
        kept = {name: column for name, column in about.items() if name in columns}
        return {"edges": Table(columns, edges.offsets, about=kept), "clusters": clusters.only(["node"])}

    def loss(self, outputs: Mapping[str, Table], events: Events) -> Tensor:
        """Cross entropy, averaged over edges between clusters of known groups; 0 if there is none."""
        edges = outputs["edges"]
        same, known = self._truth(edges, events["clusters"])
        weight = row_weights(events, edges.batch)
        logits, right = edges["logits"].float()[known], same[known].float()
        return binary_cross_entropy_sum(logits, right, rows_of(weight, known)) / counted(known, weight)

    def predict(self, outputs: Mapping[str, Table], choice: float | None = None) -> Mapping[str, Table]:
        """`edges.score` (E,) with source and target, and `clusters.reco_group` (N,), -1 for what is no node."""
        edges, clusters = outputs["edges"], outputs["clusters"]
        score = (edges["logits"].float() / self.temperature).sigmoid()
        group = groups_of(edges, score, clusters["node"], clusters.offsets)
        return {
            "edges": edges.only(["source", "target"]).with_columns({"score": score}, {"score": SCORE}),
            "clusters": Table({"reco_group": group}, clusters.offsets, about={"reco_group": GROUP}),
        }

    def statistics(self, events: Events, prediction: Mapping[str, Table]) -> Mapping[str, Tensor]:
        """Per event, of clusters whose group is known.

        - `clusters`, `voxels` (B, M, 2) or (B, by_number, M, 2): Rand index, mutual information (both adjusted),
          efficiency and purity of the partition, of clusters and of their voxels, and 1 if the event has such a
          figure; in the slot of its number of true groups.
        - `groups` (B, 2): true groups whose clusters are exactly those of a predicted group, and all true groups.
        - `edge_pairs` (B, 2): pairs of clusters of which it is said rightly whether they are of one group, and all
          pairs. A pair without an edge is said not to be.
        - `edge_reliability` (B, bins, 3): of the edges.
        """
        clusters, voxels = events["clusters"], events["voxels"]
        true, found = clusters[self.target], prediction["clusters"]["reco_group"]
        counted = torch.isin(clusters["kind"], clusters["kind"].new_tensor(self.kinds)) & (true >= 0)
        found = torch.where(found >= 0, found, len(found) + torch.arange(len(found), device=found.device))  # on its own
        of_voxel = voxels["cluster"].clamp(min=0)
        seen = (voxels["cluster"] >= 0) & counted[of_voxel] if len(clusters) else torch.zeros_like(of_voxel).bool()
        rows = of_voxel[seen]
        number = _Groups.of(true[counted], clusters.batch[counted]).number(len(events))
        measured = {
            "clusters": _measures(true[counted], found[counted], clusters.batch[counted], len(events)),
            "voxels": _measures(true[rows], found[rows], voxels.batch[seen], len(events)),
        }
        return {
            **{name: self._by_number(values, number) for name, values in measured.items()},
            "groups": _exact(true[counted], found[counted], clusters.batch[counted], len(events)),
            **self._edge_statistics(events, prediction["edges"], counted),
        }

    def figures(self, sums: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Figures of merit (R,) from statistics summed over events, (R, ...) for R resamplings.

        Those of partitions are means over the events that have them; the Rand index asks for two clusters (voxels).
        """
        figures: dict[str, Tensor] = {}
        for name, prefix in (("voxels", "voxel "), ("clusters", "")):
            total = sums[name].sum(-3) if self.by_number else sums[name]
            figures |= {prefix + measure: _ratio(total[..., i, :]) for i, measure in enumerate(_MEASURES)}
        figures |= {"groups exactly right": _ratio(sums["groups"]), "edge accuracy": _ratio(sums["edge_pairs"])}
        figures["edge calibration error"] = expected_calibration_error(sums["edge_reliability"])
        for i in range(self.by_number):
            more = " or more" if i + 1 == self.by_number else ""
            at = f" at {i + 1}{more} group{'s' if i or more else ''}"
            figures |= {f"voxel ARI{at}": _ratio(sums["voxels"][..., i, 0, :])}
        return figures

    def surprise(self, outputs: Mapping[str, Table], events: Events) -> Tensor:
        """-ln of the probability of the truth with each temperature (B, T), summed over the edges of each event."""
        edges = outputs["edges"]
        same, known = self._truth(edges, events["clusters"])
        logit = edges["logits"][known]
        logits = torch.stack([torch.zeros_like(logit), logit], 1)
        return categorical_surprise(logits, same[known].long(), edges.batch[known], len(events))

    def cool(self, temperature: float) -> None:
        """The temperature."""
        self.temperature.fill_(temperature)

    def _truth(self, edges: Table, clusters: Table) -> tuple[Bool[Tensor, " e"], Bool[Tensor, " e"]]:
        """Whether both clusters of an edge (E,) are of one group, and whether that is known."""
        source, target = (clusters[self.target][edges[end]] for end in ("source", "target"))
        return source == target, (source >= 0) & (target >= 0)

    def _by_number(self, values: Float[Tensor, "b m 2"], number: Int[Tensor, " b"]) -> Tensor:
        """Values in the slot of the number of true groups of their event, (B, by_number, M, 2)."""
        if not self.by_number:
            return values
        slot = F.one_hot((number - 1).clamp(0, self.by_number - 1), self.by_number).to(values.dtype)
        return slot[:, :, None, None] * values[:, None]

    def _edge_statistics(self, events: Events, edges: Table, counted: Bool[Tensor, " n"]) -> dict[str, Tensor]:
        """`edge_pairs` and `edge_reliability`."""
        clusters, n = events["clusters"], len(events)
        same, _ = self._truth(edges, clusters)
        known = counted[edges["source"]] & counted[edges["target"]]
        same, score, batch = same[known], edges["score"][known], edges.batch[known]
        right = (score >= 0.5) == same
        total = _pairs(torch.bincount(clusters.batch[counted], minlength=n))
        groups = _Groups.of(clusters[self.target][counted], clusters.batch[counted])
        within = total.new_zeros(n).index_add(0, groups.event, _pairs(groups.size))
        apart = total - within - _count(batch[~same], n)  # pairs without an edge that are rightly without one
        return {
            "edge_pairs": torch.stack([_count(batch[right], n) + apart, total], 1).double(),
            "edge_reliability": reliability_counts(
                torch.maximum(score, 1 - score), right, batch, n_events=n, bins=BINS
            ),
        }


SCORE = Column("", "probability that both clusters are of one group", "prediction")
GROUP = Column("", "number of its group inside the event, -1 for none", "prediction")


def groups_of(
    edges: Table, score: Float[Tensor, " e"], node: Bool[Tensor, " n"], offsets: Int[Tensor, " starts"]
) -> Rows:
    """The group (N,) of each row that is a node, numbered from 0 in each event, -1 for the others.

    Args:
        edges: `source` and `target`, rows (E,).
        score: Probability that both are of one group.
        node: Which rows are nodes.
        offsets: Where the rows of each event begin, and the end (B + 1,).
    """
    place = offsets_of(node)
    ends = torch.stack([place[edges["source"]], place[edges["target"]]])
    group = torch.full_like(place[1:], -1)
    group[node] = partition(ends, score, place[offsets])
    return group


@dataclass(frozen=True)
class _Groups:
    """The groups of all events: their event and size (G,), and the group (N,) of each row."""

    event: Int[Tensor, " g"]
    size: Int[Tensor, " g"]
    of_row: Rows

    @classmethod
    def of(cls, number: Rows, batch: Rows) -> _Groups:
        """The groups of rows by their number in the event, from 0, and their event."""
        codes = int(number.max()) + 1 if len(number) else 1
        found, of_row, size = torch.unique(batch * codes + number, return_inverse=True, return_counts=True)
        return cls(found // codes, size, of_row)

    def number(self, n_events: int) -> Int[Tensor, " b"]:
        """Groups of each event (B,)."""
        return torch.bincount(self.event, minlength=n_events)


def _measures(true: Rows, found: Rows, batch: Rows, n_events: int) -> Float[Tensor, "b m 2"]:
    """Figures of the partition (B, M, 2) of each event, and 1 if it has them, else 0."""
    sums = clustering_sums(Contingency.of(true, found, batch, n_events))
    return torch.stack([sums[name] for name in _MEASURES], 1)


def _exact(true: Rows, found: Rows, batch: Rows, n_events: int) -> Float[Tensor, "b 2"]:
    """True groups of each event that are a predicted group, cluster by cluster, and all true groups."""
    groups, guesses = _Groups.of(true, batch), _Groups.of(found, batch)
    codes = max(1, len(guesses.size))
    cell, size = torch.unique(groups.of_row * codes + guesses.of_row, return_counts=True)
    group, guess = cell // codes, cell % codes
    exact = group[(size == groups.size[group]) & (size == guesses.size[guess])]
    return torch.stack([_count(groups.event[exact], n_events), groups.number(n_events).double()], 1)


def _pairs(n: Rows) -> Float[Tensor, " n"]:
    """Pairs among n, as float64."""
    return 0.5 * (n * (n - 1)).double()


def _count(event: Rows, n_events: int) -> Float[Tensor, " b"]:
    """How often each event is named, as float64."""
    return torch.bincount(event, minlength=n_events).double()


def _ratio(sums: Float[Tensor, "*r 2"]) -> Float[Tensor, "*r"]:
    """The first number over the second."""
    return ratio(sums[..., 0], sums[..., 1])
