"""Prongs of neutrons: small, dim, away from the vertex and late."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from nuforge.baselines.tuned import Tuned, mean_recall
from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.events.weights import weights_to_learn
from nuforge.shapes import Mask, Scalars

_SURE = 0.95
_LIGHT = 29.98  # cm/ns

Numbers = Mapping[str, Tensor]


@dataclass
class DisplacedClusters(Tuned):
    """A prong is called a neutron's if a gap is before it, and it has few hits, little energy and no early time.

    Args:
        gap: cm from the vertex, at least.
        hits: Hits in both views, at most.
        energy: MeV, at most.
        delay: ns after the slice's brightest prong and a flight at the speed of light from the vertex, at least.
        target: Column of `prongs` with the labels.
        label: Which of them are of neutrons; others of 0 and more are not, those below are left out.
    """

    gap: float = 20.0
    hits: float = 12.0
    energy: float = 100.0
    delay: float = -100.0
    target: str = "origin"
    label: int = 4

    file: ClassVar[str] = "displaced_clusters.json"
    grids: ClassVar[Mapping[str, Sequence[float]]] = {
        "gap": (0.0, 7.0, 13.0, 20.0, 30.0, 45.0, 70.0, 100.0),
        "hits": (3.0, 4.0, 6.0, 8.0, 12.0, 20.0, 1e9),
        "energy": (20.0, 35.0, 50.0, 75.0, 100.0, 150.0, 1e9),
        "delay": (-1e9, -20.0, -10.0, -5.0, 0.0, 5.0, 10.0, 20.0),
    }

    def fit(self, batches: Iterable[Events]) -> None:
        """Moves the cuts to the largest mean recall of both kinds of prongs."""
        parts = []
        for events in batches:
            prongs = events["prongs"]
            weight = weights_to_learn(events)[prongs.batch]
            parts.append({**_numbers(events.readout()), "label": prongs[self.target], "weight": weight})
        if not parts:
            raise InputError("no events to tune cuts on, got 0 batches; give labelled events")
        every = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
        label = every["label"]
        truth = torch.where(label < 0, -1, (label == self.label).long())
        self.tune(lambda cuts: mean_recall(truth, cuts.passes(every).long(), 2, every["weight"]))

    def predict(self, readout: Events) -> Mapping[str, Table]:
        """`prongs.probability` (P, 2): not of a neutron, of one."""
        found = self.passes(_numbers(readout)).float()
        own: Float[Tensor, " p"] = (1 - _SURE) + (2 * _SURE - 1) * found
        about = {"probability": Column("", "probability of not a neutron, a neutron", "prediction")}
        probability = torch.stack([1 - own, own], 1)
        return {"prongs": Table({"probability": probability}, readout["prongs"].offsets, about=about)}

    def passes(self, numbers: Numbers) -> Mask:
        """Which prongs (P,) are called a neutron's."""
        small = (numbers["hits"] <= self.hits) & (numbers["energy"] <= self.energy)
        return small & (numbers["gap"] >= self.gap) & (numbers["delay"] >= self.delay)


def _numbers(readout: Events) -> dict[str, Scalars]:
    prongs, hits = readout["prongs"], readout["hits"]
    n = len(prongs)
    seen = (hits["prong"] >= 0).nonzero().squeeze(1)
    row, energy = hits["prong"][seen], hits["energy"][seen].double()
    total = torch.zeros(n, dtype=torch.float64).index_add_(0, row, energy).clamp(min=1e-9)
    begin = torch.full((len(readout),), torch.inf, dtype=torch.float64)
    begin.scatter_reduce_(0, hits.batch, hits["time"].double(), "amin")
    since = hits["time"].double()[seen] - begin[hits.batch[seen]]
    time = torch.zeros(n, dtype=torch.float64).index_add_(0, row, energy * since) / total
    brightest = torch.zeros(len(readout), dtype=torch.float64)
    brightest.scatter_reduce_(0, prongs.batch, prongs["energy"].double(), "amax")
    leads = prongs["energy"].double() == brightest[prongs.batch]
    first = torch.zeros(len(readout), dtype=torch.float64).index_put_((prongs.batch[leads],), time[leads])
    return {
        "gap": prongs["gap"].double(),
        "hits": (prongs["hits_x"] + prongs["hits_y"]).double(),
        "energy": prongs["energy"].double(),
        "delay": time - first[prongs.batch] - prongs["gap"].double() / _LIGHT,
    }
