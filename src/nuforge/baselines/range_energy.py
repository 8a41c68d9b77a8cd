"""Energy of nu_mu: that of the muon from the length of its track, that of the hadrons from what else is visible."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import torch
from torch import Tensor

from nuforge.baselines.labelled import Labelled
from nuforge.baselines.prediction import energy_table
from nuforge.baselines.splines import Spline
from nuforge.errors import InputError
from nuforge.events import Events, Table
from nuforge.models.prong_variables import muon_prong, of_prong

LEPTON, HADRONS, NEUTRINO = "lepton_energy", "hadronic_energy", "neutrino_energy"
_LOSS = 1.5
"""MeV/cm of calibrated energy that a muon with its knock-on electrons has: median of prongs of simulated nu_mu events
beyond their first 40 cm."""
_FILE = "range_energy.json"


@dataclass
class RangeEnergy:
    """The energy of a muon by a spline of track length, plus that of hadrons by a spline of visible energy.

    The muon is the longest prong that looks like one; the hadrons' visible energy is that of the slice without its
    prong, which has no more of it than a muon loses on its way: the rest is of hadrons beside it. The second spline is
    fitted to the neutrino's energy less that of the muon as the first one has it, so that the sum is
    right. Both have the least mean square of relative errors: of the muon's energy, and of the neutrino's.

    Args:
        where: Which events it is fitted on (`nuforge.events.selection`).
        pieces: Of each spline.
        muon: cm to MeV; None until it is fitted.
        hadrons: MeV to MeV; None until it is fitted.

    Source:
        NOvA's nu_mu estimator (Acero et al., Phys. Rev. D 98 (2018) 032012), splines of four straight pieces.
    """

    where: str
    pieces: int = 4
    muon: Spline | None = None
    hadrons: Spline | None = None

    def fit(self, batches: Iterable[Events]) -> None:
        """The splines, from the events that are asked about.

        Raises:
            InputError: If there are too few.
        """
        known = Labelled.of(batches, self.where, (LEPTON, NEUTRINO), _length_and_rest)
        if len(known.weight) <= self.pieces:
            raise InputError(
                f"splines of {self.pieces} pieces need more events with {self.where} than pieces, got "
                f"{len(known.weight)}; give more events"
            )
        (length, rest), lepton, neutrino = known.readout.unbind(1), known.true[LEPTON], known.true[NEUTRINO]
        self.muon = Spline.fitted(length, lepton, lepton, known.weight, self.pieces)
        left = neutrino - self.muon(length)
        self.hadrons = Spline.fitted(rest, left, neutrino, known.weight, self.pieces)

    def predict(self, readout: Events) -> Mapping[str, Table]:
        """`event.reco_lepton_energy`, `reco_hadronic_energy` and their sum `reco_neutrino_energy` (B,), MeV.

        Raises:
            ValueError: If nothing was fitted or loaded.
        """
        if self.muon is None or self.hadrons is None:
            raise ValueError("the energy from range has no splines yet; call fit(batches) or load(folder) first")
        length, rest = _length_and_rest(readout).cpu().unbind(1)
        muon, hadrons = self.muon(length), self.hadrons(rest)
        return energy_table(readout, {LEPTON: muon, HADRONS: hadrons, NEUTRINO: muon + hadrons})

    def save(self, folder: Path) -> None:
        """Writes the splines as JSON."""
        if self.muon is None or self.hadrons is None:
            raise ValueError("the energy from range has no splines to save; call fit(batches) first")
        folder.mkdir(parents=True, exist_ok=True)
        options = {"where": self.where, "pieces": self.pieces}
        said = {**options, "muon": self.muon.as_json(), "hadrons": self.hadrons.as_json()}
        (folder / _FILE).write_text(json.dumps(said, indent=1))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote."""
        said = json.loads((folder / _FILE).read_text())
        return cls(said["where"], said["pieces"], *(Spline.of_json(said[name]) for name in ("muon", "hadrons")))


def _length_and_rest(events: Events) -> Tensor:
    """Length of the muon's prong in cm and calibrated energy of all else in MeV, (B, 2) float64."""
    event, prongs = events["event"], events["prongs"]
    muon = muon_prong(prongs)
    length, energy = (of_prong(prongs[name].double(), muon) for name in ("length", "energy"))
    total = event["energy_x"].double() + event["energy_y"].double()
    rest = (total - torch.minimum(energy, _LOSS * length)).clamp(min=0)
    return torch.stack([length, rest], 1)
