"""What passes for an electron neutrino in a detector like NOvA's: expected events of an exposure, class by class.

    python benchmarks/nova_background.py [--events 5000] [--json benchmarks/results/nova_background.json]

The sample `nova-neutrinos` at the far site, forward current, without cosmic muons, and plain cuts on what is read: no
network, no likelihood. Figures are `event.expected`, events of 14e20 protons on 14 kt, with intervals of 95 % by the
bootstrap over events.
"""

import sys

import torch
from rounds import finish, options_of, shown

from nuforge.metrics.bootstrap import bootstrap
from nuforge.samples.nova_neutrinos import neutrinos
from nuforge.simulation.cells.kinds import PIDS
from nuforge.units import GeV

EVENTS, QUICK, SHARD = 5000, 20, 200
ELECTRON_SCALE = 0.65
"""Calibrated energy over an electron's (docs/nova.md): walls take the rest."""
CLASSES = ("nu_e CC", "NC with a pi0", "NC without", "nu_mu CC", "nu_tau CC")
STEPS = ("all", "1 to 4 GeV, contained", "shower-like leading prong", "that begins at the vertex")
LOW, HIGH = 1 * GeV, 4 * GeV
PLANES, CELLS = 8, 12
"""Planes (53 cm) and cells (47 cm) next to walls that no hit may be in."""
SHARE, LEAST_LOSS, LEAST_WIDTH, LENGTHS = 0.6, 2.2, 2.5, (130.0, 550.0)
"""Of the leading prong: part of the energy, MeV/cm, cm across, cm along."""
GAP = 7.0
"""cm from the vertex to its first hit: one plane."""


def class_of(events):
    """The row (B,) of `CLASSES`; a pi0 is one that leaves the nucleus of the neutrino, or is made of what left it."""
    flavour, particles = events["event"]["flavour"], events["particles"]
    mine = particles["interaction"] == events["interactions"].offsets[:-1][particles.batch]
    with_pi0 = torch.zeros(len(events), dtype=torch.bool)
    with_pi0[particles.batch[mine & (particles["pdg"] == 111)]] = True
    return torch.where(flavour == 3, torch.where(with_pi0, 1, 2), torch.tensor([3, 0, 4, 2, 2])[flavour])


def passed(events, readout):
    """Which events (B, 4) pass each of `STEPS` and those before."""
    hits, prongs, n = events["hits"], events["prongs"], len(events)
    energy = torch.zeros(n).index_add(0, hits.batch, hits["energy"]) / ELECTRON_SCALE
    near = (hits["plane"] < PLANES) | (hits["plane"] >= readout.planes - PLANES)
    near |= (hits["cell"] < CELLS) | (hits["cell"] >= readout.cells - CELLS)
    contained = torch.ones(n, dtype=torch.bool)
    contained[hits.batch[near]] = False
    seen = contained & (energy > LOW) & (energy < HIGH)
    leading = prongs.offsets[:-1][prongs.counts > 0]
    p = {name: column[leading] for name, column in prongs.columns.items()}
    share = p["energy"] / ELECTRON_SCALE / energy[prongs.counts > 0]
    shower = (share > SHARE) & (p["mean_loss"] > LEAST_LOSS) & (p["width"] > LEAST_WIDTH)
    shower &= (p["length"] > LENGTHS[0]) & (p["length"] < LENGTHS[1])
    steps = torch.zeros(n, 2, dtype=torch.bool)
    steps[prongs.counts > 0] = torch.stack([shower, shower & (p["gap"] < GAP)], 1)
    return torch.cat([torch.ones(n, 1, dtype=torch.bool), seen[:, None], seen[:, None] & steps], 1)


def leading(events):
    """What made the leading prong (B,), -1 for none or another, and how far (B,) it begins from the true vertex, cm."""
    prongs, has = events["prongs"], events["prongs"].counts > 0
    first = prongs.offsets[:-1][has]
    pid, away = torch.full((len(events),), -1), torch.zeros(len(events))
    pid[has] = prongs["pid"][first]
    away[has] = (prongs["start"][first] - events["event"]["true_vertex"][has]).norm(dim=1)
    return pid, away


def counted(kind, passes, expected):
    """Expected events of each class after each step, as intervals by class."""
    in_class = kind[:, None] == torch.arange(len(CLASSES))
    statistics = {"sums": (in_class[:, :, None] & passes[:, None]).double() * expected[:, None, None]}
    names = {f"{c}/{s}": (i, j) for i, c in enumerate(CLASSES) for j, s in enumerate(STEPS)}
    return bootstrap(statistics, lambda sums: {name: sums["sums"][:, i, j] for name, (i, j) in names.items()})


def looked_at(sample):
    """Class, steps passed, expected events, and leading prong of all events of a sample."""
    parts = []
    for events in map(sample.made, range(sample.shards)):
        passes = passed(events, sample.detector.readout)
        parts.append((class_of(events), passes, events["event"]["expected"], *leading(events)))
    return [torch.cat(column) for column in zip(*parts, strict=True)]


def main(words=None):
    """Make the events, cut, count."""
    options = options_of(__doc__, words, 1, numbers=(("events", f"number of events, {EVENTS} if not given"),))
    torch.set_num_threads(1)
    sample = neutrinos(options.events or (QUICK if options.quick else EVENTS), shard_size=SHARD)
    kind, passes, expected, pid, away = looked_at(sample)
    found = counted(kind, passes, expected)
    rows = [[c, int((kind == i).sum()), *(shown(found[f"{c}/{s}"]) for s in STEPS)] for i, c in enumerate(CLASSES)]
    prongs = []
    for i, name in enumerate(CLASSES):
        mine = passes[:, 2] & (kind == i)
        made = [int((pid[mine] == p).sum()) for p in (*range(len(PIDS)), -1)]
        far = torch.quantile(away[mine], torch.tensor([0.5, 0.9])).tolist() if bool(mine.any()) else []
        prongs.append([name, *made, *(f"{cm:.0f}" for cm in far), *[""] * (2 - len(far))])
    tables = [
        {"title": "Expected events of 14e20 protons", "columns": ["class", "drawn", *STEPS], "rows": rows},
        {
            "title": "Shower-like leading prongs: what made how many, and cm from the true vertex to their start",
            "columns": ["class", *PIDS, "other", "median", "90 %"],
            "rows": prongs,
        },
    ]
    background = {name: found[f"{name}/{STEPS[-1]}"].value for name in CLASSES[1:]}
    most = max(background, key=background.__getitem__)
    target = {
        "what": "leading background of the beam",
        "target": CLASSES[1],
        "measured": most,
        "met": most == CLASSES[1],
    }
    return finish("nova_background", options, tables, [target])


if __name__ == "__main__":
    main(sys.argv[1:])
