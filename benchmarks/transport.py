"""The built-in transport against the figures of single particles of another code.

    python benchmarks/transport.py --reference geant4_lar.json [--events 4000] [--json]

The reference is a JSON file {"reference": {particle: {"100 MeV": {figure: {"value", "error", "n"}}}}} (see
`nuforge.evaluation.references`). Particles whose fate is hadronic are left out; of a mu-, which may be captured, only
the path and the deposit of the primary are compared.
"""

import argparse
import json
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import torch

from nuforge.detectors import lartpc_cube
from nuforge.evaluation.references import compared
from nuforge.evaluation.single_particles import single_particle_figures
from nuforge.simulation.sources import particle_gun
from nuforge.simulation.transport import transport

PDG = {"e-": 11, "gamma": 22, "mu-": 13, "mu+": -13}
OF_A_CAPTURED_MUON = ("primary_path_cm", "primary_deposit_MeV")
HALF_RADIATION_LENGTH = 7.0  # cm, the bins of the reference's profile


def own_figures(particle, kinetic, events, seed):
    """Our figures of a particle of kinetic energy (MeV), and events a second of one thread."""
    detector = lartpc_cube()
    entry = detector.volumes[0].lower[2]
    gun = particle_gun(events, PDG[particle], kinetic, position=(0.0, 0.0, entry + 1e-4))
    begin = time.process_time()
    flown = transport(gun, detector, torch.Generator().manual_seed(seed))
    seconds = time.process_time() - begin
    return single_particle_figures(flown, entry, HALF_RADIATION_LENGTH), events / seconds


def compare(reference, events, seed):
    """The entries, and the speed for each particle and energy."""
    entries, speed = [], {}
    for particle in PDG.keys() & reference.keys():
        for energy, figures in reference[particle].items():
            case = f"{particle} {energy}"
            own, rate = own_figures(particle, float(energy.split()[0]), events, seed)
            speed[case] = round(rate, 1)
            if particle == "mu-":
                figures = {name: figures[name] for name in OF_A_CAPTURED_MUON}
            entries += [asdict(replace(entry, name=f"{case} {entry.name}")) for entry in compared(own, figures)]
    return {"entries": sorted(entries, key=lambda entry: entry["name"]), "speed": speed}


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
