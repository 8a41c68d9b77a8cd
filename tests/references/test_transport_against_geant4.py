"""The built-in transport against figures of single particles from Geant4, an independent code."""

import json
from pathlib import Path

import pytest
import torch

from nuforge.detectors import lartpc_cube
from nuforge.evaluation.references import compared, missing
from nuforge.evaluation.single_particles import single_particle_figures
from nuforge.simulation.sources import particle_gun
from nuforge.simulation.transport import transport

REFERENCE = Path(__file__).parents[3] / "shared" / "reference" / "geant4_lar.json"
EVENTS = {"torch": 700, "compiled": 3000}
PDG = {"e-": 11, "gamma": 22, "mu-": 13, "mu+": -13, "proton": 2212, "pi+": 211}
FIGURES = {"e-": 34, "gamma": 36, "mu-": 5, "mu+": 5, "proton": 4, "pi+": 4}


@pytest.mark.skipif(not REFERENCE.exists(), reason=f"needs ../shared/reference/{REFERENCE.name}")
@pytest.mark.parametrize("name", PDG)
def test_every_figure_agrees_within_three_errors_and_three_per_cent(name, transport_path):
    cases = json.loads(REFERENCE.read_text())["reference"][name]
    detector = lartpc_cube()
    entry = detector.volumes[0].lower[2]
    assert len(cases) == 2
    for energy, reference in cases.items():
        gun = particle_gun(
            EVENTS[transport_path], PDG[name], float(energy.split()[0]), position=(0.0, 0.0, entry + 1e-4)
        )
        events = transport(gun, detector, torch.Generator().manual_seed(20261122))
        own = single_particle_figures(events, entry, bin_width=7.0)
        assert missing(own, reference) == []
        entries = list(compared(own, reference))
        assert len(entries) == FIGURES[name]
        assert [(energy, e) for e in entries if not e.within] == []
