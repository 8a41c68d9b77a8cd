"""Particles of prongs by likelihoods of their energy loss, range and width."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from nuforge.baselines.arrays import read_arrays, write_arrays
from nuforge.baselines.gathering import halves
from nuforge.baselines.prong_profiles import PLANES, prong_profiles
from nuforge.baselines.small_network import SmallNetwork, train_small_network
from nuforge.baselines.templates import (
    LOSS_BINS,
    SHARE_BINS,
    energy_bins,
    log_bins,
    log_likelihood,
    log_templates,
    loss_bins,
    share_bins,
)
from nuforge.detectors.nova import SegmentedDetector
from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.events.weights import weights_to_learn
from nuforge.metrics.weights import relative

_WHOLE = {
    "mean_loss": (0.5, 20.0),
    "length": (5.0, 1000.0),
    "gap": (2.0, 200.0),
    "width": (0.5, 20.0),
    "longest_gap": (5.0, 200.0),
    "planes": (1.0, 100.0),
}
"""From and to, of the bins of numbers of the whole prong: in bins of energy, range among them."""
PARTS: Mapping[str, int] = {
    "along": LOSS_BINS,
    "back": LOSS_BINS,
    "aside": SHARE_BINS,
    **dict.fromkeys(_WHOLE, LOSS_BINS),
}
"""What is compared, with its number of values: energy loss from the start and from the end, shares aside, and numbers
of the whole prong."""
_FILE = "prong_likelihood"


@dataclass
class ProngLikelihood:
    """Classes of prongs by dE/dx and range, as `prongs.probability`.

    ln L of each part and class, by templates in bins of energy that are filled with training prongs, and energy,
    direction and views of the prong go into a network of one hidden layer, as in `LID`: parts know of each other, and a
    product of their likelihoods would be too sure. The network learns from templates of the other half of the events.

    Args:
        detector: Says where cells are.
        target: Column of `prongs` with the labels; those outside 0 to classes - 1 are left out.
        classes: Number of classes.
        seed: Of the network.
        templates: By part; None until they are filled.
        network: None until it has learned.
    """

    detector: SegmentedDetector
    target: str = "pid"
    classes: int = 5
    seed: int = 0
    templates: dict[str, Tensor] | None = field(default=None, repr=False)
    network: SmallNetwork | None = field(default=None, repr=False)

    def fit(self, batches: Iterable[Events]) -> None:
        """Fills the templates with prongs of known label, then trains the network."""
        parts = [self._labelled(events) for events in batches]
        p = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
        p["weight"] = relative(p["weight"])
        known = (p["label"] >= 0) & (p["label"] < self.classes) & (p["weight"] > 0)
        p = {name: value[known] for name, value in p.items()}
        frequency = torch.bincount(p["label"], p["weight"], self.classes)
        if int((frequency > 0).sum()) < 2:
            raise InputError(
                f"likelihoods need prongs of at least two classes, got weights {frequency.tolist()}; give labelled "
                "events of more than one class"
            )
        crossed = [self._templates(p, p["half"] == half) for half in (True, False)]
        inputs = torch.where(p["half"][:, None], _inputs(p, crossed[1]), _inputs(p, crossed[0]))
        self.templates = self._templates(p, torch.ones_like(p["half"]))
        self.network = train_small_network(inputs, p["label"], p["weight"], self.classes, seed=self.seed)

    def predict(self, readout: Events) -> Mapping[str, Table]:
        """`prongs.probability` (P, classes)."""
        if self.templates is None or self.network is None:
            raise InputError("prong likelihoods have no templates yet; call fit(batches), or load(folder), first")
        probability = self.network.probability(_inputs(self._bins(readout), self.templates))
        about = {"probability": Column("", "probability of each class", "prediction")}
        return {"prongs": Table({"probability": probability}, readout["prongs"].offsets, about=about)}

    def save(self, folder: Path) -> None:
        """Writes templates and scales into a folder."""
        if self.templates is None or self.network is None:
            raise InputError("prong likelihoods have nothing to save; call fit(batches) first")
        write_arrays(folder / _FILE, {**self.templates, **vars(self.network)}, self._about())

    def load(self, folder: Path) -> ProngLikelihood:
        """What `save` wrote, with this one's detector."""
        found = read_arrays(folder / _FILE, self._about())
        templates = {name: found.pop(name) for name in PARTS}
        return replace(self, templates=templates, network=SmallNetwork(**found))

    def _about(self) -> dict[str, object]:
        return {"classes": self.classes, "parts": PARTS, "planes": PLANES}

    def _labelled(self, events: Events) -> dict[str, Tensor]:
        prongs = events["prongs"]
        weight = weights_to_learn(events)[prongs.batch]
        known = {"label": prongs[self.target], "weight": weight, "half": halves(events)[prongs.batch]}
        return {**self._bins(events.readout()), **known}

    def _bins(self, readout: Events) -> dict[str, Tensor]:
        """Values of every part of all prongs, and which of them count."""
        profiles, prongs = prong_profiles(readout, self.detector), readout["prongs"]
        values = {
            "along": loss_bins(profiles.along),
            "back": loss_bins(profiles.back),
            "aside": share_bins(profiles.aside),
        }
        for name, (low, high) in _WHOLE.items():
            values[name] = log_bins(prongs[name].float().clamp(min=0)[:, None], low, high, LOSS_BINS)
        counts = {"along": profiles.sees_along, "back": profiles.sees_back}
        plain = [prongs["energy"].float().log1p(), *prongs["direction"].float().unbind(1)]
        views = [(prongs[name] > 0).float() for name in ("hits_x", "hits_y")]
        out = {"energy bin": energy_bins(prongs["energy"]), "plain": torch.stack([*plain, *views], 1)}
        for name, value in values.items():
            out[name] = value.to(torch.uint8)
            out[f"{name} counts"] = counts.get(name, torch.ones_like(value, dtype=torch.bool))
        return out

    def _templates(self, prongs: Mapping[str, Tensor], chosen: Tensor) -> dict[str, Tensor]:
        p = {name: value[chosen] for name, value in prongs.items()}
        rest = p["energy bin"], p["label"], p["weight"], self.classes
        return {name: log_templates(p[name].long(), p[f"{name} counts"], *rest, n) for name, n in PARTS.items()}


def _inputs(prongs: Mapping[str, Tensor], templates: Mapping[str, Tensor]) -> Float[Tensor, "p f"]:
    """ln L of each class by each part, less its mean over classes, and plain numbers of the prongs."""
    energy = prongs["energy bin"]
    each = [log_likelihood(templates[n], prongs[n].long(), prongs[f"{n} counts"], energy) for n in PARTS]
    return torch.cat([*(one - one.mean(1, keepdim=True) for one in each), prongs["plain"]], 1)
