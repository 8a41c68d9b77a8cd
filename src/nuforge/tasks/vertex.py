"""Vertex: where did the neutrino interact?"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nuforge.errors import InputError
from nuforge.events import Column, Events, Selection, Table
from nuforge.events.weights import row_weights
from nuforge.metrics.regression import CENTRAL, half_width, residual_counts, residual_quantile
from nuforge.samples.nova_neutrinos import FLAVOURS, MODES
from nuforge.tasks.task import Task
from nuforge.tasks.weighing import mean_over
from nuforge.units import m

VERTEX = "reco_vertex"
"""The column of `event` with the vertex that a network or a baseline thinks of."""
VERTEX_COLUMN = Column("cm", "where the neutrino interacted, as reconstructed", "prediction")

_SCALE = 5.0  # cm, about the width of a coordinate's error
_AXES = ("x", "y", "z")
_SHARES = {"median": 0.5, "68 %": CENTRAL}


class Vertex(Task):
    """The vertex of every event, trained and measured on neutrinos.

    The head gives metres from a place of the event that the model knows, such as the corner of its pixel map. The loss
    is smooth L1: the square of errors below `beta`, the size of larger ones.

    Figures in cm: median and 68 % quantile of the distance, of all and of each interaction mode; half the width of the
    central 68 % of each coordinate's error.

    Args:
        features: Channels of the features of `event` that it reads.
        beta: Error in cm from which on the loss is linear.
    """

    def __init__(self, features: int, beta: float = 5.0) -> None:
        super().__init__()
        if not beta > 0:
            raise InputError(f"beta must be positive (cm), got {beta}; an error that is small is usual")
        self.name, self.beta = "vertex", beta
        self.where = f"flavour >= 0 & flavour < {FLAVOURS.index('cosmic')}"
        self.head = nn.Linear(features, 3)
        self.needs = ("event.true_vertex", "event.flavour", "event.mode")
        kinds = ("", *(f" of {mode}" for mode in MODES))
        distances = [f"{share} vertex distance{kind}" for share in _SHARES for kind in kinds]
        self.lower_is_better = (*distances, *(f"vertex half-width of {axis}" for axis in _AXES))
        self.units = dict.fromkeys(self.lower_is_better, "cm")

    def forward(self, features: Mapping[str, Table]) -> Mapping[str, Table]:
        """The vertex (B, 3) in cm, from the features of events and the place (B, 3) in cm that they are about."""
        rows = features["event"]
        vertex = rows["place"] + self.head(rows["features"]).float() * m
        return {"event": Table({VERTEX: vertex}, rows.offsets, about={VERTEX: VERTEX_COLUMN})}

    def loss(self, outputs: Mapping[str, Table], events: Events) -> Tensor:
        """Smooth L1 over the error of coordinates, in units of `beta`; 0 if there is no neutrino."""
        asked, true = self._asked(events)
        error = F.smooth_l1_loss(outputs["event"][VERTEX] / self.beta, true / self.beta, reduction="none").sum(1)
        return mean_over(error, asked, row_weights(events, events["event"].batch))

    def predict(self, outputs: Mapping[str, Table], choice: float | None = None) -> Mapping[str, Table]:
        """The vertex (B, 3) in cm; there is nothing to choose."""
        return outputs

    def statistics(self, events: Events, prediction: Mapping[str, Table]) -> Mapping[str, Tensor]:
        """Counts of errors of each event: of the distance (B, bins), in modes (B, M, bins), of x, y, z (B, 3, bins)."""
        asked, true = self._asked(events)
        n, batch, mode = len(events), events["event"].batch, events["event"]["mode"]
        error = prediction["event"][VERTEX].double() - true
        apart = error.norm(dim=1)
        known = asked & (mode >= 0) & (mode < len(MODES))
        axes = (batch[:, None] * 3 + torch.arange(3, device=batch.device))[asked].flatten()
        in_mode = (batch * len(MODES) + mode)[known]
        return {
            "vertex apart": residual_counts(apart[asked], batch[asked], n, _SCALE),
            "vertex modes": residual_counts(apart[known], in_mode, n * len(MODES), _SCALE).view(n, len(MODES), -1),
            "vertex axes": residual_counts(error[asked].flatten(), axes, n * 3, _SCALE).view(n, 3, -1),
        }

    def figures(self, sums: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Figures of merit (R,) from statistics summed over events, (R, ...) for R resamplings."""
        parts = {"": sums["vertex apart"]}
        parts |= {f" of {mode}": sums["vertex modes"][..., i, :] for i, mode in enumerate(MODES)}
        figures = {
            f"{name} vertex distance{kind}": residual_quantile(counts, share, _SCALE)
            for name, share in _SHARES.items()
            for kind, counts in parts.items()
        }
        widths = half_width(sums["vertex axes"], _SCALE)
        return figures | {f"vertex half-width of {axis}": widths[..., i] for i, axis in enumerate(_AXES)}

    def _asked(self, events: Events) -> tuple[Tensor, Tensor]:
        """Which events are neutrinos (B,), and their vertices (B, 3) in cm, that of the others 0."""
        asked = Selection(self.where).mask(events)
        return asked, torch.where(asked[:, None], events["event"]["true_vertex"], 0.0)
