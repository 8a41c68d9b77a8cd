"""The built-in transport against figures of single particles from Geant4, an independent code."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from nuforge.detectors import lartpc_cube
from nuforge.evaluation.single_particles import single_particle_figures
from nuforge.simulation.sources import particle_gun
from nuforge.simulation.transport import transport

REFERENCE = Path(__file__).parents[3] / "shared" / "reference" / "geant4_lar.json"
PDG = {"e-": 11, "gamma": 22, "mu-": 13, "mu+": -13}
ONLY_PRIMARY = ("primary_path_cm", "primary_deposit_MeV")  # of mu-: what a capture leaves behind is hadronic
MODEL = 0.03  # both codes are models: relative, absolute for contained fractions
EVENTS = 1200

CASES = [
    (name, energy)
    for name, energies in {
        "e-": (100, 200),
        "gamma": (100, 200),
        "mu+": (200, 400),
        "mu-": (200, 400),
    }.items()
    for energy in energies
]


def entries(reference):
    """Name, value and error of every figure of the reference that has an error."""
    for name, figure in reference.items():
        if name == "contained_fraction_within_radius_cm":
            for radius, inner in figure.items():
                yield f"{name} {float(radius):g}", np.asarray(inner["value"]), np.asarray(inner["error"])
        elif isinstance(figure, dict) and "error" in figure:
            yield name, np.asarray(figure["value"]), np.asarray(figure["error"])


@pytest.mark.skipif(not REFERENCE.exists(), reason=f"needs {REFERENCE.name} in shared/reference")
@pytest.mark.parametrize(("name", "energy"), CASES)
def test_every_figure_agrees_within_three_errors_and_three_per_cent(name, energy):
    reference = json.loads(REFERENCE.read_text())["reference"][name][f"{energy} MeV"]
    detector = lartpc_cube()
    entry = detector.volumes[0].lower[2]
    gun = particle_gun(EVENTS, PDG[name], float(energy), position=(0.0, 0.0, entry + 1e-4))
    events = transport(gun, detector, torch.Generator().manual_seed(20261122))
    ours = single_particle_figures(events, entry, bin_width=7.0)
    compared = 0
    for figure, value, error in entries(reference):
        if name == "mu-" and figure not in ONLY_PRIMARY:
            continue
        allowance = MODEL if figure.startswith("contained") else MODEL * np.abs(value)
        limit = 3 * np.hypot(error, ours[figure].error) + allowance
        assert (np.abs(ours[figure].value - value) <= limit).all(), (figure, ours[figure].value, value, limit)
        compared += 1
    assert compared >= (2 if name == "mu-" else 5)
