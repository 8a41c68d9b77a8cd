"""Particles of prongs by likelihoods of their energy loss, range and width."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from nuforge.baselines.arrays import read_arrays, write_arrays
from nuforge.baselines.gathering import halves
from nuforge.baselines.prong_profiles import PLANES, prong_profiles
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

PARTS: Mapping[str, int] = {"along": LOSS_BINS, "back": LOSS_BINS, "aside": SHARE_BINS, "whole": LOSS_BINS}
"""What is compared, with its number of values: energy loss from the start and from the end, shares aside, and of the
whole prong its range over energy, range, gap and width."""
_WHOLE = {"mean_loss": (0.5, 20.0), "length": (5.0, 1000.0), "gap": (2.0, 200.0), "width": (0.5, 20.0)}
"""From and to, of the bins of numbers of the whole prong; what is compared of it as `whole`."""
_SCALES = (0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0)
_ROUNDS = 3
_FILE = "prong_likelihood"


@dataclass
class ProngLikelihood:
    """Classes of prongs by dE/dx and range, as `prongs.probability`.

    ln L of each part, by templates in bins of energy that are filled with training prongs, times a number for each part
    that makes the probabilities of the other half of the events most likely, plus ln of how frequent each class is.

    Args:
        detector: Says where cells are.
        target: Column of `prongs` with the labels; those outside 0 to classes - 1 are left out.
        classes: Number of classes.
        tensors: Templates, scales of the parts and ln of frequencies; None until it is fitted.
    """

    detector: SegmentedDetector
    target: str = "pid"
    classes: int = 5
    tensors: dict[str, Tensor] | None = field(default=None, repr=False)

    def fit(self, batches: Iterable[Events]) -> None:
        """Fills the templates with prongs of known label, and sets the scales."""
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
        prior = ((frequency + 0.5) / (frequency.sum() + 0.5 * self.classes)).log().float()
        crossed = [self._templates(p, p["half"] == half) for half in (True, False)]
        other = p["half"][:, None, None]
        likelihoods = torch.where(other, _likelihoods(p, crossed[1]), _likelihoods(p, crossed[0]))
        scales = _best_scales(likelihoods, prior, p["label"], p["weight"])
        self.tensors = {**self._templates(p, torch.ones_like(known[known])), "scales": scales, "prior": prior}

    def predict(self, readout: Events) -> Mapping[str, Table]:
        """`prongs.probability` (P, classes)."""
        if self.tensors is None:
            raise InputError("prong likelihoods have no templates yet; call fit(batches), or load(folder), first")
        t = self.tensors
        probability = _probability(_likelihoods(self._bins(readout), t), t["scales"], t["prior"])
        about = {"probability": Column("", "probability of each class", "prediction")}
        return {"prongs": Table({"probability": probability}, readout["prongs"].offsets, about=about)}

    def save(self, folder: Path) -> None:
        """Writes templates and scales into a folder."""
        if self.tensors is None:
            raise InputError("prong likelihoods have nothing to save; call fit(batches) first")
        write_arrays(folder / _FILE, self.tensors, self._about())

    def load(self, folder: Path) -> ProngLikelihood:
        """What `save` wrote, with this one's detector."""
        return replace(self, tensors=read_arrays(folder / _FILE, self._about()))

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
        logs = [
            log_bins(prongs[name].float().clamp(min=0)[:, None], low, high, LOSS_BINS)
            for name, (low, high) in _WHOLE.items()
        ]
        values = {
            "along": loss_bins(profiles.along),
            "back": loss_bins(profiles.back),
            "aside": share_bins(profiles.aside),
            "whole": torch.cat(logs, 1),
        }
        counts = {"along": profiles.sees_along, "back": profiles.sees_back}
        out = {"energy": energy_bins(prongs["energy"])}
        for name, value in values.items():
            out[name] = value.to(torch.uint8)
            out[f"{name} counts"] = counts.get(name, torch.ones_like(value, dtype=torch.bool))
        return out

    def _templates(self, prongs: Mapping[str, Tensor], chosen: Tensor) -> dict[str, Tensor]:
        p = {name: value[chosen] for name, value in prongs.items()}
        rest = p["energy"], p["label"], p["weight"], self.classes
        return {name: log_templates(p[name].long(), p[f"{name} counts"], *rest, n) for name, n in PARTS.items()}


def _likelihoods(prongs: Mapping[str, Tensor], templates: Mapping[str, Tensor]) -> Float[Tensor, "p parts k"]:
    """ln L of each class by each part."""
    energy = prongs["energy"]
    each = [log_likelihood(templates[n], prongs[n].long(), prongs[f"{n} counts"], energy) for n in PARTS]
    return torch.stack(each, 1)


def _probability(likelihoods: Tensor, scales: Tensor, prior: Tensor) -> Float[Tensor, "p k"]:
    return ((likelihoods * scales[:, None]).sum(1) + prior).softmax(1)


def _best_scales(likelihoods: Tensor, prior: Tensor, label: Tensor, weight: Tensor) -> Float[Tensor, " parts"]:
    """Scales of the parts that make the labels most likely, moved one after another."""
    scales = torch.full((likelihoods.shape[1],), 0.5)

    def surprise(values: Tensor) -> float:
        found = _probability(likelihoods, values, prior).gather(1, label[:, None]).squeeze(1)
        return float(-(weight * found.clamp(min=1e-9).log()).sum())

    order: Sequence[int] = list(range(len(scales))) * _ROUNDS
    for i in order:
        candidates = [torch.where(torch.arange(len(scales)) == i, value, scales) for value in _SCALES]
        scales = min(candidates, key=surprise)
    return scales
