"""Gradient-boosted trees on the features of a graph of clusters: the classical classifier of edges and of nodes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from nuforge.baselines.cluster_pairs import ClusterPairs, lowest
from nuforge.baselines.forest import Forest, grow, sample_weight
from nuforge.baselines.forest_files import read_forest, write_forest
from nuforge.baselines.prediction import PROBABILITY
from nuforge.events import Events, Table
from nuforge.nn.cluster_graph import ENDS, Joining
from nuforge.nn.points import reversed_edge_features
from nuforge.nn.points.cluster_features import NODE_FEATURES
from nuforge.nn.points.edge_features import EDGE_FEATURES
from nuforge.tasks.grouping import GROUP, SCORE, groups_of

Features = NDArray[np.float32]
_Labelled = tuple[Features, NDArray[np.int64], NDArray[np.float64]]

_NODE = tuple(f"node {i}" for i in range(NODE_FEATURES))
_EDGE = tuple(f"edge {i}" for i in range(EDGE_FEATURES))
_NAMES = (*_NODE, *(f"other {name}" for name in _NODE), *_EDGE)
"""A pair has the larger cluster, the smaller one and the way between them; a cluster itself, its nearest, the way."""
_EDGES = "edges"


@dataclass
class GraphTrees:
    """Histogram gradient boosting (scikit-learn): one forest for edges, and one for each question about clusters.

    The trees have the features of nodes and edges that the network has. A cluster is described by itself and the one
    that comes nearest; edges are partitioned as the network's are.

    Args:
        joining: Which clusters are nodes, and which of them are joined.
        targets: Number of classes of each question, by its column of `clusters`; it gives `<column>_probability`.
        rounds: Rounds of boosting.
        leaves: Leaves of a tree.
        learning_rate: What part of each tree is taken.
        rows: At most so many pairs, and so many clusters, are looked at, drawn evenly.
        seed: Of the draw, and of scikit-learn.
        forests: The trees, by question; none until they are grown.
    """

    joining: Joining = field(default=Joining())
    targets: Mapping[str, int] = field(default_factory=dict)
    rounds: int = 100
    leaves: int = 31
    learning_rate: float = 0.1
    rows: int = 300_000
    seed: int = 0
    forests: Mapping[str, Forest] = field(default_factory=dict, kw_only=True)

    def fit(self, batches: Iterable[Events]) -> None:
        """Grow the trees from batches with `clusters.group` and the columns of the questions.

        Raises:
            ValueError: If a question has fewer than two answers in the batches.
        """
        samples: dict[str, list[_Labelled]] = {name: [] for name in (_EDGES, *self.targets)}
        for batch in batches:
            pairs = self._pairs(batch)
            group = pairs.column("group")[pairs.graph.pairs]
            same = torch.where((group >= 0).all(0), (group[0] == group[1]).long(), -1)
            weight = pairs.weight[pairs.batch]
            samples[_EDGES].append(_known(_of_pairs(pairs), same, weight[pairs.graph.pairs[0]]))
            for name in self.targets:
                samples[name].append(_known(_of_nodes(pairs), pairs.column(name), weight))
        self.forests = {name: self._grown(name, parts) for name, parts in samples.items()}

    def predict(self, readout: Events) -> Mapping[str, Table]:
        """`edges.score`, `clusters.reco_group` and the probability of each question.

        Raises:
            ValueError: If nothing was fitted or loaded.
        """
        if not self.forests:
            raise ValueError("boosted trees have no trees yet; call fit(batches) or GraphTrees.load(folder) first")
        pairs = self._pairs(readout)
        rows, clusters = pairs.graph.rows, pairs.clusters
        score = torch.from_numpy(self.forests[_EDGES].probability(_of_pairs(pairs))[:, 1]).float()
        source, target = rows[pairs.graph.pairs]
        edges = Table(
            {"source": source, "target": target, "score": score},
            pairs.graph.offsets,
            about={**ENDS, "score": SCORE},
        )
        node = torch.zeros(len(clusters), dtype=torch.bool).index_fill(0, rows, True)
        columns = {"reco_group": groups_of(edges, score, node, clusters.offsets)}
        of_nodes = _of_nodes(pairs)
        for name, classes in self.targets.items():
            probability = torch.full((len(clusters), classes), 1.0 / classes)
            probability[rows] = torch.from_numpy(self.forests[name].probability(of_nodes)).float()
            columns[f"{name}_probability"] = probability
        about = {name: GROUP if name == "reco_group" else PROBABILITY for name in columns}
        return {"clusters": Table(columns, clusters.offsets, about=about), "edges": edges}

    def save(self, folder: Path) -> None:
        """Write the trees, a folder for each question.

        Raises:
            ValueError: If nothing was fitted.
        """
        if not self.forests:
            raise ValueError("boosted trees have no trees to save; call fit(batches) first")
        own = {name: value for name, value in vars(self).items() if name not in ("forests", "joining", "targets")}
        options = {**vars(self.joining), **own, "targets": dict(self.targets)}
        for name, forest in self.forests.items():
            write_forest(folder / name, forest, _NAMES, options)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The trees that `save` wrote.

        Raises:
            ValueError: If the folder holds none, or they were grown on other features or by a newer format.
        """
        forest, options = read_forest(folder / _EDGES, _NAMES)
        forests = {_EDGES: forest} | {name: read_forest(folder / name, _NAMES)[0] for name in options["targets"]}
        given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in options.items()}
        joining = Joining(**{f.name: given.pop(f.name) for f in fields(Joining) if f.name in given})
        return cls(joining, **given, forests=forests)

    def _pairs(self, events: Events) -> ClusterPairs:
        return ClusterPairs.of(events, self.joining)

    def _grown(self, name: str, parts: list[_Labelled]) -> Forest:
        """The forest of a question."""
        features = np.concatenate([np.zeros((0, len(_NAMES)), np.float32), *(part[0] for part in parts)])
        label = np.concatenate([np.zeros(0, np.int64), *(part[1] for part in parts)])
        weight = np.concatenate([np.zeros(0), *(part[2] for part in parts)])
        if len(np.unique(label)) < 2:
            raise ValueError(
                f"boosted trees of '{name}' need at least two answers, got {np.unique(label).tolist()}; give labelled "
                "events with more than one"
            )
        if len(label) > self.rows:
            drawn = np.random.default_rng(self.seed).choice(len(label), self.rows, replace=False)
            features, label, weight = features[drawn], label[drawn], weight[drawn]
        return grow(
            features,
            label,
            self.targets.get(name, 2),
            rounds=self.rounds,
            leaves=self.leaves,
            learning_rate=self.learning_rate,
            seed=self.seed,
            weight=sample_weight(weight),
        )


