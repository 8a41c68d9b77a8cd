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
from nuforge.tasks.flat_spectrum import FlatSpectrum

LEPTON, HADRONS, NEUTRINO = "lepton_energy", "hadronic_energy", "neutrino_energy"
PIECES = 4
"""Of a spline, as published."""
TOLERANCE = 0.1
"""Of the muon's energy, three times its resolution: what is farther off is no muon's track, or not all of one."""
_FILE, _SPLINES = "range_energy.json", ("muon", "rest", "hadrons")


@dataclass
class RangeEnergy:
    """The energy of a muon by a spline of track length, plus that of hadrons by a spline of visible energy.

    The muon's track is followed through the slice (`muon_tracks`); the hadrons' visible energy is what the slice has
    besides. The first spline is that of most muons: tracks of something else and of muons that decay in flight
    count little. The second is fitted to the neutrino's energy less that of the muon as the first one has it,
    so that the sum is right; a third one to the energy of the hadrons itself, which has another optimum where it is
    small. These have the least mean square of relative errors, of the neutrino's energy and of the hadrons'.

    Args:
        where: Which events it is fitted on (`nuforge.events.selection`).
        spectrum: What is made flat by weights of the events it is fitted on; None to leave them as they are.
        pieces: Of each spline.
        muon: cm to MeV; None until it is fitted.
        rest: What is left of the neutrino's energy, MeV to MeV; None until it is fitted.
        hadrons: Energy of the hadrons, MeV to MeV; None until it is fitted.

    Source:
        NOvA's nu_mu estimator (Acero et al., Phys. Rev. D 98 (2018) 032012), splines of four straight pieces.
    """

    where: str
    spectrum: FlatSpectrum | None = None
    pieces: int = PIECES
    muon: Spline | None = None
    rest: Spline | None = None
    hadrons: Spline | None = None

    def fit(self, batches: Iterable[Events]) -> None:
        """The splines, from the events that are asked about.

        Raises:
            InputError: If there are too few.
        """
        known = Labelled.of(batches, self.where, (LEPTON, HADRONS, NEUTRINO), _length_and_rest).flattened(self.spectrum)
        if len(known.weight) <= self.pieces:
            raise InputError(
                f"splines of {self.pieces} pieces need more events with {self.where} than pieces, got "
                f"{len(known.weight)}; give more events"
            )
        (length, visible), weight = known.readout.unbind(1), known.weight
        lepton, hadrons, neutrino = (known.true[name] for name in (LEPTON, HADRONS, NEUTRINO))
        self.muon = Spline.fitted(length, lepton, lepton, weight, self.pieces, TOLERANCE)
        self.rest = Spline.fitted(visible, neutrino - self.muon(length), neutrino, weight, self.pieces)
        self.hadrons = Spline.fitted(visible, hadrons, hadrons, weight, self.pieces)

    def predict(self, readout: Events) -> Mapping[str, Table]:
        """`event.reco_lepton_energy`, `reco_hadronic_energy` and `reco_neutrino_energy` (B,), MeV.

        Raises:
            ValueError: If nothing was fitted or loaded.
        """
        muon, rest, hadrons = self._fitted()
        length, visible = _length_and_rest(readout).cpu().unbind(1)
        lepton = muon(length)
        energies = {LEPTON: lepton, HADRONS: hadrons(visible), NEUTRINO: lepton + rest(visible)}
        return energy_table(readout, energies)

    def _fitted(self) -> tuple[Spline, Spline, Spline]:
        """The splines of the muon, of the rest and of the hadrons."""
        if self.muon is None or self.rest is None or self.hadrons is None:
            raise ValueError("the energy from range has no splines yet; call fit(batches) or load(folder) first")
        return self.muon, self.rest, self.hadrons

    def save(self, folder: Path) -> None:
        """Writes the splines as JSON.

        Raises:
            ValueError: If nothing was fitted.
        """
        splines = {name: spline.as_json() for name, spline in zip(_SPLINES, self._fitted(), strict=True)}
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _FILE).write_text(json.dumps({"where": self.where, "pieces": self.pieces, **splines}, indent=1))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote."""
        said = json.loads((folder / _FILE).read_text())
        muon, rest, hadrons = (Spline.of_json(said[name]) for name in _SPLINES)
        return cls(said["where"], pieces=said["pieces"], muon=muon, rest=rest, hadrons=hadrons)


def _length_and_rest(events: Events) -> Tensor:
    """Length of the muon's track in cm and calibrated energy of all else in MeV, (B, 2) float64."""
    event = events["event"]
    total = event["energy_x"].double() + event["energy_y"].double()
    return torch.stack([event["track_length"].double(), (total - event["track_energy"].double()).clamp(min=0)], 1)
