"""The generator of neutrino interactions: speed by step, and cross sections beside what is published.

    python benchmarks/neutrinos.py [--events 100000] [--json benchmarks/results/neutrinos.json]

Speed: charged-current events of muon neutrinos of 0.5 to 5 GeV on argon, one thread, seconds of processor time for a
million events, by step; tables are made before and counted apart. Cross sections are those of the tables.
"""

import argparse
import cProfile
import json
import pstats
import time
from pathlib import Path
from typing import Any

import torch

from nuforge.detectors import box
from nuforge.physics.material import LIQUID_ARGON
from nuforge.physics.neutrino_flux import flat_flux
from nuforge.simulation.sources import neutrinos
from nuforge.simulation.sources.neutrino.generator import rates
from nuforge.simulation.sources.neutrino.modes import NAMES
from nuforge.simulation.sources.neutrino.settings import generator_settings
from nuforge.units import GeV

MILLION = 1_000_000
STEPS = {
    "energies, kinds and nuclei by flux and cross section": ("_drawn",),
    "vertices: nucleons, kinematics, hadrons": ("scatter:channel", "scatter:two_nucleons", "scatter:coherent"),
    "cascade and the nucleus's end": ("leave:inside",),
    "hadrons into the cascade": ("_swarm",),
    "events from particles": ("primaries",),
    "everything": ("neutrinos",),
}
"""Steps by the functions whose time they are."""
ENERGIES = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
UNIT = 1e-38


def speed(events: int) -> dict[str, float]:
    """Seconds of processor time for a million events by step."""
    settings, flux, block = generator_settings("A"), flat_flux(0.5 * GeV, 5 * GeV), box(LIQUID_ARGON, 100.0)
    began = time.process_time()
    rates(14, 18, 40, settings, "charged")
    tables = time.process_time() - began
    generator = torch.Generator().manual_seed(1)
    neutrinos(1000, block, generator, flux, settings, current="charged")
    profile = cProfile.Profile(time.process_time)
    profile.enable()
    neutrinos(events, block, generator, flux, settings, current="charged")
    profile.disable()
    spent = {}
    for (file, _, name), (_, _, _, total, _) in pstats.Stats(profile).stats.items():
        module = file.rsplit("/", 1)[-1].removesuffix(".py")
        for key in (name, f"{name}:{module}"):
            spent[key] = spent.get(key, 0.0) + total
    seconds = {step: sum(spent.get(name, 0.0) for name in names) * MILLION / events for step, names in STEPS.items()}
    return {"tables, once (s)": tables, **seconds}


def cross_sections(pdg: int, settings: str) -> dict[str, list[float]]:
    """Cross sections on carbon (1e-38 cm^2 a nucleon) by mode, at `ENERGIES`, and of all over the energy in GeV."""
    table = rates(pdg, 6, 12, generator_settings(settings), "charged")
    at = torch.tensor(ENERGIES, dtype=torch.float64)
    each = table.by_channel(at * GeV) / 12 / UNIT
    found: dict[str, torch.Tensor] = {}
    for row, channel in enumerate(table.channels):
        name = NAMES[channel.mode]
        found[name] = found.get(name, torch.zeros_like(at)) + each[row]
    found["all over E"] = each.sum(0) / at
    return {name: [round(float(value), 4) for value in values] for name, values in found.items()}


def main(words: list[str] | None = None) -> dict[str, Any]:
    """All figures, as lines and as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--json", type=Path, metavar="FILE", help="where all figures are written as JSON")
    arguments = parser.parse_args(words)
    torch.set_num_threads(1)
    report: dict[str, Any] = {
        "events": arguments.events,
        "seconds a million events": speed(arguments.events),
        "energies in GeV": list(ENERGIES),
        "neutrinos on carbon, A": cross_sections(14, "A"),
        "antineutrinos on carbon, A": cross_sections(-14, "A"),
        "neutrinos on carbon, B": cross_sections(14, "B"),
    }
    for name, part in report.items():
        print(name)
        for key, value in part.items() if isinstance(part, dict) else [("", part)]:
            print(f"  {key}: {value}")
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return report


if __name__ == "__main__":
    main()