def _known(features: Features, label: Tensor, weight: Tensor) -> _Labelled:
    """Features, labels and weights of the rows whose label is known and that count."""
    known = ((label >= 0) & (weight > 0)).numpy()
    return features[known], label.numpy()[known], weight.numpy()[known]


def _of_pairs(pairs: ClusterPairs) -> Features:
    """Features of pairs (E, 85): the larger cluster, the smaller one, and the way from the one to the other."""
    first, second = pairs.graph.pairs
    swap = pairs.size[first] < pairs.size[second]
    one, other = torch.where(swap, second, first), torch.where(swap, first, second)
    edges = torch.where(swap[:, None], reversed_edge_features(pairs.graph.edges), pairs.graph.edges)
    return _beside(pairs, one, other, edges)


def _of_nodes(pairs: ClusterPairs) -> Features:
    """Features of clusters (N, 85): itself, the one that comes nearest and the way there; 0 where there is no other."""
    first, second = pairs.graph.pairs
    edges = torch.cat([pairs.graph.edges, reversed_edge_features(pairs.graph.edges)])
    one, other = torch.cat([first, second]), torch.cat([second, first])
    best = lowest(pairs.both_ways().gap, one)
    features = np.zeros((pairs.n, len(_NAMES)), np.float32)
    features[:, :NODE_FEATURES] = pairs.graph.nodes.numpy()
    features[one[best].numpy()] = _beside(pairs, one[best], other[best], edges[best])
    return features


def _beside(pairs: ClusterPairs, one: Tensor, other: Tensor, edges: Float[Tensor, "w 19"]) -> Features:
    """Features of two nodes and the way between them side by side, (W, 85)."""
    nodes = pairs.graph.nodes
    found: Features = torch.cat([nodes[one], nodes[other], edges], 1).numpy()
    return found
