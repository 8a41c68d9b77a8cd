"""The built-in transport beside Geant4: figures of single particles, spectra of secondaries, speed.

    python benchmarks/transport.py [--reference geant4_lar.json] [--medium argon] [--events 4000] [--json]

With a reference its figures are compared, a JSON file {"reference": {particle: {"100 MeV": {figure: {"value", "error",
"n"}}}}} (see `nuforge.evaluation.references`); without one those of `CASES`, with what the Geant4 engine gives for the
same primaries. Spectra and the speed of Geant4 need the engine (`pip install 'nuforge[geant4]'`); without it they are
left out. Speeds are events per second of processor time, without start-up. What is at work is said on standard error.
"""

import argparse
import importlib.util
import json
import math
import re
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from nuforge.detectors import Block, Detector, box, lartpc_cube
from nuforge.evaluation.references import compared, missing
from nuforge.evaluation.secondaries import EDGES, deposits_by_kind, secondary_figures, secondary_spectra
from nuforge.evaluation.single_particles import RADII, single_particle_figures
from nuforge.events import Events
from nuforge.physics.material import Material
from nuforge.physics.media import WATER, xenon_gas
from nuforge.simulation.sources import particle_bomb, particle_gun
from nuforge.simulation.transport import transport
from nuforge.units import GeV, MeV

PDG = {
    "e-": 11,
    "e+": -11,
    "gamma": 22,
    "mu-": 13,
    "mu+": -13,
    "pi+": 211,
    "pi-": -211,
    "kaon+": 321,
    "K+": 321,
    "kaon-": -321,
    "K-": -321,
    "proton": 2212,
    "p": 2212,
    "neutron": 2112,
    "n": 2112,
}
HADRONIC = ("mu-", "proton", "neutron", "pi+", "pi-")
"""Of these the secondaries are compared."""
CASES = {
    "e-": (100, 200),
    "gamma": (100, 200),
    "mu-": (50, 200),
    "mu+": (200,),
    "proton": (100, 200, 400),
    "pi+": (100, 200, 400),
    "pi-": (50, 100, 200),
    "neutron": (5, 20, 100),
}
"""Kinetic energies in MeV."""
OF_ARGON = 14.0  # cm, the radiation length to which steps, radii and bins belong
CUT = 0.07 * 1.396  # g/cm^2: Geant4's usual cut in liquid argon
STARTS = 3  # of Geant4, to know what one costs
WITHOUT = "Geant4 is left out, geant4-pybind is not installed: pip install 'nuforge[geant4]' (Linux on x86-64 only)"


@dataclass(frozen=True)
class Place:
    """Where particles fly, and lengths (cm) in units of `scale`, as in liquid argon for 1."""

    detector: Detector | Block
    scale: float

    @property
    def entry(self) -> float:
        """z of the face where they enter."""
        return self.detector.volumes[0].lower[2]

    @property
    def step(self) -> float:
        """The longest step."""
        return 0.3 * self.scale

    @property
    def cut(self) -> float:
        """Geant4's cut: the range of the electrons (0.3 MeV) that both engines do not make but deposit."""
        return CUT / self.detector.material.density

    def gun(self, events: int, particle: str, kinetic: float) -> Events:
        """Particles that enter along the axis."""
        return particle_gun(events, PDG[particle], kinetic, position=(0.0, 0.0, self.entry + 1e-4 * self.scale))

    def figures(self, flown: Events) -> dict:
        """Figures of single particles."""
        radii = [radius * self.scale for radius in RADII]
        return single_particle_figures(flown, self.entry, OF_ARGON / 2 * self.scale, radii)


def cube(material: Material) -> Place:
    """A cube of a material, as many radiation lengths as that of argon has."""
    scale = material.radiation_length / OF_ARGON
    return Place(box(material, 230.4 * scale), scale)


MEDIA: dict[str, Callable[[], Place]] = {
    "argon": lambda: Place(lartpc_cube(), 1.0),
    "water": lambda: cube(WATER),
    "xenon": lambda: cube(xenon_gas()),
}
"""Liquid argon, water, gaseous xenon at 10 bar."""


