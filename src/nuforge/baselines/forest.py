"""Forests: boosted trees as plain arrays, evaluated without the library that grew them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor

_BLOCK = 128  # rows walked down all trees at once; the state stays in cache


@dataclass(frozen=True)
class Forest:
    """Boosted trees for K classes: each round adds a tree per class to its score; probabilities are their softmax.

    Of a regression the K scores are the K numbers that are estimated.

    Nodes of all trees lie end to end. A row goes from node i to left[i] if its feature is <= the threshold, else to
    left[i] + 1. A leaf is its own left child and has an infinite threshold, so a row rests there.

    Args:
        feature: (M,) int64 feature of a node.
        threshold: (M,) float32 MeV, voxels, ... as the feature.
        left: (M,) int64 node of the smaller values.
        score: (M,) float64 what a leaf adds to the score.
        root: (R, K) int64 first node of each round's tree of each class.
        start: (K,) float64 scores before the first round; minus infinity for a class never seen.
        depth: The longest way from a root to a leaf.
    """

    feature: NDArray[np.int64]
    threshold: NDArray[np.float32]
    left: NDArray[np.int64]
    score: NDArray[np.float64]
    root: NDArray[np.int64]
    start: NDArray[np.float64]
    depth: int

    def probability(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probability (N, K) of each class for features (N, F), which must be finite."""
        scores = self.scores(features)
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        probability: NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
        return probability

    def scores(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Scores (N, K) for features (N, F), which must be finite."""
        return np.concatenate(
            [self._scores(features[i : i + _BLOCK]) for i in range(0, len(features), _BLOCK)]
            or [np.zeros((0, len(self.start)))]
        )

    def _scores(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Scores (n, K) of a block of rows."""
        n, n_features = features.shape
        flat = np.ascontiguousarray(features).ravel()
        row = (np.arange(n) * n_features)[:, None]
        node = np.broadcast_to(self.root.ravel(), (n, self.root.size))
        for _ in range(self.depth):
            value = flat.take(self.feature.take(node) + row)
            node = self.left.take(node) + (value > self.threshold.take(node))
        gained: NDArray[np.float64] = self.score.take(node).reshape(n, *self.root.shape).sum(axis=1)
        return gained + self.start

    @classmethod
    def of_scikit_learn(cls, model: HistGradientBoostingClassifier, n_classes: int) -> "Forest":
        """The trees of a fitted classifier of classes 0 to `n_classes` - 1, of which some may not have been seen.

        Its fit must have seen finite numbers and no categories.
        """
        seen = [int(c) for c in model.classes_]
        scored = seen[1:] if len(seen) == 2 else seen  # of two classes the second has the trees
        start = np.full(n_classes, -np.inf)
        start[seen] = 0.0
        start[scored] = model._baseline_prediction.ravel()
        return cls._of_trees([tree for trees in model._predictors for tree in trees], scored, start)

    @classmethod
    def of_regressors(cls, models: Sequence[HistGradientBoostingRegressor]) -> "Forest":
        """The trees of fitted regressors of as many rounds, one for each number that is estimated."""
        rounds = zip(*(model._predictors for model in models), strict=True)
        start = np.concatenate([np.asarray(model._baseline_prediction, np.float64).ravel() for model in models])
        return cls._of_trees([tree for trees in rounds for (tree,) in trees], range(len(models)), start)

    @classmethod
    def _of_trees(cls, grown: Sequence[TreePredictor], scored: Sequence[int], start: NDArray[np.float64]) -> "Forest":
        """Trees of each round, one for each of the scores `scored`; the others have none."""
        parts = [_breadth_first(tree.nodes) for tree in grown]
        sizes = [len(part[0]) for part in parts]
        first = np.cumsum([1, *sizes[:-1]])  # node 0 is a leaf that adds nothing
        columns = [np.concatenate([[empty], *(part[k] for part in parts)]) for k, empty in enumerate((0, np.inf, 0, 0))]
        columns[2] += np.concatenate([[0], np.repeat(first, sizes)])
        root = np.zeros((len(grown) // len(scored), len(start)), np.int64)
        root[:, scored] = first.reshape(root.shape[0], len(scored))
        return cls(
            columns[0].astype(np.int64),
            columns[1].astype(np.float32),
            columns[2].astype(np.int64),
            columns[3].astype(np.float64),
            root,
            start,
            max((int(tree.nodes["depth"].max()) for tree in grown), default=0),
        )


def grow(
    features: NDArray[np.float32],
    label: NDArray[np.int64],
    n_classes: int,
    *,
    rounds: int,
    leaves: int,
    learning_rate: float,
    seed: int,
    depth: int | None = None,
    weight: NDArray[np.float64] | None = None,
) -> Forest:
    """The forest that scikit-learn's histogram gradient boosting grows, its leaves shrunk a little (L2 of 1).

    Args:
        features: (N, F), finite.
        label: (N,) from 0 to `n_classes` - 1, of two classes at least.
        n_classes: Classes of the forest; one that was never seen gets no probability.
        rounds: Rounds of boosting.
        leaves: Leaves of a tree.
        learning_rate: What part of each tree is taken.
        seed: Of scikit-learn.
        depth: The longest way from a root to a leaf, if it is bounded.
        weight: Of each row (N,), all alike if not given.
    """
    model = HistGradientBoostingClassifier(
        max_iter=rounds,
        max_leaf_nodes=leaves,
        max_depth=depth,
        learning_rate=learning_rate,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=seed,
    )
    return Forest.of_scikit_learn(model.fit(features, label, sample_weight=weight), n_classes)


def grow_regression(
    features: NDArray[np.float32],
    wanted: NDArray[np.float64],
    *,
    rounds: int,
    leaves: int,
    learning_rate: float,
    seed: int,
    weight: NDArray[np.float64] | None = None,
) -> Forest:
    """The forest whose scores are estimates of numbers, of least mean square error; leaves as in `grow`.

    Args:
        features: (N, F), finite.
        wanted: What is estimated (N, K).
        rounds: Rounds of boosting.
        leaves: Leaves of a tree.
        learning_rate: What part of each tree is taken.
        seed: Of scikit-learn.
        weight: Of each row (N,), all alike if not given.
    """
    models = [
        HistGradientBoostingRegressor(
            max_iter=rounds,
            max_leaf_nodes=leaves,
            learning_rate=learning_rate,
            l2_regularization=1.0,
            early_stopping=False,
            random_state=seed,
        ).fit(features, column, sample_weight=weight)
        for column in wanted.T
    ]
    return Forest.of_regressors(models)


def _breadth_first(nodes: NDArray) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Feature, threshold, left child and score (m,) of one tree's nodes, siblings side by side."""
    order = np.argsort(nodes["depth"], kind="stable")  # any order in which siblings can be put side by side
    leaf = nodes["is_leaf"].astype(bool)
    inner = order[~leaf[order]]
    place = np.zeros(len(nodes), np.int64)
    place[nodes["left"][inner]] = 1 + 2 * np.arange(len(inner))
    place[nodes["right"][inner]] = 2 + 2 * np.arange(len(inner))
    feature, left = np.zeros(len(nodes), np.int64), np.zeros(len(nodes), np.int64)
    threshold, score = np.full(len(nodes), np.inf, np.float32), np.zeros(len(nodes))
    feature[place] = np.where(leaf, 0, nodes["feature_idx"])
    left[place] = np.where(leaf, place, place[nodes["left"]])
    threshold[place] = np.where(leaf, np.float32(np.inf), _not_above(nodes["num_threshold"]))
    score[place] = np.where(leaf, nodes["value"], 0.0)
    return feature, threshold, left, score


def _not_above(threshold: NDArray[np.float64]) -> NDArray[np.float32]:
    """The largest float32 that is not above each threshold: it divides float32 numbers as the float64 one does."""
    near = threshold.astype(np.float32)
    return np.where(near > threshold, np.nextafter(near, np.float32(-np.inf)), near)


def sample_weight(weight: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Weights of rows (N,) for scikit-learn: over their mean, as regularisation has a scale; None if all are alike."""
    return None if not len(weight) or bool((weight == weight[0]).all()) else weight / weight.mean()
