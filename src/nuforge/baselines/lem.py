"""LEM: library event matching, the classes of the stored events whose pattern of charge is most alike."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor

from nuforge.baselines.arrays import read_arrays, write_arrays
from nuforge.baselines.forest import Forest
from nuforge.baselines.forest_files import read_forest, write_forest
from nuforge.baselines.gathering import gathered
from nuforge.baselines.muon_neighbours import taken_of
from nuforge.baselines.prediction import event_prediction_table
from nuforge.baselines.slice_summaries import slice_summaries, summaries_named
from nuforge.baselines.slice_trees import Growth, probability_of
from nuforge.detectors.nova import SegmentedDetector
from nuforge.errors import InputError
from nuforge.events import Events, Table
from nuforge.simulation.cells.places import places_of

BEHIND, AHEAD, ASIDE = 80.0, 720.0, 120.0
"""cm: how far behind the vertex, ahead of it and aside the pattern reaches."""
SCREENING = 40.0
"""cm: a charge is felt about so far."""
MODES = (24, 8)
"""Waves along the beam and across it, even and odd ones each, that a pattern is made of in each view."""
BLOCKS = (2 * MODES[0] * MODES[1], MODES[0] * MODES[1], MODES[0] * MODES[1])
"""Parts of a pattern: waves that are even across in both views, odd in view X, odd in view Y. An odd part has the other
sign in a mirrored event."""
NEAR = (10, 30, 100)
"""Numbers of best matches that are looked at, in events of weight 1."""

OWN = ("energy", "hits", "planes spanned", "vertex to the nearest side wall")
"""What the trees know of the event itself: `nuforge.baselines.slice_summaries`."""

_FILE = "lem"
_BLOCK = 256  # events compared with the library at once


def patterns(readout: Events, detector: SegmentedDetector, power: float) -> Float[Tensor, "b d"]:
    """The pattern (B, D) of every event around its vertex.

    Two sets of charges, one of them negative, have the energy E = 1/2 sum q_i q_j V(r_ij), which is 0 if they are the
    same and small if they lie near. With V the screened potential that falls like 1/r, whose transform is
    1 / sqrt(k^2 + k_0^2), the energy is a sum over waves of |q_k|^2 V_k: a squared distance of vectors sqrt(V_k) q_k.
    Short waves hardly weigh, so a few hundred are enough. Parts are those of `BLOCKS`, rounded as they are kept.

    Args:
        readout: Events with `hits` that have an energy, and `event.vertex`.
        detector: Says where cells are.
        power: Charge of a hit is its energy to this power, over 10 MeV, which is that of a muon.
    """
    places, n = places_of(readout, detector), len(readout)
    vertex = readout["event"]["vertex"].double()[places.event]
    z = places.z - vertex[:, 2] + BEHIND
    u = places.u - torch.where(places.view == 0, vertex[:, 0], vertex[:, 1])
    inside = (z >= 0) & (z < AHEAD + BEHIND) & (u.abs() < ASIDE)
    charge = (places.charge.clamp(min=0) / 10.0).pow(power)[inside]
    z, u, group = z[inside], u[inside], places.group[inside]
    along = torch.cos(torch.arange(MODES[0]) * math.pi * z[:, None] / (AHEAD + BEHIND))
    half = torch.arange(MODES[1])
    even = torch.cos(half * math.pi * u[:, None] / ASIDE)
    odd = torch.sin((half + 0.5) * math.pi * u[:, None] / ASIDE)
    parts = []
    for across, strength in zip((even, odd), _strengths(), strict=True):
        waves = (charge[:, None] * along)[:, :, None] * across[:, None, :]
        total = torch.zeros(2 * n, *MODES, dtype=torch.float64).index_add_(0, group, waves)
        parts.append((total * strength).reshape(n, 2, MODES[0] * MODES[1]))
    of_even, of_odd = parts
    return torch.cat([of_even.flatten(1), of_odd[:, 0], of_odd[:, 1]], 1).half().float()


@lru_cache(maxsize=1)
def _strengths() -> tuple[Tensor, Tensor]:
    """sqrt(V_k) of even and odd waves, with the norm of the waves."""
    kz = torch.arange(MODES[0], dtype=torch.float64)[:, None] * math.pi / (AHEAD + BEHIND)
    out = []
    for half in (0.0, 0.5):
        ku = (torch.arange(MODES[1], dtype=torch.float64) + half) * math.pi / ASIDE
        norm = torch.where(kz > 0, 2.0, 1.0) * torch.where(ku > 0, 2.0, 1.0)
        strength = norm / (kz**2 + ku**2 + SCREENING**-2).sqrt()
        out.append((strength / SCREENING).sqrt())
    return out[0], out[1]


def squared_distances(
    a: Float[Tensor, "n d"], b: Float[Tensor, "m d"], squares: Float[Tensor, " m"]
) -> Float[Tensor, "n m"]:
    """Squared distances (N, M) of patterns, each b mirrored in either view if that is nearer.

    Args:
        a: Patterns (N, D).
        b: Those of the library (M, D).
        squares: Sum of squares of each b (M,), which a library keeps: to add it up costs more than all products.
    """
    blocks = zip(*(torch.split_with_sizes(x, BLOCKS, 1) for x in (a, b)), strict=True)
    even, odd_x, odd_y = (x @ y.T for x, y in blocks)
    distance: Tensor = even.add_(odd_x.abs_()).add_(odd_y.abs_()).mul_(-2)  # in place: memory costs more than products
    return distance.add_(a.square().sum(1)[:, None]).add_(squares).clamp_(min=0)


def _library(pattern: Tensor, label: Tensor, weight: Tensor) -> dict[str, Tensor]:
    return {"pattern": pattern, "squares": pattern.square().sum(1), "label": label, "weight": weight}


@dataclass
class LEM:
    """NOvA's library event matching, with a probability of every class.

    The library holds the patterns of the training events. An event is compared with all of them, and with their mirror
    images, by the electrostatic energy of `patterns`. What the best matches are in truth, their shares of classes among
    the nearest few and the nearest many, and how near they are, goes into small boosted trees. The trees learn from
    training events that are matched with all others than themselves.

    Args:
        detector: Says where cells are.
        target: Column of `event` with the labels.
        classes: Number of classes; labels outside 0 to classes - 1 are not looked at.
        power: Power of the energy of a hit; below 1 the shape counts more, and bright hits less.
        growth: How the trees grow.
        library: Patterns, their squares, labels and weights of training events; None until it is fitted.
        forest: None until it is grown.

    Source:
        C. Backhouse, R. B. Patterson, Nucl. Instrum. Meth. A 778 (2015) 31, arXiv:1501.00968. NOvA's library has 77
        million events; ours has those it is fitted on.
    """

    detector: SegmentedDetector
    target: str = "flavour"
    classes: int = 5
    power: float = 0.5
    growth: Growth = field(default_factory=lambda: Growth(rounds=100, leaves=6))
    library: dict[str, Tensor] | None = field(default=None, repr=False)
    forest: Forest | None = field(default=None, repr=False)

    def fit(self, batches: Iterable[Events]) -> None:
        """Fills the library, then grows the trees on what its events find in it."""
        rows = gathered(batches, self._look, self.target, self.classes)
        pattern = rows.features["pattern"]
        self.library = _library(pattern, rows.label, rows.weight)
        found = self._matches(pattern, torch.arange(len(rows)))
        self.forest = self.growth.forest(
            torch.cat([found, rows.features["own"]], 1), rows.label, rows.weight, self.classes
        )

    def predict(self, readout: Events) -> Mapping[str, Table]:
        """`event.probability` (B, classes)."""
        return {"event": event_prediction_table(readout, self.probability(readout))}

    def probability(self, readout: Events) -> Float[Tensor, "b k"]:
        """Probability of each class (B, K)."""
        seen = self._look(readout)
        return probability_of(self.forest, torch.cat([self._matches(seen["pattern"]), seen["own"]], 1))

    def save(self, folder: Path) -> None:
        """Writes library and trees into a folder."""
        if self.library is None or self.forest is None:
            raise InputError("LEM has no library to save; call fit(batches) first")
        kept = {name: self.library[name] for name in ("label", "weight")}
        write_arrays(folder / _FILE, {"pattern": self.library["pattern"].half(), **kept}, self._about())
        write_forest(folder, self.forest, self._features(), {"power": self.power})

    def load(self, folder: Path) -> LEM:
        """What `save` wrote, with this one's detector."""
        forest, _ = read_forest(folder, self._features())
        kept = read_arrays(folder / _FILE, self._about())
        return replace(self, library=_library(kept["pattern"].float(), kept["label"], kept["weight"]), forest=forest)

    def _about(self) -> dict[str, object]:
        return {"classes": self.classes, "power": self.power, "modes": MODES, "size": [BEHIND, AHEAD, ASIDE, SCREENING]}

    def _features(self) -> list[str]:
        classes = [f"class {i} of {near}" for near in NEAR for i in range(self.classes)]
        return [
            *classes,
            *(f"energy of {near}" for near in NEAR),
            *(f"by energy, class {i}" for i in range(self.classes)),
            *OWN,
        ]

    def _look(self, readout: Events) -> dict[str, Tensor]:
        own = summaries_named(slice_summaries(readout, self.detector), OWN)
        return {"pattern": patterns(readout, self.detector, self.power), "own": own}

    def _matches(self, pattern: Float[Tensor, "n d"], itself: Int[Tensor, " n"] | None = None) -> Float[Tensor, "n f"]:
        """What the best matches of patterns (N, D) are, in the order of `_features`.

        Args:
            pattern: Of the events.
            itself: Where each is in the library (N,), which is no match; None if they are new.
        """
        if self.library is None:
            raise InputError("LEM has no library yet; call fit(batches), or load(folder), first")
        library, squares = self.library["pattern"], self.library["squares"]
        parts = []
        for first in range(0, len(pattern), _BLOCK):
            distance = squared_distances(pattern[first : first + _BLOCK], library, squares)
            if itself is not None:
                distance[torch.arange(len(distance)), itself[first : first + _BLOCK]] = torch.inf
            parts.append(self._summed(distance))
        return torch.cat([torch.zeros(0, len(self._features()) - len(OWN)), *parts])

    def _summed(self, distance: Float[Tensor, "n m"]) -> Float[Tensor, "n f"]:
        label, weight = (self.library or {})["label"], (self.library or {})["weight"]
        near, rows = distance.topk(min(2 * max(NEAR), distance.shape[1]), largest=False)
        usable = near.isfinite()
        weight, label = torch.where(usable, weight[rows], 0.0), label[rows]
        near = torch.where(usable, near, 0.0).double()
        shares, energies = [], []
        for many in NEAR:
            taken = taken_of(weight, float(many))
            whole = taken.sum(1, keepdim=True).clamp(min=1e-9)
            shares.append(self._by_class(taken / whole, label))
            energies.append((taken * near).sum(1, keepdim=True) / whole)
        scale = energies[1].clamp(min=1e-9)
        likeness = taken_of(weight, float(max(NEAR))) * torch.exp(-near / scale)
        likeness = likeness / likeness.sum(1, keepdim=True).clamp(min=1e-9)
        return torch.cat([*shares, *energies, self._by_class(likeness, label)], 1).float()

    def _by_class(self, share: Tensor, label: Tensor) -> Tensor:
        return torch.zeros(len(share), self.classes, dtype=torch.float64).scatter_add_(1, label, share.double())
