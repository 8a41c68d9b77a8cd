"""The built-in transport against the figures of single particles of another code.

    python benchmarks/transport.py --reference geant4_lar.json [--events 4000] [--json]

The reference is a JSON file {"reference": {particle: {"100 MeV": {figure: {"value", "error", "n"}}}}} with lists for
profiles and a level more for contained fractions. A figure is within if it differs by no more than three combined
standard errors plus an allowance for both models: 3 % of the reference, or .03 for a contained fraction. Figures without
an error are left out, as are particles whose fate is hadronic, of which only the primary's path and deposit of a mu- are
compared.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch

from nuforge.detectors import lartpc_cube
from nuforge.evaluation.single_particles import single_particle_figures
from nuforge.simulation.sources import particle_gun
from nuforge.simulation.transport import transport

PDG = {"e-": 11, "gamma": 22, "mu-": 13, "mu+": -13}
OF_A_CAPTURED_MUON = ("primary_path_cm", "primary_deposit_MeV")
MODEL = 0.03
HALF_RADIATION_LENGTH = 7.0  # cm, the bins of the reference's profile


def reference_figures(figures):
    """Name, value and standard error of every figure that has an error; an entry of a profile is a figure."""
    for name, figure in figures.items():
        if name.startswith("contained"):
            for radius, inner in figure.items():
                yield f"{name} {float(radius):g}", inner["value"], inner["error"]
        elif isinstance(figure, dict) and isinstance(figure.get("error"), list):
            for i, (value, error) in enumerate(zip(figure["value"], figure["error"], strict=True)):
                yield f"{name} {i}", value, error
        elif isinstance(figure, dict) and "error" in figure:
            yield name, figure["value"], figure["error"]


def own_figures(particle, kinetic, events, seed):
    """Value and error by name, and events per second of one thread."""
    detector = lartpc_cube()
    entry = detector.volumes[0].lower[2]
    gun = particle_gun(events, PDG[particle], kinetic, position=(0.0, 0.0, entry + 1e-4))
    begin = time.process_time()
    flown = transport(gun, detector, torch.Generator().manual_seed(seed))
    seconds = time.process_time() - begin
    out = {}
    for name, figure in single_particle_figures(flown, entry, HALF_RADIATION_LENGTH).items():
        values, errors = np.atleast_1d(figure.value), np.atleast_1d(figure.error)
        for i, (value, error) in enumerate(zip(values, errors, strict=True)):
            out[f"{name} {i}" if figure.value.ndim else name] = (float(value), float(error))
    return out, events / seconds


def compare(reference, events, seed):
    """The entries and the speed of each particle and energy."""
    entries, speed = [], {}
    for particle, energies in reference.items():
        if particle not in PDG:
            continue
        for energy, figures in energies.items():
            own, speed[f"{particle} {energy}"] = own_figures(particle, float(energy.split()[0]), events, seed)
            for name, value, error in reference_figures(figures):
                if particle == "mu-" and name not in OF_A_CAPTURED_MUON:
                    continue
                ours, ours_error = own[name]
                allowance = MODEL if name.startswith("contained") else MODEL * abs(value)
                entries.append(
                    {
                        "name": f"{particle} {energy} {name}",
                        "ours": ours,
                        "ours_error": ours_error,
                        "reference": value,
                        "reference_error": error,
                        "allowance": allowance,
                        "within": bool(abs(ours - value) <= 3 * np.hypot(ours_error, error) + allowance),
                    }
                )
    return {"entries": entries, "speed": {name: round(rate, 1) for name, rate in speed.items()}}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reference", type=Path, required=True, help="JSON file of figures")
    parser.add_argument("--events", type=int, default=4000, help="events of each particle and energy")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    torch.set_num_threads(1)
    result = compare(json.loads(options.reference.read_text())["reference"], options.events, options.seed)
    if options.json:
        print(json.dumps(result, indent=1))
    else:
        for entry in result["entries"]:
            mark = " " if entry["within"] else "!"
            ours, theirs = (f"{entry[k]:10.4f} +- {entry[f'{k}_error']:.4f}" for k in ("ours", "reference"))
            print(f"{mark} {entry['name']:86s} {ours}  {theirs}")
        print(f"{sum(e['within'] for e in result['entries'])} of {len(result['entries'])} within", result["speed"])
    return 0 if all(entry["within"] for entry in result["entries"]) else 1


if __name__ == "__main__":
    sys.exit(main())
