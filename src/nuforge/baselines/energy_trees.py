"""Gradient-boosted trees on the variables of prongs and slices: the classical regression that learns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from nuforge.baselines.forest import grow_regression, sample_weight
from nuforge.baselines.forest_files import Grown
from nuforge.baselines.labelled import Labelled
from nuforge.baselines.prediction import energy_table
from nuforge.errors import InputError
from nuforge.events import Events, Table
from nuforge.models.prong_variables import (
    PRONG_VARIABLES,
    SLICE_VARIABLES,
    muon_prong,
    prong_variables,
    slice_variables,
)
from nuforge.tasks.flat_spectrum import FlatSpectrum

_PRONGS = 4
"""Prongs whose variables are given: those of most energy; that of the muon comes beside them."""


@dataclass
class EnergyTrees(Grown):
    """Histogram gradient boosting (scikit-learn) of ln of the energy, on what `EnergyLSTM` reads.

    Args:
        targets: Columns of `event` with the true energies, in MeV.
        where: Which events they are grown on (`nuforge.events.selection`).
        spectrum: What is made flat by weights of the events it is fitted on; None to leave them as they are.
        rounds: Rounds of boosting, one tree per target each.
        leaves: Leaves of a tree.
        learning_rate: What part of each tree is taken.
        seed: Of scikit-learn.
    """

    targets: Sequence[str]
    where: str
    spectrum: FlatSpectrum | None = None
    rounds: int = 300
    leaves: int = 12
    learning_rate: float = 0.05
    seed: int = 0
    features: ClassVar[Sequence[str]] = (
        *SLICE_VARIABLES,
        *(f"{name} of the muon's prong" for name in PRONG_VARIABLES),
        *(f"{name} of prong {i + 1}" for i in range(_PRONGS) for name in PRONG_VARIABLES),
    )

    def __post_init__(self) -> None:
        given: object = self.spectrum
        if isinstance(given, Mapping):  # as it was kept
            self.spectrum = FlatSpectrum(**given)

    def fit(self, batches: Iterable[Events]) -> None:
        """Grow the trees, from the events that are asked about.

        Raises:
            InputError: If there are none.
        """
        known = Labelled.of(batches, self.where, self.targets, _variables).flattened(self.spectrum)
        if not len(known.weight):
            raise InputError(f"boosted trees need events with {self.where}, got none; give more events")
        self.forest = grow_regression(
            known.readout.numpy().astype(np.float32),
            np.stack([known.true[target].log().numpy() for target in self.targets], 1),
            rounds=self.rounds,
            leaves=self.leaves,
            learning_rate=self.learning_rate,
            seed=self.seed,
            weight=sample_weight(known.weight.numpy()),
        )

    def predict(self, readout: Events) -> Mapping[str, Table]:
        """`event.reco_` and the name of each target (B,), MeV.

        Raises:
            ValueError: If nothing was fitted or loaded.
        """
        scores = torch.from_numpy(self.grown().scores(_variables(readout).cpu().numpy()))
        return energy_table(readout, {target: scores[:, i].exp() for i, target in enumerate(self.targets)})


def _variables(events: Events) -> Tensor:
    """The features (B, F) float32; those of prongs that are not there are 0."""
    prongs, of_prongs = events["prongs"], prong_variables(events)
    rank = torch.arange(_PRONGS, device=of_prongs.device)
    place = torch.where(rank < prongs.counts[:, None], prongs.offsets[:-1, None] + rank, -1)
    rows = torch.cat([muon_prong(prongs)[:, None], place], 1)
    chosen = torch.cat([of_prongs, of_prongs.new_zeros(1, of_prongs.shape[1])])[rows]
    return torch.cat([slice_variables(events), chosen.flatten(1)], 1)
