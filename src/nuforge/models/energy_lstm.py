"""Energy LSTM: features of slices from the lists of their prongs, for energies."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.models.prong_variables import (
    PRONG_VARIABLES,
    SLICE_VARIABLES,
    in_both_views,
    prong_variables,
    slice_variables,
)
from nuforge.nn.sequences import SequenceLSTM
from nuforge.nn.standard import Standard

_SEEN = ("both", "one")


class EnergyLSTM(nn.Module):
    """Features of events from two lists of prongs, those of both views and those of one, and from sums of the slice.

    Each prong passes dense layers, each list an LSTM; what they end with goes through dense layers together with the
    variables of the slice. Inputs are standardised (`nuforge.nn.standard`), for which NOvA's network has batch norm; it
    also reads scores of prongs, which are not here. The variables of the slice, logarithms of ranges and of energies,
    are among the features as they are, so that what reads them begins with range and calorimetry to a power.

    Args:
        width: Channels of the dense layers.
        layers: Dense layers before and after the LSTMs.
        units: Of each LSTM.
        dropout: Fraction of what a dense layer behind the LSTMs reads that is left out in training.

    Source:
        Torbunov, thesis, University of Minnesota 2021; the network "lstm_v3" of the public code lstm_ee.
    """

    def __init__(self, width: int = 128, layers: int = 3, units: int = 32, dropout: float = 0.0) -> None:
        super().__init__()
        if min(width, layers, units) < 1:
            raise InputError(f"width, layers and units must be at least 1, got {width}, {layers} and {units}")
        self.scales = nn.ModuleDict({seen: Standard(len(PRONG_VARIABLES)) for seen in _SEEN})
        self.before = nn.ModuleDict({seen: _dense([len(PRONG_VARIABLES), *[width] * layers]) for seen in _SEEN})
        self.lists = nn.ModuleDict({seen: SequenceLSTM(width, units) for seen in _SEEN})
        self.standard = Standard(len(SLICE_VARIABLES))
        self.after = _dense([2 * units + len(SLICE_VARIABLES), *[width] * layers], dropout)
        self.features = width + len(SLICE_VARIABLES)

    def forward(self, events: Events) -> Mapping[str, Table]:
        """Features of events.

        Args:
            events: `prongs`, and `event` with the sums of slices and the vertex.

        Returns:
            `event` with features (B, D), one row an event, those without prongs too.
        """
        prongs, variables, n = events["prongs"], prong_variables(events), len(events)
        both = in_both_views(prongs)
        masks = zip(_SEEN, (both, ~both), strict=True)
        states = [self._read(seen, variables, prongs.batch, mask, n) for seen, mask in masks]
        of_slices = self.standard(slice_variables(events))
        features = torch.cat([self.after(torch.cat([*states, of_slices], 1)), of_slices], 1)
        about = {"features": Column("", "features of the network", "prediction")}
        return {"event": Table({"features": features}, torch.arange(n + 1, device=features.device), about=about)}

    def _read(self, seen: str, variables: Tensor, batch: Tensor, mask: Tensor, n_events: int) -> Tensor:
        """The state (B, units) that the LSTM of some prongs ends with."""
        rows = self.before[seen](self.scales[seen](variables[mask]))
        state: Tensor = self.lists[seen](rows, torch.bincount(batch[mask], minlength=n_events))
        return state


def _dense(channels: Sequence[int], dropout: float = 0.0) -> nn.Sequential:
    """Dense layers with ReLU."""
    pairs = itertools.pairwise(channels)
    return nn.Sequential(*(layer for a, b in pairs for layer in (nn.Dropout(dropout), nn.Linear(a, b), nn.ReLU())))
