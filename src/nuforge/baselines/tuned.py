"""Methods of a few numbers, each moved to what is best on labelled events, and kept as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from jaxtyping import Float
from torch import Tensor

from nuforge.baselines.cluster_pairs import ClusterPairs
from nuforge.errors import InputError
from nuforge.metrics.clustering import Contingency, adjusted_rand_index
from nuforge.nn.cluster_graph import Joining
from nuforge.shapes import Rows, Scalars

ROUNDS = 2


@dataclass
class Tuned:
    """A dataclass of numbers whose fit tries values of each in turn and keeps the best."""

    file: ClassVar[str]
    """Where the numbers are kept in a folder."""
    grids: ClassVar[Mapping[str, Sequence[float]]]
    """The values that are tried of each number."""

    def tune(self, figure: Callable[[Self], float], names: Sequence[str] | None = None) -> None:
        """Move numbers, one after another and all of them twice, to the value with the highest figure.

        Args:
            figure: Of this method with other numbers.
            names: The numbers that are moved; all that have a grid if not given.
        """
        best, highest = self, figure(self)
        for name in list(names if names is not None else self.grids) * ROUNDS:
            for value in self.grids[name]:
                candidate = replace(best, **{name: value})
                reached = figure(candidate)
                if reached > highest:
                    best, highest = candidate, reached
        for name in self.grids:
            setattr(self, name, getattr(best, name))

    def _numbers(self) -> dict[str, Any]:
        """The fields, those of `Joining` among them; a method within this one has a file of its own."""
        numbers: dict[str, Any] = {}
        for name, value in vars(self).items():
            if isinstance(value, Joining):
                numbers |= vars(value)
            elif not isinstance(value, Tuned):
                numbers[name] = value
        return numbers

    def save(self, folder: Path) -> None:
        """Write the numbers as JSON into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / self.file).write_text(json.dumps(self._numbers(), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The method that `save` wrote.

        Raises:
            InputError: If the folder holds none, or it has other numbers than this one.
        """
        try:
            numbers: dict[str, Any] = json.loads((folder / cls.file).read_text(encoding="utf-8"))
            return cls(**_with_joining({k: tuple(v) if isinstance(v, list) else v for k, v in numbers.items()}, cls()))
        except (OSError, ValueError, TypeError) as error:
            name = cls.file.removesuffix(".json").replace("_", " ")
            raise InputError(f"no {name} in {folder} ({error}); expected {cls.file}, fit the baselines again") from None


def mean_voxel_ari(groupings: Sequence[tuple[ClusterPairs, Rows]]) -> float:
    """Adjusted Rand index of the voxels of clusters, averaged over events with any, of groups (N,) of nodes.

    Events count with their weights.
    """
    total, n = 0.0, 0.0
    for pairs, group in groupings:
        known = pairs.column("group") >= 0
        size = pairs.size[known]
        true, found, batch = (
            torch.repeat_interleave(of_node[known], size) for of_node in (pairs.column("group"), group, pairs.batch)
        )
        index = adjusted_rand_index(Contingency.of(true, found, batch, pairs.clusters.n_events))
        some = ~index.isnan()
        total, n = total + float((index * pairs.weight)[some].sum()), n + float(pairs.weight[some].sum())
    return total / n if n > 0 else 0.0


def mean_recall(label: Rows, found: Rows, classes: int, weight: Scalars) -> float:
    """Recall averaged over the classes that occur; labels of -1 do not count, others with a weight (N,)."""
    known = label >= 0
    hit = known & (label == found)
    seen = torch.bincount(label[known], weight[known], classes)
    right = torch.bincount(label[hit], weight[hit], classes)
    recall: Float[Tensor, " k"] = (right[seen > 0] / seen[seen > 0]).float()
    return float(recall.mean()) if len(recall) else 0.0


def _with_joining(numbers: dict[str, Any], usual: Tuned) -> dict[str, Any]:
    """The numbers of a file as arguments: those of `Joining` together, the usual ones where it has none."""
    own = {f.name: numbers.pop(f.name) for f in fields(Joining) if f.name in numbers}
    for name, value in vars(usual).items():
        if isinstance(value, Joining):
            numbers[name] = replace(value, **own)
    return numbers
