"""Cosmic rejection by cuts on containment, slope and hits, then boosted trees on the track."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from nuforge.baselines.arrays import read_arrays, write_arrays
from nuforge.baselines.forest import Forest
from nuforge.baselines.forest_files import read_forest, write_forest
from nuforge.baselines.gathering import gathered
from nuforge.baselines.prediction import event_prediction_table
from nuforge.baselines.slice_summaries import slice_summaries, summaries_named
from nuforge.baselines.slice_trees import Growth, probability_of
from nuforge.detectors.nova import SegmentedDetector
from nuforge.errors import InputError
from nuforge.events import Events, Table

CUT = (
    "hits",
    "way to the nearest side wall",
    "way to the roof",
    "way to the front",
    "way to the back",
    "slope, Y",
    "longest prong, cosine to the beam",
)
"""Numbers of the slice that must not be small."""

GROWN_ON = (
    *CUT,
    "energy",
    "energy per hit",
    "planes spanned",
    "cells spanned, X",
    "cells spanned, Y",
    "slope, X",
    "width across the slope, X",
    "width across the slope, Y",
    "length along the slope",
    "vertex to the nearest side wall",
    "vertex to the roof",
    "vertex to the front",
    "longest prong, length",
    "longest prong, upwards",
    "longest prong, mean_loss",
    "longest prong, energy, fraction of the slice",
    "prongs",
    "transverse energy, fraction",
)
"""What the trees see: angle, length, hits and ways to the walls."""

_FILE, _SURE = "cosmic_cuts", 0.999


@dataclass
class CosmicCuts:
    """Cuts, then trees, with a probability of every class.

    Each cut is where it costs the wanted share of the training events that are not cosmic. What fails one is called
    cosmic; the trees are grown on the rest.

    Args:
        detector: Says where the walls are.
        target: Column of `event` with the labels.
        classes: Number of classes.
        cosmic: Which of them is cosmic.
        cost: Share of the other events that each cut may cost.
        growth: How the trees grow.
        least: The least that passes of every number of `CUT`; None until it is fitted.
        forest: None until it is grown.
    """

    detector: SegmentedDetector
    target: str = "flavour"
    classes: int = 5
    cosmic: int = 4
    cost: float = 0.001
    growth: Growth = field(default_factory=Growth)
    least: Float[Tensor, " c"] | None = None
    forest: Forest | None = field(default=None, repr=False)

    def fit(self, batches: Iterable[Events]) -> None:
        """Sets the cuts, then grows the trees on what passes."""
        rows = gathered(batches, lambda e: {"x": slice_summaries(e, self.detector)}, self.target, self.classes)
        x, wanted = rows.features["x"], rows.label != self.cosmic
        self.least = lower_quantiles(summaries_named(x[wanted], CUT), rows.weight[wanted], self.cost)
        passes = self._passes(x)
        left = replace(rows, label=rows.label[passes], weight=rows.weight[passes], half=rows.half[passes])
        self.forest = self.growth.forest(summaries_named(x[passes], GROWN_ON), left.label, left.weight, self.classes)

    def predict(self, readout: Events) -> Mapping[str, Table]:
        """`event.probability` (B, classes)."""
        return {"event": event_prediction_table(readout, self.probability(readout))}

    def probability(self, readout: Events) -> Float[Tensor, "b k"]:
        """Probability of each class (B, K); of what is cut, nearly 1 for cosmic."""
        x = slice_summaries(readout, self.detector)
        probability = probability_of(self.forest, summaries_named(x, GROWN_ON))
        cut = torch.full((self.classes,), (1 - _SURE) / (self.classes - 1))
        cut[self.cosmic] = _SURE
        sure = torch.where(probability[:, self.cosmic, None] > _SURE, probability, cut)  # never less cosmic by a cut
        return torch.where(self._passes(x)[:, None], probability, sure)

    def save(self, folder: Path) -> None:
        """Writes cuts and trees into a folder."""
        if self.least is None or self.forest is None:
            raise InputError("cosmic cuts have nothing to save; call fit(batches) first")
        write_arrays(folder / _FILE, {"least": self.least}, self._about())
        write_forest(folder, self.forest, GROWN_ON, {"cost": self.cost})

    def load(self, folder: Path) -> CosmicCuts:
        """What `save` wrote, with this one's detector."""
        forest, _ = read_forest(folder, GROWN_ON)
        return replace(self, least=read_arrays(folder / _FILE, self._about())["least"], forest=forest)

    def _about(self) -> dict[str, object]:
        return {"classes": self.classes, "cosmic": self.cosmic, "cut": CUT}

    def _passes(self, summaries: Float[Tensor, "b f"]) -> Bool[Tensor, " b"]:
        if self.least is None:
            raise InputError("cosmic cuts are not set yet; call fit(batches), or load(folder), first")
        return (summaries_named(summaries, CUT) >= self.least).all(1)


def lower_quantiles(values: Float[Tensor, "n f"], weight: Float[Tensor, " n"], share: float) -> Float[Tensor, " f"]:
    """The largest value (F,) of each column below which there is no more than this share of the weight."""
    ordered, order = values.sort(0)
    below = weight[order].cumsum(0) - weight[order]
    place = (below <= share * weight.sum()).sum(0) - 1
    return ordered.gather(0, place[None]).squeeze(0)
