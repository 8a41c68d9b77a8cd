"""The built-in transport against figures of single particles from Geant4, an independent code."""

import json
from pathlib import Path

import pytest
import torch

from nuforge.detectors import lartpc_cube
from nuforge.evaluation.references import compared
from nuforge.evaluation.single_particles import single_particle_figures
from nuforge.simulation.sources import particle_gun
from nuforge.simulation.transport import transport

REFERENCE = Path(__file__).parents[3] / "shared" / "reference" / "geant4_lar.json"
EVENTS = 1200
OF_A_CAPTURED_MUON = ("primary_path_cm", "primary_deposit_MeV")  # the rest of a mu- is hadronic

CASES = [
    ("e-", 11, 100),
    ("e-", 11, 200),
    ("gamma", 22, 100),
    ("gamma", 22, 200),
    ("mu+", -13, 200),
    ("mu+", -13, 400),
    ("mu-", 13, 200),
    ("mu-", 13, 400),
]

pytestmark = pytest.mark.usefixtures("transport_path")


@pytest.mark.skipif(not REFERENCE.exists(), reason=f"needs ../shared/reference/{REFERENCE.name}")
@pytest.mark.parametrize(("name", "pdg", "energy"), CASES)
def test_every_figure_agrees_within_three_errors_and_three_per_cent(name, pdg, energy):
    reference = json.loads(REFERENCE.read_text())["reference"][name][f"{energy} MeV"]
    if name == "mu-":
        reference = {figure: reference[figure] for figure in OF_A_CAPTURED_MUON}
    detector = lartpc_cube()
    entry = detector.volumes[0].lower[2]
    gun = particle_gun(EVENTS, pdg, float(energy), position=(0.0, 0.0, entry + 1e-4))
    events = transport(gun, detector, torch.Generator().manual_seed(20261122))
    entries = list(compared(single_particle_figures(events, entry, bin_width=7.0), reference))
    assert len(entries) == {"e-": 34, "gamma": 36, "mu+": 5, "mu-": 2}[name]
    assert [e for e in entries if not e.within] == []
