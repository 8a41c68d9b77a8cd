"""A detector like NOvA's far one beside published figures: muons, electrons, cosmic muons, vertices, speed.

    python benchmarks/nova_detector.py [--events 200] [--seed 1] [--json out.json]

Particles start in the middle of the detector along the beam, unless said otherwise, and nothing else happens: an event
is one slice. Speeds are events per second of processor time of one thread, without start-up.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from nuforge.detectors import nova_far
from nuforge.events import Events
from nuforge.simulation.cells import calibrate, find_prongs, find_vertex, pixel_maps, slice_hits, true_slice
from nuforge.simulation.response.scintillation import loss_in_scintillator
from nuforge.simulation.response.segmented import respond
from nuforge.simulation.sources import cosmic_rate, particle_gun
from nuforge.simulation.transport import transport
from nuforge.units import Hz

DETECTOR = nova_far()
MIDDLE = (2.0, 1.0, 2000.0)


def flown(pdg: int, kinetic: float, n: int, generator: torch.Generator, place: tuple[float, float, float]) -> Events:
    """What particles deposit that fly along the beam."""
    gun = particle_gun(n, pdg, kinetic, place, (0.03, 0.02, 1.0))
    return transport(gun, DETECTOR, generator, step=1.0, threshold=0.5, photon_threshold=0.1)


def seen(deposited: Events, generator: torch.Generator) -> Events:
    """The slice of each event, with energies."""
    return calibrate(true_slice(slice_hits(respond(deposited, DETECTOR, generator), DETECTOR)), DETECTOR)


def muons(n: int, generator: torch.Generator) -> dict[str, float]:
    """Muons of 2 GeV that cross planes at the far end, in the middle and at the near end of upright cells."""
    figures = {}
    for name, y in (("far end", -690.0), ("middle", 0.0), ("near end", 690.0)):
        events = seen(flown(13, 2000.0, n // 4, generator, (2.0, y, 2000.0)), generator)
        hits = events["hits"]
        upright = (hits["view"] == 0) & (hits["plane"] < 2000 / 6.6 + 60) & (hits["energy"] < 25)
        figures[f"pe of a muon at the {name}"] = float(hits["charge"][upright].mean())
        figures[f"MeV of a muon at the {name}"] = float(hits["energy"][upright].median())
    stopping = flown(13, 1000.0, n // 4, generator, MIDDLE)
    segments = stopping["segments"]
    ends = torch.zeros(len(stopping)).scatter_reduce(0, segments.batch, segments["end"][:, 2], "amax")
    figures["range of muons of 1 GeV, cm"] = float((ends - MIDDLE[2]).median())
    return figures


def electrons(n: int, generator: torch.Generator) -> dict[str, float]:
    """Electrons of 0.5 to 3 GeV: hits, resolution, depth, breadth."""
    figures, resolutions = {}, []
    for kinetic in (500.0, 1000.0, 2000.0, 3000.0):
        deposited = flown(11, kinetic, n, generator, MIDDLE)
        events = seen(deposited, generator)
        hits = events["hits"]
        energy = torch.zeros(n).index_add_(0, hits.batch, hits["energy"])
        resolution = float(energy.std() / energy.mean())
        resolutions.append(resolution * (kinetic / 1000) ** 0.5)
        figures[f"resolution of electrons of {kinetic / 1000:g} GeV, %"] = 100 * resolution
        figures[f"calibrated share of electrons of {kinetic / 1000:g} GeV"] = float(energy.mean()) / kinetic
        if kinetic == 2000.0:
            figures["hits of an electron of 2 GeV"] = float(hits.counts.double().mean())
            figures |= shape(deposited)
    figures["stochastic term of electrons, % sqrt(GeV)"] = 100 * sum(resolutions) / len(resolutions)
    return figures


def shape(deposited: Events) -> dict[str, float]:
    """Breadth and depth of showers, from what they deposit."""
    segments = deposited["segments"]
    axis = torch.nn.functional.normalize(torch.tensor([0.03, 0.02, 1.0]), dim=0)
    way = 0.5 * (segments["start"] + segments["end"]) - torch.tensor(MIDDLE)
    along = way @ axis
    aside = (way - along[:, None] * axis).norm(dim=1)
    energy = segments["energy"].double()
    depth = torch.histogram(along.double(), bins=60, range=(0.0, 600.0), weight=energy)[0]
    return {
        "radius with 90 % of a shower, cm": quantile(aside, energy, 0.9),
        "depth of the maximum at 2 GeV, cm": 10.0 * int(depth.argmax()) + 5,
    }


def quantile(value: Tensor, weight: Tensor, share: float) -> float:
    """The value below which a share of the weight is."""
    order = value.argsort()
    total = weight[order].cumsum(0)
    return float(value[order][int(torch.searchsorted(total, share * total[-1]))])


def speeds(n: int, generator: torch.Generator) -> dict[str, float]:
    """Milliseconds of an electron of 2 GeV, step by step."""
    steps: dict[str, Callable[[Events], Events]] = {
        "transport": lambda e: transport(e, DETECTOR, generator, step=1.0, threshold=0.5, photon_threshold=0.1),
        "response": lambda e: respond(e, DETECTOR, generator),
        "slices": lambda e: true_slice(slice_hits(e, DETECTOR)),
        "energies and maps": lambda e: pixel_maps(calibrate(e, DETECTOR), DETECTOR),
        "vertices": lambda e: find_vertex(e, DETECTOR),
        "prongs": lambda e: find_prongs(e, DETECTOR),
    }
    spent = dict.fromkeys(steps, 0.0)
    for _ in range(2):  # the first time fills tables
        events = particle_gun(n, 11, 2000.0, MIDDLE, (0.03, 0.02, 1.0))
        for name, step in steps.items():
            begin = time.process_time()
            events = step(events)
            spent[name] = 1e3 * (time.process_time() - begin) / n
    return {f"ms of an electron of 2 GeV: {name}": value for name, value in spent.items()}


def main(words: list[str] | None = None) -> dict[str, float]:
    """All figures, as lines or as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args(words)
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(chosen.seed)
    material = DETECTOR.material
    figures = {
        "density, g/cm^3": material.density,
        "radiation length, cm": material.radiation_length,
        "share of the volume that is scintillator": DETECTOR.readout.active_share,
        "loss in scintillator over that in the average": loss_in_scintillator(DETECTOR.medium),
        "cosmic muons in the open, kHz": cosmic_rate(DETECTOR, 0.0) / Hz / 1e3,
        "cosmic muons under the roof, kHz": cosmic_rate(DETECTOR) / Hz / 1e3,
        **muons(chosen.events, generator),
        **electrons(chosen.events, generator),
        **speeds(chosen.events, generator),
    }
    for name, value in figures.items():
        print(f"{name}: {value:.4g}")
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return figures


if __name__ == "__main__":
    main()
