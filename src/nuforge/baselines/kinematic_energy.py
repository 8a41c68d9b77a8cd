"""Kinematic energy of nu_e: a quadratic form of the visible energies of the shower and of the rest."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import torch
from torch import Tensor

from nuforge.baselines.labelled import Labelled
from nuforge.baselines.prediction import energy_table
from nuforge.baselines.splines import relative_fit
from nuforge.errors import InputError
from nuforge.events import Events, Table
from nuforge.models.prong_variables import of_prong, prong_of_most
from nuforge.tasks.flat_spectrum import FlatSpectrum

_FILE = "kinematic_energy.json"


@dataclass
class KinematicEnergy:
    """E = a E_em + b E_had + c E_em^2 + d E_had^2, fitted to the training events for each target.

    E_em is the calibrated energy of the prong with most of it, E_had that of the rest of the slice. The fit has the
    least mean square of (reconstructed - true) / true.

    Args:
        targets: Columns of `event` with the true energies, in MeV.
        where: Which events it is fitted on (`nuforge.events.selection`).
        spectrum: What is made flat by weights of the events it is fitted on; None to leave them as they are.
        coefficients: a, b in 1 and c, d in 1/MeV, by target; empty until they are fitted.

    Source:
        Baldi et al., Phys. Rev. D 99 (2019) 012011, equation 1.
    """

    targets: Sequence[str]
    where: str
    spectrum: FlatSpectrum | None = None
    coefficients: dict[str, Tensor] = field(default_factory=dict)

    def fit(self, batches: Iterable[Events]) -> None:
        """The coefficients, from the events that are asked about.

        Raises:
            InputError: If there are fewer than coefficients.
        """
        known = Labelled.of(batches, self.where, self.targets, _terms).flattened(self.spectrum)
        if len(known.weight) < known.readout.shape[1]:
            raise InputError(
                f"a quadratic form of four terms needs four events with {self.where} at least, got "
                f"{len(known.weight)}; give more events"
            )
        for target, true in known.true.items():
            self.coefficients[target] = relative_fit(known.readout, true, true, known.weight)

    def predict(self, readout: Events) -> Mapping[str, Table]:
        """`event.reco_` and the name of each target (B,), MeV.

        Raises:
            ValueError: If nothing was fitted or loaded.
        """
        if not self.coefficients:
            raise ValueError("the kinematic energy has no coefficients yet; call fit(batches) or load(folder) first")
        terms = _terms(readout).cpu()
        return energy_table(readout, {target: terms @ c for target, c in self.coefficients.items()})

    def save(self, folder: Path) -> None:
        """Writes the coefficients as JSON."""
        folder.mkdir(parents=True, exist_ok=True)
        said = {"where": self.where, "coefficients": {name: c.tolist() for name, c in self.coefficients.items()}}
        (folder / _FILE).write_text(json.dumps(said, indent=1))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote."""
        said = json.loads((folder / _FILE).read_text())
        fitted = {name: torch.tensor(c, dtype=torch.float64) for name, c in said["coefficients"].items()}
        return cls(tuple(fitted), said["where"], coefficients=fitted)


def visible_energies(events: Events) -> tuple[Tensor, Tensor]:
    """Calibrated energies (B,), (B,) float64 MeV of the prong with most of it and of the rest of the slice."""
    event, prongs = events["event"], events["prongs"]
    energy = prongs["energy"].double()
    shower = of_prong(energy, prong_of_most(prongs, energy))
    return shower, (event["energy_x"].double() + event["energy_y"].double() - shower).clamp(min=0)


def _terms(events: Events) -> Tensor:
    """What the form is made of (B, 4)."""
    shower, rest = visible_energies(events)
    return torch.stack([shower, rest, shower.square(), rest.square()], 1)