@dataclass
class Engines:
    """Both engines at work in a place. Rates of Geant4 that its start hides are NaN."""

    place: Place
    events: int
    geant4_events: int
    seed: int

    def __post_init__(self):
        self.has_geant4 = importlib.util.find_spec("geant4_pybind") is not None
        self._started = {}

    def own(self, flying):
        """What the built-in transport makes, and events per second."""
        if "own" not in self._started:
            self._own(flying[:1])  # tables are made
            self._started["own"] = 0.0
        return self._timed("own", flying, self._own)

    def geant4(self, flying, record=True):
        """What Geant4 makes, and events per second without what it needs to begin."""
        engine = f"geant4 {record}"
        if engine not in self._started:
            begin = processor_time()
            for _ in range(STARTS):
                self._geant4(flying[:1], record)
            self._started[engine] = (processor_time() - begin) / STARTS
        return self._timed(engine, flying, lambda some: self._geant4(some, record))

    def _own(self, flying):
        return transport(flying, *self._where(), step=self.place.step)

    def _geant4(self, flying, record):
        from nuforge.simulation.transport import transport_geant4

        return transport_geant4(flying, *self._where(), cut=self.place.cut, step=self.place.step, record=record)

    def _where(self):
        return self.place.detector, torch.Generator().manual_seed(self.seed)

    def _timed(self, engine, flying, fly):
        begin = processor_time()
        flown = fly(flying)
        seconds = processor_time() - begin - self._started[engine]
        return flown, len(flying) / seconds if seconds > 2 * self._started[engine] else math.nan


def processor_time():
    """Seconds of this process and of those that it started and that have ended."""
    of_others = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + of_others.ru_utime + of_others.ru_stime


def compare(engines: Engines, reference):
    """Entries, figures and spectra of secondaries, and speeds."""
    result = {"entries": [], "secondaries": [], "spectra": {"edges_MeV": numbers(EDGES)}, "speed": {}}
    given = {(p, kinetic_energy(e)): f for p, energies in (reference or {}).items() for e, f in energies.items()}
    cases = list(given) if reference else []
    if engines.has_geant4 or not reference:
        cases += [(p, float(e)) for p, energies in CASES.items() for e in energies if (p, float(e)) not in given]
    for particle, kinetic in cases:
        case = f"{particle} {kinetic:g} MeV"
        if particle not in PDG:
            print(f"{case} is left out: not one of {', '.join(PDG)}", file=sys.stderr)
            continue
        print(case, file=sys.stderr, flush=True)
        own, rate = engines.own(engines.place.gun(engines.events, particle, kinetic))
        figures, speed = engines.place.figures(own), {"ours": rate}
        if engines.has_geant4:
            gun = engines.place.gun(engines.geant4_events, particle, kinetic)
            theirs, speed["geant4"] = engines.geant4(gun)
            _, speed["geant4_without_recording"] = engines.geant4(gun, record=False)
            if not reference:
                given[particle, kinetic] = as_reference(engines.place.figures(theirs))
            if particle in HADRONIC:
                result["secondaries"] += secondaries(case, own, theirs)
                result["spectra"][case] = spectra(own, theirs)
        result["entries"] += entries(case, figures, given.get((particle, kinetic), {}))
        result["speed"][case] = rates(speed)
    result["speed"]["particle bomb"] = speed_of_bombs(engines)
    return result


def speed_of_bombs(engines):
    """Events per second for events of many particles, of which Geant4 flies the first."""
    bombs = particle_bomb(engines.events, engines.place.detector, torch.Generator().manual_seed(engines.seed))
    speed = {"ours": engines.own(bombs)[1]}
    bombs = bombs[: engines.geant4_events]
    if engines.has_geant4:
        speed["geant4"] = engines.geant4(bombs)[1]
        speed["geant4_without_recording"] = engines.geant4(bombs, record=False)[1]
    return rates(speed)


def rates(speed):
    """Rates as JSON has them, without those that are not known."""
    return {name: round(value, 1) for name, value in speed.items() if math.isfinite(value)}


