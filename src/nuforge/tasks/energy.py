"""Energy: how large is the true energy of each event of one flavour?"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from nuforge.errors import InputError
from nuforge.events import Column, Events, Selection, Table
from nuforge.events.weights import row_weights
from nuforge.metrics.regression import bias, half_width, residual_counts, residual_sums, rms
from nuforge.samples.nova_neutrinos import MODES
from nuforge.tasks.flat_spectrum import FlatSpectrum
from nuforge.tasks.task import Task
from nuforge.tasks.weighing import mean_over
from nuforge.units import GeV

Loss = Literal["absolute", "squared"]
"""Of the relative error: its mean size (the mean absolute percentage error, over 100) or its mean square."""

_SCALE = 0.1  # about the width of (reconstructed - true) / true
_FAR = 6.0  # e-foldings from the mean of the training events that an answer may be away


class Energy(Task):
    """An energy for every event, trained and measured on those of one flavour and in a range of true energy.

    The head adds up ln(energy / E0), where E0 is the geometric mean of the training events, so that energies are
    positive and ln of a calorimetric sum among the features is a first answer. The loss is of (reconstructed - true) /
    true, with weights that make the spectrum of the training events flat, each of them at most `clip` times the
    smallest. What counts in figures is events as they are.

    Figures, of (reconstructed - true) / true: its mean (bias), root mean square (bias and all), mean size and half the
    width of its central 68 %, of all, in bins of true energy and of each interaction mode.

    Args:
        name: Of the energy, as "electron energy"; it stands before the figures.
        features: Channels of the features of `event` that it reads.
        target: Column of `event` with the true energy in MeV.
        flavour: Number in `event.flavour` of the events that are asked about.
        edges: Edges in MeV of the bins of the figures; energies outside of all are not asked about.
        loss: Of relative errors.
        flat: Width in MeV of the bins in which the spectrum is made flat, about; 0 to leave it as it is.
        clip: Largest weight over the smallest. 50: Torbunov's network (lstm_ee), whose bins are 200 MeV wide.

    Source: the loss and the flat spectrum, Baldi et al., Phys. Rev. D 99 (2019) 012011.
    """

    center: Tensor
    of_bin: Tensor
    edges: Tensor

    def __init__(
        self,
        name: str,
        features: int,
        target: str,
        flavour: int,
        edges: Sequence[float],
        loss: Loss = "absolute",
        flat: float = 200.0,
        clip: float = 50.0,
    ) -> None:
        super().__init__()
        if len(edges) < 2 or not edges[0] > 0 or any(a >= b for a, b in itertools.pairwise(edges)):
            raise InputError(f"edges of energies must be positive and rise (MeV), got {list(edges)}; give two at least")
        if flat < 0 or clip < 1:
            raise InputError(
                f"flat must not be negative (MeV) and clip must be 1 at least, got {flat} and {clip}; "
                "200 and 50 are usual"
            )
        self.name, self.target, self.flavour, self.of = name, target, flavour, loss
        self.column = prediction_of(target)
        self.head = nn.Linear(features, 1)
        bins = max(1, round((edges[-1] - edges[0]) / flat)) if flat else 1
        self.register_buffer("center", torch.zeros(()))
        self.spectrum = FlatSpectrum(target, float(edges[0]), float(edges[-1]), bins, clip)
        self.register_buffer("of_bin", torch.ones(bins))
        self.register_buffer("edges", torch.tensor(edges, dtype=torch.float64))
        self._bins = [f"{a / GeV:g}-{b / GeV:g} GeV" for a, b in itertools.pairwise(edges)]
        self.needs = tuple(f"event.{column}" for column in (target, "flavour", "mode"))
        kinds = ["", *(f" of {part}" for part in (*self._bins, *MODES))]
        widths = [f"{name} {figure}{kind}" for figure in ("RMS", "half-width") for kind in kinds]
        self.lower_is_better = (*widths, f"{name} mean absolute error")
        self.neutral = tuple(f"{name} bias{kind}" for kind in kinds)

    @property
    def where(self) -> str:
        """Which events are asked about, as an expression (`nuforge.events.selection`)."""
        low, high = self.spectrum.low, self.spectrum.high
        return f"flavour == {self.flavour} & {self.target} >= {low} & {self.target} < {high}"

    def forward(self, features: Mapping[str, Table]) -> Mapping[str, Table]:
        """The energy (B,) in MeV, from the features of events."""
        rows = features["event"]
        away = self.head(rows["features"]).squeeze(1).float().clamp(-_FAR, _FAR)
        columns = {self.column: torch.exp(self.center + away)}
        return {"event": Table(columns, rows.offsets, about={self.column: energy_column(self.name)})}

    def loss(self, outputs: Mapping[str, Table], events: Events) -> Tensor:
        """Mean size or square of the relative error over what is asked about, spectrum flat; 0 if there is nothing."""
        asked, true = self._asked(events)
        error = torch.where(asked, outputs["event"][self.column].float() / true - 1, 0.0)
        error = (error.abs() if self.of == "absolute" else error.square()) * self.of_bin[self.spectrum.bin_of(true)]
        return mean_over(error, asked, row_weights(events, events["event"].batch))

    def predict(self, outputs: Mapping[str, Table], choice: float | None = None) -> Mapping[str, Table]:
        """The energy (B,) in MeV; there is nothing to choose."""
        return outputs

    def statistics(self, events: Events, prediction: Mapping[str, Table]) -> Mapping[str, Tensor]:
        """Per event, in bins of true energy and for each mode: sums (B, cells, 3) and counts of the relative error."""
        asked, true = self._asked(events)
        guess, n = prediction["event"][self.column].double(), len(events)
        residual = guess / true - 1
        size = residual_sums(residual[asked].abs(), events["event"].batch[asked], n)
        bins = torch.bucketize(true, self.edges, right=True) - 1
        mode = events["event"]["mode"]
        known = asked & (mode >= 0) & (mode < len(MODES))
        statistics = {f"{self.name} size": size}
        for part, rows, cell, k in (("bins", asked, bins, len(self._bins)), ("modes", known, mode, len(MODES))):
            cells = (events["event"].batch * k + cell)[rows]
            statistics[f"{self.name} sums in {part}"] = residual_sums(residual[rows], cells, n * k).view(n, k, 3)
            counts = residual_counts(residual[rows], cells, n * k, _SCALE)
            statistics[f"{self.name} counts in {part}"] = counts.view(n, k, -1)
        return statistics

    def figures(self, sums: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Figures of merit (R,) from statistics summed over events, (R, ...) for R resamplings."""
        parts = {"": (sums[f"{self.name} sums in bins"].sum(-2), sums[f"{self.name} counts in bins"].sum(-2))}
        for part, names in (("bins", self._bins), ("modes", MODES)):
            moments, counts = (sums[f"{self.name} {what} in {part}"] for what in ("sums", "counts"))
            parts |= {f" of {name}": (moments[..., i, :], counts[..., i, :]) for i, name in enumerate(names)}
        figures = {f"{self.name} mean absolute error": bias(sums[f"{self.name} size"])}
        for kind, (moments, counts) in parts.items():
            figures[f"{self.name} bias{kind}"] = bias(moments)
            figures[f"{self.name} RMS{kind}"] = rms(moments)
            figures[f"{self.name} half-width{kind}"] = half_width(counts, _SCALE)
        return figures

    def count(self, events: Events) -> Tensor:
        """Events in bins of the spectrum, and ln of their energy, (B, bins + 1)."""
        asked, true = self._asked(events)
        found = torch.nn.functional.one_hot(self.spectrum.bin_of(true), len(self.of_bin))
        return torch.where(asked[:, None], torch.cat([found, true.log()[:, None]], 1), 0.0)

    def meet(self, counts: Tensor) -> None:
        """The weights of bins that make the spectrum flat, of mean 1 over training events; and their mean ln E."""
        spectrum = counts[:-1].double()
        if not float(spectrum.sum()) > 0:
            raise InputError(f"no training events with {self.where}; give more events, or other edges")
        self.of_bin.copy_(self.spectrum.of_bin(spectrum))
        self.center.copy_(counts[-1] / spectrum.sum())

    def _asked(self, events: Events) -> tuple[Tensor, Tensor]:
        """Which events are asked about (B,), and their true energies (B,) float64 in MeV, that of the others 1."""
        asked = Selection(self.where).mask(events)
        return asked, torch.where(asked, events["event"][self.target].double(), 1.0)


def prediction_of(target: str) -> str:
    """The column of `event` that says what a true energy is thought to be."""
    return f"reco_{target}"


def energy_column(name: str) -> Column:
    """What such a column is."""
    return Column("MeV", f"{name} as reconstructed", "prediction")