def kinetic_energy(text):
    """MeV of a text such as "100 MeV"."""
    value, unit = text.split()
    return float(value) * {"MeV": MeV, "GeV": GeV}[unit]


def entries(case, own, reference):
    """Entries as JSON has them; what is missing here is said."""
    for name in missing(own, reference):
        print(f"{case} {name} is left out: no such figure of ours", file=sys.stderr)
    return [asdict(replace(entry, name=f"{case} {entry.name}")) for entry in compared(own, reference)]


def as_reference(figures):
    """Figures as a reference has them."""
    return {name: {"value": figure.value.tolist(), "error": figure.error.tolist()} for name, figure in figures.items()}


def secondaries(case, own, theirs):
    """Deposits by kind of particle; numbers and energies of secondaries, of the first interaction and of all.

    What neither has is left out.
    """
    both = [
        (f"{case}", deposits_by_kind(own), deposits_by_kind(theirs)),
        (f"{case} first interaction", secondary_figures(own, True), secondary_figures(theirs, True)),
        (f"{case} all", secondary_figures(own), secondary_figures(theirs)),
    ]
    found = [entry for name, ours, other in both for entry in entries(name, ours, as_reference(other))]
    return [entry for entry in found if entry["ours"] or entry["reference"]]


def spectra(own, theirs):
    """Secondaries per event in bins of kinetic energy, of the first interaction and of all, by kind."""
    out = {}
    for name, first in (("first interaction", True), ("all", False)):
        ours, other = secondary_spectra(own, first), secondary_spectra(theirs, first)
        out[name] = {
            kind: {
                "ours": numbers(ours[kind].value),
                "ours_error": numbers(ours[kind].error),
                "geant4": numbers(other[kind].value),
                "geant4_error": numbers(other[kind].error),
            }
            for kind in ours
        }
    return out


def numbers(values):
    """A list of numbers of five digits."""
    return [float(f"{value:.5g}") for value in values]


def written(result):
    """JSON with each list of numbers on a line."""
    return re.sub(
        r"\[[-+0-9.e,\s]+\]", lambda found: "[" + " ".join(found[0][1:-1].split()) + "]", json.dumps(result, indent=1)
    )


def table(result):
    """Lines for people."""
    for entry in result["entries"] + result["secondaries"]:
        mark = " " if entry["within"] else "!"
        ours, theirs = (f"{entry[k]:10.4f} +- {entry[f'{k}_error']:.4f}" for k in ("ours", "reference"))
        yield f"{mark} {entry['name']:86s} {ours}  {theirs}"
    for case, speed in result["speed"].items():
        yield f"  {case:20s} events/s: " + ", ".join(f"{name} {value:g}" for name, value in speed.items())
    yield f"{sum(e['within'] for e in result['entries'])} of {len(result['entries'])} within"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reference", type=Path, help="JSON file of figures of liquid argon")
    parser.add_argument("--medium", choices=MEDIA, default="argon")
    parser.add_argument("--events", type=int, default=4000, help="events of each particle and energy")
    parser.add_argument("--geant4-events", type=int, default=400, help="events of these that Geant4 flies, too")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    if options.reference and options.medium != "argon":
        parser.error(f"a reference is of argon, got --medium {options.medium}; leave one of them out")
    torch.set_num_threads(1)
    engines = Engines(MEDIA[options.medium](), options.events, options.geant4_events, options.seed)
    if not engines.has_geant4:
        print(WITHOUT, file=sys.stderr)
    reference = json.loads(options.reference.read_text())["reference"] if options.reference else None
    result = compare(engines, reference)
    result["provenance"] = {
        "medium": options.medium,
        "reference": options.reference.name if options.reference else "Geant4 engine",
        "events": options.events,
        "geant4_events": options.geant4_events if engines.has_geant4 else 0,
        "seed": options.seed,
    }
    print(written(result) if options.json else "\n".join(table(result)))
    return 0 if all(entry["within"] for entry in result["entries"]) else 1


if __name__ == "__main__":
    sys.exit(main())
